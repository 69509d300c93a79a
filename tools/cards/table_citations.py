"""Where a table's value is cited: its row with the header above it, verbatim."""

from __future__ import annotations

from dataclasses import replace

from tools.cards.types import CardTable, Cell, LineSpan, ResultRow

_NEAR_ROWS = 30


def cite_cell(result: ResultRow, table: CardTable, cell: Cell, lines: list[str]) -> ResultRow:
    """Add locator and verbatim text: header to row when near, else the row, with the header as context."""
    start, end = table.lines.start, _row_end(table, cell)
    if end - start < _NEAR_ROWS:
        span = LineSpan(start, end)
        return replace(result, locator=f"README.md#{span}", text="\n".join(lines[start - 1 : end]).strip())
    first_row = min((one.line for one in table.rows[0]), default=start + 1)
    piped = "<table" not in lines[start - 1].lower()
    head = LineSpan(start, start if piped else max(start, first_row - 1))
    row = LineSpan(_row_start(table, cell), end)
    return replace(
        result,
        locator=f"README.md#{row}",
        text="\n".join(lines[row.start - 1 : row.end]).strip(),
        context="\n".join(lines[head.start - 1 : head.end]).strip(),
        context_locator=f"README.md#{head}",
    )


def _row_of(table: CardTable, cell: Cell) -> tuple[Cell, ...]:
    return next((row for row in table.rows if any(one is cell for one in row)), (cell,))


def _row_start(table: CardTable, cell: Cell) -> int:
    return min(one.line for one in _row_of(table, cell))


def _row_end(table: CardTable, cell: Cell) -> int:
    return max(one.line for one in _row_of(table, cell))
