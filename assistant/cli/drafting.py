"""Drafting a model card from evidence: draft."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.cli.invocation import Invocation
from tools.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from tools.draft import Draft, SectionWriter
    from tools.lake import Lake


def draft(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the lake, or a model's folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the card to FILE.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE where there is one.")] = False,
    format: Annotated[
        Literal["markdown", "json", "cyclonedx", "spdx", "eu"],
        typer.Option("--format", help="What the card is written as."),
    ] = "markdown",
    llm: Annotated[
        str | None,
        typer.Option("--llm", metavar="L", help="Who words the sections: auto, offline or provider:model."),
    ] = None,
) -> None:
    """Draft a model card from all that is known of a model; every statement is cited, every gap said.

    A FILE that exists is not touched without --force: what would be added to it is shown as a diff.
    """
    from tools.draft import describe_draft, draft_card

    invocation: Invocation = context.obj
    invocation.set_engine(llm)
    existing = _read_existing(output, force=force, proposing=format == "markdown")
    with (
        invocation.open_lake("draft", embedding=False) as lake,
        _open_writer(invocation, lake) as writer,
        invocation.progress("weighing relatives") as steps,
    ):
        drafted = draft_card(lake, model, format=format, llm=writer, against=existing, progress=steps.update)
    written = output is not None and existing is None
    if output is not None and written:
        _write(output, drafted.card)
    if invocation.json:
        document = describe_draft(drafted)
        invocation.emit(document | {"written": str(output) if written else None})
        return
    if output is None:
        typer.echo(drafted.card, nl=not drafted.card.endswith("\n"))
    elif written:
        invocation.note(f"{output} was written.")
    elif drafted.proposal:
        typer.echo(drafted.proposal, nl=False)
        invocation.note(
            f"{output} exists and was not touched; above is what evidence would add to it. "
            "Apply it with `patch`, or overwrite the file with --force."
        )
    else:
        invocation.note(f"{output} exists and was not touched; there is nothing to add to it.")
    _summarize(invocation, drafted)


@contextlib.contextmanager
def _open_writer(invocation: Invocation, lake: Lake) -> Iterator[SectionWriter | None]:
    """The language model of the settings as a writer, None for offline; a service that fails is said."""
    from assistant.llm import announce, connect, disconnect, locked_engine, require_unlocked
    from assistant.llm.connecting import uses_service

    settings = invocation.settings
    if not uses_service(settings):
        yield None
        return
    if settings.llm != "auto":
        require_unlocked(lake, f"The engine {settings.llm!r}")
    elif lock := locked_engine(lake):
        invocation.note(f"This lake is locked to its {lock} engine.")
        yield None
        return
    try:
        engine = connect(settings, invocation.note)
    except ServiceError as error:
        invocation.note(f"{error} The sections are composed from the evidence instead.")
        yield None
        return
    assert engine is not None
    from assistant.drafting import ModelWriter

    invocation.note(announce(engine))
    try:
        yield ModelWriter(engine, seconds=settings.max_seconds)
    finally:
        disconnect(engine)


def _summarize(invocation: Invocation, drafted: Draft) -> None:
    """One line for the person: how much of the template is filled, and what went wrong."""
    counts = dict.fromkeys(("filled", "inherited", "unknown"), 0)
    for slot in drafted.slots:
        counts[slot.status] += 1
    invocation.note(
        f"{drafted.model}: {counts['filled']} of {len(drafted.slots)} slots filled, "
        f"{counts['inherited']} inherited, {counts['unknown']} left open."
    )
    for note in drafted.notes:
        invocation.note(note)
    for statement in drafted.dropped:
        invocation.note(f"Left out, its evidence does not hold: {statement}")


def _read_existing(output: Path | None, *, force: bool, proposing: bool) -> str | None:
    """The text of the file at `output` that must not be overwritten, None when it may be written."""
    if output is not None and output.is_dir():
        raise UsageError(f"{str(output)!r} is a folder.", hint="Name a file, e.g. README.md in it.")
    if output is None or force or not output.exists():
        return None
    if not proposing:
        raise UsageError(f"{str(output)!r} exists.", hint="Overwrite it with --force, or name another file.")
    try:
        return output.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{str(output)!r} cannot be read: {error}.",
            hint="Overwrite it with --force, or name another file.",
        ) from error


def _write(output: Path, text: str) -> None:
    """Write at once or not at all. Raises UsageError."""
    try:
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    except OSError as error:
        raise UsageError(
            f"{str(output)!r} cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        mode = output.stat().st_mode & 0o777 if output.exists() else 0o666 & ~_read_umask()
        Path(name).chmod(mode)
        Path(name).replace(output)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise UsageError(
            f"{str(output)!r} cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from error


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
