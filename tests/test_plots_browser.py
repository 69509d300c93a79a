"""The page of a lineage in a real browser: chosen by mouse and by keyboard, nothing asked of the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.lineage_documents import FAMILY, HOSTILE, make_document, make_edge
from tools.plots import draw_lineage_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium; Debian's: apt-get install chromium (.ci/run does)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that may meet no error, no dialog and ask for no file but its own."""
    troubles: list[str] = []
    opened = chromium.new_page(viewport={"width": 1200, "height": 800})
    opened.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("dialog", lambda dialog: troubles.append(dialog.message))
    opened.on("request", lambda asked: None if asked.url.startswith("file:") else troubles.append(asked.url))
    yield opened
    opened.close()
    assert troubles == []


def show(page: Page, tmp_path: Path, html: str) -> None:
    (tmp_path / "graph.html").write_text(html, encoding="utf-8")
    page.goto((tmp_path / "graph.html").as_uri())


def test_an_edge_tells_its_evidence_by_mouse_and_by_keyboard(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, draw_lineage_html(FAMILY))
    details = page.locator("#details")
    edge = page.locator(".link", has=page.locator(".edge.contradicted"))
    edge.locator(".label").click()
    expect(details).to_contain_text("lab/base → lab/other")
    expect(details).to_contain_text("declared, weights contradict it")
    expect(details.locator("blockquote")).to_contain_text("README.md#/base_model")
    page.locator(".model.focus").focus()
    page.keyboard.press("Enter")
    expect(details.locator("h2")).to_have_text("lab/base")
    expect(details).to_contain_text("parent of lab/quiet: found in the weights, not declared")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(details.locator("h2")).not_to_have_text("lab/base")


def test_hostile_names_and_evidence_run_nothing(page: Page, tmp_path: Path) -> None:
    edge = make_edge(HOSTILE, "lab/child", reason="</script><script>alert(2)</script>")
    edge["evidence"][0]["text"] = "<img src=x onerror=alert(3)>"
    show(page, tmp_path, draw_lineage_html(make_document(HOSTILE, [edge], notes=["<b onclick=alert(4)>"])))
    page.locator(".link .label").click()
    expect(page.locator("#details h2")).to_have_text(f"{HOSTILE} → lab/child")
    expect(page.locator("#details blockquote")).to_contain_text("<img src=x onerror=alert(3)>")
    assert page.locator("img, b").count() == 0


def test_dark_and_light(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, draw_lineage_html(FAMILY))
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 29)"]
