"""Cutting a block of a card into passages short enough to cite, always verbatim."""

from __future__ import annotations

import re

from tools.cards.types import LineSpan, PassageKind

LIMITS: dict[PassageKind, int] = {"prose": 1200, "list": 1200, "table": 2400, "code": 2400, "html": 2400}
_SENTENCE = (
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\bal)(?<!\bFig)(?<!\bvs)"
    r"[.!?。！？][\"')\]*_]{0,3}\s+(?=[A-Z0-9\"'(\[*_`\u00c0-\uffff-])"
)
_SENTENCE_AT_LINE_END = r"[.!?:。！？][\"')\]*_]{0,3}[ \t\r]{0,8}\n"
_PLACES: dict[PassageKind, tuple[re.Pattern[str], ...]] = {
    "prose": tuple(map(re.compile, (_SENTENCE_AT_LINE_END, _SENTENCE, r"\n", r"\s"))),
    "list": tuple(
        map(
            re.compile,
            (r"\n(?=(?:[-*+]|\d{1,9}[.)])\s)", r"\n(?=\s*(?:[-*+]|\d{1,9}[.)])\s)", r"\n", _SENTENCE, r"\s"),
        )
    ),
    "table": tuple(map(re.compile, (r"</tr>\s{0,20}\n", r"\n", r"\s"))),
    "code": tuple(map(re.compile, (r"\n(?=[ \t\r]*\n)", r"\n", r"\s"))),
    "html": tuple(map(re.compile, (r"\n", _SENTENCE, r"\s"))),
}


def split_block(text: str, *, kind: PassageKind, first_line: int) -> list[tuple[str, LineSpan]]:
    """Cut `text`, whose first line is `first_line`, into pieces of at most LIMITS[kind] characters.

    Pieces are verbatim and in order; together they hold all that is not white space. A cut falls at the end
    of a sentence, item or line where there is one in the last two thirds of the window.
    """
    limit = LIMITS[kind]
    pieces: list[tuple[str, LineSpan]] = []
    at = 0
    while at < len(text):
        cut = len(text) if len(text) - at <= limit else _find_cut(text, at, at + limit, _PLACES[kind])
        start, stop = at, cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        while start < stop and text[start].isspace():
            start += 1
        if kind in ("code", "table") and start < stop:  # indentation belongs to code
            start = max(at, text.rfind("\n", at, start) + 1)
        if start < stop:
            first = first_line + text.count("\n", 0, start)
            pieces.append((text[start:stop], LineSpan(first, first + text.count("\n", start, stop))))
        at = cut
    return pieces


def _find_cut(text: str, at: int, end: int, places: tuple[re.Pattern[str], ...]) -> int:
    low = at + (end - at) // 3
    for place in places:
        last = None
        for matched in place.finditer(text, low, end):
            last = matched.end()
        if last is not None:
            return last
    return end
