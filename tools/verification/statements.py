"""An answer split into statements: sentences, list items, table rows, headings, block quotes, code.

A mark covers its own statement. The sentences of one list item share the item's marks where they have none
of their own; a table row's cells share the row's marks, and those of their column's header. A mark behind the
full stop belongs to the sentence before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tools.verification.marks import find_marks
from tools.verification.passages import split_cells
from tools.verification.quotes import find_quotes

PieceKind = Literal["sentence", "item", "row", "heading", "quote", "code"]

_FENCE = re.compile(r"^\s{0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_HEADING = re.compile(r"^\s{0,3}#{1,6}(?:\s|$)")
_ITEM = re.compile(r"^(?P<indent>\s*)(?:[-*+•–]|\(?\d{1,3}[.)]|[a-z]\))\s+(?=\S)")
_RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
# Marks behind a full stop belong before it, also in brackets: "... on dev. ([E1])", "... — [E1]".
_MARKS = (
    r"(?:\s*(?:[(–—-]\s*)?(?:(?:source|see|from)s?:?\s*)?"
    r"[\[［【]\s*E\d{1,9}(?:\s*[,;]\s*E\d{1,9})*\s*[\]］】]\)?\.?)*"
)
_END = re.compile(
    rf"(?:[.!?。！？…]+[\"”’»)\]*_]*{_MARKS}|[。！？])(?:[*_]*\s+|(?<=[。！？])|$)(?=\S|$)"
    rf"|<br\s*/?>|</(?:p|li|tr|div|h\d)>",
    re.IGNORECASE,
)
# What goes on with a sentence behind a quote that ended in a full stop: “It is small.” says the card.
_GOES_ON = re.compile(r"[a-zß-öø-ÿ,;:–—-]")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|fig|no|approx|dr|mr|mrs|prof|st|resp|incl|ca|eq|sec|ver)\.|(?:^"
    r"|[\s(])[A-Z]\.|"
    r"^\s*\(?\d{1,3}\.)\s*$",
    re.IGNORECASE,
)


_SHORT = re.compile(
    r"\W*(?:yes|no|yep|nope|yeah|correct|true|false|right|exactly|indeed|absolutely|definitely|certainly|sure"
    r"|of course|not at all)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement at `start:end` of the answer. `inherited`: keys it may rest on when it has no mark itself.

    `scope`: texts it is read under, outermost first: heading, lead-in, enclosing item, sentences before it.
    `header`: of a table row, its columns' headers. `question`: it ends in a question mark.
    """

    text: str
    kind: PieceKind
    start: int
    end: int
    inherited: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


def split_statements(answer: str) -> Iterator[Piece]:
    """Statements of a Markdown answer, in order; together they hold all of its text but markup.

    A bare "Yes." or "No." belongs to the statement that follows it.
    """
    short: Piece | None = None
    for piece in _split(answer):
        if short and piece.kind in ("sentence", "item"):
            text = answer[short.start : piece.end]
            yield replace(piece, text=text, start=short.start, scope=(*short.scope, *piece.scope))
            short = None
            continue
        if short:
            yield short
        short = piece if piece.kind in ("sentence", "item") and _SHORT.fullmatch(piece.text) else None
        if not short:
            yield piece
    if short:
        yield short


def _split(answer: str) -> Iterator[Piece]:
    lines = _lines(answer)
    heading = lead = ""
    items: list[tuple[int, str]] = []  # (indent, text) of the enclosing list items
    header: tuple[str, ...] = ()
    n = 0
    while n < len(lines):
        start, end = lines[n]
        line = answer[start:end]
        if not line.strip() or _RULE.match(line):
            header = ()
            n += 1
            continue
        if fence := _FENCE.match(line):
            last = n + 1
            while last < len(lines) and not _closes(answer[slice(*lines[last])], fence["fence"]):
                last += 1
            stop = lines[min(last, len(lines) - 1)][1]
            yield Piece(answer[start:stop], "code", start, stop)
            n = last + 1
            continue
        if _HEADING.match(line):
            yield from _trimmed(answer, start, end, "heading")
            heading, lead, items = line, "", []
            n += 1
            continue
        if _is_row(answer, lines, n, bool(header)):
            if _is_rule(answer, lines, n):
                n += 1
                continue
            if not header and _is_rule(answer, lines, n + 1):
                header = tuple(split_cells(line))
                yield from _trimmed(answer, start, end, "row", scope=(heading, lead))
                n += 2
                continue
            inherited = tuple(mark.key for mark in find_marks(line))
            yield from _trimmed(
                answer, start, end, "row", inherited=inherited, scope=(heading, lead), header=header
            )
            n += 1
            continue
        header = ()
        last = n
        quoting = line.lstrip().startswith(">")
        item = _ITEM.match(line)
        while last + 1 < len(lines) and _continues(answer, lines, last + 1, quoting=quoting):
            last += 1
        stop = lines[last][1]
        if quoting:
            yield from _trimmed(answer, start, stop, "quote", scope=(heading, lead))
        elif item:
            indent = len(item["indent"].expandtabs(4))
            inner = start + item.end()
            items = [entry for entry in items if entry[0] < indent]
            scope = (heading, lead, *(text for _, text in items))
            items.append((indent, answer[inner:stop]))
            block = answer[inner:stop]
            inherited = tuple(mark.key for mark in find_marks(block))
            yield from _sentences(answer, inner, stop, "item", scope, inherited)
        else:
            if not line[:1].isspace():
                items = []
            yield from _sentences(answer, start, stop, "sentence", (heading,), ())
            lead = answer[start:stop]
        n = last + 1


