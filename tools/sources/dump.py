"""Dumps of model cards: Parquet or JSON Lines with the columns of a public dataset, read as a stream.

Layout: `librarian-bots/model_cards_with_metadata` (modelId, author, last_modified, downloads, likes,
library_name, tags, pipeline_tag, createdAt, card). Only modelId and card are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from tools.errors import SourceError
from tools.sources.description import MAX_CARD_BYTES, build_record, check_card
from tools.sources.fields import RowError, check_model_id, show_id
from tools.sources.types import SourceFailure, SourceItem, SourceModel

NEEDED_COLUMNS = ("modelId", "card")
# `sha` (the Hub's commit) and `link` stand in some dumps of the same layout.
KEPT_COLUMNS = (
    "modelId", "author", "last_modified", "downloads", "likes", "library_name", "tags", "pipeline_tag",
    "createdAt", "sha", "license", "link",
)  # fmt: skip
_PARQUET_MAGIC = b"PAR1"
_BATCH_BYTES = 8 * 2**20
_BATCH_ROWS = 256
# A card of the largest size whose every character is escaped as \uXXXX, and the other columns.
_LONGEST_LINE = 4 * MAX_CARD_BYTES
_PEEKED_ROWS = 100
_BLOCK_BYTES = 2**20
_COUNTED_BYTES = 4 * 2**30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_row(columns: dict[str, Any], place: str) -> SourceItem:
    """One row of a dump as a model, or as the reason why it is none. `place` names a row without an id."""
    raw = columns.get("modelId")
    try:
        model = check_model_id(raw)
        card = _read_card(columns.get("card"))
        kept = {name: columns[name] for name in KEPT_COLUMNS if name in columns}
        return SourceModel(build_record(model, kept, card, source_kind="dump"), card)
    except RowError as error:
        return SourceFailure(show_id(raw, place), f"{place}: {error}.")


class ParquetDump:
    """A Parquet dump, streamed in batches of about 8 MiB."""

    def __init__(self, path: Path, name: str) -> None:
        """Check the footer and the columns. Raises SourceError when the file is none of ours."""
        self.name = name
        self._path = path
        file = self._open()
        with file:
            found = file.schema_arrow.names
            _require_columns(self.name, found)
            self.total: int | None = file.metadata.num_rows
        if not self.total:
            raise _no_rows(name)

    def __iter__(self) -> Iterator[SourceItem]:
        import pyarrow as pa

        row = 0
        with self._open() as file:
            columns = [*(name for name in KEPT_COLUMNS if name in file.schema_arrow.names), "card"]
            for group in range(file.num_row_groups):
                metadata = file.metadata.row_group(group)
                size = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
                rows_a_batch = max(1, min(_BATCH_ROWS, _BATCH_BYTES // size))
                read = 0
                try:
                    for batch in file.iter_batches(rows_a_batch, row_groups=[group], columns=columns):
                        for cells in _read_batch(batch):
                            read += 1
                            yield read_row(cells, f"row {row + read}")
                except (pa.ArrowException, OSError) as error:
                    yield SourceFailure(
                        f"rows {row + read + 1} to {row + metadata.num_rows}",
                        f"{self._path.name} is damaged here: {_first_line(error)}.",
                    )
                row += metadata.num_rows

    def _open(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self._path.open("rb") as file:
                head = file.read(8)
                file.seek(max(0, self._path.stat().st_size - 4))
                tail = file.read(4)
            if not head.startswith(_PARQUET_MAGIC):
                raise SourceError(
                    f"{self.name!r} is not a Parquet file: it begins with {head!r}.",
                    hint="Give a Parquet or JSON Lines dump.",
                )
            if tail != _PARQUET_MAGIC:
                raise SourceError(
                    f"{self.name!r} breaks off: the footer of a Parquet file is missing.",
                    hint="It was not written or copied to its end; get it again.",
                )
            return pq.ParquetFile(self._path, buffer_size=_BLOCK_BYTES, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(
                f"{self.name!r} cannot be read: {_first_line(error)}.", hint="Get the file again."
            ) from error


class JsonLinesDump:
    """A JSON Lines dump: one object a line."""

    def __init__(self, path: Path, name: str) -> None:
        """Check the first rows. Raises SourceError when they are not objects with the needed columns."""
        self.name = name
        self._path = path
        try:
            self._check_beginning()
            self.total = self._count_lines()
        except OSError as error:
            raise SourceError(f"{name!r} cannot be read: {error.strerror or error}.") from error

    def __iter__(self) -> Iterator[SourceItem]:
        with self._path.open("rb") as file:
            for number, line in _read_lines(file):
                place = f"line {number}"
                if line is None:
                    yield SourceFailure(place, f"{place}: longer than {_LONGEST_LINE:,} bytes.")
                    continue
                columns = _parse_line(line)
                yield (
                    read_row(columns, place)
                    if isinstance(columns, dict)
                    else SourceFailure(place, f"{place}: {columns}.")
                )

    def _check_beginning(self) -> None:
        """Refuse a file none of whose first rows has the needed columns."""
        found: dict[str, None] = {}
        problem = ""
        with self._path.open("rb") as file:
            for index, (_, line) in enumerate(_read_lines(file)):
                columns = _parse_line(line) if line is not None else "its first line is too long"
                if isinstance(columns, dict):
                    found.update(dict.fromkeys(columns))
                    if all(needed in columns for needed in NEEDED_COLUMNS):
                        return
                else:
                    problem = problem or columns
                if index + 1 >= _PEEKED_ROWS:
                    break
        if found:
            _require_columns(self.name, found)
            raise SourceError(f"{self.name!r} holds no row that has both {' and '.join(NEEDED_COLUMNS)}.")
        if not problem:
            raise _no_rows(self.name)
        raise SourceError(
            f"{self.name!r} is not JSON Lines: {problem}.",
            hint="A dump holds one JSON object a line, in UTF-8; or give a Parquet file.",
        )

    def _count_lines(self) -> int | None:
        if self._path.stat().st_size > _COUNTED_BYTES:
            return None
        lines, last = 0, b"\n"
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                lines += block.count(b"\n")
                last = block[-1:]
        return lines + (last != b"\n")


def _read_batch(batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of an Arrow record batch as mappings; the card as bytes, so that bad UTF-8 costs one row."""
    columns = {name: _read_column(name, batch.column(name)) for name in batch.schema.names}
    for index in range(batch.num_rows):
        yield {name: values[index] for name, values in columns.items()}


