"""Tool calls that a model writes into its text, in the dialects of common chat templates.

Hermes and Qwen `<tool_call>`, Qwen-Coder and Llama `<function=…>`, Mistral `[TOOL_CALLS]`, Llama
`<|python_tag|>`, DeepSeek `<｜tool▁call▁begin｜>`, gpt-oss `to=functions.…`, `<invoke name=…>`,
ReAct `Action:`, bare or fenced JSON, and calls in Python's syntax.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_CITED = re.compile(r"\[E\d+")
_MARKER = re.compile(
    r"<tool_calls?>|<function_calls?>|<function=|<invoke\s|\[TOOL_CALLS\]|<\|python_tag\|>|<\|tool_call"
    r"|<\|channel\|>\s*commentary|^functions\.\w+"
    r"|<｜tool▁calls?▁begin｜>|^Action:\s*\S+\s*\n+\s*Action Input:|^```(?:tool_code|tool_call)",
    re.MULTILINE | re.IGNORECASE,
)
_XML_CALL = re.compile(
    r"<(?P<tag>function|invoke)(?:=|\s+name=)[\"']?(?P<name>[\w.-]+)[\"']?\s*>(?P<body>.*?)"
    r"(?:</(?P=tag)>|\Z)",
    re.DOTALL,
)
_XML_ARGUMENT = re.compile(
    r"<parameter(?:=|\s+name=)[\"']?(?P<name>\w+)[\"']?[^>]*>\s*(?P<value>.*?)\s*</parameter>", re.DOTALL
)
# A name, then its arguments as JSON: Mistral, DeepSeek, ReAct, gpt-oss.
_NAMED = re.compile(
    r"(?:\[TOOL_CALLS\]|<｜tool▁sep｜>|^Action:|\bfunctions\.)\s*(?P<name>\w+)\s*"
    r"(?:\[ARGS\]|```json|Action Input:|\(|(?:<\|constrain\|>\s*json\s*)?<\|message\|>)?\s*(?=\{)",
    re.MULTILINE,
)
_FENCE = re.compile(r"\A```\w*\s*(?P<body>.*?)\s*```\Z", re.DOTALL)
_PYTHON = re.compile(r"\A\[?\s*(?P<call>[a-z_]+\(.*\))\s*\]?\Z", re.DOTALL)
_NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "kwargs")
_MOST_TEXT = 20_000  # characters; no tool call is longer
_MOST_OBJECTS = 64


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as written. `arguments` is what stood there: a dict if it can be used, else text."""

    name: str
    arguments: Any


def strip_thought(text: str) -> str:
    """`text` without the thinking that some models write before their answer.

    Some chat templates open the thought themselves, so that only its end stands in the reply.
    """
    if "<think" in text[:200].lower():
        return _THOUGHT.sub("", text).lstrip()
    thought, end, answer = text.partition("</think>")
    return answer.lstrip() if end and not _CITED.search(thought) else text


def find_written_calls(text: str, tools: Collection[str]) -> list[WrittenCall] | None:
    """The calls of `tools` that stand in `text`; [] for an attempt that cannot be read; None for no attempt.

    A text with citation marks is an answer, whatever else it holds: cards quote tool calls too.
    """
    text = text.strip()
    if not text or len(text) > _MOST_TEXT or _CITED.search(text):
        return None
    marked = _MARKER.search(text)
    fenced = _FENCE.match(text)
    whole = fenced["body"] if fenced else text
    if marked is None and whole[:1] not in "{[" and not _PYTHON.match(whole):
        return None
    calls = [call for call in _read_calls(text, whole) if call.name in tools]
    if calls:
        return calls
    attempted = (marked is not None and marked.start() < 200) or _looks_like_call(whole, tools)
    return [] if attempted else None


def _read_calls(text: str, whole: str) -> list[WrittenCall]:
    found = [_read_xml(match) for match in _XML_CALL.finditer(text)]
    found = found or [
        WrittenCall(match["name"], _decode_at(text, match.end())) for match in _NAMED.finditer(text)
    ]
    found = found or [call for value in _iterate_json(text) for call in _read_value(value)]
    return found or _read_python(whole)


def _read_xml(match: re.Match[str]) -> WrittenCall:
    given: dict[str, Any] = {
        m["name"]: _read_scalar(m["value"]) for m in _XML_ARGUMENT.finditer(match["body"])
    }
    body = match["body"].strip()
    return WrittenCall(match["name"], given or (_decode_at(body, 0) if body else {}))


def _read_scalar(text: str) -> Any:
    """A parameter's value: JSON for numbers, lists and the like, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _decode_at(text: str, start: int) -> Any:
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return text[start : start + 200]
    return value


def _iterate_json(text: str) -> Iterator[Any]:
    """The JSON objects in `text`, outermost ones only."""
    decoder, position = json.JSONDecoder(), 0
    for _ in range(_MOST_OBJECTS):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
            continue
        yield value


def _read_value(value: Any) -> Iterator[WrittenCall]:
    """The calls of a JSON object: one call, or OpenAI's `tool_calls` and `function` around it."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("tool_calls"), list):
        for entry in value["tool_calls"]:
            yield from _read_value(entry)
        return
    for key in ("function", "function_call", "tool_call"):
        if isinstance(value.get(key), dict):
            yield from _read_value(value[key])
            return
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    if name is None:
        return
    given: Any = next((value[key] for key in _ARGUMENT_KEYS if key in value), {})
    if isinstance(given, str):
        given = _decode_at(given, 0) if given.strip() else {}
    yield WrittenCall(name, given)


def _read_python(text: str) -> list[WrittenCall]:
    """Calls like `[search_models(query="…")]` with literal keyword arguments; nothing is evaluated."""
    matched = _PYTHON.match(text)
    if matched is None:
        return []
    try:
        tree = ast.parse(f"[{matched['call']}]", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in tree.elts if isinstance(tree, ast.List) else []:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print" and len(node.args) == 1:
            node = node.args[0]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            return []
        try:
            given = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg}
        except (ValueError, RecursionError, MemoryError):
            return []
        found.append(WrittenCall(node.func.id, given))
    return found


def _looks_like_call(text: str, tools: Collection[str]) -> bool:
    """Whether unreadable text was meant as a call: it begins like one and names a tool or its parts."""
    head = text[:400]
    if text[:1] in "{[":
        if text.startswith(tuple(f"[{tool}(" for tool in tools)):
            return True
        named = any(f'"{key}"' in head for key in _NAME_KEYS)
        return named and (any(f'"{key}"' in text for key in _ARGUMENT_KEYS) or any(t in head for t in tools))
    return any(text.startswith((f"{tool}(", f"print({tool}(")) for tool in tools)
