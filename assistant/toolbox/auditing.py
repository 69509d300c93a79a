"""Tools that audit a model's card, or draft one, with what they found as evidence that can be told again."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assistant.answers import ToolView
from assistant.toolbox.arguments import AuditCard, DraftCard
from assistant.toolbox.audit_words import (
    MOST_FAULTY,
    SEVERITIES,
    close_sentence,
    count_claims,
    has_grave_rule,
    map_rules,
    order_findings,
    read_line,
    select_findings,
    tell_about,
    tell_authors,
    tell_counts,
    tell_draft,
    tell_finding,
    tell_lake,
    tell_of_model,
    tell_report,
    tell_rule,
    tell_whole,
)
from assistant.toolbox.context import Shown, ToolContext
from tools.catalog.names import resolve_model
from tools.errors import LakeError
from tools.evidence import Evidence, EvidenceLedger
from tools.hashing import hash_text
from tools.lake import Lake
from tools.verification import verify_answer

if TYPE_CHECKING:
    from tools.audit import AuditReport, Finding
    from tools.catalog.records import ModelRecord

Json = dict[str, Any]

_SECONDS = 20.0  # that weighing parents may take in a turn
_MOST_FINDINGS = 20
_MOST_EVIDENCE = 3  # for one finding
_MOST_STATEMENTS = 12
_LONGEST_LINE = 2000  # characters of a card's line that are shown
_AUDIT, _DRAFT = "catalog/audit", "catalog/draft"


def audit_card(context: ToolContext, arguments: AuditCard) -> Json:
    """What is wrong with a card: findings, most severe first, each with line, fix and evidence."""
    from tools.audit import audit_model

    about = arguments.about or ""
    if arguments.model is None:
        return _audit_lake(context, about)
    name = resolve_model(context.lake.catalog, arguments.model)
    record = context.lake.catalog.get_model(name)
    assert record is not None
    report = audit_model(context.lake, name, seconds=_SECONDS, progress=context.report_progress("audit_card"))
    ordered = order_findings(report)
    chosen = select_findings(ordered, about)
    of_model = {"model": name}
    result: Json = {
        "model": name,
        "summary": _tell(context, _AUDIT, of_model, tell_report(name, report)),
        "found": _tell(context, _AUDIT, of_model, tell_counts(name, report)),
        "counts": {severity: report.count(severity) for severity in SEVERITIES},
        "claims": count_claims(report),
        "findings": [
            _show_finding(context, record, report, ordered.index(finding) + 1, finding)
            for finding in chosen[:_MOST_FINDINGS]
        ],
        "more": max(0, len(chosen) - _MOST_FINDINGS),
        "missing_sections": list(report.coverage.missing),
        "notes": list(report.notes),
    }
    if about:
        of_topic = {"model": name, "about": about}
        result["about"] = _tell(context, _AUDIT, of_topic, tell_about(name, report, about))
        result["line"] = _show_line(context, record, report, read_line(about))
    return result


def _show_finding(
    context: ToolContext, record: ModelRecord, report: AuditReport, number: int, finding: Finding
) -> Json:
    rule = map_rules()[finding.rule]
    shown: Json = {
        "number": number,
        "severity": finding.severity,
        "rule": finding.rule,
        "line": finding.line or None,
        "text": tell_finding(finding),
        "key": _tell(context, _AUDIT, {"model": record.model}, tell_whole(finding))["key"],
        "fix": close_sentence(finding.suggestion),
        "why": rule.why,
        "what": tell_rule(rule),
    }
    if finding.claim and (line := _show_line(context, record, report, finding.line)):
        shown["quote"], shown["quote_key"] = line["text"], line["key"]
    shown["evidence"] = [_show(context, item) for item in _others(finding)]
    return shown


def _show_line(context: ToolContext, record: ModelRecord, report: AuditReport, line: int) -> Json | None:
    """A line of the card, counted from 1, with its evidence; None for an empty one, or one there is not."""
    if not 1 <= line <= len(report.lines):
        return None
    text = report.lines[line - 1].strip()[:_LONGEST_LINE]
    if not text:
        return None
    place = f"README.md#L{line}"
    return {
        "text": text,
        "key": context.cite("card", record.source, place, text, record.card_sha256).id,
    }


def _audit_lake(context: ToolContext, about: str) -> Json:
    """The cards of the lake that have errors, as many as can be audited in a turn's time.

    On one topic warnings count as well, and notes where its rules find nothing graver.
    """
    from tools.audit import audit_lake

    ends = time.monotonic() + _SECONDS
    report_progress = context.report_progress("audit_card")
    audited = 0
    faulty: list[tuple[str, list[Finding]]] = []
    authors: Counter[str] = Counter()
    for report in audit_lake(
        context.lake, progress=lambda done, of: report_progress(done, of, "auditing cards")
    ):
        audited += 1
        if faults := _list_faults(report, about):
            faulty.append((report.target, faults))
            authors[report.author or "no author"] += len(faults)
        if time.monotonic() > ends:
            break
    total = len(context.lake.catalog.model_names())
    faulty.sort(key=lambda entry: (-len(entry[1]), entry[0]))
    counts = [(model, len(faults)) for model, faults in faulty]
    asked = {"about": about} if about else {}
    return {
        "summary": _tell(context, _AUDIT, asked, tell_lake(audited, total, counts, about)),
        "authors": _tell(context, _AUDIT, asked, tell_authors(authors, about)),
        "models": [
            {"model": model, **_tell(context, _AUDIT, {"model": model}, tell_of_model(model, faults[0]))}
            for model, faults in faulty[:MOST_FAULTY]
        ],
        "audited": audited,
        "total": total,
    }


def _list_faults(report: AuditReport, about: str) -> list[Finding]:
    """What counts as a fault in the audit of a lake; that something is missing does not make a card wrong."""
    ordered = order_findings(report)
    if not about:
        return [finding for finding in ordered if finding.severity == "error"]
    wrong = [f for f in ordered if f.severity != "note" and not f.rule.endswith("-missing")]
    return select_findings(wrong if has_grave_rule(about) else ordered, about)


def draft_card(context: ToolContext, arguments: DraftCard) -> Shown:
    """A card drafted from evidence: what could be filled with what, and what is open."""
    from tools.draft import draft_card as draft

    name = resolve_model(context.lake.catalog, arguments.model)
    drafted = draft(context.lake, name, seconds=_SECONDS, progress=context.report_progress("draft_card"))
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
        "summary": _tell(context, _DRAFT, {"model": name}, tell_draft(drafted)),
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
        about = str(arguments.get("about", ""))
        if kind == _AUDIT and "model" not in arguments:
            told = _audit_lake(context, about)
            return [told["summary"]["text"], told["authors"]["text"]]
        name = resolve_model(lake.catalog, str(arguments["model"]))
    except (ValueError, KeyError, TypeError, AttributeError, LakeError):
        return []
    if kind == _DRAFT:
        return [draft_card(context, DraftCard(model=name)).result["summary"]["text"]]
    from tools.audit import audit_model

    report = audit_model(lake, name, seconds=_SECONDS)
    if about:
        return [tell_about(name, report, about)]
    again = [tell_report(name, report), tell_counts(name, report)]
    for finding in report.findings:
        again += [tell_whole(finding), tell_of_model(name, finding)]
    return again


def _tell(context: ToolContext, kind: str, arguments: Json, text: str) -> Json:
    """What the lake says itself, cited by the call that tells it again."""
    place = f"{kind}?{json.dumps(arguments)}"
    return {"key": context.cite("metadata", "lake", place, text, hash_text(text)).id, "text": text}


def _show(context: ToolContext, item: Evidence) -> Json:
    cited = context.cite(item.kind, item.source, item.locator, item.text, item.sha256)
    return {"key": cited.id, "source": cited.source, "locator": cited.locator, "text": cited.text[:600]}


def _others(finding: Finding) -> Sequence[Evidence]:
    """Evidence of a finding beside its own line, each text once."""
    distinct = {item.text: item for item in finding.evidence if item.text.strip() != finding.claim.strip()}
    return list(distinct.values())[:_MOST_EVIDENCE]
