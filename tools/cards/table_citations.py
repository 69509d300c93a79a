"""Where a table's value is cited: its row with the header above it, verbatim."""

from __future__ import annotations

from dataclasses import replace

from tools.cards.types import CardTable, Cell, LineSpan, ResultRow

_NEAR_ROWS = 30


class TableCiter:
    """Cites cells of one table; `lines` are the card's. Results of one row share one text."""

    def __init__(self, table: CardTable, lines: list[str]) -> None:
        self._table = table
        self._lines = lines
        self._texts: dict[LineSpan, str] = {}
        # First and last line of the row of each cell, of its first row where a cell spans several.
        self._rows: dict[int, LineSpan] = {}
        for row in table.rows:
            numbers = [cell.line for cell in row] or [0]
            span = LineSpan(min(numbers), max(numbers))
            for cell in row:
                self._rows.setdefault(id(cell), span)

    def cite(self, result: ResultRow, cell: Cell) -> ResultRow:
        """Add locator and verbatim text: header to row when near, else the row with the header as context."""
        start, row = self._table.lines.start, self._rows[id(cell)]
        if row.end - start < _NEAR_ROWS:
            span = LineSpan(start, row.end)
            return replace(result, locator=f"README.md#{span}", text=self._read(span))
        first_row = min((one.line for one in self._table.rows[0]), default=start + 1)
        piped = "<table" not in self._lines[start - 1].lower()
        head = LineSpan(start, start if piped else max(start, first_row - 1))
        return replace(
            result,
            locator=f"README.md#{row}",
            text=self._read(row),
            context=self._read(head),
            context_locator=f"README.md#{head}",
        )

    def _read(self, span: LineSpan) -> str:
        if span not in self._texts:
            self._texts[span] = "\n".join(self._lines[span.start - 1 : span.end]).strip()
        return self._texts[span]
