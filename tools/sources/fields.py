"""Single values of a source's row, read tolerantly: ids, counts, times, lists of names."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any

MAX_ID_CHARACTERS = 200
_LARGEST_COUNT = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RowError(ValueError):
    """A row cannot be taken in; the message says which of its values, and why."""


def check_model_id(raw: object) -> str:
    """`raw` as a model id, outer white space removed. Raises RowError for what can be none.

    Bare names are ids. Control characters, `.` and `..` as parts, back slashes and `@` (which separates
    the revision) are refused, so that an id is safe in a locator, a line of text and a file's name.
    """
    if not isinstance(raw, str):
        raise RowError(f"the id is {_kind(raw)}, not text")
    name = raw.strip()
    if not name:
        raise RowError("the id is empty")
    if len(name) > MAX_ID_CHARACTERS:
        raise RowError(f"the id has {len(name)} characters; at most {MAX_ID_CHARACTERS} are taken")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        raise RowError("the id holds control characters")
    if "\\" in name or "@" in name:
        raise RowError("the id holds a back slash or '@'")
    parts = name.split("/")
    if any(part.strip() in ("", ".", "..") for part in parts):
        raise RowError("the id is no name but a path")
    return name


def show_id(raw: object, place: str) -> str:
    """How a failed row is named: its id where it has one that can be printed, else its place."""
    if isinstance(raw, str) and raw.strip():
        printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in raw.strip()[:80])
        return printable + ("…" if len(raw.strip()) > 80 else "")
    return place


def read_count(value: Any) -> int | None:
    """A count that is not negative, or None. Whole floats and digits in text count, NaN does not."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str):
        digits = value.strip().replace(",", "")
        value = int(digits) if re.fullmatch(r"[0-9]{1,19}", digits) else None
    return value if isinstance(value, int) and 0 <= value <= _LARGEST_COUNT else None


def read_time(value: Any) -> str | None:
    """A time as ISO 8601 in UTC where it names no zone; epoch numbers of any usual unit are understood."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        text = value.strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return text if len(text) <= 10 else read_time(moment)
    number = read_count(value)
    if not number or number < 10**8:
        return None
    for unit in (1, 10**3, 10**6, 10**9):  # seconds up to nanoseconds: whichever lies before the year 2286
        if number < 10**10 * unit:
            return (_EPOCH + timedelta(seconds=number // unit)).isoformat()
    return None


def read_text(value: Any) -> str | None:
    """A text that says something, on one line, or None."""
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    return text if text and text.lower() not in ("none", "null", "nan", "n/a") else None


def read_names(value: Any, *, keys: tuple[str, ...] = ("id", "name", "type", "path")) -> tuple[str, ...]:
    """The names in a scalar, a list or a list of mappings, each once, in order.

    Of a mapping the value under the first of `keys` counts, else its own keys. A list written as JSON text
    is read as a list; other text is one name.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = [value]
    names: dict[str, None] = {}
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, dict):
            named = next((item[key] for key in keys if isinstance(item.get(key), str)), None)
            candidates: list[Any] = [named] if named else list(item)
        elif isinstance(item, list | tuple):
            candidates = list(item)
        elif isinstance(item, int | float) and not isinstance(item, bool):
            candidates = [str(item)]
        else:
            candidates = [item]
        for candidate in candidates:
            if (name := read_text(candidate)) is not None:
                names.setdefault(name)
    return tuple(names)


def decode_text(data: bytes, name: str) -> str:
    """Text in UTF-8 or, where its mark says so, UTF-16. The mark is no part of it. Raises RowError."""
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if wide else "UTF-8"
        raise RowError(f"{name!r} is not {encoding} text (byte {error.start + 1})") from None


def plain_value(value: Any) -> Any:
    """`value` as JSON can hold it: NaN and infinities are None, times are ISO 8601, bytes are left out."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime | date):
        return read_time(value)
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    return None


def write_record(columns: dict[str, Any]) -> str:
    """Canonical JSON of `columns`: sorted, one key a line, so that a line can be quoted verbatim."""
    lines = [
        f"{json.dumps(key, ensure_ascii=False)}: "
        f"{json.dumps(plain_value(columns[key]), ensure_ascii=False, sort_keys=True, allow_nan=False)}"
        for key in sorted(columns)
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


def _kind(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
