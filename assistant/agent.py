"""One question in, one checked answer out: LangChain's agent over the lake's tools.

question -> chat model plans tool calls -> tools give evidence -> chat model writes -> verifier decides ->
answer
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answers import Answer, Outline, build_answer
from assistant.conversations import ConversationStore, ThreadSummary, Turn
from assistant.documents import Document, read_document
from assistant.engine import OFFLINE, Engine
from assistant.events import (
    Event,
    Finished,
    Notice,
    TextDelta,
    TextDiscarded,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from assistant.llm import (
    TurnStoppedError,
    announce,
    connect,
    describe_service,
    disconnect,
    explain_failure,
    forbid_tracing,
    locked_engine,
    make_middleware,
    uses_service,
)
from assistant.settings import Settings
from assistant.toolbox import ToolContext, make_tools
from prompts import Prompt, load_prompt
from tools.errors import LakeError, ServiceError, UsageError
from tools.lake import Lake

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

    from assistant.drafting import ModelWriter

_MAX_QUESTION = 20_000  # characters
# Of the settings, what may change how a language model answers; stored with its answers.
_STORED = {"temperature", "max_seconds", "max_model_calls", "max_tool_calls", "max_tokens", "context_tokens"}
_MOST_STEPS = 200  # of the graph; the limits of the engine end a turn long before
_MOST_WAITED = 120.0  # seconds for the turn before


@dataclass
class _Attempt:
    """What one engine has said so far in this turn."""

    messages: list[BaseMessage] = field(default_factory=list)

    @property
    def answer(self) -> AIMessage | None:
        """The last message, when it is an answer and no tool call."""
        from langchain_core.messages import AIMessage

        last = self.messages[-1] if self.messages else None
        return last if isinstance(last, AIMessage) and not last.tool_calls else None


class Assistant:
    """Answers questions over one open lake; many conversations at once, one turn at a time in each."""

    def __init__(self, lake: Lake, settings: Settings, *, engine: Engine | None = None) -> None:
        """`engine` stands in for the language model of the settings, e.g. a scripted one."""
        self._lake = lake
        self._settings = settings
        self._store = ConversationStore(lake.home.path / "conversations.db")
        self._busy: weakref.WeakValueDictionary[str, _Guard] = weakref.WeakValueDictionary()
        self._connected = engine
        self._has_service = engine is not None or uses_service(settings)
        self._making = threading.Lock()

    def close(self) -> None:
        if self._connected is not None:
            disconnect(self._connected)
        self._store.close()

    @property
    def lake(self) -> Lake:
        """The lake that is asked."""
        return self._lake

    def ask(
        self,
        question: str,
        thread: str | None = None,
        *,
        engine: str | None = None,
        watch: Callable[[Event], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        """Answer one question; `thread` continues a conversation, None starts one.

        `watch` is told of every event on the way. Whoever sets `stop` also raises out of `watch` or by a
        signal: there is no answer then. Raises UsageError for an empty or overlong question, an
        impossible thread name, or an engine this lake does not allow.
        """
        for event in self.stream(question, thread, engine=engine, stop=stop):
            if watch is not None:
                watch(event)
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("a turn ends with its answer")

    def stream(
        self,
        question: str,
        thread: str | None = None,
        *,
        engine: str | None = None,
        stop: threading.Event | None = None,
    ) -> Iterator[Event]:
        """The events of one turn; closing the iterator stops the turn, and nothing of it is stored.

        So does setting `stop` from another thread while the iterator waits: it then ends without `Finished`.
        `engine` is one of `engines()`, None the one of the settings. Raises as `ask`.
        """
        question = question.strip()
        if not question:
            raise UsageError("The question is empty.", hint='Try: lake ask "which model transcribes German?"')
        if len(question) > _MAX_QUESTION:
            raise UsageError(
                f"The question has {len(question):,} characters; {_MAX_QUESTION:,} are the most.",
                hint="Ask in fewer words; a document belongs into the lake (lake ingest FILE).",
            )
        thread = self._store.open_thread(thread)
        with self._one_turn(thread):
            yield from self._run_turn(question, thread, engine, stop or threading.Event())

    @property
    def most_upload_bytes(self) -> int:
        """What a person may drop in at once, in bytes."""
        return int(self._settings.max_upload_mb * 2**20)

    def attach(self, path: Path, thread: str, *, name: str | None = None) -> Document:
        """Let a conversation speak of a document, which stays outside the lake; the same name replaces it.

        Raises SourceError for what is no card and no paper.
        """
        document = read_document(path, name=name, max_bytes=self.most_upload_bytes)
        self._store.save_document(thread, document.name, document.model_dump_json())
        return document

    def documents(self, thread: str) -> list[Document]:
        """The documents of a conversation, in the order they came."""
        return [Document.model_validate_json(stored) for stored in self._store.load_documents(thread)]

    def engines(self) -> list[str]:
        """What may answer, the engine of the settings first."""
        if not self._has_service:
            return [OFFLINE]
        if locked_engine(self._lake) is not None:
            return [OFFLINE]
        return [self._connected.name if self._connected else self._settings.llm, OFFLINE]

    def make_writer(self, engine: str | None) -> tuple[ModelWriter | None, str]:
        """Who words a card's sections: a language model and its name, or None (offline) and, if it stands in,
        why. `engine` and errors as in `stream`."""
        from assistant.drafting import ModelWriter

        chosen, why = self._choose(engine)
        if chosen is None:
            return None, why or ""
        return ModelWriter(chosen, seconds=self._settings.max_seconds), chosen.name

    def new_thread(self, owner: str) -> str:
        """Begin a conversation that belongs to `owner` (a name the front end keeps secret)."""
        return self._store.open_thread(None, owner)

    def reserve_keys(self, thread: str, last: int) -> None:
        """Evidence keys of a conversation go on behind `last`, e.g. those its owner got elsewhere."""
        self._store.reserve_keys(thread, last)

    def owner_of(self, thread: str) -> str | None:
        """Whose conversation this is, or None when there is none of this name."""
        return self._store.owner_of(thread)

    def threads(self, owner: str) -> list[ThreadSummary]:
        """An owner's conversations, the latest first."""
        return self._store.list_threads(owner)

    def turns(self, thread: str) -> list[Turn]:
        """The turns of a conversation, oldest first."""
        return self._store.read_turns(thread)

    def rewind(self, thread: str, keep: int) -> None:
        """Keep only the first `keep` turns of a conversation."""
        with self._one_turn(thread):
            self._store.rewind(thread, keep)

    def forget(self, thread: str) -> None:
        """Delete a conversation with all that belongs to it."""
        with self._one_turn(thread):
            self._store.forget(thread)

    def _run_turn(
        self, question: str, thread: str, wanted: str | None, stop: threading.Event
    ) -> Iterator[Event]:
        from langchain_core.messages import AIMessage, HumanMessage

        start = time.monotonic()
        documents = tuple(self.documents(thread))
        context = ToolContext(lake=self._lake, ledger=self._store.load_ledger(thread), documents=documents)
        # The offline engine learns from the message what a language model reads in a tool's description.
        asked_now = HumanMessage(question, additional_kwargs={"documents": [d.id for d in documents]})
        earlier = self._store.load_messages(thread)
        prompt = load_prompt("assistant")
        if self._connected is None and self._asks_service(wanted):
            yield Notice(text=f"Connecting to {describe_service(self._settings)} ...")
        engine, trouble = self._choose(wanted)
        attempt = _Attempt()
        if engine is not None:
            yield Notice(text=announce(engine))
            try:
                yield from self._write(engine, attempt, context, prompt, [*earlier, asked_now], stop)
                trouble = _nothing_written(attempt)
            except TurnStoppedError:
                return
            except Exception as error:  # the service's boundary: what is none of its failures goes on
                trouble = explain_failure(error, engine)
                if trouble is None:
                    raise
            if trouble is not None:
                attempt = _Attempt()
                yield TextDiscarded()
        used = engine if engine is not None and trouble is None else self._offline
        note = ""
        if used is self._offline:
            if trouble is not None:
                note = f"{trouble} The offline engine answered instead."
                yield Notice(text=note)
            yield from self._write(self._offline, attempt, context, prompt, [*earlier, asked_now], stop)
        if stop.is_set():
            return
        said = attempt.answer
        if said is None:
            raise LakeError("The offline engine gave no answer.", hint="Ask in other words.")
        outline = Outline(**said.additional_kwargs.get("outline", {}))
        text = str(said.text)
        if said.response_metadata.get("finish_reason") == "length":
            note = "The language model's answer was cut at its length limit."
        if note:
            text = f"{text}\n\n*{note}*"
            outline = outline.model_copy(update={"framing": [*outline.framing, note, f"*{note}*"]})
        asked = [str(m.text) for m in earlier if isinstance(m, HumanMessage)]
        answer = build_answer(
            text,
            outline=outline,
            ledger=context.ledger,
            read=context.read,
            known_models=[*self._lake.catalog.model_names(), *(d.id for d in documents)],
            tools=context.calls,
            engine=used.name,
            thread=thread,
            asked=[*asked, question],
            usage={
                "seconds": round(time.monotonic() - start, 3),
                "tool_calls": len(context.calls),
                **_count_tokens_used(attempt.messages),
                "prompt": {"name": prompt.name, "version": prompt.version, "sha256": prompt.sha256},
                "service": used.service,
                **({"settings": self._settings.model_dump(include=_STORED)} if used.service else {}),
                **({"note": note} if note else {}),
            },
        )
        memo = said.additional_kwargs.get("memo") or {"models": answer.models}
        last = AIMessage(content=text, additional_kwargs={"memo": memo})
        # The writer's own text goes into the conversation, not the annotated one, which is for people.
        messages = [asked_now, *(_forget_artifact(m) for m in attempt.messages[:-1]), last]
        self._store.save_turn(thread, question, answer, context.ledger, messages)
        yield Finished(answer=answer)

    def _write(
        self,
        engine: Engine,
        attempt: _Attempt,
        context: ToolContext,
        prompt: Prompt,
        conversation: Sequence[BaseMessage],
        stop: threading.Event,
    ) -> Iterator[Event]:
        """Let an engine work on the question; its messages gather in `attempt`."""
        from langchain.agents import create_agent

        forbid_tracing()
        agent = create_agent(
            engine.model,
            make_tools(context),
            system_prompt=prompt.render(lake_summary=self._summarize_lake()),
            middleware=self._make_middleware(engine, stop),
        )
        asked: Any = {"messages": list(conversation)}
        steps: Iterator[Any] = agent.stream(
            asked,
            stream_mode=["messages", "updates", "custom"],
            config={"recursion_limit": _MOST_STEPS},
        )
        written = False
        try:
            for mode, step in steps:
                if mode == "messages":
                    message, _ = step
                    if message.type in ("ai", "AIMessageChunk") and (text := str(message.text)):
                        written = True
                        yield TextDelta(text=text)
                    continue
                if mode == "custom":
                    yield ToolProgress(name=step["tool"], done=step["done"], of=step["of"], what=step["what"])
                    continue
                for update in step.values():
                    for message in _new_messages(update):
                        attempt.messages.append(message)
                        if message.type == "ai" and message.tool_calls:
                            if written:
                                yield TextDiscarded()
                                written = False
                            for call in message.tool_calls:
                                yield ToolStarted(
                                    call=str(call["id"]), name=call["name"], arguments=call["args"]
                                )
                        elif message.type == "tool":
                            yield _describe_outcome(message)
        except GeneratorExit:
            # Whoever closes this generator ends the model's work too, which the graph would wait for.
            stop.set()
            raise

    def _choose(self, wanted: str | None) -> tuple[Engine | None, str | None]:
        """The engine with a language model, or None for the offline one and, if it stands in, why."""
        if not self._asks_service(wanted):
            return None, None
        lock = locked_engine(self._lake)
        if lock is not None:
            if wanted is not None or self._settings.llm != "auto":
                raise UsageError(
                    f"This lake may only be asked with its {lock} engine.",
                    hint="Whoever keeps the lake can lift that: lake engine --any.",
                )
            return None, f"This lake is locked to its {lock} engine."
        if wanted is not None and wanted not in self.engines():
            raise UsageError(
                f"{wanted!r} is no engine of this lake.", hint=f"Choose from: {', '.join(self.engines())}."
            )
        try:
            with self._making:
                if self._connected is None:
                    self._connected = connect(self._settings)
        except ServiceError as error:
            return None, error.message
        return self._connected, None

    def _asks_service(self, wanted: str | None) -> bool:
        return self._has_service if wanted is None else wanted != OFFLINE

    def _make_middleware(self, engine: Engine, stopped: threading.Event) -> list[Any]:
        """What watches over the chat model; the offline engine's plan is bounded by itself."""
        if engine.service is None:
            return []
        made: list[Any] = make_middleware(self._settings, engine, stopped)
        return made

    @cached_property
    def _offline(self) -> Engine:
        from assistant.offline.mentions import MentionIndex
        from assistant.offline.model import OfflineChatModel
        from assistant.offline.planner import Planner

        catalog = self._lake.catalog
        index = MentionIndex(catalog.list_models(), catalog.iter_all_passages())
        model = OfflineChatModel(planner=Planner(index))
        return Engine(name=OFFLINE, model=model)

    @contextmanager
    def _one_turn(self, thread: str) -> Iterator[None]:
        """Turns of one conversation wait for each other, at most as long as a turn may take."""
        guard = self._busy.setdefault(thread, _Guard())
        if not guard.lock.acquire(timeout=_MOST_WAITED):
            raise UsageError(
                "The previous question of this conversation is still being answered.",
                hint="Wait for it, stop it, or begin a new conversation.",
            )
        try:
            yield
        finally:
            guard.lock.release()

    def _summarize_lake(self) -> str:
        status = self._lake.catalog.status()
        return f"{status.models} models, {status.papers} papers, {status.results} reported results."


