"""What happens during one turn, in order: the stream a front end shows while the answer is made."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from assistant.answers import Answer, ToolView


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Notice(_Event):
    """Something the person should know, e.g. where the question is sent, or which engine took over."""

    text: str


class ToolStarted(_Event):
    """The engine calls a tool. `call` pairs it with its `ToolFinished`."""

    call: str
    name: str
    arguments: dict[str, Any]


class ToolFinished(_Event):
    """A tool has answered; `found` is one line for a person. `seconds` is None when it never ran.

    `view` is what it found as a document that can be drawn: a comparison, a lineage, a table of results.
    """

    call: str
    name: str
    ok: bool
    seconds: float | None
    found: str
    view: ToolView | None = None


class ToolProgress(_Event):
    """How far the tool `name`, which is at work, has come: `done` of `of` steps."""

    name: str
    done: int
    of: int
    what: str


class TextDelta(_Event):
    """More of the text that is being written; nothing in it is checked yet."""

    text: str


class TextDiscarded(_Event):
    """What was written so far was no answer (words before a tool call, a failed attempt); forget it."""


class Finished(_Event):
    """The checked answer, always the last event; its text replaces whatever was streamed."""

    answer: Answer


Event = Notice | ToolStarted | ToolProgress | ToolFinished | TextDelta | TextDiscarded | Finished
