"""How far a statement was checked, as a sign, a word and a sentence that a stranger understands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assistant.page.escape import escape_line
from tools.verification.types import CitationStatus, Level


@dataclass(frozen=True, slots=True)
class LevelWords:
    """`sign` and `word` stand behind a statement, `meaning` in the legend."""

    sign: str
    word: str
    meaning: str


LEVELS: dict[Level, LevelWords] = {
    "quoted": LevelWords("✓", "quoted", "It quotes words of the source, and they stand there."),
    "facts": LevelWords(
        "≈",
        "facts found",
        "Its numbers, names and licences stand together in the source; the wording is the assistant's.",
    ),
    "unchecked": LevelWords(
        "○", "not checked", "Nothing in it can be looked up, as in a greeting or an opinion."
    ),
    "failed": LevelWords(
        "✗", "failed", "The sources do not support it. It is shown so that you do not rely on it."
    ),
}
STATUSES: dict[CitationStatus, LevelWords] = {
    "exact": LevelWords("✓", "stands here word for word", ""),
    "normalized": LevelWords("✓", "stands here, up to spacing and typography", ""),
    "misattributed": LevelWords("✗", "does not stand here, but in another source", ""),
    "fabricated": LevelWords("✗", "stands in no source", ""),
}


def render_badge(level: Level, reason: str = "") -> str:
    """The level behind a statement; with `reason` for a failed one."""
    words = LEVELS[level]
    why = f": {escape_line(reason, 300)}" if reason and level == "failed" else ""
    return (
        f'<span class="lv lv-{level}" title="{escape_line(words.meaning)}">'
        f'<span class="lv-sign" aria-hidden="true">{words.sign}</span>'
        f'<span class="lv-word">{words.word}{why}</span></span>'
    )


def render_counts(levels: Iterable[Level]) -> str:
    """How many statements have which level, in the order of the legend."""
    held = list(levels)
    return "".join(
        f'<span class="lv lv-{level}" title="{escape_line(words.meaning)}">'
        f'<span class="lv-sign" aria-hidden="true">{words.sign}</span>'
        f'<span class="lv-word">{held.count(level)} {words.word}</span></span>'
        for level, words in LEVELS.items()
        if level in held
    )


def render_legend() -> str:
    """What the four levels mean."""
    rows = "".join(
        f"<dt>{render_badge(level)}</dt><dd>{words.meaning}</dd>" for level, words in LEVELS.items()
    )
    return (
        '<details class="legend" data-keep="legend"><summary>What do the signs mean?</summary>'
        "<p>Whoever writes an answer does not judge it: a program takes it apart into statements and looks "
        f"each one up in the source it cites.</p><dl>{rows}</dl></details>"
    )
