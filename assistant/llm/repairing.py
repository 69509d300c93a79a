"""A model's reply made fit for use: its tool calls read, checked and answered where they cannot be run."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel, ValidationError

from assistant.llm.dialects import find_written_calls, strip_thought

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_NAME = 64
_MOST_SHOWN = 300  # characters of what the model sent, in an error for it
_UNREAD = "unreadable_call"


@dataclass
class Reply:
    """A reply to be put into the conversation: the message, and answers to the calls that are not run."""

    message: AIMessage
    refused: list[ToolMessage] = field(default_factory=list)
    broken: bool = False

    @property
    def runnable(self) -> list[ToolCall]:
        """The calls that nothing stands against."""
        answered = {message.tool_call_id for message in self.refused}
        return [call for call in self.message.tool_calls if call["id"] not in answered]

    def refuse(self, call: ToolCall, error: str, hint: str) -> None:
        """Answer a call with an error in place of running it."""
        self.refused.append(make_error(call, error, hint))

    def drop(self, calls: Sequence[ToolCall]) -> None:
        """Forget calls, as if they had not been made."""
        ids = {call["id"] for call in calls}
        kept = [call for call in self.message.tool_calls if call["id"] not in ids]
        self.message = self.message.model_copy(update={"tool_calls": kept})


def make_error(call: ToolCall, error: str, hint: str) -> ToolMessage:
    """A tool message in the shape of the tools' own errors."""
    text = json.dumps({"error": error, "hint": hint}, ensure_ascii=False)
    return ToolMessage(text, name=call["name"], tool_call_id=call["id"] or "", status="error")


def clean_text(text: str) -> str:
    """`text` without what can be neither stored nor sent: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _clean_value(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): _clean_value(item) for key, item in value.items()}
    return [_clean_value(item) for item in value] if isinstance(value, list) else value


def repair_reply(message: AIMessage, tools: Mapping[str, BaseTool], taken: Collection[str]) -> Reply:
    """Read what a model sent; `taken` are the call ids the conversation has used already.

    Calls written as text become calls, ids become unique. Unknown tools, arguments that are no JSON object or
    do not fit are answered with what to do about it, and the reply counts as broken.
    """
    text = strip_thought(clean_text(str(message.text)))
    if not any(character.isprintable() and not character.isspace() for character in text):
        text = ""  # zero-width characters alone are no answer
    reply = Reply(message)
    calls: list[ToolCall] = []
    faults: list[tuple[ToolCall, str, str]] = []
    used = set(taken)

    def add(name: str, arguments: Any, key: str | None) -> None:
        call_id = (
            key if key and key not in used and len(key) <= _MOST_NAME else f"call_{uuid.uuid4().hex[:24]}"
        )
        used.add(call_id)
        name = clean_text(name).removeprefix("functions.")
        given, fault = _check_call(name, arguments, tools)
        call = ToolCall(
            name=_NOT_A_NAME.sub("_", name)[:_MOST_NAME] or _UNREAD, args=given, id=call_id, type="tool_call"
        )
        calls.append(call)
        if fault is not None:
            faults.append((call, *fault))

    for call in message.tool_calls:
        add(call["name"], call["args"], call["id"])
    for broken in message.invalid_tool_calls:
        add(broken.get("name") or "", broken.get("args") or "", broken.get("id"))
    if not calls:
        written = find_written_calls(text, tools)
        for found in written or ():
            add(found.name, found.arguments, None)
        if written == []:
            call = ToolCall(name=_UNREAD, args={}, id=f"call_{uuid.uuid4().hex[:24]}", type="tool_call")
            calls.append(call)
            hint = f"Call tools through the tool interface, not in the text. {_list_tools(tools)}"
            faults.append((call, f"This looks like a tool call, but it is text: {_shorten(text)}", hint))
        if written is not None:
            text = ""
    reply.message = message.model_copy(
        update={
            "content": text,
            "tool_calls": calls,
            "invalid_tool_calls": [],
            # The raw form of the calls, which clients would send back instead of the repaired ones.
            "additional_kwargs": {k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"},
        }
    )
    for call, error, hint in faults:
        reply.refuse(call, error, hint)
    reply.broken = bool(faults)
    return reply


def _check_call(
    name: str, arguments: Any, tools: Mapping[str, BaseTool]
) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """The arguments to run the tool with, and (error, hint) when it cannot be run."""
    tool = tools.get(name)
    if tool is None:
        return {}, (f"There is no tool {_shorten(name)!r}.", _list_tools(tools))
    schema = tool.args_schema
    assert isinstance(schema, type)
    assert issubclass(schema, BaseModel)
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            fault = f"The arguments of {name} are no valid JSON ({error}): {_shorten(arguments)}"
            return {}, (fault, _show_schema(name, schema))
    if not isinstance(arguments, dict):
        fault = f"The arguments of {name} are no JSON object: {_shorten(json.dumps(arguments, default=str))}"
        return {}, (fault, _show_schema(name, schema))
    # Many models fill every optional argument with null, which means: not given.
    given: dict[str, Any] = {k: v for k, v in _clean_value(arguments).items() if v is not None}
    try:
        schema.model_validate(given)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or name}: {e['msg']}, not {_shorten(repr(e['input']), 60)}"
            for e in error.errors(include_url=False)[:4]
        )
        return given, (f"The arguments of {name} do not fit: {said}.", _show_schema(name, schema))
    return given, None


def _list_tools(tools: Mapping[str, BaseTool]) -> str:
    return f"The tools are: {', '.join(tools)}."


def _show_schema(name: str, schema: type[BaseModel]) -> str:
    """The arguments of a tool, one after the other, for a model that got them wrong."""
    described = schema.model_json_schema()
    required = set(described.get("required", ()))
    shown = [
        f"{key} ({_name_type(value)}{', required' if key in required else ''})"
        for key, value in described.get("properties", {}).items()
    ]
    return f"{name} takes a JSON object with: {', '.join(shown) or 'nothing'}. Call it again."


def _name_type(value: Mapping[str, Any]) -> str:
    kinds = [value, *value.get("anyOf", ())]
    return " or ".join(str(k["type"]) for k in kinds if k.get("type") not in (None, "null")) or "string"


def _shorten(text: str, most: int = _MOST_SHOWN) -> str:
    return text if len(text) <= most else text[:most] + "…"
