"""Cutting the text of a paper into passages of about 600 to 1,200 characters, always verbatim."""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.cards.passages import split_block
from tools.cards.types import Card, LineSpan

SHORTEST = 600
LONGEST = 1200
_NUMBERED = re.compile(r"^(?:\d{1,2}|[A-H])(?:\.\d{1,2}){0,3}\.?\s{1,4}[A-Z][^.!?;]{2,80}$")
_NAMED = re.compile(
    r"^(?:abstract|introduction|background|related work|methods?|methodology|experiments?|results|evaluation"
    r"|discussion|limitations|conclusions?|references|appendix|acknowledge?ments)\s*$",
    re.IGNORECASE,
)


class Piece(NamedTuple):
    """A verbatim passage, the headings it stands under, and its lines (1-based, inclusive)."""

    text: str
    headings: tuple[str, ...]
    lines: LineSpan


class _Block(NamedTuple):
    text: str
    headings: tuple[str, ...]
    lines: LineSpan
    whole: bool  # made of whole lines: only such blocks are joined


def cut_card(card: Card) -> list[Piece]:
    """The passages of a Markdown document, short neighbours of one section joined."""
    lines = card.text.split("\n")
    blocks = [
        _Block(p.text, p.section, p.lines, p.text.strip() == _join(lines, p.lines)) for p in card.passages
    ]
    return _gather(lines, blocks)


def cut_text(text: str, *, heading: tuple[str, ...] = ()) -> list[Piece]:
    """The passages of a plain text: paragraphs (parted by empty lines), joined when short, cut when long.

    `heading` is the one in force where the text begins; lines that look like a paper's headings replace it.
    """
    lines = text.split("\n")
    blocks: list[_Block] = []
    start: int | None = None
    for index, line in enumerate([*lines, ""]):
        shown = line.strip()
        is_heading = bool(_NUMBERED.match(shown) or _NAMED.match(shown))
        if start is not None and (not shown or is_heading):
            blocks.extend(_split(lines, LineSpan(start + 1, index), heading))
            start = None
        if is_heading:
            heading = (shown,)
        if shown and start is None:
            start = index
    return _gather(lines, blocks)


def _split(lines: list[str], span: LineSpan, headings: tuple[str, ...]) -> list[_Block]:
    text = "\n".join(lines[span.start - 1 : span.end])
    pieces = split_block(text, kind="prose", first_line=span.start)
    return [_Block(piece, headings, at, piece.strip() == _join(lines, at)) for piece, at in pieces]


def _gather(lines: list[str], blocks: list[_Block]) -> list[Piece]:
    """Join neighbours until a passage has at least SHORTEST characters, never beyond LONGEST."""
    pieces: list[Piece] = []
    held: _Block | None = None
    for block in blocks:
        if held is not None and _fits(lines, held, block):
            span = LineSpan(held.lines.start, block.lines.end)
            held = _Block(_join(lines, span), held.headings, span, whole=True)
            continue
        if held is not None:
            pieces.append(Piece(held.text, held.headings, held.lines))
        held = block
    if held is not None:
        pieces.append(Piece(held.text, held.headings, held.lines))
    return pieces


def _fits(lines: list[str], held: _Block, block: _Block) -> bool:
    return (
        held.whole
        and block.whole
        and held.headings == block.headings
        and held.lines.end < block.lines.start
        and len(held.text) < SHORTEST
        and len(_join(lines, LineSpan(held.lines.start, block.lines.end))) <= LONGEST
    )


def _join(lines: list[str], span: LineSpan) -> str:
    return "\n".join(lines[span.start - 1 : span.end]).strip()
