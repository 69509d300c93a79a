"""One audit: open what is named, judge its claims, run the rules, leave out what the card silences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tools.audit.claims import extract_claims
from tools.audit.registry import list_rules
from tools.audit.rules.sections import measure_coverage
from tools.audit.silence import silence_findings
from tools.audit.subject import AuditSubject, open_audit, prepare_subject
from tools.audit.types import SEVERITIES, AuditReport, Finding, Profile
from tools.draft.subject import find_subject

if TYPE_CHECKING:
    from tools.lake import Lake
    from tools.lineage.found import Progress

_MOST_FINDINGS_OF_A_RULE = 100


def audit_target(
    lake: Lake | None,
    target: str,
    *,
    profile: Profile = "hub",
    check_links: bool = False,
    seconds: float = 20.0,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a model of `lake`, a folder, a README.md or `hub:org/name` (the last three need no lake).

    `check_links` follows the card's links (never to private addresses). `seconds` bounds how long weights of
    the lake are weighed against declared parents. Raises UnknownModelError, UsageError, SourceError or
    ServiceError for what cannot be opened; whatever a card holds is a finding.
    """
    subject = open_audit(
        lake.catalog if lake is not None else None, target, profile=profile, check_links=check_links
    )
    if subject.catalog is not None and subject.gathered.subject.in_lake:
        _trace_parents(subject, seconds, progress)
    return audit_subject(subject)


def audit_model(
    lake: Lake,
    model: str,
    *,
    profile: Profile = "hub",
    seconds: float = 20.0,
    progress: Progress | None = None,
) -> AuditReport:
    """As `audit_target` for the model of `lake` with exactly this id; never a path."""
    subject = prepare_subject(find_subject(lake.catalog, model), model, profile=profile)
    _trace_parents(subject, seconds, progress)
    return audit_subject(subject)


def audit_lake(
    lake: Lake,
    *,
    profile: Profile = "hub",
    check_links: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[AuditReport]:
    """Audit every model of a lake, one after another; lineage as far as it was weighed before."""
    names = lake.catalog.model_names()
    weighed = set(lake.catalog.weight_places())
    for done, name in enumerate(names, 1):
        subject = prepare_subject(
            find_subject(lake.catalog, name), name, profile=profile, check_links=check_links
        )
        if name in weighed:
            _trace_parents(subject, 0, None)
        yield audit_subject(subject)
        if progress is not None:
            progress(done, len(names))


def audit_subject(subject: AuditSubject) -> AuditReport:
    """As `audit_target`, for a subject that is opened already."""
    subject.claims = extract_claims(subject)
    rules = list_rules()
    findings: list[Finding] = []
    for rule in rules:
        if subject.profile not in rule.profiles:
            continue
        for count, finding in enumerate(rule.check(subject)):
            if count == _MOST_FINDINGS_OF_A_RULE:
                break
            findings.append(finding)
    kept, silenced = silence_findings(subject.card.text, findings, (rule.id for rule in rules))
    kept.sort(key=_rank)
    return AuditReport(
        target=subject.target,
        author=subject.model.partition("/")[0] if "/" in subject.model else "",
        findings=tuple(kept),
        claims=tuple(subject.claims),
        silenced=silenced,
        coverage=measure_coverage(subject),
        lines=tuple(subject.card.text.split("\n")),
        notes=tuple(subject.gathered.notes),
    )


def _rank(finding: Finding) -> tuple[int, bool, int, str]:
    """Worst first, then down the card; what has no line comes last of its severity."""
    return SEVERITIES.index(finding.severity), not finding.line, finding.line, finding.rule


def _trace_parents(subject: AuditSubject, seconds: float, progress: Progress | None) -> None:
    """What weights say of the model's own parents."""
    from tools.lineage.joined import trace_lineage

    assert subject.catalog is not None
    traced = trace_lineage(
        subject.catalog, subject.model, depth=1, ledger=subject.ledger, seconds=seconds, progress=progress
    )
    subject.edges = [edge for edge in traced.edges if edge.child.lower() == subject.model.lower()]
