"""What each tool takes and gives, as small JSON schemas: they fill a client's context on every turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.toolbox.arguments import Name

_EVIDENCE_FIELDS = ("id", "kind", "source", "locator", "text", "sha256")
_EVIDENCE = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in _EVIDENCE_FIELDS},
    "required": list(_EVIDENCE_FIELDS),
}
_STATEMENTS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "level": {"enum": ["quoted", "facts", "unchecked", "failed"]},
            "marks": {"type": "array", "items": {"type": "string"}},
            "reason": {"type": "string"},
        },
        "required": ["text", "level", "marks"],
    },
}


class Ask(BaseModel):
    """Arguments of `ask`."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=20_000, description="A question in plain words.")
    thread: Name | None = Field(
        default=None, description="`thread` of an earlier answer of this session, to go on from it."
    )


class CheckAnswer(BaseModel):
    """Arguments of `check_answer`."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        min_length=1, max_length=100_000, description="Markdown with marks like [E1] behind each statement."
    )
    question: str = Field(
        default="", max_length=20_000, description="What was asked; its words may be repeated uncited."
    )


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """A tool as a client sees it."""

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    gives: dict[str, Any]  # properties of the result, beside `evidence`


ASK = ToolDescription(
    "ask",
    "Ask the lake",
    "Ask a question about the models in this lake and get a finished answer. Every statement in it was "
    "checked by code against the passage it cites; `level` says how far. Use the other tools to look for "
    "yourself.",
    Ask,
    {"answer": {"type": "string"}, "statements": _STATEMENTS, "thread": {"type": "string"}},
)
CHECK_ANSWER = ToolDescription(
    "check_answer",
    "Check an answer",
    "Check a text you wrote from this session's evidence: for each statement, whether its quotes, numbers, "
    "names and licences stand in the evidence it marks. Call it before you show the text; mend what failed.",
    CheckAnswer,
    {"ok": {"type": "boolean"}, "statements": _STATEMENTS},
)


def input_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments without what says nothing: titles, nulls, empty defaults."""
    schema = _slim(arguments.model_json_schema())
    assert isinstance(schema, dict)
    schema.pop("description", None)  # the tool's own says it
    schema.setdefault("properties", {})
    return schema


def output_schema(gives: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON schema of a tool's result: what it names, the evidence, and whatever else there is."""
    properties = {**(gives or {}), "evidence": {"type": "array", "items": _EVIDENCE}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def explain_arguments(error: ValidationError, arguments: type[BaseModel]) -> tuple[str, str]:
    """(the fact, what to do) for arguments that do not fit, for the model that sent them."""
    told = []
    for problem in error.errors()[:3]:
        where = ".".join(map(str, problem["loc"])) or "the arguments"
        given = "" if problem["type"] == "missing" else f", not {_shorten(repr(problem['input']))}"
        told.append(f"{where}: {problem['msg']}{given}")
    known = ", ".join(arguments.model_fields) or "none"
    return "Wrong arguments: " + "; ".join(told) + ".", f"The arguments are: {known}. Call it again."


def _slim(value: Any, *, named: bool = False) -> Any:
    """`named`: the keys of `value` are names of fields, not keywords of JSON Schema."""
    if isinstance(value, list):
        return [_slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    if named:
        return {key: _slim(item) for key, item in value.items()}
    options = [option for option in value.get("anyOf", ()) if option != {"type": "null"}]
    slim = {
        key: _slim(item, named=key in ("properties", "$defs"))
        for key, item in value.items()
        if key not in ("title", "anyOf") and not (key == "default" and item in (None, "", []))
    }
    if len(options) == 1:
        return {**_slim(options[0]), **slim}
    return {**slim, "anyOf": _slim(options)} if options else slim


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
