"""Markdown and HTML tables as header and cells, markup removed, every cell with its line."""

from __future__ import annotations

import re
from bisect import bisect_right

from tools.cards.markup import strip_markup
from tools.cards.types import CardTable, Cell, LineSpan

_MAX_SPAN = 50  # columns or rows one HTML cell may cover
_MAX_CELLS = 20_000
_TABLE_TAG = re.compile(r"<(/?)(table|caption|thead|tr|td|th)\b([^<>]{0,2000})>", re.IGNORECASE)
_OPEN_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_SPAN = {
    name: re.compile(rf"\b{name}\s*=\s*[\"']?\s*(\d{{1,4}})", re.IGNORECASE)
    for name in ("colspan", "rowspan")
}
_PIPE = re.compile(r"(?P<code>(?P<tick>`{1,3})[^`\n]{0,2000}?(?P=tick))|(?P<escaped>\\.)|(?P<pipe>\|)")
_PREFIX = re.compile(r"^[\s>]*(?:[-*+]\s+(?=\|))?")
_DELIMITER_CELL = re.compile(r"^\s*:?-+:?\s*$")


def read_pipe_table(lines: list[str], start: int, stop: int) -> CardTable:
    """The Markdown table in `lines[start:stop]`: header, delimiter row, rows. Lines 0-based."""
    header = tuple(strip_markup(cell) for cell in split_row(lines[start]))
    rows = []
    last = start
    for index in range(start + 1, stop):
        cells = split_row(lines[index])
        if index == start + 1 and all(_DELIMITER_CELL.match(cell) for cell in cells if cell.strip()):
            last = index
            continue
        if not any(cell.strip() for cell in cells):
            continue
        rows.append(tuple(Cell(strip_markup(cell), index) for cell in cells))
        last = index
    return CardTable(header, tuple(rows), (), LineSpan(start, last))


def split_row(line: str) -> list[str]:
    """The raw cells of a Markdown table row; a pipe escaped or in a code span does not divide."""
    line = line[_PREFIX.match(line).end() :].rstrip()  # type: ignore[union-attr]
    line = line.removeprefix("|")
    cells: list[str] = []
    at = 0
    for matched in _PIPE.finditer(line):
        if matched["pipe"]:
            cells.append(line[at : matched.start()])
            at = matched.end()
    if line[at:].strip() or not cells:
        cells.append(line[at:])
    return [cell.replace("\\|", "|").strip() for cell in cells]


def find_html_tables(lines: list[str], code: list[bool]) -> list[tuple[int, int, CardTable]]:
    """Outermost HTML tables outside code: (first line, line after the last, table), lines 0-based.

    A table that is never closed ends with the text. Nested tables read as text of their cell.
    """
    text = "\n".join(lines)
    starts = [0]
    starts.extend(matched.end() for matched in re.finditer("\n", text))
    found = []
    at = 0
    while opening := _OPEN_TABLE.search(text, at):
        line = bisect_right(starts, opening.start()) - 1
        if code[line]:
            at = opening.end()
            continue
        table, end = _read_html_table(text, opening.start(), starts)
        stop = bisect_right(starts, max(opening.start(), end - 1))
        if table.rows or table.header:
            found.append((line, stop, table))
        at = max(end, opening.end())
    return found


def _read_html_table(text: str, start: int, starts: list[int]) -> tuple[CardTable, int]:
    rows: list[list[tuple[Cell, int, int]]] = []
    heads: list[bool] = []
    caption, depth, end, cells = "", 0, len(text), 0
    needs_row = True
    open_cell: tuple[int, str, str] | None = None  # (start of text, tag, attributes)

    def close_cell(at: int) -> None:
        nonlocal open_cell, caption, cells
        if open_cell is None:
            return
        begin, tag, attributes = open_cell
        open_cell = None
        content = strip_markup(text[begin : min(at, begin + 20_000)])
        if tag == "caption":
            caption = content[:400]
            return
        heads[-1] = heads[-1] and tag == "th"
        cells += 1
        if cells <= _MAX_CELLS:
            line = bisect_right(starts, begin) - 1
            rows[-1].append((Cell(content, line), _span(attributes, "colspan"), _span(attributes, "rowspan")))

    for matched in _TABLE_TAG.finditer(text, start):
        closing, tag, attributes = bool(matched[1]), matched[2].lower(), matched[3]
        if tag == "table":
            depth += -1 if closing else 1
            if depth == 0:
                close_cell(matched.start())
                end = matched.end()
                break
        elif depth == 1 and tag != "thead":
            close_cell(matched.start())
            if tag == "tr":  # an empty row counts too: cells span over it
                needs_row = closing
                if not closing:
                    rows.append([])
                    heads.append(True)
            elif not closing:
                if needs_row and tag != "caption":  # the row forgot its <tr>
                    rows.append([])
                    heads.append(True)
                    needs_row = False
                open_cell = (matched.end(), tag, attributes)
    close_cell(end)
    grid = _expand(rows)
    flags = [head for row, head in zip(rows, heads, strict=True) if row]
    count = 0
    while count < len(flags) and flags[count]:
        count += 1
    if count == 0 and grid:
        count = 1  # without <th>, the first row is the header, as in Markdown
    first_row = next((row for row in rows if row), [])
    if any(height > 1 for _, _, height in first_row) and any(width > 1 for _, width, _ in first_row):
        count = max(count, min(len(grid) - 1, max(height for _, _, height in first_row)))
    header = _join_headers(grid[:count])
    first, last = bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)) - 1
    body = tuple(tuple(row) for row in grid[count:])
    return CardTable(header, body, (), LineSpan(first, last), caption), end


def _span(attributes: str, name: str) -> int:
    matched = _SPAN[name].search(attributes)
    return max(1, min(int(matched[1]), _MAX_SPAN)) if matched else 1


def _expand(rows: list[list[tuple[Cell, int, int]]]) -> list[list[Cell]]:
    """Repeat cells over the columns and rows they span."""
    grid: list[list[Cell]] = []
    pending: dict[int, tuple[Cell, int]] = {}  # column -> (cell, rows still to fill)
    total = 0
    for row in rows:
        if not row:
            left_over = {column: (cell, left - 1) for column, (cell, left) in pending.items() if left > 1}
            pending.clear()
            pending.update(left_over)
            continue
        out: list[Cell] = []

        def fill(out: list[Cell] = out) -> None:
            while len(out) in pending:
                cell, left = pending.pop(len(out))
                if left > 1:
                    pending[len(out)] = (cell, left - 1)
                out.append(cell)

        taken: dict[int, tuple[Cell, int]] = {}
        for cell, columns, height in row:
            fill()
            for _ in range(columns):
                if height > 1:
                    taken[len(out)] = (cell, height - 1)
                out.append(cell)
        fill()
        pending.update(taken)
        total += len(out)
        if total > _MAX_CELLS:
            break
        grid.append(out)
    return grid


def _join_headers(rows: list[list[Cell]]) -> tuple[str, ...]:
    """One header from several header rows: "Zero-shot / Accuracy"."""
    width = max((len(row) for row in rows), default=0)
    header = []
    for column in range(width):
        names = dict.fromkeys(row[column].text for row in rows if column < len(row) and row[column].text)
        header.append(" / ".join(names))
    return tuple(header)
