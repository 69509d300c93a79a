"""YAML as plain JSON values with the lines of every node, built from parse events without recursion.

Events are read one by one, so that aliases, depth and size are bounded before anything is built (a YAML bomb
costs nothing) and no tag can construct an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tools.cards.types import LineSpan, Problem

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 30
MAX_NODES = 100_000
MAX_ALIAS_NODES = 2_000
MAX_REPLACED = 100
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,3})?")
# Values that are names even where YAML reads a truth value or number (`no` is Norwegian).
_TEXT_FIELDS = frozenset(
    {"language", "languages", "license", "license_name", "tags", "datasets", "base_model"}
)


@dataclass(slots=True)
class YamlReading:
    """A document's value, the lines of each node by JSON pointer, and what was wrong with it."""

    value: Any
    lines: dict[str, LineSpan]
    problems: list[Problem]


def escape_pointer(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def read_yaml(source: str, *, first_line: int) -> YamlReading:
    """Read the first document of `source`, whose first line is line `first_line` of the card.

    Booleans and numbers follow YAML 1.2 (`no` and `on` are text); dates stay as written; NaN and infinities
    stay text, so that the result is plain JSON. Raises yaml.YAMLError when it is not YAML.
    """
    return _Builder(first_line).build(yaml.parse(source, Loader=_LOADER))


def _limit(problem: str, event: Any) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


@dataclass(slots=True)
class _Frame:
    """An open sequence or mapping."""

    container: Any
    pointer: str
    start: int
    end: int
    anchor: str | None = None
    key: str | None = None
    key_line: int = 0
    awaits_key: bool = False
    skipped: bool = False  # a mapping or sequence used as a key: read and dropped
    nodes: int = 0
    seen: set[str] = field(default_factory=set)


class _Builder:
    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.lines: dict[str, LineSpan] = {}
        self.problems: list[Problem] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.alias_nodes = 0
        self.replaced = 0
        self.root: Any = None
        self.reported: set[str] = set()

    def build(self, events: Iterator[Any]) -> YamlReading:
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            self._take(event)
            if self.nodes > MAX_NODES:
                raise _limit(f"more than {MAX_NODES} values", event)
        return YamlReading(self.root, self.lines, self.problems)

    def _report(self, code: str, message: str, line: int) -> None:
        if code not in self.reported or code == "duplicate-key":
            self.reported.add(code)
            if len(self.problems) < 50:
                self.problems.append(Problem(code, message, line))

    def _line(self, mark: Any) -> int:
        return self.first_line + int(mark.line)

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._open(event)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._close(event)

    def _scalar(self, event: Any) -> None:
        start = self._line(event.start_mark)
        end = self._line(event.end_mark)
        if event.end_mark.column == 0 and end > start:
            end -= 1  # a block scalar's end mark stands at the next token
        if event.style in ("|", ">"):
            written = str(event.value).rstrip("\n").count("\n") + 1
            end = min(end, start + written) if event.style == "|" else end
        plain = not event.style  # None in Python, "" in the C parser
        if event.tag is not None and event.tag != "!":
            self._check_tag(event.tag, start)
            plain = False
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.awaits_key:
            self._key(frame, str(event.value), start)
            return
        value: Any = str(event.value)
        if plain:
            value = _resolve(value, text_only=self._in_text_field())
            if value is None and event.value == "" and frame is not None:
                start = end = frame.key_line or frame.end
        self._add(value, start, end, 1, anchor=event.anchor)

    def _key(self, frame: _Frame, key: str, line: int) -> None:
        if key in frame.seen:
            self._report("duplicate-key", f"{key!r} stands twice; the last is used.", line)
            self._forget(f"{frame.pointer}/{escape_pointer(key)}", frame.container.pop(key, None))
        frame.seen.add(key)
        frame.key, frame.key_line, frame.awaits_key = key, line, False

    def _forget(self, pointer: str, value: Any) -> None:
        """Drop the lines of a replaced value and of what stood in it (bounded: see MAX_REPLACED)."""
        self.lines.pop(pointer, None)
        if isinstance(value, dict | list) and self.replaced < MAX_REPLACED:
            self.replaced += 1
            for inner in [known for known in self.lines if known.startswith(pointer + "/")]:
                del self.lines[inner]

    def _check_tag(self, tag: str, line: int) -> None:
        if not tag.startswith("tag:yaml.org,2002:") or tag.startswith("tag:yaml.org,2002:python"):
            self._report("yaml-tag", f"The tag {tag[:80]!r} is refused; the value is read as plain.", line)

    def _in_text_field(self) -> bool:
        """True for a value (or a list item) directly under a top-level field whose values are names."""
        if not self.stack or len(self.stack) > 2:
            return False
        return self.stack[0].key in _TEXT_FIELDS and not (
            len(self.stack) == 2 and isinstance(self.stack[1].container, dict)
        )

    def _alias(self, event: Any) -> None:
        line = self._line(event.start_mark)
        frame = self.stack[-1] if self.stack else None
        value, nodes = self.anchors.get(event.anchor, (None, 0))
        if nodes == 0:
            self._report("yaml-alias", f"The alias {event.anchor[:80]!r} names nothing complete.", line)
        elif self.alias_nodes + nodes > MAX_ALIAS_NODES:
            self._report(
                "yaml-alias", f"Aliases repeat more than {MAX_ALIAS_NODES} values; the rest is empty.", line
            )
            value, nodes = None, 0
        self.alias_nodes += nodes
        if frame is not None and frame.awaits_key:
            self._key(frame, str(value), line)
            return
        self._add(value, line, line, nodes + 1)

    def _open(self, event: Any) -> None:
        line = self._line(event.start_mark)
        if len(self.stack) >= MAX_DEPTH:
            raise _limit(f"nested more than {MAX_DEPTH} levels deep", event)
        if event.tag is not None:
            self._check_tag(event.tag, line)
        frame = self.stack[-1] if self.stack else None
        skipped = frame is not None and (frame.skipped or frame.awaits_key)
        if frame is not None and frame.awaits_key:
            self._report("yaml-key", "A list or mapping stands as a key; it is dropped.", line)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(
            _Frame(
                container={} if mapping else [],
                pointer="" if frame is None else self._pointer(frame),
                start=line,
                end=line,
                anchor=event.anchor,
                awaits_key=mapping,
                skipped=skipped,
            )
        )

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        end = frame.end
        if event.end_mark.index > event.start_mark.index:  # a flow collection ends at its bracket
            end = max(end, self._line(event.end_mark))
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.awaits_key:
            self._key(parent, "", frame.start)
            parent.seen.discard("")
            return
        self._add(frame.container, frame.start, end, frame.nodes + 1, anchor=frame.anchor)

    def _pointer(self, frame: _Frame) -> str:
        if isinstance(frame.container, list):
            return f"{frame.pointer}/{len(frame.container)}"
        return f"{frame.pointer}/{escape_pointer(frame.key or '')}"

    def _add(self, value: Any, start: int, end: int, nodes: int, anchor: str | None = None) -> None:
        self.nodes += 1
        if anchor is not None:
            self.anchors[anchor] = (value, nodes)
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        pointer = self._pointer(frame)
        frame.nodes += nodes
        if isinstance(frame.container, list):
            frame.container.append(value)
        else:
            start = frame.key_line
            frame.awaits_key = True
            if frame.key == "" and "" not in frame.seen:
                return  # the value of a dropped key
            frame.container[frame.key] = value
        end = max(start, end)
        frame.end = max(frame.end, end)
        if not any(open_frame.skipped for open_frame in self.stack):
            self.lines[pointer] = LineSpan(start, end)


def _resolve(text: str, *, text_only: bool) -> Any:
    """A plain scalar's value by YAML 1.2's core schema, except that NaN, infinities and dates stay text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text_only:
        return text
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.strip("+-").isdigit():  # no float holds 20 digits
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text
