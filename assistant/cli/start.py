"""`lake start`: a lake to try at once, in the browser or in the terminal; what `make run` calls."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.asking import Engine, ask_watched, show_answer
from assistant.cli.invocation import Invocation
from tools.errors import LakeError, UsageError

if TYPE_CHECKING:
    from assistant.agent import Assistant
    from tools.lake import Lake

EXAMPLES = (
    "Which model could summarise legal contracts for someone who is not a lawyer?",
    "Find a speech recognition model that I may use commercially.",
    "What licence does the second one have?",
    "Which model reports the lowest WER on LibriSpeech?",
    "What was facebook/bart-large-cnn fine-tuned on?",
    "Is example-lab/delta-notes really fine-tuned from example-lab/delta-base?",
)
_HELP = "Type a question, the number of an example, `new` for a new conversation, or `quit` (Ctrl-D)."
_SAMPLE = "sample:"


def start(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Option("--question", "-q", metavar="TEXT", help="Answer this one and end.")
    ] = None,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Ask in the terminal, without the page.")
    ] = False,
    llm: Engine = None,
) -> None:
    """Open the chat page; an empty lake is filled with the built-in sample first."""
    invocation: Invocation = context.obj
    if question is not None and not question.strip():
        raise UsageError("The question is empty.", hint='For example: make ask Q="Which model reads German?"')
    if question is None and terminal and invocation.json:
        raise UsageError(
            "--terminal and --json do not go together.",
            hint="For several questions: lake ask --batch FILE.jsonl.",
        )
    invocation.set_engine(llm)
    with invocation.open_lake("start") as lake:
        if not lake.catalog.model_names():
            _fill(invocation, lake)
        if question is None and not terminal:
            from assistant.cli.serve import serve_page

            serve_page(invocation, lake)
            return
        from assistant.agent import Assistant

        with contextlib.closing(Assistant(lake, invocation.settings)) as assistant:
            if question is not None:
                show_answer(invocation, lake, ask_watched(invocation, assistant, question))
            else:
                _converse(invocation, lake, assistant)


def _fill(invocation: Invocation, lake: Lake) -> None:
    from tools.ingest import ingest

    invocation.note("This lake is empty: preparing the sample lake (once) ...")
    with invocation.progress("reading") as progress:
        ingest(lake, [_SAMPLE], progress=progress.update)


def _converse(invocation: Invocation, lake: Lake, assistant: Assistant) -> None:
    """Answer questions until `quit` or the end of input, in one conversation."""
    interactive = sys.stdin.isatty()
    status = lake.catalog.status()
    _say(invocation, f"{status.models:,} models and {status.papers:,} papers at {status.home}. For example:")
    _list_examples(invocation)
    if interactive:
        # Line editing and history for input(); not part of Python everywhere.
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401
    thread: str | None = None
    said: set[str] = set()
    while (line := _read_line(interactive)) is not None:
        question = line.strip()
        if question.lower() in {"quit", "exit", "q"}:
            return
        if question.lower() in {"help", "?", ""}:
            if question:
                _list_examples(invocation)
            continue
        if question.lower() == "new":
            thread = None
            _say(invocation, "A new conversation.")
            continue
        if question.isdecimal() and 1 <= int(question) <= len(EXAMPLES):
            question = EXAMPLES[int(question) - 1]
            _say(invocation, f"› {question}")
        try:
            answer = ask_watched(invocation, assistant, question, thread, said=said)
        except LakeError as error:
            invocation.report_error(type(error).__name__, error.message, error.hint)
            continue
        thread = answer.thread
        show_answer(invocation, lake, answer)
        _say(invocation, "")


def _read_line(interactive: bool) -> str | None:
    """The next line, or None at the end of input."""
    try:
        return input("\n› " if interactive else "")
    except EOFError:
        return None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The input is not UTF-8 text: {error.reason}.", hint="Set the terminal to UTF-8."
        ) from None


def _list_examples(invocation: Invocation) -> None:
    for number, example in enumerate(EXAMPLES, start=1):
        _say(invocation, f"  {number}  {example}")
    _say(invocation, _HELP)


def _say(invocation: Invocation, text: str) -> None:
    from rich.text import Text

    invocation.terminal.print(Text(text), soft_wrap=True)
