"""Figures over many reports, and the documentation of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tools.audit.registry import list_rules
from tools.audit.types import AuditReport


def summarize(reports: Iterable[AuditReport]) -> dict[str, Any]:
    """Counts over reports: by severity, rule and author, and of verdicts."""
    severities: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    authors: dict[str, Counter[str]] = {}
    verdicts: Counter[str] = Counter()
    cards = failing = 0
    for report in reports:
        cards += 1
        failing += report.fails("error")
        author = authors.setdefault(report.author or "-", Counter())
        author["cards"] += 1
        for finding in report.findings:
            severities[finding.severity] += 1
            rules[finding.rule] += 1
            author[finding.severity] += 1
        verdicts.update(claim.verdict for claim in report.claims)
    return {
        "cards": cards,
        "cards_with_errors": failing,
        "by_severity": {name: severities[name] for name in ("error", "warning", "note")},
        "by_rule": dict(rules.most_common()),
        "by_author": {
            name: {key: counts[key] for key in ("cards", "error", "warning", "note")}
            for name, counts in sorted(
                authors.items(), key=lambda item: (-item[1]["error"], -item[1]["warning"], item[0])
            )
        },
        "claims": {name: verdicts[name] for name in ("supported", "contradicted", "unverifiable")},
    }


def document_rules() -> str:
    """`docs/rules.md`: every rule with its severity, what it finds and why that matters."""
    lines = [
        "# Rules of `lake audit`",
        "",
        "Written from the rules themselves (`tools/audit/rules`); do not edit.",
        "",
    ]
    lines += [
        "Silence one for a card with `<!-- # lake: ignore[rule-id] -->`; the report says so.",
        "Some findings of a rule are milder than the rule: what is true but trivial is a note.",
        "",
    ]
    theme = ""
    for rule in list_rules():
        if rule.theme != theme:
            theme = rule.theme
            lines += [f"## Theme: {theme}", ""]
        only = "" if len(rule.profiles) > 1 else f" Only with `--profile {rule.profiles[0]}`."
        lines += [f"### {rule.id}", "", f"{rule.title} (**{rule.severity}**).{only} {rule.why}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"
