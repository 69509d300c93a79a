"""Members of a JSON text with the exact characters they stand in, so that they can be cited."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

MAX_CHARACTERS = 40 * 2**20
MAX_VALUES = 3_000_000  # some 100 bytes each once read; the largest tokenizers have 2,000,000
_MOST_MEMBERS = 20_000
_MOST_ENTRIES = 2_000  # of one object or array: more are a vocabulary or a log, and nothing to be quoted
_MOST_LEVELS = 12
_MOST_QUOTED = 2_000
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Member(NamedTuple):
    """`"key": value` of an object, verbatim, with its JSON pointer (RFC 6901)."""

    pointer: str
    value: Any
    text: str

    @property
    def shown(self) -> str:
        """The value as it is written there: numbers digit by digit, lists as "a, b"."""
        if isinstance(self.value, list):
            return ", ".join(map(str, self.value))
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            return self.text.rpartition(":")[2].strip()
        return str(self.value)


def read_members(text: str) -> dict[str, Member]:
    """All members of the object in `text` and of the objects and arrays in it, by pointer, in their order.

    Members longer than some 2,000 characters are left out (a vocabulary is no quotation); what stands in
    them is not, unless there are more than 2,000 entries. Duplicate keys: the last one counts, as for every
    JSON reader. Raises ValueError when `text` holds no JSON object, or more than MAX_CHARACTERS
    or MAX_VALUES.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"more than {MAX_CHARACTERS:,} characters")
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES:,} values")
    text = text.removeprefix("\ufeff")
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if type(value) is not dict:
        raise ValueError(f"a JSON {type(value).__name__}, not an object")
    found: dict[str, Member] = {}
    _walk(text, _skip(text, 0), "", 0, found)
    return found


def _skip(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    return matched.end() if matched else at


def _walk(text: str, at: int, pointer: str, level: int, found: dict[str, Member]) -> None:
    """Read the object or array that begins at `at`; the text is known to be valid JSON."""
    closing = "}" if text[at] == "{" else "]"
    at = _skip(text, at + 1)
    index = 0
    while text[at] != closing and len(found) < _MOST_MEMBERS:
        start, name = at, str(index)
        if closing == "}":
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        inner = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        value, end = _DECODER.raw_decode(text, at)
        if end - start <= _MOST_QUOTED:
            found[inner] = Member(inner, value, text[start:end])
        if text[at] in "{[" and level < _MOST_LEVELS and len(value) <= _MOST_ENTRIES:
            _walk(text, at, inner, level + 1, found)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
