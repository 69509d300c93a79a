"""Auditing a model card against evidence: audit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.audit_text import show_report, show_summary
from assistant.cli.invocation import Invocation
from tools.errors import UsageError

if TYPE_CHECKING:
    from tools.audit import AuditReport, Profile
    from tools.lake import Lake


def audit(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Models of the lake, models' folders, README.md files, or hub:org/name.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Audit every model of the lake.")] = False,
    format: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="What the report is written as.")
    ] = "text",
    fail_on: Annotated[
        Literal["error", "warning", "never"],
        typer.Option("--fail-on", help="From which severity on the exit code is 1."),
    ] = "error",
    profile: Annotated[
        Literal["hub", "eu"], typer.Option("--profile", help="eu: also the EU's documentation form.")
    ] = "hub",
    check_links: Annotated[
        bool, typer.Option("--check-links", help="Follow the links (never to private addresses).")
    ] = False,
) -> None:
    """Audit a model card: each claim held against other places, each fault with its line and a fix."""
    from tools.audit import render_sarif, summarize

    invocation: Invocation = context.obj
    if every == bool(targets):
        raise UsageError("Name a target, or --all for the whole lake.", hint="Try: lake audit README.md")
    invocation.obey_offline()
    if check_links and invocation.settings.llm == "offline":
        raise UsageError("Offline, no link is followed.", hint="Leave out --check-links, or set LAKE_LLM.")
    invocation.json = invocation.json or format == "json"
    if every:
        from assistant.cli.audit_lake import audit_all

        summary, failing = audit_all(
            invocation, form=format, fail_on=fail_on, profile=profile, check_links=check_links
        )
        if format == "text" and not invocation.json:
            show_summary(invocation.terminal, summary)
        if failing:
            raise typer.Exit(1)
        return
    reports = list(_audit_each(invocation, targets or [], profile=profile, check_links=check_links))
    if format == "sarif":
        invocation.emit(render_sarif(reports))
    elif invocation.json:
        found = [report.describe() for report in reports]
        invocation.emit(found[0] if len(found) == 1 else {"targets": found, "summary": summarize(reports)})
    else:
        for report in reports:
            show_report(invocation.terminal, report)
            for note in report.notes:
                invocation.note(note)
    if any(report.fails(fail_on) for report in reports):
        raise typer.Exit(1)


def _audit_each(
    invocation: Invocation, targets: list[str], *, profile: Profile, check_links: bool
) -> Iterator[AuditReport]:
    """One report a target. The lake is opened, and owned, only when a target is a model of it."""
    from tools.audit import audit_target

    with contextlib.ExitStack() as opened:
        lake: Lake | None = None
        for target in targets:
            how: dict[str, Any] = {"profile": profile, "check_links": check_links}
            if Path(target).exists() or target.startswith("hub:"):
                yield audit_target(None, target, **how)
                continue
            lake = lake or opened.enter_context(invocation.open_lake("audit", embedding=False))
            with invocation.progress("weighing relatives") as steps:
                report = audit_target(lake, target, progress=steps.update, **how)
            yield report
