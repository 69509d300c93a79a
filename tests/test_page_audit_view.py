"""The Audit view in a real Chromium: a model of the lake, a card and a folder of a visitor's own."""

from __future__ import annotations

import json
import shutil
import struct
import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page_peers import LEAKS, LETTERS, PAYLOAD, Serve, serve_page
from tests.page_visitors import Visit, chromium, visit
from tests.weighed_lake import weigh_sample
from tools.hashing import hash_file

__all__ = ["chromium", "serve_page", "visit"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow, *LEAKS]

HOSTILE = f"""---
license: apache two
---
# Tides <script>{PAYLOAD}</script>
<!-- # lake: ignore[pipeline-tag-missing] -->
<img src="http://198.51.100.7/a.png" onerror="{PAYLOAD}"> ${{1+1}} {{{{value}}}}
<svg/onload={PAYLOAD}> </div></section></template> <style>body {{ display: none }}</style>
"""


@pytest.fixture
def weighed(sample_home: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The page's home is the sample lake."""
    shutil.copytree(weigh_sample(sample_home, tmp_path_factory), tmp_path / "home")


def open_view(page: Page) -> Locator:
    """The view; returns where its reports stand."""
    page.get_by_role("tab", name="Audit").click()
    return page.locator("#audit-shown")


def choose(page: Page, model: str) -> None:
    page.locator("#audit-model input").click()
    page.locator("#audit-model input").fill(model)
    page.locator("#audit-model").get_by_role("option", name=model, exact=True).click()
    page.locator("#audit-go").click()


def give(page: Page, *files: Path) -> None:
    page.locator(".lake-drop input.files").set_input_files([str(file) for file in files])


def save(page: Page, label: str, folder: Path) -> tuple[str, dict[str, object]]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {label}").click()
    path = folder / "download"
    waiting.value.save_as(path)
    return waiting.value.suggested_filename, json.loads(path.read_text(encoding="utf-8"))


def test_a_model_is_audited_clicked_through_and_downloaded(
    weighed: None, serve_page: Serve, visit: Visit, tmp_path: Path
) -> None:
    visitor = visit(serve_page().address)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.page
    shown = open_view(page)
    page.locator("#audit-go").click()
    expect(shown.locator(".trouble")).to_contain_text("Nothing is chosen")
    choose(page, "example-lab/delta-notes")
    expect(shown.locator("h3")).to_contain_text("1 error", timeout=60_000)
    expect(page.locator("#audit-said")).to_contain_text("Audit of example-lab/delta-notes: 1 error")
    first = shown.locator(".finding").first
    expect(first).to_contain_text("base-model-contradicted")
    first.locator("button.go").click()
    line = shown.locator("#audit-L3")
    expect(line).to_be_focused()
    expect(line).to_contain_text("base_model: example-lab/delta-base")
    expect(line).to_have_class("al error active")
    line.locator("button.no").press("Enter")  # and back, by the keyboard
    expect(first).to_be_focused()
    undeclared = shown.locator(".finding", has_text="base-model-undeclared")
    undeclared.get_by_role("button", name="Copy the fix").click()
    expect(undeclared.get_by_text("copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "base_model: example-lab/brook-base"
    notes = shown.get_by_role("button", name="notes")
    notes.click()
    expect(shown.locator(".finding:visible")).to_have_count(2)
    expect(notes).to_have_attribute("aria-pressed", "false")
    shown.locator("summary", has_text="claims").click()
    expect(shown.locator(".claims")).to_contain_text("contradicted")
    name, sarif = save(page, "SARIF", tmp_path)
    assert name == "audit.sarif"
    assert sarif["version"] == "2.1.0"
    rules = [result["ruleId"] for result in sarif["runs"][0]["results"]]  # type: ignore[index]
    assert {"base-model-contradicted", "base-model-undeclared"} <= set(rules)
    name, report = save(page, "JSON", tmp_path)
    assert name == "audit.json"
    assert report["target"] == "example-lab/delta-notes"
    page.get_by_label("Hub and EU documentation form").click()
    expect(shown).to_contain_text("eu-", timeout=30_000)


def test_a_hostile_card_is_shown_and_not_obeyed(serve_page: Serve, visit: Visit, tmp_path: Path) -> None:
    site = serve_page()
    before = hash_file(tmp_path / "home" / "catalog.sqlite")
    page = visit(site.address, viewport={"width": 390, "height": 844}, color_scheme="dark").page
    shown = open_view(page)
    card = tmp_path / "README.md"
    card.write_text(HOSTILE, encoding="utf-8")
    give(page, card)
    expect(shown.locator("h3")).to_contain_text("README.md: ")
    expect(shown.locator("#audit-L4 .tx")).to_have_text(f"# Tides <script>{PAYLOAD}</script>")
    expect(shown.locator("#audit-L6")).to_contain_text("${1+1} {{value}}")
    expect(shown).to_contain_text("silences pipeline-tag-missing: 1 finding hidden")
    shown.locator(".finding button.go").first.click()
    expect(shown.locator("#audit-L2")).to_be_in_viewport()
    _, report = save(page, "JSON", tmp_path)
    assert report["target"] == "README.md"
    assert str(tmp_path) not in json.dumps(report)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert hash_file(tmp_path / "home" / "catalog.sqlite") == before


def test_of_a_folder_only_headers_leave_the_visitor(serve_page: Serve, visit: Visit, tmp_path: Path) -> None:
    page = visit(serve_page().address).page
    shown = open_view(page)
    folder = tmp_path / "tide-model"
    folder.mkdir()
    (folder / "README.md").write_text(
        "---\nlicense: mit\npipeline_tag: fill-mask\n---\n# Tides\n\nIt has 7B parameters.\n",
        encoding="utf-8",
    )
    (folder / "config.json").write_text('{"model_type": "bert", "vocab_size": 300}', encoding="utf-8")
    header = {"a.weight": {"dtype": "F32", "shape": [2000, 2000], "data_offsets": [0, 16_000_000]}}
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(16_000_000))
    (folder / "pytorch_model.bin").write_bytes(b"never sent")
    page.locator(".lake-drop input.folder").set_input_files(str(folder))
    expect(page.locator(".lake-drop .sent")).to_contain_text("Left with you: pytorch_model.bin")
    expect(shown.locator("h3")).to_contain_text("README.md, config.json, model.safetensors")
    expect(shown.locator(".finding.error")).to_contain_text("4,000,000")
    expect(shown.locator("#audit-L7")).to_have_class("al error")
    files = tmp_path / "files"
    files.mkdir()
    (files / "notes.txt").write_text("no card", encoding="utf-8")
    give(page, files / "notes.txt")
    expect(page.locator(".lake-drop .sent")).to_contain_text("Nothing here that can be read")


def test_a_long_card_is_quick_and_visitors_do_not_mix(
    serve_page: Serve, visit: Visit, tmp_path: Path
) -> None:
    site = serve_page()
    card = tmp_path / "README.md"
    card.write_text(
        "---\nlicense: mit\n---\n# Long\n" + "\n".join(f"Line {n} of a long text." for n in range(2000)),
        encoding="utf-8",
    )
    first, second = visit(site.address).page, visit(site.address).page
    mine, theirs = open_view(first), open_view(second)
    choose(second, LETTERS)
    began = time.monotonic()
    give(first, card)
    expect(mine.locator("#audit-L2004")).to_contain_text("Line 1999")
    assert time.monotonic() - began < 8
    expect(mine.locator("h3")).to_contain_text("README.md")
    expect(theirs.locator("h3")).to_contain_text(LETTERS)
    first.evaluate("document.querySelector('.finding button.go').click()")
    expect(mine.locator(".al.active")).to_be_in_viewport()
    # A card that is dropped, not chosen.
    second.evaluate(
        """() => {
            const carrier = new DataTransfer();
            carrier.items.add(new File(["---\\nlicense: nonsense\\n---\\n# Dropped\\n"], "README.md"));
            const zone = document.querySelector(".lake-drop");
            const given = { dataTransfer: carrier, bubbles: true, cancelable: true };
            zone.dispatchEvent(new DragEvent("drop", given));
        }"""
    )
    expect(theirs.locator("#audit-L2")).to_contain_text("license: nonsense")
    expect(mine.locator("h3")).to_contain_text("README.md")
    expect(mine.locator("#audit-L5")).to_contain_text("Line 0")
