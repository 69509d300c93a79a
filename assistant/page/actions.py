"""What the page can do: each action checks whose conversation it is and says what changes on the screen.

A change is a `patch` for the conversation (see `assets/page.js`), HTML for the two panels beside it, the
conversation's id, and the state of the entry field. Whatever a caller sends, also by hand through the HTTP
API, comes through here.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.agent import Assistant
from assistant.answers import Answer
from assistant.export import export_json, export_markdown
from assistant.page import frame
from assistant.page.access import name_owner, require_own
from assistant.page.limits import RateLimit
from assistant.page.running import RunningTurn, RunningTurns
from assistant.page.source_panel import EMPTY, render_fact, render_sources
from assistant.page.turn_view import Parts, render_done, render_running
from tools.errors import LakeError, UsageError
from tools.facts import FACT_FIELDS

if TYPE_CHECKING:
    import gradio as gr

_SHOWN_TURNS = 20  # of a long conversation; the others are one click away
_LOOK_SECONDS = 0.05
_SLOWEST_SECONDS = 0.5
_MOST_PAGES = 10_000  # open at once; one beyond that may see a turn of a conversation it left


class Action(BaseModel):
    """What a browser asks for; `name` decides which fields matter."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(max_length=20)
    thread: str = Field(default="", max_length=64)
    turn: int = Field(default=0, ge=0, le=1_000_000)
    question: str = Field(default="", max_length=100_000)
    key: str = Field(default="", max_length=16)
    cite: int = Field(default=-1, ge=-1, le=100_000)
    model: str = Field(default="", max_length=300)
    field: str = Field(default="", max_length=40)
    format: str = Field(default="", max_length=10)


@dataclass(frozen=True, slots=True)
class Change:
    """What is new on the screen; None leaves a part as it is."""

    patch: dict[str, Any] | None = None
    rail: str | None = None
    sources: str | None = None
    thread: str | None = None
    busy: bool | None = None
    entry: str | None = None  # new text of the entry field


