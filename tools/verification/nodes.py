"""YAML and JSON evidence split into nodes within which values belong together.

A metric of a `model-index` is a node; the result it stands in (task, dataset, split) is its context, wherever
in the result those stand. Elsewhere a field with its list is a node, and so is each line of a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_METRICS_KEY = re.compile(r"^\s*(?:-\s+)?[\"']?metrics[\"']?\s*:\s*\[?\s*$")
_VALUE_KEY = re.compile(r"^\s*(?:-\s+)?[\"']?value[\"']?\s*:")
_KEY = re.compile(r"^\s*(?:-\s+)?[\"']?[\w.\-/ ]+[\"']?\s*:")
_ENTRY = re.compile(r"^\s*(?:-\s+)?\{?\s*[\"']?[\w.\-/ ]+[\"']?\s*:")  # a mapping, also one in braces
_TOKEN = re.compile(r"^\s*verify_?token", re.IGNORECASE)


def split_nodes(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, context) of each node of `text`, in order."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def span(first: int, last: int) -> tuple[int, int]:
        return starts[first], starts[last] + len(lines[last])

    n = 0
    while n < len(lines):
        if not lines[n].strip():
            n += 1
            continue
        last = _result_end(lines, n)
        if last is not None:
            for first, stop, context in _split_result(lines, n, last):
                yield *span(first, stop), context
            n = last + 1
            continue
        last = _field_end(lines, n)
        yield *span(n, last), _enclosing(lines, n)
        n = last + 1


def _result_end(lines: list[str], n: int) -> int | None:
    """The last line of the result that begins at line `n`; None when none begins there."""
    opens = _is_item(lines[n])
    if not opens and n > 0:
        return None
    indent = _indent(lines[n])
    last = n
    while last + 1 < len(lines):
        following = lines[last + 1]
        level = _indent(following)
        if following.strip() and (level < indent or (level == indent and opens)):
            break
        last += 1
    lists = sum(_opens_metrics(lines, at) for at in range(n, last + 1))
    if lists:
        # Only the innermost block that holds metrics is a result: not the whole index.
        return last if lists == 1 else None
    if any(_VALUE_KEY.match(line) for line in lines[n : last + 1]):
        return last
    return None


def _opens_metrics(lines: list[str], n: int) -> bool:
    """Whether the metrics of a result begin at line `n`: mappings, not the names that a card's head lists."""
    following = lines[n + 1] if n + 1 < len(lines) else ""
    return _METRICS_KEY.match(lines[n]) is not None and _ENTRY.match(following) is not None


def _split_result(lines: list[str], first: int, last: int) -> Iterator[tuple[int, int, str]]:
    key = next((n for n in range(first, last + 1) if _opens_metrics(lines, n)), None)
    if key is None:
        yield first, last, _enclosing(lines, first)
        return
    key_indent = _indent(lines[key].replace("- ", "  ", 1) if _is_item(lines[key]) else lines[key])
    end = key
    while end < last and (not lines[end + 1].strip() or _indent(lines[end + 1]) > key_indent or (
            _indent(lines[end + 1]) == key_indent and _is_item(lines[end + 1]))):  # fmt: skip
        end += 1
    entries = [n for n in range(key + 1, end + 1) if _is_item(lines[n])]
    dash = min((_indent(lines[n]) for n in entries), default=0)
    entries = [n for n in entries if _indent(lines[n]) == dash] or [key + 1]
    rest = [*lines[first:key], *lines[end + 1 : last + 1]]
    context = " ; ".join(line.strip() for line in rest if line.strip())
    context += " ; " + _enclosing(lines, first)
    for number, start in enumerate(entries):
        if start > end:
            return
        stop = entries[number + 1] - 1 if number + 1 < len(entries) else end
        while stop > start and (_TOKEN.match(lines[stop]) or not lines[stop].strip()):
            stop -= 1
        yield start, stop, context
    if rest:
        before = key - 1
        if before >= first:
            yield first, before, _enclosing(lines, first)


def _field_end(lines: list[str], n: int) -> int:
    """The last line of a field with its list or its continued text; a mapping inside is left to itself."""
    indent = _indent(lines[n])
    bare = lines[n].rstrip().endswith((":", "[", "|", ">", "|-", ">-"))
    last = n
    while last + 1 < len(lines) and lines[last + 1].strip():
        following = lines[last + 1]
        level = _indent(following)
        listed = _is_item(following) and level >= indent and bare
        deeper = level > indent or following.strip() in ("]", "],", "}")
        if not (listed or deeper) or (_KEY.match(following) and not following.strip().startswith('"')):
            break
        last += 1
    return last


def _enclosing(lines: list[str], n: int) -> str:
    """The keys above line `n`, innermost first."""
    # A list may stand as deep as the key it belongs to.
    limit = _indent(lines[n]) + _is_item(lines[n])
    kept = []
    for line in reversed(lines[:n]):
        if line.strip() and _indent(line) < limit and not (_is_item(line) and _indent(line) == limit - 1):
            kept.append(line.strip())
            limit = _indent(line)
    return " ; ".join(kept)


def _is_item(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
