"""The views beside the chat in a real Chromium: comparing, lineage, and both inline in an answer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from assistant.page.drawings import render_comparison, render_lineage
from tests.page_peers import HOSTILE, LEAKS, Serve, serve_page
from tests.page_visitors import Visit, chromium, visit
from tests.weighed_lake import weigh_sample

__all__ = ["chromium", "serve_page", "visit"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow, *LEAKS]


@pytest.fixture
def weighed(sample_home: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The page's home is the sample lake."""
    shutil.copytree(weigh_sample(sample_home, tmp_path_factory), tmp_path / "home")


def choose(page: Page, field: str, model: str) -> None:
    page.locator(f"#{field} input").click()
    page.locator(f"#{field} input").fill(model)
    # The list of another field may still be fading away.
    page.locator(f"#{field}").get_by_role("option", name=f"example-lab/{model}", exact=True).click()


def test_two_models_are_compared(weighed: None, serve_page: Serve, visit: Visit) -> None:
    page = visit(serve_page().address).page
    page.get_by_role("tab", name="Compare").click()
    choose(page, "compare-a", "brook-base")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-shown .trouble")).to_contain_text("Two models are needed")
    choose(page, "compare-b", "brook-chat-sparse")
    page.locator("#compare-go").click()
    shown = page.locator("#compare-shown")
    expect(shown.locator("h3.verdict")).to_contain_text("are related", timeout=30_000)
    expect(shown).to_contain_text("was made from example-lab/brook-base")
    expect(shown).to_contain_text("Where they differ most")
    expect(shown).to_contain_text("Tokenizer")
    expect(shown).to_contain_text("sha256")
    picture = shown.locator("img.map")
    assert "layer by layer" in (picture.get_attribute("alt") or "")
    assert picture.evaluate("image => image.naturalWidth") > 300


def test_a_lineage_is_clicked_through(weighed: None, serve_page: Serve, visit: Visit) -> None:
    page = visit(serve_page().address).page
    page.get_by_role("tab", name="Lineage").click()
    choose(page, "lineage-model", "delta-notes")
    page.locator("#lineage-go").click()
    graph = page.frame_locator("#lineage-shown iframe")
    expect(graph.locator("[data-edge]")).to_have_count(2, timeout=60_000)
    edge = graph.get_by_role("button", name="example-lab/delta-base to example-lab/delta-notes")
    edge.focus()
    page.keyboard.press("Enter")
    expect(graph.locator("#details")).to_contain_text("weights contradict it")
    expect(graph.locator("#details")).to_contain_text("README.md#/base_model")


def test_a_contradiction_is_answered_with_its_graph(weighed: None, serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page().address, viewport={"width": 390, "height": 844}, color_scheme="dark")
    visitor.ask("Is example-lab/delta-notes really fine-tuned from example-lab/delta-base?")
    answer = visitor.page.locator(".turn .answer")
    expect(answer).to_contain_text("contradicted")
    expect(answer).to_contain_text("example-lab/brook-base")
    graph = visitor.page.frame_locator(".turn iframe.graph").first
    expect(graph.locator("[data-edge]").first).to_be_visible()
    wide = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_a_lake_without_weights_says_what_to_do(serve_page: Serve, visit: Visit) -> None:
    page = visit(serve_page().address).page
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#compare-shown")).to_contain_text("No model of this lake has weights")


def test_hostile_documents_are_shown_and_not_obeyed() -> None:
    edge: dict[str, Any] = {
        "parent": HOSTILE, "child": "a/b", "relation": None, "declared": True, "weights": "unverifiable",
        "confidence": 1.0, "reason": "", "mutual": False, "evidence": [],
    }  # fmt: skip
    graph = render_lineage({"model": HOSTILE, "edges": [edge], "models": [], "cycles": [], "notes": []})
    assert graph.count("<") == 2  # the frame's own tags
    text = '<img src=x onerror="alert(1)">'
    comparison = {
        "a": HOSTILE, "b": "a/b", "verdict": "unrelated", "relation": None, "direction": "none",
        "log10_p": -0.1, "direction_reason": "", "confidence": 0.0, "reasons": [text], "problems": [text],
        "layers": [{"name": text, "cosine": 0.1, "relative_l2": 1.2, "delta_rank": 3}],
        "config_diff": {text: {"a": text, "b": None}},
        "tokenizer_diff": {"same": False, "overlap": 0.5, "size": {"a": 2, "b": 4}},
        "card_diff": {"fields": {"license": {"a": text, "b": "mit"}}, "results": []},
        "evidence": [{"text": text, "source": text, "locator": text, "sha256": "0" * 64}],
        "bytes_read": 1, "bytes_total": 2, "seconds": 0.1,
    }  # fmt: skip
    assert "<img src=x" not in render_comparison(comparison)
    assert "50.0% of all tokens" in render_comparison(comparison)
