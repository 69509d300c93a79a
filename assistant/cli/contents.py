"""Commands about what a lake holds: ingest, status, list, remove."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="A dump (.parquet, .jsonl), a folder of model repositories, a paper (.pdf, .md, .txt), "
            "`hub:org/name`, `hub:?search=…&author=…&task=…`, or `sample:` for the built-in sample lake.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Take only so many records.", min=1)] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads the embedder computes with; one on each core unless said.", min=1),
    ] = None,
    re_embed: Annotated[
        bool, typer.Option("--re-embed", help="First make all vectors anew with the present embedder.")
    ] = False,
) -> None:
    """Add or update models and papers. Stopped half-way, the same command goes on where it was."""
    invocation: Invocation = context.obj
    if not sources and not re_embed:
        raise UsageError("No source is given.", hint="Name a file, a folder, or sample:.")
    if not all(source.strip() for source in sources or ()):
        raise UsageError("A source is empty.", hint="Name a file, a folder, or sample:.")
    report = _take_in(invocation, sources or [], limit=limit, re_embed=re_embed, workers=workers or 0)
    if invocation.json:
        invocation.emit(report)
    else:
        _render_report(invocation, report)
    if report["failed"]:
        raise typer.Exit(1)


def status(context: typer.Context) -> None:
    """What the lake holds, and with which embedder."""
    invocation: Invocation = context.obj
    with invocation.open_lake("status") as lake:
        document = asdict(lake.status())
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_figures

    document["embedder"] = document["embedder"] or "none: search goes by words only"
    render_figures(invocation.terminal, document)


def list_models(
    context: typer.Context,
    removed: Annotated[bool, typer.Option("--removed", help="List what was removed.")] = False,
) -> None:
    """The models of the lake."""
    from assistant.cli.views import view_model

    invocation: Invocation = context.obj
    with invocation.open_lake("list", embedding=False) as lake:
        records = lake.catalog.list_models(removed=removed)
    models = [view_model(record) for record in records if record.removed == removed]
    if invocation.json:
        invocation.emit({"models": models})
        return
    from assistant.cli.render import render_models

    render_models(invocation.terminal, models)


def remove(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models by name.")],
) -> None:
    """Remove models. Their names are kept, so that models made from them still name them."""
    from tools.catalog.names import resolve_model

    invocation: Invocation = context.obj
    with invocation.open_lake("remove") as lake:
        # All names are resolved before anything is removed: a misspelt one leaves the lake as it was.
        names = list(dict.fromkeys(resolve_model(lake.catalog, model) for model in models))
        for name in names:
            lake.remove_model(name)
    if invocation.json:
        invocation.emit({"removed": names})
    else:
        for name in names:
            invocation.terminal.print(f"Removed {name}.", markup=False)


def _take_in(
    invocation: Invocation, sources: list[str], *, limit: int | None, re_embed: bool, workers: int
) -> dict[str, Any]:
    from tools.ingest import IngestReport
    from tools.ingest import ingest as ingest_sources

    command = " ".join(["ingest", *sources])
    with (
        invocation.open_lake(command, accept_embedder=re_embed, threads=workers) as lake,
        invocation.progress("reading models") as progress,
    ):
        if re_embed:
            lake.re_embed(progress.update)
        if not sources:
            return asdict(IngestReport())
        return asdict(ingest_sources(lake, sources, limit=limit, progress=progress.update))


def _render_report(invocation: Invocation, report: dict[str, Any]) -> None:
    from rich.text import Text

    from assistant.cli.safe_text import clean_line

    counts = ", ".join(f"{report[key]:,} {key}" for key in ("added", "updated", "unchanged"))
    invocation.terminal.print(
        Text(f"{counts}, {len(report['failed']):,} failed in {report['seconds']:.1f} s")
    )
    for failure in report["failed"]:
        line = f"⚠ {clean_line(str(failure['id']))}: {clean_line(str(failure['error']))}"
        invocation.terminal.print(Text(line, style="yellow"), soft_wrap=True)
