"""The command that answers questions."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.batch import read_lines, require_text, run_batch
from assistant.cli.finding import require_one
from assistant.cli.invocation import Invocation
from tools.errors import UsageError

if TYPE_CHECKING:
    from assistant.agent import Assistant
    from assistant.answers import Answer
    from assistant.events import Event
    from tools.lake import Lake

Engine = Annotated[
    str | None,
    typer.Option(
        "--llm", metavar="auto|offline|PROVIDER:MODEL", help="Who writes the answers (or LAKE_LLM)."
    ),
]


def ask(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help="A question in plain words.")
    ] = None,
    llm: Engine = None,
    thread: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with the conversation of this name.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help='Lines {"id", "question"} or {"id", "turns": [{"user"}]}; answers in JSON Lines.',
        ),
    ] = None,
) -> None:
    """Answer a question; every statement is cited and checked against its source by code."""
    invocation: Invocation = context.obj
    require_one(question, batch, "QUESTION")
    if batch is not None and thread is not None:
        raise UsageError(
            "--thread is given with --batch.", hint="Each line of a batch is a conversation of its own."
        )
    lines = read_lines(batch) if batch is not None else []
    invocation.set_engine(llm)
    with invocation.open_filled_lake("ask") as lake:
        from assistant.agent import Assistant

        with contextlib.closing(Assistant(lake, invocation.settings)) as assistant:
            if batch is not None:
                answer = partial(answer_line, partial(ask_watched, invocation, assistant, said=set()))
                raise typer.Exit(run_batch(invocation, lines, answer, what="answering"))
            assert question is not None
            show_answer(invocation, lake, ask_watched(invocation, assistant, question, thread))


def ask_watched(
    invocation: Invocation,
    assistant: Assistant,
    question: str,
    thread: str | None = None,
    *,
    said: set[str] | None = None,
) -> Answer:
    """Ask, and say on stderr where the question goes and who stands in; what is in `said` not again.

    Ctrl-C stops the language model too, which would be waited for otherwise.
    """
    from assistant.events import Notice

    said = set() if said is None else said

    def watch(event: Event) -> None:
        if isinstance(event, Notice) and event.text not in said:
            said.add(event.text)
            invocation.note(event.text)

    stop = threading.Event()
    with _stop_on_interrupt(stop):
        return assistant.ask(question, thread, watch=watch, stop=stop)


@contextlib.contextmanager
def _stop_on_interrupt(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C set `stop` before it does what it did before."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()
        before(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def answer_line(ask_one: Callable[..., Answer], line: dict[str, Any]) -> dict[str, Any]:
    """Answer a line of a batch: a question, or the turns of one conversation. Raises UsageError."""
    if "turns" not in line:
        return ask_one(require_text(line, "question")).model_dump(mode="json")
    turns = line["turns"]
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise UsageError(f"'turns' is {turns!r}.", hint='Give a list of {"user": "…"} objects.')
    questions = [require_text(turn, "user") for turn in turns]
    answers: list[Answer] = []
    for question in questions:
        answers.append(ask_one(question, answers[0].thread if answers else None))
    return {"turns": [answer.model_dump(mode="json") for answer in answers]}


def show_answer(invocation: Invocation, lake: Lake, answer: Answer) -> None:
    """Print an answer: the contract's document, or readable text with its sources."""
    from assistant.cli.views import view_origin

    document = answer.model_dump(mode="json")
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_answer

    links: dict[str, str] = {}
    for name in dict.fromkeys(item.model for item in answer.evidence):
        record = lake.catalog.get_model(name)
        if record is not None and (origin := view_origin(record)):
            links[name] = origin["our_summary_of"]
    render_answer(invocation.terminal, document, links)
