"""Tools that audit a model's card, or draft one, with what they found as evidence that can be told again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assistant.answers import ToolView
from assistant.toolbox.arguments import AuditCard, DraftCard
from assistant.toolbox.context import Shown, ToolContext
from assistant.toolbox.results import count_noun
from tools.catalog.names import resolve_model
from tools.errors import LakeError
from tools.evidence import Evidence, EvidenceLedger
from tools.hashing import hash_text
from tools.lake import Lake
from tools.verification import verify_answer

if TYPE_CHECKING:
    from tools.audit import AuditReport, Finding
    from tools.draft import Draft

Json = dict[str, Any]

_SECONDS = 20.0  # that weighing parents may take in a turn
_MOST_FINDINGS = 20
_MOST_FAULTY = 10
_MOST_EVIDENCE = 3  # for one finding
_MOST_STATEMENTS = 12
_AUDIT, _DRAFT = "catalog/audit", "catalog/draft"
_FIRST = re.compile(r"(?:(?![.!?] [A-Z]).)*[.!?]?", re.DOTALL)
_ORDER = {"error": 0, "warning": 1, "note": 2}


def audit_card(context: ToolContext, arguments: AuditCard) -> Json:
    """What is wrong with a card: findings, most severe first, each with line, fix and evidence."""
    from tools.audit import audit_model

    if arguments.model is None:
        return _audit_lake(context)
    name = resolve_model(context.lake.catalog, arguments.model)
    record = context.lake.catalog.get_model(name)
    assert record is not None
    report = audit_model(context.lake, name, seconds=_SECONDS, progress=context.report_progress("audit_card"))
    whys = _list_whys()
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


def _audit_lake(context: ToolContext) -> Json:
    """The cards of the lake that have errors, as many as can be audited in a turn's time."""
    from tools.audit import audit_lake

    ends = time.monotonic() + _SECONDS
    report_progress = context.report_progress("audit_card")
    audited, faulty = 0, []
    for report in audit_lake(
        context.lake, progress=lambda done, of: report_progress(done, of, "auditing cards")
    ):
        audited += 1
        if report.count("error"):
            faulty.append(report)
        if time.monotonic() > ends:
            break
    total = len(context.lake.catalog.model_names())
    faulty.sort(key=lambda report: (-report.count("error"), report.target))
    summary = _tell_lake(audited, total, faulty)
    key = context.cite("metadata", "lake", f"{_AUDIT}?{{}}", summary, hash_text(summary)).id
    models = []
    for report in faulty[:_MOST_FAULTY]:
        text = _tell_of_model(report.target, _order(report)[0])
        models.append(
            {"model": report.target, "text": text, "key": _cite(context, _AUDIT, report.target, text).id}
        )
    return {
        "summary": {"key": key, "text": summary},
        "models": models,
        "audited": audited,
        "total": total,
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
        if not _stands_alone(context, name, said.text, keys):
            continue
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


def _stands_alone(context: ToolContext, model: str, text: str, keys: Sequence[str]) -> bool:
    """Whether a statement of a draft is clear without the headings that it stands under there."""
    marks = "".join(f"[{key}]" for key in keys)
    checked = verify_answer(
        f"The card of `{model}`:\n\n- {text} {marks}", context.ledger, known_models=[model]
    )
    return checked.statements[-1].level in ("quoted", "facts")


def tell_again(lake: Lake, locator: str) -> list[str] | None:
    """What an audit or a draft says today at a locator of these tools; None for other locators."""
    kind, mark, given = locator.partition("?")
    if kind not in (_AUDIT, _DRAFT) or not mark:
        return None
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    try:
        arguments = json.loads(given)
        if arguments == {} and kind == _AUDIT:
            return [_audit_lake(context)["summary"]["text"]]
        name = resolve_model(lake.catalog, str(arguments["model"]))
    except (ValueError, KeyError, TypeError, LakeError):
        return []
    if kind == _DRAFT:
        return [draft_card(context, DraftCard(model=name)).result["summary"]["text"]]
    from tools.audit import audit_model

    report = audit_model(lake, name, seconds=_SECONDS)
    whys = _list_whys()
    told = [_tell_report(name, report)]
    for finding in report.findings:
        told += [_tell_whole(finding, whys), _tell_of_model(name, finding)]
    return told


def _list_whys() -> dict[str, str]:
    from tools.audit import list_rules

    return {rule.id: rule.why for rule in list_rules()}


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


def _tell_of_model(model: str, finding: Finding) -> str:
    """The first sentence of a finding in one with the model's name."""
    return f"{model}: {_FIRST.match(_tell_finding(finding))[0]}"  # type: ignore[index]


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


def _tell_lake(audited: int, total: int, faulty: Sequence[AuditReport]) -> str:
    of = f"{audited:,} cards" if audited == total else f"the first {audited:,} of {total:,} cards"
    if not faulty:
        return f"Of {of} that were audited, none has errors."
    named = ", ".join(f"{report.target} ({report.count('error')})" for report in faulty[:_MOST_FAULTY])
    more = f" and {len(faulty) - _MOST_FAULTY} more" if len(faulty) > _MOST_FAULTY else ""
    return f"Of {of} that were audited, {len(faulty)} have errors: {named}{more}."


def _tell_draft(drafted: Draft) -> str:
    statuses = [slot.status for slot in drafted.slots]
    inherited = statuses.count("inherited")
    filled = statuses.count("filled") + inherited
    told = f", {inherited} of them with inherited facts" if inherited else ""
    return (
        f"A card drafted for {drafted.model} fills {filled} of {len(statuses)} slots of the template from "
        f"evidence{told}; {statuses.count('unknown')} stay open."
    )
