"""Auditing a model card against evidence: audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.invocation import Invocation
from assistant.cli.safe_text import clean_line
from tools.errors import UsageError

if TYPE_CHECKING:
    from tools.audit import AuditReport, Finding

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_MOST_SHOWN = 40
_AUTHORS_SHOWN = 15


def audit(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]", help="A model of the lake, a model's folder, a README.md, or hub:org/name."
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
    from tools.audit import audit_target, render_sarif

    invocation: Invocation = context.obj
    if every == (target is not None):
        raise UsageError("Name one target, or --all for the whole lake.", hint="Try: lake audit README.md")
    if check_links and invocation.settings.llm == "offline":
        raise UsageError("Offline, no link is followed.", hint="Leave out --check-links, or set LAKE_LLM.")
    invocation.json = invocation.json or format == "json"
    if every:
        from assistant.cli.audit_lake import audit_all

        summary, failing = audit_all(
            invocation, form=format, fail_on=fail_on, profile=profile, check_links=check_links
        )
        if format == "text" and not invocation.json:
            _show_summary(invocation, summary)
        if failing:
            raise typer.Exit(1)
        return
    assert target is not None
    if Path(target).exists() or target.startswith("hub:"):
        reports = [audit_target(None, target, profile=profile, check_links=check_links)]
    else:
        with (
            invocation.open_lake("audit", embedding=False) as lake,
            invocation.progress("weighing relatives") as steps,
        ):
            reports = [
                audit_target(lake, target, profile=profile, check_links=check_links, progress=steps.update)
            ]
    if format == "sarif":
        invocation.emit(render_sarif(reports))
    elif invocation.json:
        invocation.emit(reports[0].describe())
    else:
        _show_report(invocation, reports[0])
    if any(report.fails(fail_on) for report in reports):
        raise typer.Exit(1)


def _show_report(invocation: Invocation, report: AuditReport) -> None:
    """Findings by line, each with the line quoted and the fix beside it."""
    from rich.text import Text

    terminal = invocation.terminal
    terminal.print(Text(clean_line(report.target), style="bold"))
    for finding in report.findings[:_MOST_SHOWN]:
        _show_finding(terminal, finding)
    if (rest := len(report.findings) - _MOST_SHOWN) > 0:
        terminal.print(Text(f"… and {rest} more; see --format json.", style="dim"))
    for item in report.silenced:
        told = f"Silenced on line {item.line}: {item.rule} ({item.findings} findings)."
        terminal.print(Text(told, style="dim"))
    verdicts = [claim.verdict for claim in report.claims]
    terminal.print(
        Text(
            f"{report.count('error')} errors, {report.count('warning')} warnings, "
            f"{report.count('note')} notes. "
            f"Of {len(verdicts)} claims {verdicts.count('supported')} are supported, "
            f"{verdicts.count('contradicted')} contradicted, {verdicts.count('unverifiable')} unverifiable. "
            f"{report.coverage.filled} of {report.coverage.total} sections are filled."
        )
    )
    for note in report.notes:
        invocation.note(note)


def _show_finding(terminal: Any, finding: Finding) -> None:
    from rich.text import Text

    place = f"line {finding.line}" if finding.line else "card"
    head = Text()
    head.append(finding.severity, style=_STYLES[finding.severity])
    head.append(f"  {place}  ", style="dim")
    head.append(clean_line(finding.message))
    head.append(f"  [{finding.rule}]", style="dim")
    terminal.print(head)
    if finding.claim:
        terminal.print(Text(f"    > {clean_line(finding.claim)[:200]}", style="dim"))
    if finding.suggestion:
        terminal.print(Text(f"    fix: {clean_line(finding.suggestion)}", style="green"))
    for item in finding.evidence[:3]:
        said = clean_line(" ".join(item.text.split()))[:160]
        terminal.print(Text(f"    {clean_line(item.locator)}: {said}", style="dim"))


def _show_summary(invocation: Invocation, summary: dict[str, Any]) -> None:
    """Tables by rule and by author."""
    from rich.table import Table
    from rich.text import Text

    terminal = invocation.terminal
    by_rule = Table("rule", "findings", title="By rule")
    for name, count in summary["by_rule"].items():
        by_rule.add_row(name, f"{count:,}")
    terminal.print(by_rule)
    by_author = Table("author", "cards", "errors", "warnings", "notes", title="By author, most errors first")
    for name, counts in list(summary["by_author"].items())[:_AUTHORS_SHOWN]:
        figures = (str(counts[key]) for key in ("cards", "error", "warning", "note"))
        by_author.add_row(Text(clean_line(name)), *figures)
    terminal.print(by_author)
    severities = summary["by_severity"]
    terminal.print(
        Text(
            f"{summary['cards']} cards, {summary['cards_with_errors']} of them with errors: "
            f"{severities['error']} errors, {severities['warning']} warnings, {severities['note']} notes."
        )
    )