def _sentences(
    answer: str, start: int, stop: int, kind: PieceKind, scope: tuple[str, ...], inherited: tuple[str, ...]
) -> Iterator[Piece]:
    before: list[str] = []
    at = start
    for end in [*sorted(set(_ends(answer, start, stop))), stop]:
        for piece in _trimmed(answer, at, end, kind, inherited=inherited, scope=(*scope, *before[-2:])):
            yield piece
            before.append(piece.text)
        at = end


def _ends(answer: str, start: int, stop: int) -> Iterator[int]:
    """Ends of sentences; never inside code, nor inside a quote, which is one passage however long."""
    block = answer[start:stop]
    quotes = [(start + quote.start, start + quote.end) for quote in find_quotes(block)]
    ticks = 0
    at = start
    for match in _END.finditer(answer, start, stop):
        ticks += answer.count("`", at, match.end())
        at = match.end()
        if _ABBREVIATION.search(answer[max(start, match.start() - 10) : match.start() + 1]):
            continue
        if ticks % 2 or any(first < match.end() < last for first, last in quotes):
            continue
        if any(match.start() < last <= match.end() for _, last in quotes) and _GOES_ON.match(
            answer, match.end(), stop
        ):
            continue
        yield match.end()
    # A line that ends with a mark or a colon is a statement of its own, whatever the next line is.
    for match in re.finditer(r"(?:[\]］】]|:\**|:|\\|  )\n", block):
        if not any(first < start + match.end() < last for first, last in quotes):
            yield start + match.end()


def _trimmed(
    answer: str,
    start: int,
    end: int,
    kind: PieceKind,
    *,
    inherited: tuple[str, ...] = (),
    scope: tuple[str, ...] = (),
    header: tuple[str, ...] = (),
) -> Iterator[Piece]:
    text = answer[start:end]
    if not re.search(r"[^\W_]|[^\s\w#*_>|\-=`~.]", text):
        return
    left = len(text) - len(text.lstrip())
    text = text.strip()
    yield Piece(text, kind, start + left, start + left + len(text), inherited, scope, header)


def _continues(answer: str, lines: list[tuple[int, int]], n: int, *, quoting: bool) -> bool:
    line = answer[slice(*lines[n])]
    if (
        not line.strip()
        or _FENCE.match(line)
        or _HEADING.match(line)
        or _ITEM.match(line)
        or _RULE.match(line)
    ):
        return False
    if line.lstrip().startswith(">") != quoting:
        return False
    return not _is_row(answer, lines, n, in_table=False)


def _is_row(answer: str, lines: list[tuple[int, int]], n: int, in_table: bool) -> bool:
    line = answer[slice(*lines[n])]
    if line.lstrip().startswith("|"):
        return True
    return "|" in line and (in_table or _is_rule(answer, lines, n) or _is_rule(answer, lines, n + 1))


def _is_rule(answer: str, lines: list[tuple[int, int]], n: int) -> bool:
    return (
        n < len(lines) and "|" in (line := answer[slice(*lines[n])]) and _TABLE_RULE.match(line) is not None
    )


def _closes(line: str, fence: str) -> bool:
    stripped = line.strip()
    return stripped.startswith(fence) and not stripped.strip(fence[0])


def _lines(text: str) -> list[tuple[int, int]]:
    spans = []
    at = 0
    for line in re.split(r"(?<=\n)", text):
        spans.append((at, at + len(line.rstrip("\r\n"))))
        at += len(line)
    return spans
