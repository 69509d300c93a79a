"""An audit as text: findings with the line quoted and the fix beside it; tables over a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.cli.safe_text import clean_line

if TYPE_CHECKING:
    from rich.console import Console

    from tools.audit import AuditReport, Finding

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_MOST_SHOWN = 40
_AUTHORS_SHOWN = 15
_INDENT = 4
_QUOTED = 200  # characters of the card's line, and of each piece of evidence


def show_report(terminal: Console, report: AuditReport) -> None:
    """Findings, worst first, and a line of figures."""
    from rich.text import Text

    terminal.print(Text(clean_line(report.target), style="bold"))
    for finding in report.findings[:_MOST_SHOWN]:
        _show_finding(terminal, finding)
    if (rest := len(report.findings) - _MOST_SHOWN) > 0:
        terminal.print(Text(f"… and {rest} more; see --format json.", style="dim"))
    for item in report.silenced:
        told = f"Silenced on line {item.line}: {item.rule} ({_count(item.findings, 'finding')})."
        terminal.print(Text(told, style="dim"))
    terminal.print(Text(" ".join(_tell_figures(report))))


def _tell_figures(report: AuditReport) -> list[str]:
    counts = [_count(report.count(name), name) for name in ("error", "warning", "note")]
    verdicts = [claim.verdict for claim in report.claims]
    said = [", ".join(counts) + "."]
    if verdicts:
        said.append(
            f"Of {_count(len(verdicts), 'claim')}, {verdicts.count('supported')} supported, "
            f"{verdicts.count('contradicted')} contradicted, {verdicts.count('unverifiable')} unverifiable."
        )
    return [*said, f"{report.coverage.filled} of {report.coverage.total} sections are filled."]


def _show_finding(terminal: Console, finding: Finding) -> None:
    from rich.padding import Padding
    from rich.text import Text

    head = Text()
    head.append(finding.severity, style=_STYLES[finding.severity])
    head.append(f"  line {finding.line}  " if finding.line else "  card  ", style="dim")
    head.append(clean_line(finding.message))
    head.append(f"  [{finding.rule}]", style="dim")
    terminal.print(head)
    beside: list[Text] = []
    if finding.claim and (said := _shorten(finding.claim)) != "---":
        beside.append(Text(f"> {said}", style="dim"))
    if finding.suggestion:
        beside.append(Text(f"fix: {clean_line(finding.suggestion)}", style="green"))
    evidence = dict.fromkeys((clean_line(item.locator), _shorten(item.text)) for item in finding.evidence)
    beside += [Text(f"{place}: {text}", style="dim") for place, text in list(evidence)[:3]]
    for text in beside:
        terminal.print(Padding(text, (0, 0, 0, _INDENT), expand=False))


def show_summary(terminal: Console, summary: dict[str, Any]) -> None:
    """Tables by rule and by author."""
    from rich.table import Table
    from rich.text import Text

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
    counts = ", ".join(_count(severities[name], name) for name in ("error", "warning", "note"))
    cards = f"{_count(summary['cards'], 'card')}, {summary['cards_with_errors']} of them with errors"
    terminal.print(Text(f"{cards}: {counts}."))


def _shorten(text: str) -> str:
    text = clean_line(" ".join(text.split()))
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1].rstrip() + "…"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")
