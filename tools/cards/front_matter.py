"""YAML front matter of a model card, read tolerantly: what is broken becomes a Problem, never an error.

Specification: the Hub's model card metadata (a YAML 1.2 mapping between two `---` lines at the top).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from tools.cards.types import LineSpan, Problem
from tools.cards.yaml_nodes import YamlReading, escape_pointer, read_yaml

_FENCE = re.compile(r"^---[ \t\r]*$")
_KEY_LINE = re.compile(
    r"""^(?P<quote>["']?)(?P<key>[A-Za-z_][\w .\-/]{0,80}?)(?P=quote)[ \t]*:(?P<rest>[ \t].*|)$"""
)
_YAML_LIKE = re.compile(
    r"^(?:\s*$|\s*#|\s*-(?:\s|$)|\s+\S|[\]}]|[\"']?[A-Za-z_][\w .\-/]{0,80}[\"']?\s*:(?:\s|$))"
)
_CARD_KEYS = frozenset(
    {
        "language",
        "license",
        "license_name",
        "license_link",
        "tags",
        "datasets",
        "metrics",
        "library_name",
        "pipeline_tag",
        "base_model",
        "model-index",
        "widget",
        "inference",
        "thumbnail",
        "co2_eq_emissions",
        "title",
    }
)
# Characters YAML either refuses or takes for line breaks; one space each keeps columns and line numbers.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\ufeff]")
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MAX_FRONT_MATTER_CHARS = 512 * 1024
_KINDS: dict[type, str] = {list: "list", bool: "truth value", int: "number", float: "number"}


class FrontMatter(NamedTuple):
    """`metadata` as plain JSON values; `metadata_lines` maps a JSON pointer (RFC 6901) to its lines.

    `span` covers both fences (None without front matter); `body_line` is the first line of the body.
    """

    metadata: dict[str, Any]
    metadata_lines: dict[str, LineSpan]
    problems: tuple[Problem, ...]
    span: LineSpan | None
    body_line: int


def parse_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a card. Lines are those of `text.split("\\n")`, 1-based.

    Never raises on content: broken YAML is salvaged block by block, and every defect becomes a Problem.
    """
    lines = text.split("\n")
    lines[0] = lines[0].removeprefix("\ufeff")
    problems: list[Problem] = []
    opening = _first_text_line(lines, 0)
    if opening is None or not _FENCE.match(lines[opening]):
        return FrontMatter({}, {}, (), None, 1)
    closing = _find_closing(lines, opening + 1)
    if closing is None:
        closing = _guess_end(lines, opening + 1)
        if closing is None:
            return FrontMatter({}, {}, (), None, 1)
        size = sum(len(line) + 1 for line in lines[opening + 1 : closing + 1])
        near = f" within {MAX_FRONT_MATTER_CHARS:,} characters" if size > MAX_FRONT_MATTER_CHARS else ""
        problems.append(
            Problem("front-matter-unclosed", f"The front matter has no closing '---'{near}.", opening + 1)
        )
        end, body = closing, closing
    else:
        end, body = closing + 1, closing + 1
    reading = _read_block(lines, opening + 1, closing, problems)
    if reading is None:
        return FrontMatter({}, {}, tuple(problems), None, 1)
    second = _find_second(lines, body)
    if second is not None:
        problems.append(
            Problem(
                "front-matter-second",
                "A second front matter follows the first; only its keys that the first lacks are used.",
                second[0] + 1,
            )
        )
        more = _read_block(lines, second[0] + 1, second[1], problems)
        if more is not None:
            _add_missing(reading, more)
        end = body = second[1] + 1
    return FrontMatter(reading.value, reading.lines, tuple(problems), LineSpan(opening + 1, end), body + 1)


def _first_text_line(lines: list[str], start: int) -> int | None:
    return next((index for index in range(start, len(lines)) if lines[index].strip()), None)


def _find_closing(lines: list[str], start: int) -> int | None:
    size = 0
    for index in range(start, len(lines)):
        if _FENCE.match(lines[index]):
            return index
        size += len(lines[index]) + 1
        if size > MAX_FRONT_MATTER_CHARS:
            return None
    return None


def _guess_end(lines: list[str], start: int) -> int | None:
    """Where unclosed front matter ends: before the first line that cannot be YAML; None if none looks so."""
    if start >= len(lines) or not _KEY_LINE.match(lines[start].rstrip("\r")):
        return None
    size = 0
    for index in range(start, len(lines)):
        line = lines[index]
        size += len(line) + 1
        heading = re.match(r"#{1,6}\s+\S", line) and not lines[index - 1].strip()
        if heading or size > MAX_FRONT_MATTER_CHARS or not _YAML_LIKE.match(line.rstrip("\r")):
            return index
    return len(lines)


def _find_second(lines: list[str], start: int) -> tuple[int, int] | None:
    """A further fenced block right after the first that holds nothing but YAML with known card keys."""
    opening = _first_text_line(lines, start)
    if opening is None or not _FENCE.match(lines[opening]):
        return None
    closing = _find_closing(lines, opening + 1)
    if closing is None:
        return None
    inside = [line.rstrip("\r") for line in lines[opening + 1 : closing]]
    keys = {matched["key"] for line in inside if (matched := _KEY_LINE.match(line))}
    if not keys & _CARD_KEYS or not all(_YAML_LIKE.match(line) for line in inside):
        return None
    return opening, closing


def _add_missing(first: YamlReading, second: YamlReading) -> None:
    for key, value in second.value.items():
        if key in first.value:
            continue
        first.value[key] = value
        root = "/" + escape_pointer(key)
        first.lines.update(
            (pointer, span)
            for pointer, span in second.lines.items()
            if pointer == root or pointer.startswith(root + "/")
        )


def _read_block(lines: list[str], start: int, stop: int, problems: list[Problem]) -> YamlReading | None:
    """Read the lines [start, stop) as a mapping; None when they are no front matter at all."""
    source = "\n".join(lines[start:stop])
    if len(source) > MAX_FRONT_MATTER_CHARS:
        problems.append(
            Problem(
                "front-matter-too-large",
                f"The front matter has {len(source)} characters; at most {MAX_FRONT_MATTER_CHARS} are read.",
                start + 1,
            )
        )
        source = source[:MAX_FRONT_MATTER_CHARS].rpartition("\n")[0]
    if refused := _REFUSED.search(source):
        line = start + 1 + source.count("\n", 0, refused.start())
        problems.append(
            Problem(
                "control-character", f"The front matter holds {refused.group()!r}, read as a space.", line
            )
        )
    source = _UNSAFE.sub(" ", source)
    try:
        reading = read_yaml(source, first_line=start + 1)
    except yaml.YAMLError as error:
        line, reason = _describe_error(error, start)
        problems.append(Problem("front-matter-yaml", f"The front matter is not valid YAML: {reason}", line))
        return _salvage(source, start, problems)
    except RecursionError:  # no path here recurses by depth, but a C scanner may
        problems.append(Problem("front-matter-too-deep", "The front matter nests too deeply.", start + 1))
        return _salvage(source, start, problems)
    problems.extend(reading.problems)
    if isinstance(reading.value, dict):
        return reading
    if reading.value is None:
        return YamlReading({}, {}, [])
    kind = _KINDS.get(type(reading.value), "text")
    problems.append(
        Problem(
            "front-matter-not-mapping",
            f"The front matter is a {kind}, not a mapping of keys to values.",
            start + 1,
        )
    )
    if isinstance(reading.value, str) and not any(_KEY_LINE.match(line) for line in source.split("\n")):
        return None  # two thematic breaks with prose between them
    return _salvage(source, start, problems)


def _describe_error(error: yaml.YAMLError, start: int) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = str(getattr(error, "problem", None) or error).split("\n")[0][:200]
    return start + 1 + (mark.line if mark is not None else 0), reason


def _salvage(source: str, start: int, problems: list[Problem]) -> YamlReading:
    """Read every top-level `key:` block on its own, so that one broken line does not cost the others."""
    total = YamlReading({}, {}, [])
    lines = source.split("\n")
    heads = [index for index, line in enumerate(lines) if _KEY_LINE.match(line)]
    for position, head in enumerate(heads[:500]):
        stop = heads[position + 1] if position + 1 < len(heads) else len(lines)
        block = lines[head:stop]
        reading = _read_one(block, start + head + 1)
        for key, value in reading.value.items():
            if key in total.value:
                problems.append(
                    Problem("duplicate-key", f"{key!r} stands twice; the last is used.", start + head + 1)
                )
            total.value[key] = value
        total.lines.update(reading.lines)
        problems.extend(reading.problems)
    return total


def _read_one(block: list[str], line: int) -> YamlReading:
    for text in ("\n".join(block), "\n".join(block).replace("\t", "  ")):
        try:
            reading = read_yaml(text, first_line=line)
        except (yaml.YAMLError, RecursionError):
            continue
        if isinstance(reading.value, dict):
            return reading
    return _read_simple(block, line)


def _read_simple(block: list[str], line: int) -> YamlReading:
    """`key: value` or `key:` with `- item` lines, values as written; nested structure is not guessed."""
    matched = _KEY_LINE.match(block[0])
    assert matched is not None
    key, rest = matched["key"], matched["rest"].strip()
    pointer = "/" + escape_pointer(key)
    end = line
    spans: dict[str, LineSpan] = {}
    items: list[str] = []
    for offset, text in enumerate(block[1:], start=1):
        item = re.match(r"^\s*-\s+(.*\S)\s*$", text)
        if item is None:
            if text.strip():
                break
            continue
        spans[f"{pointer}/{len(items)}"] = LineSpan(line + offset, line + offset)
        items.append(_unquote(item[1]))
        end = line + offset
    value: Any = _unquote(rest) if rest else items
    if rest:
        spans, end = {}, line
    return YamlReading({key: value}, {**spans, pointer: LineSpan(line, end)}, [])


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
