"""The Draft view in a real Chromium: a card drafted, its evidence opened, edited, saved; nothing obeyed."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from assistant.page.views.draft_evidence import find_spans
from eval.scripted import Answering, Message, Reply, Tool
from tests.fakes.openai_server import OpenAIServer
from tests.page_peers import HOSTILE, HOSTILE_CARD, LEAKS, LETTERS, PAYLOAD, Serve, serve_page
from tests.page_visitors import Visit, chromium, visit
from tests.weighed_lake import weigh_sample
from tools.draft.types import Statement, say
from tools.evidence import Evidence

__all__ = ["chromium", "serve_page", "visit"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow, *LEAKS]

NOTES = "example-lab/delta-notes"
MORE = "[More Information Needed]"


@pytest.fixture
def weighed(sample_home: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The page's home is the sample lake."""
    shutil.copytree(weigh_sample(sample_home, tmp_path_factory), tmp_path / "home")


def open_view(page: Page) -> Locator:
    """The view; returns where its drafts stand."""
    page.get_by_role("tab", name="Draft", exact=True).click()
    return page.locator("#draft-shown")


def draft(page: Page, model: str) -> None:
    page.locator("#draft-model input").click()
    page.locator("#draft-model input").fill(model)
    page.locator("#draft-model").get_by_role("option", name=model, exact=True).click()
    page.locator("#draft-go").click()
    expect(page.locator("#draft-shown h3")).to_contain_text(model, timeout=60_000)


def save(page: Page, label: str, folder: Path) -> tuple[str, str]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {label}", exact=True).click()
    path = folder / "download"
    waiting.value.save_as(path)
    return waiting.value.suggested_filename, path.read_bytes().decode("utf-8")


def test_a_card_is_drafted_followed_edited_and_saved(
    weighed: None, serve_page: Serve, visit: Visit, tmp_path: Path
) -> None:
    page = visit(serve_page().address).page
    shown = open_view(page)
    page.locator("#draft-go").click()
    expect(shown.locator(".trouble")).to_contain_text("Nothing is chosen")
    draft(page, NOTES)
    expect(shown.locator(".coverage")).to_contain_text("of 45 slots filled, 0 inherited,")
    expect(page.locator("#draft-said")).to_contain_text(f"Draft for {NOTES}:")
    expect(shown.locator("header")).to_contain_text("without a language model")
    # A mark opens its evidence; Escape goes back to it.
    said = shown.locator(".said", has_text="Its hidden size is")
    mark = said.locator("button.mark")
    mark.press("Enter")
    item = shown.locator(".evid:visible")
    expect(item).to_be_focused()
    expect(item.locator(".passage")).to_contain_text('"hidden_size": 96')
    expect(item.locator("mark.active")).to_have_text("96")
    expect(item.locator(".src-id")).to_contain_text("config.json#/hidden_size")
    page.keyboard.press("Escape")
    expect(mark).to_be_focused()
    # What the weights contradict is not the evidence of the parent that they show.
    shown.locator(".yl", has_text="base_model: example-lab/brook-base").locator("button.mark").click()
    expect(item.locator("h4")).to_contain_text("example-lab/brook-base")
    shown.get_by_role("button", name="Next open slot").click()
    expect(shown.locator(".open-slot.active")).to_contain_text(f"{MORE} would fill it: the people")
    # Edited and saved: the text, and beside it the ledger of the draft.
    page.get_by_role("tab", name="Edit").click()
    area = page.locator("#draft-text")
    text = area.input_value()
    assert text.startswith("---\nbase_model: example-lab/brook-base\n")
    area.fill(text.replace(f"**Funded by:** {MORE}", "**Funded by:** nobody"))
    expect(page.locator(".draft-kept")).to_contain_text("kept in this browser")
    name, saved = save(page, "README.md", tmp_path)
    assert name == "README.md"
    assert "**Funded by:** nobody" in saved
    assert f"**Developed by:** {MORE}" in saved
    _, ledger = save(page, "JSON ledger", tmp_path)
    hashes = {item["id"]: item["sha256"] for item in json.loads(ledger)["evidence"]}
    assert all(
        hashes[one["id"]] == one["sha256"] for c in json.loads(ledger)["claims"] for one in c["evidence"]
    )
    _, bill = save(page, "CycloneDX", tmp_path)
    assert json.loads(bill)["bomFormat"] == "CycloneDX"
    name, form = save(page, "EU form", tmp_path)
    assert name == "eu-documentation.md"
    assert NOTES in form
    page.get_by_role("tab", name="Changes").click()
    expect(shown.locator(".df.added", has_text="Its tokenizer's model is WordLevel.")).to_be_visible()
    _, patch = save(page, "patch", tmp_path)
    assert patch.startswith("--- a/README.md\n+++ b/README.md\n@@")


