"""Commands that let a stranger check an answer again: export a conversation, verify what was exported."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from assistant.agent import Assistant
    from assistant.conversations import Turn

_MOST_BYTES = 64 * 2**20
_MARKDOWN = {".md", ".markdown"}
_COUNTED = {
    "turns": ("turn", "turns"),
    "evidence": ("source", "sources"),
    "citations": ("citation", "citations"),
    "statements": ("statement", "statements"),
    "models": ("model", "models"),
}


def verify(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="ANSWER.json", help="What `lake export` or `lake ask --json` wrote.")
    ],
) -> None:
    """Check a saved answer again: every source, hash, line, quote and statement against this lake."""
    from assistant.exported import check_answers, read_answers

    invocation: Invocation = context.obj
    saved = read_answers(_read_file(file), str(file))
    with invocation.open_filled_lake("verify", embedding=False) as lake:
        document = check_answers(saved, lake)
    if invocation.json:
        invocation.emit(document)
    else:
        render_check(invocation.terminal, document)
    if not document["ok"]:
        raise typer.Exit(1)


def export(
    context: typer.Context,
    thread: Annotated[
        str | None,
        typer.Argument(metavar="[THREAD]", help="The conversation; default: the latest of `lake ask`."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there (.json or .md).")
    ] = None,
    format: Annotated[
        Literal["json", "markdown"] | None,
        typer.Option(help="Default: what FILE's ending says, else json."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
) -> None:
    """Write a conversation with all its sources; `lake verify` checks the JSON again."""
    invocation: Invocation = context.obj
    if output is None and force:
        raise UsageError("--force is given without --output.", hint="Name a file: -o FILE.")
    with invocation.open_lake("export", embedding=False) as lake:
        from assistant.agent import Assistant
        from assistant.export import export_json, export_markdown

        with contextlib.closing(Assistant(lake, invocation.settings)) as assistant:
            turns = _find_turns(assistant, thread)
        chosen = format or _guess_format(output)
        text = (export_json if chosen == "json" else export_markdown)(turns, lake)
    if output is not None:
        write_file(output, text, force=force)
        summary = {"file": str(output), "format": chosen, "thread": turns[0].answer.thread}
        if invocation.json:
            invocation.emit({**summary, "turns": len(turns)})
        else:
            count = f"{len(turns)} turn{'s' if len(turns) != 1 else ''}"
            check = f" Check it with: lake verify {output}" if chosen == "json" else ""
            invocation.note(f"Wrote {count} to {output}.{check}")
    elif invocation.json:
        invocation.emit(json.loads(text) if chosen == "json" else {"markdown": text})
    else:
        typer.echo(text, nl=False)


def write_file(path: Path, text: str, *, force: bool) -> None:
    """Write `text` to a new file, or with `force` over an old one. Raises UsageError when it cannot be."""
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"There already is a file {str(path)!r}.", hint="Give --force to replace it, or another name."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from None


def render_check(console: Console, document: dict[str, Any]) -> None:
    """What was checked, what changed and what failed, for a person."""
    from rich.table import Table
    from rich.text import Text

    from assistant.cli.render import describe_locator, shorten
    from assistant.cli.safe_text import clean_line

    counts = ", ".join(
        f"{value:,} {_COUNTED[name][value != 1]}" for name, value in document["counts"].items() if value
    )
    console.print(Text(f"Checked {counts}."))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "turn", "what", "which", "why"):
        table.add_column(column, overflow="fold")
    for verdict, sign in (("failed", "⚠ failed"), ("changed", "changed since")):
        for item in document[verdict]:
            where = f" ({clean_line(item['source'])}, {describe_locator(item['locator'])})"
            table.add_row(
                sign,
                str(item["turn"] or ""),
                "source" if item["part"] == "evidence" else item["part"],
                shorten(item["subject"], 100) + (where if item["locator"] else ""),
                shorten(item["reason"]),
            )
    if table.row_count:
        console.print(table)
    for text in document["unsupported"]:
        console.print(Text(f"Shown as not supported from the first: {shorten(text)}", style="dim"))
    for note in document["notes"]:
        console.print(Text(clean_line(note), style="dim"))
    failed, changed = len(document["failed"]), len(document["changed"])
    if document["ok"]:
        console.print(Text("Everything stands as it was recorded.", style="green"))
    elif failed:
        console.print(Text(f"{failed} of it does not hold.", style="red"))
    else:
        console.print(Text(f"Nothing is false, but the lake has changed: {changed} cannot be told any more."))


def _read_file(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(
                f"{str(path)!r} has {path.stat().st_size:,} bytes; {_MOST_BYTES:,} are the most.",
                hint="Export the conversation in parts.",
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{str(path)!r} is not UTF-8 text: {error.reason}.", hint="Give a JSON document."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be read: {error.strerror or error}.", hint="Name an exported answer."
        ) from None


def _find_turns(assistant: Assistant, thread: str | None) -> list[Turn]:
    """The turns of a conversation; of the latest one on the command line when none is named."""
    if thread is None:
        latest = assistant.threads("")[:1]
        if not latest:
            raise UsageError("Nothing was asked yet.", hint='Ask first: lake ask "…"')
        thread = latest[0].thread
    turns = assistant.turns(thread)
    if not turns:
        known = [summary.thread for summary in assistant.threads("")[:3]]
        raise UsageError(
            f"There is no conversation {thread!r}.",
            hint=f"The latest are: {', '.join(known)}." if known else 'Ask first: lake ask "…"',
        )
    return turns


def _guess_format(output: Path | None) -> Literal["json", "markdown"]:
    return "markdown" if output is not None and output.suffix.lower() in _MARKDOWN else "json"