@dataclass
class PageActions:
    """The actions of one server; keeps nothing of a conversation but the turns that are at work, and which
    conversation each page shows: one that was left gets no more changes of the turn at work there."""

    assistant: Assistant
    limit: RateLimit
    turns: RunningTurns = field(init=False)
    _stamps: itertools.count[int] = field(init=False)
    _shown: OrderedDict[str, str] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.turns = RunningTurns(self.assistant)
        # Never the same after a restart, so that a page left open takes the first change.
        self._stamps = itertools.count(time.time_ns() // 1_000_000)

    # -- what changes the conversation -------------------------------------------------------------

    async def open(self, thread: str, request: gr.Request) -> AsyncIterator[Change]:
        """Show a conversation as it is stored, and follow the turn at work in it. Another's is not shown."""
        owner = name_owner(request)
        if not thread or self.assistant.owner_of(thread) != owner:
            thread = ""
        self._note_shown(request, thread)
        yield await asyncio.to_thread(self._show, thread, owner)
        if thread and (turn := self.turns.get(thread)) is not None:
            async for change in self._follow(turn, owner, request):
                yield change

    async def ask(
        self,
        question: str,
        files: Sequence[str],
        thread: str,
        engine: str | None,
        request: gr.Request,
        *,
        keep: int | None = None,
    ) -> AsyncIterator[Change]:
        """Ask; without a conversation of the caller's own a new one begins. `keep`: turns that stay."""
        owner = name_owner(request)
        question = question.strip()
        if not question and files:
            question = "What does this document say?"
        if not question:
            return
        try:
            self.charge(request)
            thread = self._open_thread(thread, owner)
            for path in files:
                await asyncio.to_thread(self.assistant.attach, Path(path), thread)
            turn = self.turns.start(thread, question, engine=engine or None, keep=keep)
            patch = self._patch(documents=self._list_documents(thread)) if files else None
        except LakeError as error:
            yield Change(patch=self._patch(trouble=[error.message, error.hint]), busy=False, entry=question)
            return
        self._note_shown(request, thread)
        yield Change(patch, thread=thread, entry="", busy=True)
        async for change in self._follow(turn, owner, request):
            yield change

    async def act(
        self, data: Any, thread: str, engine: str | None, request: gr.Request
    ) -> AsyncIterator[Change]:
        """Do what a click in the page asks for. Raises UsageError for what is no action."""
        action = read_action(data)
        owner = name_owner(request)
        if action.name == "open":
            async for change in self.open(action.thread, request):
                yield change
        elif action.name == "new":
            self._note_shown(request, "")
            yield await asyncio.to_thread(self._show, "", owner)
        elif action.name == "ask":
            async for change in self.ask(action.question, [], thread, engine, request):
                yield change
        elif action.name in ("edit", "retry"):
            require_own(self.assistant, thread, owner)
            question = action.question or self._question(thread, action.turn)
            keep = max(0, action.turn - 1)
            async for change in self.ask(question, [], thread, engine, request, keep=keep):
                yield change
        elif action.name == "delete":
            if action.thread == thread:
                self._note_shown(request, "")
            yield await asyncio.to_thread(self._delete, action.thread, thread, owner)
        else:
            yield await asyncio.to_thread(self._answer_click, action, thread, owner)

    def stop(self, thread: str, request: gr.Request) -> None:
        """Stop the turn at work in a conversation of the caller's."""
        self.turns.stop(require_own(self.assistant, thread, name_owner(request)))

    def charge(self, request: gr.Request) -> None:
        """Count one question of the caller. Raises UsageError when there were too many."""
        client = request.client.host if request is not None and request.client else ""
        wait = self.limit.take(client)
        if wait > 0:
            raise UsageError(
                "You have asked very many questions in the last minute.",
                hint=f"Ask again in {math.ceil(wait)} seconds.",
            )

    # -- looking things up -------------------------------------------------------------------------

    def _answer_click(self, action: Action, thread: str, owner: str) -> Change:
        catalog = self.assistant.lake.catalog
        if action.name == "fact":
            facts = [name for name in FACT_FIELDS if name == action.field]
            if not facts or catalog.get_model(action.model) is None:
                raise UsageError(f"There is no {action.field!r} of {action.model!r} to show.")
            return Change(sources=self._sources(render_fact(action.model, facts[0], catalog), 0, "", -1))
        require_own(self.assistant, thread, owner)
        if action.name == "source":
            stored = self.assistant.turns(thread)
            if not 1 <= action.turn <= len(stored):
                raise UsageError(f"There is no answer {action.turn} in this conversation.")
            shown = self._render_sources(stored[action.turn - 1].answer, action.turn)
            return Change(sources=self._sources(shown, action.turn, action.key, action.cite))
        if action.name == "undo":
            question = self._question(thread, action.turn)
            self.assistant.rewind(thread, max(0, action.turn - 1))
            return replace(self._show(thread, owner), busy=False, entry=question)
        if action.name == "earlier":
            return Change(patch=self._patch(thread=thread, turns=self._render(thread, whole=True), earlier=0))
        if action.name == "export":
            return Change(patch=self._patch(download=self.export(thread, action.format)))
        raise UsageError(f"{action.name!r} is no action of this page.")

    def export(self, thread: str, format_name: str) -> dict[str, str]:
        """A conversation as a file: `name`, `type` and `text`."""
        stored = self.assistant.turns(thread)
        if format_name == "json":
            text = export_json(stored, self.assistant.lake)
            return {"name": f"conversation-{thread[:8]}.json", "type": "application/json", "text": text}
        if format_name == "markdown":
            text = export_markdown(stored, self.assistant.lake)
            return {"name": f"conversation-{thread[:8]}.md", "type": "text/markdown", "text": text}
        raise UsageError(f"{format_name!r} is no format of an export.", hint="Choose markdown or json.")

    # -- the screen --------------------------------------------------------------------------------

    async def _follow(self, turn: RunningTurn, owner: str, request: gr.Request) -> AsyncIterator[Change]:
        """The changes of a turn at work until it ends; leaving early does not stop it. A page that went on to
        another conversation is only told, at the end, that this one is there."""
        version = -1
        first = True
        while True:
            state = turn.state
            if self._is_shown(request, turn.thread) and state.version != version and state.answer is None:
                version = state.version
                start = time.monotonic()
                parts = render_running(state)
                more: dict[str, Any] = {"keep": state.number - 1} if first else {}
                first = False
                said = "Answering." if not state.ended else ""
                yield Change(
                    patch=self._patch(
                        thread=turn.thread,
                        turns={state.number: parts},
                        say=said,
                        running=not state.ended,
                        **more,
                    )
                )
                # A long text takes longer to show; the server has other things to do as well.
                took = time.monotonic() - start
                await asyncio.sleep(min(_SLOWEST_SECONDS, max(_LOOK_SECONDS, 5 * took)))
            if state.ended:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        if self._is_shown(request, turn.thread):
            yield await asyncio.to_thread(self._finish, turn, owner)
        else:
            shown = self._shown.get(_name_session(request), "")
            threads = await asyncio.to_thread(self.assistant.threads, owner)
            yield Change(rail=frame.render_rail(threads, shown))

    def _note_shown(self, request: gr.Request, thread: str) -> None:
        """The page of this request shows a conversation from now on, "" for none."""
        if session := _name_session(request):
            self._shown[session] = thread
            self._shown.move_to_end(session)
            if len(self._shown) > _MOST_PAGES:
                self._shown.popitem(last=False)

    def _is_shown(self, request: gr.Request, thread: str) -> bool:
        return self._shown.get(_name_session(request), thread) == thread

    def _finish(self, turn: RunningTurn, owner: str) -> Change:
        """The stored turn with its sources, or the end of one that was not stored."""
        state, catalog = turn.state, self.assistant.lake.catalog
        rail = frame.render_rail(self.assistant.threads(owner), turn.thread)
        answer = state.answer
        if answer is None:
            said = "Stopped." if state.stopped else "No answer could be given."
            turns = {state.number: render_running(state)}
            patch = self._patch(keep=state.number, turns=turns, say=said, running=False)
            return Change(patch=patch, rail=rail, busy=False)
        turns = {state.number: render_done(state.number, state.question, answer, catalog, last=True)}
        before = state.number - 1
        if before:
            stored = self.assistant.turns(turn.thread)[before - 1]
            done = render_done(before, stored.question, stored.answer, catalog, last=False)
            turns[before] = {"question": done["question"]}
        failed = len(answer.unsupported)
        said = (
            f"The answer is there, with {len(answer.evidence)} sources; {failed} statements failed the check."
        )
        patch = self._patch(thread=turn.thread, keep=state.number, turns=turns, say=said, running=False)
        shown = self._render_sources(answer, state.number)
        return Change(patch, rail, self._sources(shown, state.number, None, -1), turn.thread, False)

    def _show(self, thread: str, owner: str) -> Change:
        """The whole screen for a conversation, "" for a new one."""
        rail = frame.render_rail(self.assistant.threads(owner), thread)
        turns = self._render(thread) if thread else {}
        stored = self.assistant.turns(thread) if thread else []
        running = bool(thread) and self.turns.get(thread) is not None
        patch = self._patch(
            thread=thread,
            reset=True,
            turns=turns,
            earlier=max(0, len(stored) - _SHOWN_TURNS),
            empty=frame.render_empty(self.assistant.lake),
            documents=self._list_documents(thread),
            running=running,
        )
        sources = self._sources(EMPTY, 0, None, -1)
        if stored:
            last = stored[-1]
            shown = self._render_sources(last.answer, last.number)
            sources = self._sources(shown, last.number, None, -1)
        return Change(patch, rail, sources, thread, running)

    def _render(self, thread: str, *, whole: bool = False) -> dict[int, Parts]:
        stored = self.assistant.turns(thread)
        catalog = self.assistant.lake.catalog
        return {
            turn.number: render_done(
                turn.number, turn.question, turn.answer, catalog, last=turn.number == len(stored)
            )
            for turn in (stored if whole else stored[-_SHOWN_TURNS:])
        }

    def _list_documents(self, thread: str) -> str:
        names = [document.name for document in self.assistant.documents(thread)] if thread else []
        return frame.render_documents(names)

    def _render_sources(self, answer: Answer, turn: int) -> str:
        attached = {document.id: document.text for document in self.assistant.documents(answer.thread)}
        return render_sources(answer, turn, self.assistant.lake.catalog, attached)

    def _delete(self, doomed: str, thread: str, owner: str) -> Change:
        require_own(self.assistant, doomed, owner)
        self.turns.end(doomed)  # one that goes on would begin the conversation anew
        self.assistant.forget(doomed)
        if doomed == thread:
            return self._show("", owner)
        return Change(self._patch(), rail=frame.render_rail(self.assistant.threads(owner), thread))

    def _patch(self, **content: Any) -> dict[str, Any]:
        if "turns" in content:  # JSON has no other keys
            content["turns"] = {str(number): parts for number, parts in content["turns"].items()}
        return {"stamp": next(self._stamps), **content}

    def _sources(self, html: str, turn: int, key: str | None, cite: int) -> str:
        """The panel; with a `key` the browser opens that source ("" only shows the panel)."""
        opens = "" if key is None else f' data-open="{_plain(key)}" data-cite="{cite}"'
        return f'<div class="panel" data-turn="{turn}" data-stamp="{next(self._stamps)}"{opens}>{html}</div>'

    # -- conversations -----------------------------------------------------------------------------

    def _open_thread(self, thread: str, owner: str) -> str:
        if thread and self.assistant.owner_of(thread) == owner:
            return thread
        return self.assistant.new_thread(owner)

    def _question(self, thread: str, turn: int) -> str:
        stored = self.assistant.turns(thread)
        if not 1 <= turn <= len(stored):
            raise UsageError(f"There is no question {turn} in this conversation.")
        return stored[turn - 1].question


def read_action(data: Any) -> Action:
    """What a browser sent, checked. Raises UsageError."""
    try:
        return Action.model_validate(data)
    except ValidationError as error:
        raise UsageError(
            f"The page sent something that is no action ({error.errors()[0]['msg']}).",
            hint="Reload the page.",
        ) from None


def _name_session(request: gr.Request) -> str:
    return str(getattr(request, "session_hash", None) or "")


def _plain(key: str) -> str:
    return "".join(character for character in key if character.isalnum() and character.isascii())
