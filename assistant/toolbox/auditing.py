"""Tools that audit a model's card, or draft one, with what they found as evidence that can be told again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assistant.answers import ToolView
from assistant.toolbox.arguments import AuditCard, DraftCard
from assistant.toolbox.context import Shown, ToolContext
from assistant.toolbox.results import count_noun
from tools.catalog.names import resolve_model
from tools.evidence import Evidence, EvidenceLedger
from tools.hashing import hash_text
from tools.lake import Lake

if TYPE_CHECKING:
    from tools.audit import AuditReport, Finding
    from tools.draft import Draft

Json = dict[str, Any]

_SECONDS = 20.0  # that weighing parents may take in a turn
_MOST_FINDINGS = 20
_MOST_EVIDENCE = 3  # for one finding
_MOST_STATEMENTS = 12
_AUDIT, _DRAFT = "catalog/audit", "catalog/draft"
_ORDER = {"error": 0, "warning": 1, "note": 2}


def audit_card(context: ToolContext, arguments: AuditCard) -> Json:
    """What is wrong with a card: findings, most severe first, each with line, fix and evidence."""
    from tools.audit import audit_model, list_rules

    name = resolve_model(context.lake.catalog, arguments.model)
    record = context.lake.catalog.get_model(name)
    assert record is not None
    report = audit_model(context.lake, name, seconds=_SECONDS, progress=context.report_progress("audit_card"))
    whys = {rule.id: rule.why for rule in list_rules()}
    ordered = _order(report)
    findings = []
    for number, finding in enumerate(ordered[:_MOST_FINDINGS], 1):
        shown: Json = {
            "number": number,
            "severity": finding.severity,
            "rule": finding.rule,
            "line": finding.line or None,
            "text": _tell_finding(finding),
            "key": _cite(context, _AUDIT, name, _tell_whole(finding, whys)).id,
            "fix": _close(finding.suggestion),
            "why": whys.get(finding.rule, ""),
        }
        if finding.line and finding.claim:
            place = f"README.md#L{finding.line}"
            line = report.lines[finding.line - 1].strip()[:2000]
            if line:
                shown["quote"] = line
                shown["quote_key"] = context.cite("card", record.source, place, line, record.card_sha256).id
        shown["evidence"] = [_show(context, item) for item in _others(finding)]
        findings.append(shown)
    summary = _tell_report(name, report)
    return {
        "model": name,
        "summary": {"key": _cite(context, _AUDIT, name, summary).id, "text": summary},
        "counts": {severity: report.count(severity) for severity in ("error", "warning", "note")},
        "claims": _count_claims(report),
        "findings": findings,
        "more": max(0, len(ordered) - _MOST_FINDINGS),
        "missing_sections": list(report.coverage.missing),
        "notes": list(report.notes),
    }


def draft_card(context: ToolContext, arguments: DraftCard) -> Shown:
    """A card drafted from evidence: what could be filled with what, and what is open."""
    from tools.draft import draft_card as draft

    name = resolve_model(context.lake.catalog, arguments.model)
    drafted = draft(context.lake, name, seconds=_SECONDS, progress=context.report_progress("draft_card"))
    summary = _tell_draft(drafted)
    statements: list[Json] = []
    for slot in drafted.slots:
        said = next((s for s in slot.statements if not s.text.startswith((">", "```", "|"))), None)
        if said is None or "\n" in said.text or len(statements) == _MOST_STATEMENTS:
            continue
        if any(item.kind == "repo" for item in said.evidence):
            continue  # a list of files says little in an answer
        keys = [
            context.cite(item.kind, item.source, item.locator, item.text, item.sha256).id
            for item in said.evidence
        ]
        statements.append(
            {"slot": slot.name, "text": said.text, "keys": keys, "inherited_from": said.inherited_from}
        )
    result = {
        "model": name,
        "summary": {"key": _cite(context, _DRAFT, name, summary).id, "text": summary},
        "statements": statements,
        "open": [slot.name for slot in drafted.slots if slot.status == "unknown"],
        "notes": list(drafted.notes),
    }
    return Shown(result, ToolView(kind="card", document={"model": name, "markdown": drafted.card}))


def tell_again(lake: Lake, locator: str) -> list[str] | None:
    """What an audit or a draft says today at a locator of these tools; None for other locators."""
    kind, mark, given = locator.partition("?")
    if kind not in (_AUDIT, _DRAFT) or not mark:
        return None
    try:
        name = resolve_model(lake.catalog, str(json.loads(given)["model"]))
    except (ValueError, KeyError, TypeError):
        return []
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    if kind == _DRAFT:
        return [draft_card(context, DraftCard(model=name)).result["summary"]["text"]]
    from tools.audit import audit_model, list_rules

    whys = {rule.id: rule.why for rule in list_rules()}
    report = audit_model(lake, name, seconds=_SECONDS)
    return [_tell_report(name, report), *(_tell_whole(finding, whys) for finding in report.findings)]


def _order(report: AuditReport) -> list[Finding]:
    return sorted(report.findings, key=lambda f: (_ORDER[f.severity], f.line == 0, f.line))


def _cite(context: ToolContext, kind: str, model: str, text: str) -> Evidence:
    return context.cite("metadata", "lake", f"{kind}?{json.dumps({'model': model})}", text, hash_text(text))


def _show(context: ToolContext, item: Evidence) -> Json:
    cited = context.cite(item.kind, item.source, item.locator, item.text, item.sha256)
    return {"key": cited.id, "source": cited.source, "locator": cited.locator, "text": cited.text[:600]}


def _others(finding: Finding) -> Sequence[Evidence]:
    """Evidence of a finding beside its own line, each text once."""
    distinct = {item.text: item for item in finding.evidence if item.text.strip() != finding.claim.strip()}
    return list(distinct.values())[:_MOST_EVIDENCE]


def _tell_finding(finding: Finding) -> str:
    place = f"line {finding.line}" if finding.line else "whole card"
    return f"{finding.severity.capitalize()}, {place}: {_close(finding.message)}"


def _tell_whole(finding: Finding, whys: Mapping[str, str]) -> str:
    fix = f" Fix: {_close(finding.suggestion)}" if finding.suggestion else ""
    why = f" Why it matters: {_close(whys[finding.rule])}" if whys.get(finding.rule) else ""
    return f"{_tell_finding(finding)}{fix}{why}"


def _close(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _count_claims(report: AuditReport) -> dict[str, int]:
    verdicts = [claim.verdict for claim in report.claims]
    return {verdict: verdicts.count(verdict) for verdict in ("supported", "contradicted", "unverifiable")}


def _tell_report(model: str, report: AuditReport) -> str:
    """The audit in one sentence, with all its counts."""
    counts = ", ".join(
        count_noun(report.count(severity), severity, f"{severity}s")
        for severity in ("error", "warning", "note")
    )
    claims = _count_claims(report)
    text = (
        f"The audit of {model} has {counts}; of {count_noun(len(report.claims), 'claim', 'claims')} other "
        f"places support {claims['supported']}, contradict {claims['contradicted']} and say nothing to "
        f"{claims['unverifiable']}"
    )
    if report.coverage.missing:
        missing = ", ".join(report.coverage.missing)
        text += (
            f"; {report.coverage.filled} of {report.coverage.total} main sections are filled, not {missing}"
        )
    return f"{text}."


def _tell_draft(drafted: Draft) -> str:
    statuses = [slot.status for slot in drafted.slots]
    inherited = statuses.count("inherited")
    filled = statuses.count("filled") + inherited
    told = f", {inherited} of them with inherited facts" if inherited else ""
    return (
        f"A card drafted for {drafted.model} fills {filled} of {len(statuses)} slots of the template from "
        f"evidence{told}; {statuses.count('unknown')} stay open."
    )
