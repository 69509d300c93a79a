"""Turns at work. A turn runs in a thread of its own, so that a reload or a lost connection does not end it;
any number of readers may follow it, and only the stop button stops it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.agent import Assistant
from assistant.answers import Answer
from assistant.events import (
    Event,
    Finished,
    Notice,
    TextDelta,
    TextDiscarded,
    ToolFinished,
    ToolStarted,
)
from tools.errors import LakeError, UsageError

log = logging.getLogger(__name__)

_AT_ONCE = 8  # turns that work at the same time; others wait
_MOST_WAITING = 100
_CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """A tool call as it is shown; `ok` is None while it works."""

    call: str
    name: str
    arguments: dict[str, Any]
    ok: bool | None = None
    seconds: float | None = None
    found: str = ""


@dataclass(frozen=True, slots=True)
class TurnState:
    """Where a turn stands. Exactly one of `answer`, `error`, `stopped` is set once it has ended.

    `error` is (the fact, what to do). `version` grows with every change.
    """

    number: int
    question: str
    waiting: bool = False
    notices: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    text: str = ""
    answer: Answer | None = None
    error: tuple[str, str] | None = None
    stopped: bool = False
    version: int = 0

    @property
    def ended(self) -> bool:
        return self.answer is not None or self.error is not None or self.stopped


@dataclass
class RunningTurn:
    """One turn at work in `thread`; `state` is replaced, never altered, so that any thread may read it.

    `left` is set when the conversation is free again, which is before the state says that the turn has ended.
    """

    thread: str
    state: TurnState
    stop: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def change(self, **values: Any) -> None:
        self.state = replace(self.state, version=self.state.version + 1, **values)

    def take(self, event: Event) -> None:
        """Bring the state up to date with one event."""
        state = self.state
        if isinstance(event, TextDelta):
            self.change(text=state.text + event.text, waiting=False)
        elif isinstance(event, TextDiscarded):
            self.change(text="")
        elif isinstance(event, Notice):
            self.change(notices=(*state.notices, event.text), waiting=False)
        elif isinstance(event, ToolStarted):
            step = Step(call=event.call, name=event.name, arguments=event.arguments)
            self.change(steps=(*state.steps, step), waiting=False)
        elif isinstance(event, ToolFinished):
            self.change(steps=_finish_step(state.steps, event))


class RunningTurns:
    """The turns of one assistant that are at work, at most one in each conversation."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._turns: dict[str, RunningTurn] = {}
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._places = threading.Semaphore(_AT_ONCE)

    def get(self, thread: str) -> RunningTurn | None:
        """The turn that works in a conversation, if any."""
        with self._lock:
            return self._turns.get(thread)

    def start(
        self,
        thread: str,
        question: str,
        *,
        engine: str | None = None,
        keep: int | None = None,
        documents: Sequence[str] = (),
    ) -> RunningTurn:
        """Begin a turn; `keep` drops all but the first turns of the conversation before.

        Raises UsageError while another turn of the conversation works, or when too many wait.
        """
        with self._lock:
            if thread in self._turns:
                raise UsageError(
                    "The question before this one is still being answered.",
                    hint="Wait for it or stop it, then ask again.",
                )
            if len(self._turns) >= _AT_ONCE + _MOST_WAITING:
                raise UsageError("Too many questions are waiting.", hint="Ask again in a minute.")
            number = (len(self._assistant.turns(thread)) if keep is None else keep) + 1
            turn = RunningTurn(thread, TurnState(number=number, question=question, waiting=True))
            worker = threading.Thread(
                target=self._work, args=(turn, engine, keep), name=f"turn-{thread[:8]}", daemon=True
            )
            self._turns[thread] = turn
            self._threads.add(worker)
        worker.start()
        return turn

    def stop(self, thread: str) -> None:
        """Stop the turn of a conversation, if one works; what it wrote is not kept."""
        if turn := self.get(thread):
            turn.stop.set()

    def end(self, thread: str) -> None:
        """As `stop`, and wait a few seconds until the turn has left the conversation."""
        if turn := self.get(thread):
            turn.stop.set()
            turn.left.wait(_CLOSING_SECONDS)

    def close(self) -> None:
        """Stop all turns and wait a few seconds for them to end."""
        with self._lock:
            turns, threads = list(self._turns.values()), list(self._threads)
        for turn in turns:
            turn.stop.set()
        deadline = time.monotonic() + _CLOSING_SECONDS
        for worker in threads:
            worker.join(max(0.0, deadline - time.monotonic()))

    def _work(self, turn: RunningTurn, engine: str | None, keep: int | None) -> None:
        ending: dict[str, Any] = {"stopped": True}
        try:
            with self._places:
                if not turn.stop.is_set() and (answer := self._run(turn, engine, keep)) is not None:
                    ending = {"answer": answer}
        except LakeError as error:
            ending = {"error": (error.message, error.hint)}
        except Exception as error:  # a worker's boundary: recorded here, shown to the person as one line
            log.exception("a turn failed")
            ending = {"error": (
                f"Something went wrong in the program ({type(error).__name__}).",
                "Ask again; if it happens again, start the server with --debug and report it.",
            )}  # fmt: skip
        finally:
            # Who sees the end may ask the next question at once.
            with self._lock:
                self._turns.pop(turn.thread, None)
                self._threads.discard(threading.current_thread())
            turn.left.set()
            turn.change(**ending)

    def _run(self, turn: RunningTurn, engine: str | None, keep: int | None) -> Answer | None:
        """The answer, None when the turn was stopped."""
        if keep is not None:
            self._assistant.rewind(turn.thread, keep)
        answer = None
        events = self._assistant.stream(turn.state.question, turn.thread, engine=engine, stop=turn.stop)
        for event in events:
            if isinstance(event, Finished):
                answer = event.answer
            else:
                turn.take(event)
        return answer


def _finish_step(steps: tuple[Step, ...], event: ToolFinished) -> tuple[Step, ...]:
    done = {"ok": event.ok, "seconds": event.seconds, "found": event.found}
    if all(step.call != event.call for step in steps):  # a call that was refused before it began
        return (*steps, Step(call=event.call, name=event.name, arguments={}, **done))  # type: ignore[arg-type]
    return tuple(replace(step, **done) if step.call == event.call else step for step in steps)  # type: ignore[arg-type]