class _Guard:
    """A lock that can be weakly held; a generator may be closed by another thread than began it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def _new_messages(update: Any) -> list[Any]:
    found = update.get("messages") if isinstance(update, dict) else None
    return found if isinstance(found, list) else [found] if found is not None else []


def _forget_artifact(message: Any) -> Any:
    """A message as it is stored; what its tool showed stands in the answer."""
    return message.model_copy(update={"artifact": None}) if message.type == "tool" else message


def _describe_outcome(message: Any) -> ToolFinished:
    """A tool's message as an event; a call that never ran has no artifact, only words on why."""
    outcome = message.artifact if isinstance(message.artifact, dict) else None
    return ToolFinished(
        call=str(message.tool_call_id),
        name=str(message.name or ""),
        ok=bool(outcome and outcome["ok"]),
        seconds=outcome["seconds"] if outcome else None,
        found=str(outcome["found"]) if outcome else str(message.text)[:300],
        view=outcome["view"] if outcome else None,
    )


def _nothing_written(attempt: _Attempt) -> str | None:
    """Why what a language model ended with is no answer; None when it is one."""
    message = attempt.answer
    if message is not None and str(message.text).strip():
        return None
    if message is not None and message.additional_kwargs.get("refusal"):
        return "The language model refused to answer."
    return "The language model wrote no answer."


def _count_tokens_used(messages: Sequence[BaseMessage]) -> dict[str, int]:
    """Tokens of the turn as the service counted them; empty when it did not."""
    counted = [usage for m in messages if (usage := getattr(m, "usage_metadata", None))]
    if not counted:
        return {}
    return {
        key: sum(int(usage.get(key) or 0) for usage in counted) for key in ("input_tokens", "output_tokens")
    }
