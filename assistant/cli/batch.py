"""Batches: JSON Lines in, JSON Lines out, in the same order; a line that fails does not stop the rest."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant.cli.invocation import Invocation
from assistant.cli.safe_text import clean_line
from tools.errors import LakeError, UsageError

log = logging.getLogger(__name__)


def run_batch(
    invocation: Invocation,
    lines: Sequence[tuple[int, str]],
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    what: str,
) -> int:
    """Answer every line of `read_lines`; returns the exit code, 1 when a line failed.

    `answer` gets a line's object and returns the keys beside `id`; a LakeError of it, or a line that is no
    JSON object, becomes `{"id", "error"}`.
    """
    code = 0
    with invocation.progress(what, total=len(lines)) as progress:
        for number, text in lines:
            answered, failed = _answer_line(number, text, answer)
            code = 1 if failed else code
            invocation.emit(answered)
            progress.advance()
    return code


def read_lines(path: Path) -> list[tuple[int, str]]:
    """(1-based line number, text) of the lines that are not blank; `-` reads standard input.

    Raises UsageError when the file cannot be read.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"The batch file {str(path)!r} cannot be read: {reason}.",
            hint='Give a file of JSON Lines, one {"id": …} object a line.',
        ) from None
    return [(number, line) for number, line in _number(text) if line.strip()]


def require_text(line: dict[str, Any], key: str) -> str:
    """The non-empty text under `key`. Raises UsageError."""
    value = line.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key!r} is {value!r}.", hint=f'Every line needs a text under "{key}".')
    return value


def _number(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): U+2028 and its like may stand inside a JSON string.
    return enumerate(text.replace("\r\n", "\n").split("\n"), start=1)


def _answer_line(
    number: int, text: str, answer: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    identity: Any = None
    try:
        line = _parse_line(number, text)
        identity = line.get("id")
        return {"id": identity, **answer(line)}, False
    except LakeError as error:
        shown = {"type": type(error).__name__, "message": error.message, "hint": error.hint}
    except Exception as error:  # the contract: a line that fails, for whatever reason, does not stop the rest
        log.exception("line %d failed", number)
        what = f"Unexpected {type(error).__name__}: {clean_line(str(error))[:300]}."
        shown = {"type": "InternalError", "message": what, "hint": "Run it with --debug and report it."}
    return {"id": identity, "error": shown}, True


def _parse_line(number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise UsageError(f"Line {number} is no JSON object: {text[:80]!r}.", hint="Correct or remove it.")
    return line
