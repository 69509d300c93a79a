"""Parts of a statement with the evidence keys that cover each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.verification.marks import Mark, blank_marks, find_marks
from tools.verification.passages import split_cells
from tools.verification.readings import read_text
from tools.verification.statements import Piece

Segment = tuple[str, tuple[str, ...]]  # text, keys


def find_keys(end: int, marks: Sequence[Mark], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys a quote that ends at `end` rests on: the next group of marks, else the last one before it."""
    if not marks:
        return keys
    following = [mark for mark in marks if mark.start >= end]
    start = following[0].start if following else marks[-1].start
    return find_group(start, marks)


def split_segments(rest: str, marks: Sequence[Mark], keys: tuple[str, ...]) -> list[Segment]:
    """Parts of a statement with the keys that cover each: the marks that follow it, else the last ones."""
    if not marks:
        return [(rest, keys)]
    parts: list[Segment] = []
    at = 0
    for mark in marks:
        own = find_group(mark.start, marks)
        if parts and parts[-1][1] == own and not re.search(r"\w", rest[at : mark.start]):
            at = mark.end
            continue
        parts.append((rest[at : mark.start], own))
        at = mark.end
    tail = rest[at:]
    if re.search(r"\w", tail):
        parts[-1] = (f"{parts[-1][0]} {tail}", parts[-1][1])
    return [(text, own) for text, own in parts if re.search(r"[^\W_]", text)] or [(rest, keys)]


def split_row(piece: Piece, rest: str, keys: tuple[str, ...]) -> list[Segment]:
    """The figures of a table row, each with the row's names and its column's header, and its keys."""
    cells, marked = split_cells(rest), split_cells(piece.text)
    own = [tuple(mark.key for mark in find_marks(cell)) for cell in marked]
    own += [()] * (len(cells) - len(own))
    # A cell with a mark of its own stands for itself; what has none names the row, or needs every mark.
    labels = " ".join(
        cell for cell, marks in zip(cells, own, strict=False) if not marks and not read_text(cell).numbers
    )
    parts = []
    for n, cell in enumerate(cells):
        header = piece.header[n] if n < len(piece.header) else ""
        if (own[n] and re.search(r"\w", cell)) or read_text(cell).numbers:
            covering = own[n] or tuple(mark.key for mark in find_marks(header)) or keys
            parts.append((f"{labels} {blank_marks(header)} {cell}", covering))
    if not parts:
        headed = (f"{header} {cell}" for header, cell in zip(piece.header, cells, strict=False))
        parts.append((" , ".join(headed), keys))
    return parts


def read_row(piece: Piece, cells: Sequence[str]) -> str:
    """A row of a table in words: each cell behind its column's header."""
    heads = [blank_marks(header) for header in piece.header] + [""] * len(cells)
    named = [f"{head} {cell}" if head.strip() else cell for head, cell in zip(heads, cells, strict=False)]
    return " ; ".join(" ".join(text.split()) for text in named)


def find_group(start: int, marks: Sequence[Mark]) -> tuple[str, ...]:
    """Keys of the marks that stand side by side with the one at `start`."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.start - groups[-1][-1].end <= 2:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return next(tuple(m.key for m in group) for group in groups if any(m.start == start for m in group))
