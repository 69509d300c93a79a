"""What reaches the terminal: harmless text, readable answers, progress, and the prompt of `lake start`."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from assistant.cli.invocation import replace_non_finite
from assistant.cli.progress import StepProgress
from assistant.cli.render import describe_locator, render_answer, render_results, render_search
from assistant.cli.safe_text import clean_line, clean_text

PAINT = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://evil\x1b\\link \x9b2J "
    "\x1b[2K\rfake \u202etxt.exe\u2066"
)


def _console(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_card_cannot_paint_the_terminal() -> None:
    assert clean_text(PAINT).split() == ["red", "link", "fake", "txt.exe"]
    assert clean_text("a\tb\nc\r\nd") == "a\tb\nc\nd"
    assert clean_line("a\n\n b\u2028c\x00d") == "a b cd"


def test_an_unfinished_escape_hides_nothing() -> None:
    assert "the rest" in clean_text("\x1b]0; the rest of the card")


def test_words_of_other_scripts_stay() -> None:
    for text in ("モデルカード", "کتاب\u200cها", "café 👩\u200d🔬", "模型 “β” — ½"):
        assert clean_text(text) == text


@pytest.mark.parametrize(
    ("locator", "said"),
    [
        ("README.md#L12-L18", "README.md, lines 12–18"),
        ("README.md#L7", "README.md, line 7"),
        ("README.md#/license", "README.md, field license"),
        ("README.md#/model-index/0/results/2", "README.md, field model-index"),
        ("page 3", "page 3"),
    ],
)
def test_locators_in_words(locator: str, said: str) -> None:
    assert describe_locator(locator) == said


def test_numbers_that_are_none_become_null() -> None:
    given = {"a": float("nan"), "b": [float("inf"), 1.5, (float("-inf"),)], 3: "x"}
    assert replace_non_finite(given) == {"a": None, "b": [None, 1.5, [None]], "3": "x"}


def _evidence(text: str, model: str = "acme/one") -> dict[str, Any]:
    return {
        "id": "E1", "kind": "card", "source": f"{model}@abc", "locator": "README.md#L3-L4", "text": text,
        "sha256": "0" * 64,
    }  # fmt: skip


def _answer(**changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "answer": "The card says “runs on phones” [E1].",
        "evidence": [_evidence("It runs on phones.")],
        "citations": [{"evidence": "E1", "quote": "runs on phones", "status": "exact"}],
        "statements": [{"text": "The card says …", "level": "quoted", "marks": ["E1"], "reason": ""}],
        "suggestions": [],
    }
    return answer | changes


def test_answer_shows_sources_with_lines_and_levels() -> None:
    console = _console()
    render_answer(console, _answer(), {})
    out = _printed(console)
    assert "[E1] acme/one@abc, README.md, lines 3–4" in out
    assert "“runs on phones”  ✓ stands there word for word" in out
    assert "1 quoted" in out
    assert "our summary" not in out


def test_answer_shows_that_a_statement_failed() -> None:
    failed = {"text": "It has 7B parameters.", "level": "failed", "marks": [], "reason": "the card says 3B"}
    text = "It has 7B parameters. ⚠ not supported: the card says 3B"
    console = _console()
    render_answer(console, _answer(answer=text, statements=[failed], evidence=[], citations=[]), {})
    out = _printed(console)
    assert "⚠ not supported: the card says 3B" in out
    assert "Checked: 1 ⚠ failed" in out


def test_sample_models_are_shown_as_our_summary() -> None:
    console = _console()
    render_answer(console, _answer(), {"acme/one": "https://example.org/acme/one"})
    assert "our summary of https://example.org/acme/one" in _printed(console)


def test_card_text_is_neither_markup_nor_escapes() -> None:
    document = _answer(
        answer=f"[bold]x[/bold] {PAINT} [click](http://evil.example) [E1]",
        evidence=[_evidence(f"[red]y[/red] {PAINT}")],
        citations=[],
    )
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    render_answer(console, document, {})
    out = _printed(console)
    assert "[bold]x[/bold]" in out
    assert "[red]y[/red]" in out
    assert "http://evil.example" in out
    assert "\u202e" not in out
    assert "\x1b]" not in out


def _hit(**changes: Any) -> dict[str, Any]:
    hit: dict[str, Any] = {
        "model": "acme/one", "task": "summarization", "license": None, "downloads": 1234,
        "why": ["task fits"], "evidence": [_evidence("It runs on phones.")],
    }  # fmt: skip
    return hit | changes


def test_search_shows_conditions_reasons_and_what_is_unknown() -> None:
    constraint = {"field": "license", "op": "is", "value": "gpl", "negated": True, "hard": True}
    document = {
        "constraints": [constraint],
        "hits": [_hit(our_summary_of="https://example.org/one")],
        "unknown": [{"model": "acme/two", "not_stated": ["license"]}],
        "suggestions": [],
        "notes": [],
    }
    console = _console()
    render_search(console, document)
    out = _printed(console)
    for part in (
        "licence is not gpl (required)", "1. acme/one  summarization · 1,234 downloads", "why: task fits",
        "our summary of https://example.org/one", "“It runs on phones.”", "acme/two (licence not stated)",
    ):  # fmt: skip
        assert part in out


def test_results_show_conflicts() -> None:
    conflict = {
        "model": "acme/one", "metric": "F1", "dataset": "d", "values": [0.9, 0.91],
        "sources": [_evidence("a"), _evidence("b")],
    }  # fmt: skip
    console = _console(200)
    render_results(console, {"rows": [], "conflicts": [conflict]})
    assert "⚠ acme/one reports 0.9 and 0.91 for F1 on d" in _printed(console)


def test_progress_elsewhere_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("assistant.cli.progress.time.monotonic", lambda: float(next(clock)))
    console = _console()
    with StepProgress(console, "reading") as progress:
        for done in range(1, 8):
            progress.update(done, 8, "catalogue")
        progress.update(3, 3, "embed")
    lines = _printed(console).splitlines()
    assert lines
    assert any(line.startswith("reading models: ") and "s left" in line for line in lines)
    assert all("\x1b" not in line and "\r" not in line for line in lines)


def test_progress_on_a_terminal_is_a_bar_with_rate_and_time_left() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with StepProgress(console, "reading", total=4) as progress:
        progress.advance()
        progress.advance()
    out = _printed(console)
    assert "2/4" in out
    assert "/s" in out
