"""Evidence marks in a text: `[E1]`, `[E1][E2]`, `[E1, E2]`; never inside code."""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUP = re.compile(r"[\[［【](?P<keys>\s*E\d{1,9}(?:\s*[,;]\s*E\d{1,9})*\s*)[\]］】]")
# Neither code nor what a comment hides shows a mark to the reader.
_CODE = re.compile(r"(?P<ticks>`+)(?:(?!(?P=ticks)).)+?(?P=ticks)(?!`)|<!--.*?(?:-->|\Z)", re.DOTALL)
# What only looks like a mark: ［E¹］, [e1], [E 1], [E-1], [E1-E3], [Source 1].
_ODD = re.compile(
    r"[\[［【]\s*(?:[EeЕе]|ev(?:idence)?)[\s:\-#.]*[\d¹²³⁰-⁹]+[^\]］】\n]{0,20}[\]］】]|【\d+[^】\n]{0,20}】"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One key with the span of the brackets it stands in."""

    key: str
    start: int
    end: int


def find_marks(text: str) -> list[Mark]:
    """Marks of `text` in order; what stands in inline code is no mark."""
    code = [match.span() for match in _CODE.finditer(text)] if "`" in text or "<!--" in text else []
    marks = []
    for group in _GROUP.finditer(text):
        if any(start <= group.start() < end for start, end in code):
            continue
        keys = [key.strip() for key in re.split(r"[,;]", group["keys"])]
        # E007 was never given out, even where E7 was.
        marks += [Mark(key, group.start(), group.end()) for key in keys]
    return marks


def find_odd_marks(text: str) -> list[str]:
    """Bracketed pieces that pass for marks but are none."""
    return [match[0] for match in _ODD.finditer(text) if not _GROUP.fullmatch(match[0])]


def blank_marks(text: str) -> str:
    """`text` with spaces where marks stood, all offsets unchanged."""
    characters = list(text)
    for mark in find_marks(text):
        characters[mark.start : mark.end] = " " * (mark.end - mark.start)
    return "".join(characters)