def test_edits_are_lost_by_nobody(serve_page: Serve, visit: Visit) -> None:
    site = serve_page()
    page = visit(site.address).page
    open_view(page)
    draft(page, LETTERS)
    page.get_by_role("tab", name="Edit").click()
    area = page.locator("#draft-text")
    original = area.input_value()
    area.fill("Mine.")
    draft(page, "north/letter-summarizer-large")
    expect(area).not_to_have_value("Mine.")
    draft(page, LETTERS)
    expect(area).to_have_value("Mine.")
    page.reload()
    open_view(page)
    draft(page, LETTERS)
    expect(page.locator("#draft-tab-edit")).to_have_text("Edit (edited)")
    page.locator("#draft-tab-read").press("ArrowRight")
    expect(page.locator("#draft-tab-edit")).to_be_focused()
    page.get_by_role("button", name="Back to the draft").click()
    expect(area).to_have_value(original)
    page.get_by_role("button", name="Edit the present card").click()
    assert "It shortens business letters to two sentences." in area.input_value()
    page.get_by_role("button", name="Bring back my text").click()
    expect(area).to_have_value("Mine.")
    other = visit(site.address).page
    open_view(other)
    draft(other, LETTERS)
    expect(other.locator("#draft-text")).to_have_value(original)


def test_a_hostile_card_is_quoted_and_not_obeyed(serve_page: Serve, visit: Visit, tmp_path: Path) -> None:
    site = serve_page(more={HOSTILE: HOSTILE_CARD, "west/tides": HOSTILE_CARD})
    page = visit(site.address, viewport={"width": 390, "height": 844}, color_scheme="dark").page
    shown = open_view(page)
    draft(page, HOSTILE)
    draft(page, "west/tides")
    quoted = shown.locator(".said", has_text="It shortens tide tables").first
    expect(quoted).to_contain_text("<img src=")
    quoted.locator("button.mark").first.click()
    item = shown.locator(".evid:visible")
    expect(item).to_be_in_viewport()
    expect(item).to_contain_text("${1+1} {{value}}")
    expect(item.locator("mark.active").first).to_be_visible()
    item.get_by_role("button", name="back to the card").click()
    expect(shown.locator(".draft-evidence")).to_be_hidden()
    page.get_by_role("tab", name="Changes").click()
    _, patch = save(page, "patch", tmp_path)
    assert patch.startswith("--- a/README.md")
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_card_is_drafted_for_a_folder_of_ones_own(serve_page: Serve, visit: Visit, tmp_path: Path) -> None:
    page = visit(serve_page().address, viewport={"width": 390, "height": 844}).page
    shown = open_view(page)
    folder = tmp_path / "tide-model"
    folder.mkdir()
    card = f"---\nlicense: [mit\n---\n# Tides\n\nIt foretells tides <script>{PAYLOAD}</script>.\n"
    (folder / "README.md").write_text(card, encoding="utf-16")
    (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 77}', encoding="utf-8")
    header = {"a.weight": {"dtype": "F32", "shape": [2000, 2000], "data_offsets": [0, 16_000_000]}}
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(16_000_000))
    (folder / "pytorch_model.bin").write_bytes(b"never sent")
    page.locator("#draft-drop input.folder").set_input_files(str(folder))
    expect(page.locator("#draft-drop .sent")).to_contain_text("Left with you: pytorch_model.bin")
    expect(shown.locator("h3")).to_have_text("Draft for tide-model")
    expect(shown.locator(".draft-card")).to_contain_text("4,000,000 parameters")
    expect(shown.locator("header")).to_contain_text("The card is UTF-16; the Hub reads UTF-8.")
    expect(shown.locator("header")).to_contain_text("The front matter is not valid YAML")
    expect(shown.locator("header")).to_contain_text("hashes are left out")
    shown.locator(".said", has_text="Its hidden size is").locator("button.mark").click()
    expect(shown.locator(".evid:visible mark.active")).to_have_text("77")
    page.keyboard.press("Escape")
    _, bill = save(page, "CycloneDX", tmp_path)
    assert "hashes" not in bill  # of the weights only a header came
    html = shown.inner_html()
    assert str(tmp_path) not in html
    assert "lake-given" not in html
    # Another card of no name is not taken for this one's edited text.
    for text in ("one", "two"):
        given = tmp_path / f"{text}.md"
        given.write_text(f"---\nlicense: mit\ntags:\n- {text}\n---\n# {text}\n", encoding="utf-8")
        page.locator("#draft-drop input.files").set_input_files(str(given))
        expect(shown.locator("h3")).to_have_text("Draft for your-model")
        expect(shown.locator(".yaml")).to_contain_text(f"- {text}")
        page.get_by_role("tab", name="Edit").click()
        assert f"- {text}" in page.locator("#draft-text").input_value()
        page.locator("#draft-text").fill("Mine.")
    page.locator("#draft-go").click()  # again, for what was given last
    expect(shown.locator("#draft-tab-edit")).to_have_text("Edit (edited)")
    broken = tmp_path / "config.json"
    broken.write_text("{", encoding="utf-8")
    page.locator("#draft-drop input.files").set_input_files(str(broken))
    expect(shown).to_contain_text("config.json cannot be read")
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_says_which_model_words_and_keeps_its_lies_out(serve_page: Serve, visit: Visit) -> None:
    def lie(messages: Sequence[Message], tools: Sequence[Tool]) -> Answering:
        return Reply("It was trained on 900 secret letters by the moon. [E1]")

    with OpenAIServer(lie) as service:
        page = visit(serve_page(llm="auto", openai_base_url=service.base_url).address).page
        shown = open_view(page)
        draft(page, LETTERS)
        expect(shown.locator("header")).to_contain_text("without a language model")
        page.locator("#draft-engine label").nth(1).click()
        page.locator("#draft-go").click()
        expect(shown.locator("header")).to_contain_text("Worded by openai:scripted-model", timeout=30_000)
        expect(shown.locator("header")).to_contain_text("left out")
        expect(shown.locator(".draft-card")).not_to_contain_text("secret letters")


@pytest.mark.parametrize(
    ("text", "value", "span"),
    [
        ('"type": "type"', "type", "type"),
        ("30 tensors with 403,104 parameters in all: F16 403,104", "403,104", "403,104"),
        ("README.md of 1.25 MB, 1.2 of it text", "1.2", "1.2"),
        ("a\n  b   c", "A b", "a\n  b"),
        ("nothing of it", "else", None),
    ],
)
def test_the_words_stated_are_found_in_the_evidence(text: str, value: str, span: str | None) -> None:
    item = Evidence(id="E1", kind="config", source="a/b@1", locator="config.json", text=text, sha256="0" * 64)
    spans = find_spans(say("It is {}.", (value, item)), text)
    assert [text[start:end] for start, end in spans] == ([] if span is None else [span])
    if text.startswith("README"):
        assert spans[0][0] > text.index("1.25")
    if text.startswith('"type"'):
        assert spans[0][0] > text.index(":")
    quotation = Statement("> " + text.replace("\n", "\n> "), (item,))
    assert find_spans(quotation, f"before {text} after") == [(7, 7 + len(text))]