def _read_column(name: str, array: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        # Python's times end at microseconds and at the year 9999; Arrow's do not.
        ticks = array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return [None if tick is None else _read_tick(tick) for tick in ticks.to_pylist()]
    if name == "card" and pa.types.is_large_string(array.type):
        array = array.cast(pa.large_binary())
    elif name == "card" and pa.types.is_string(array.type):
        array = array.cast(pa.binary())
    try:
        return list(array.to_pylist())
    except (UnicodeDecodeError, OverflowError, ValueError):
        return [_read_cell(array[index]) for index in range(len(array))]


def _read_tick(microseconds: int) -> str | None:
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return None


def _read_cell(cell: Any) -> Any:
    """A cell's value, or None when it is not what its column's type promises."""
    try:
        return cell.as_py()
    except (UnicodeDecodeError, OverflowError, ValueError):
        return None


def _read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """(line number, line) of the lines that hold something; None for one too long to be read."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_BLOCK_BYTES)
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line


def _parse_line(line: bytes) -> dict[str, Any] | str:
    """The object of a line, or why it is none."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start + 1})"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg} at character {error.pos + 1})"
    except (ValueError, RecursionError) as error:
        return f"not JSON that can be read ({_first_line(error)})"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__}, not an object"


def _read_card(cell: object) -> str:
    """The card of a cell that holds text, or its UTF-8 bytes. Raises RowError for anything else."""
    if isinstance(cell, bytes):
        try:
            return check_card(cell.decode())
        except UnicodeDecodeError as error:
            raise RowError(f"the card is not UTF-8 text (byte {error.start + 1})") from None
    if not isinstance(cell, str):
        raise RowError(
            "the card is missing" if cell is None else f"the card is {type(cell).__name__}, not text"
        )
    return check_card(cell)


def _require_columns(name: str, found: Iterable[str]) -> None:
    columns = list(found)
    if missing := [needed for needed in NEEDED_COLUMNS if needed not in columns]:
        shown = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
        lacking = f"column{'s' * (len(missing) > 1)} {' and '.join(missing)}"
        raise SourceError(
            f"{name!r} lacks the {lacking}; it has: {shown or 'none'}.",
            hint=f"A dump needs {' and '.join(NEEDED_COLUMNS)}; rename the columns and try again.",
        )


def _no_rows(name: str) -> SourceError:
    return SourceError(f"{name!r} holds no rows.", hint="Give a dump that holds at least one model card.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:200].rstrip(".")
