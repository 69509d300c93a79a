"""The page's functions for other programs, by name, over Gradio's HTTP API (`/gradio_api`).

A program's conversations belong to its cookie or, without one, to the `session_hash` it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.events import api

from assistant.page.access import name_owner, require_own
from assistant.page.actions import PageActions
from tools.errors import LakeError

_LOOK_SECONDS = 0.02


def add_service(actions: PageActions) -> None:
    """Add the named endpoints to the Blocks at hand."""
    assistant = actions.assistant

    async def ask(
        request: gr.Request, question: str, conversation: str = "", engine: str = ""
    ) -> dict[str, Any]:
        with _told_plainly():
            owner = name_owner(request)
            actions.charge(request)
            thread = (
                require_own(assistant, conversation, owner) if conversation else assistant.new_thread(owner)
            )
            turn = actions.turns.start(thread, question, engine=engine or None)
        while not turn.state.ended:
            await asyncio.sleep(_LOOK_SECONDS)
        if turn.state.answer is not None:
            return turn.state.answer.model_dump(mode="json")
        message, hint = turn.state.error or ("The question was stopped.", "")
        raise gr.Error(f"{message} {hint}".strip(), print_exception=False)

    def conversations(request: gr.Request) -> list[dict[str, Any]]:
        with _told_plainly():
            return [
                {"conversation": t.thread, "title": t.title, "turns": t.turns, "updated": t.updated}
                for t in assistant.threads(name_owner(request))
            ]

    def turns(conversation: str, request: gr.Request) -> list[dict[str, Any]]:
        with _told_plainly():
            thread = require_own(assistant, conversation, name_owner(request))
            return [
                {"number": t.number, "question": t.question, "asked_at": t.asked_at,
                 "answer": t.answer.model_dump(mode="json")}
                for t in assistant.turns(thread)
            ]  # fmt: skip

    def export(conversation: str, format: str, request: gr.Request) -> str:
        with _told_plainly():
            thread = require_own(assistant, conversation, name_owner(request))
            return actions.export(thread, format)["text"]

    def stop(conversation: str, request: gr.Request) -> bool:
        with _told_plainly():
            actions.stop(conversation, request)
        return True

    def clear(conversation: str, request: gr.Request) -> bool:
        with _told_plainly():
            assistant.forget(require_own(assistant, conversation, name_owner(request)))
        return True

    for function, said in (
        (ask, "Ask a question; the answer is the document that `lake ask --json` prints. `conversation` is "
              "the `thread` of an earlier answer, or empty; `engine` one of the page's, or empty."),
        (conversations, "Your conversations, the latest first."),
        (turns, "The questions and answers of one of your conversations."),
        (export, "A conversation with its sources; `format` is markdown or json."),
        (stop, "Stop the question at work in one of your conversations."),
        (clear, "Delete one of your conversations."),
    ):  # fmt: skip
        api(function, api_name=function.__name__, api_description=said, concurrency_limit=None)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Errors a person may see, as Gradio tells them."""
    try:
        yield
    except LakeError as error:
        raise gr.Error(str(error), print_exception=False) from None
