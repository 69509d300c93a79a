"""Claims that another place contradicts. The verdicts are those of `tools.audit.claims`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.licences import find_family
from tools.audit.registry import find, rule
from tools.audit.sentences import list_lines
from tools.audit.subject import AuditSubject
from tools.audit.types import Claim, Finding


def _contradicted(subject: AuditSubject, *kinds: str) -> Iterator[Claim]:
    """Contradicted claims, each disagreement once: that of the metadata first."""
    front = subject.card.front_matter
    inside = front.end if front else 0
    told: set[str] = set()
    for claim in subject.claims:
        if claim.kind not in kinds or claim.verdict != "contradicted":
            continue
        same_pair = (
            claim.line > inside
            and claim.kind in told
            and any(item.locator.startswith("README.md#/") for item in claim.evidence)
        )
        if claim.line <= inside:
            told.add(claim.kind)
        if not same_pair:
            yield claim


def _report(subject: AuditSubject, id: str, suggestion: str, *kinds: str) -> Iterator[Finding]:
    for claim in _contradicted(subject, *kinds):
        yield find(
            subject,
            id,
            f"{claim.reason}.",
            line=claim.line,
            claim=claim.text,
            evidence=claim.evidence,
            suggestion=suggestion,
            severity=None if claim.sure else "warning",
        )


@rule(
    "license-disagrees",
    "error",
    "Metadata and text name different licences",
    "Whoever goes by one of them may break the other.",
)
def find_license_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    yield from _report(
        subject, "license-disagrees", "Find out which holds, and write it in both places.", "license"
    )


_NOT_COMMERCIAL = re.compile(
    r"\bcommercial(?:ly)?\b(?: (?:use|usage|purposes?|applications?|products?|services?))?.{0,30}"
    r"\b(?:not (?:allowed|permitted|possible)|forbidden|prohibited|excluded|disallowed)"
    r"|\bnon-?commercial (?:use|usage|purposes|research|applications?)\b.{0,20}\bonly\b"
    r"|\b(?:only|solely|exclusively|strictly)\b.{0,30}\bfor non-?commercial\b"
    r"|\b(?:no|not for|not (?:be )?used? (?:for|in)) (?:any )?commercial\b"
    r"|\b(?:may|must|can|shall|should|are|is)(?: not|n['’]t|not| never)\b[^.;]{0,60}"
    r"\b(?:commercial(?:ly)?\b|for profit\b|sold\b|resold\b)"
    r"|\b(?:redistribut\w+|modif\w+|derivatives?|derivative works)\b[^.;]{0,30}"
    r"\b(?:not (?:allowed|permitted)|forbidden|prohibited)"
    r"|\b(?:may|must|shall)(?: not|n['’]t)\b[^.;]{0,30}\b(?:redistribute|modify|sell|sublicen[cs]e)\b"
    r"|\bkommerzielle (?:nutzung|verwendung|zwecke)\b.{0,40}\b(?:nicht|untersagt|verboten|ausgeschlossen)"
    r"|\b(?:usage|utilisation) commerciale?\b.{0,30}\b(?:interdite?|non autorisée?|pas autorisée?|exclue?)"
    r"|\buso comercial\b.{0,30}\b(?:prohibido|no (?:está )?permitido|proibido|não (?:é )?permitido)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:data ?sets?|corpus|images?|original|base|parent|code|demo|api)\b", re.IGNORECASE
)


@rule(
    "license-narrowed",
    "warning",
    "The text forbids what the licence allows",
    "A permissive licence lets everyone use the model commercially, whatever the text adds.",
)
def find_narrowed_license(subject: AuditSubject) -> Iterator[Finding]:
    family = find_family(str(subject.card.metadata.get("license") or ""))
    if family is None or family.keeps or family.same_licence:
        return
    for line, text, _ in list_lines(subject):
        if (found := _NOT_COMMERCIAL.search(text)) and not _ELSEWHERE.search(text):
            yield find(
                subject,
                "license-narrowed",
                f"The license is {subject.card.metadata['license']!r}, and the text says {found[0][:80]!r}.",
                line=line,
                evidence=(subject.cite_metadata("/license"),),
                suggestion="Choose a licence that says so, or delete the sentence.",
            )


@rule(
    "language-disagrees",
    "warning",
    "Metadata and text name different languages",
    "Searches by language show the model to the wrong people.",
)
def find_language_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    yield from _report(subject, "language-disagrees", "Write the same languages in both places.", "language")


@rule(
    "dataset-disagrees",
    "warning",
    "Metadata and text name different training data",
    "Data decides what the model may be used for.",
)
def find_dataset_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    yield from _report(subject, "dataset-disagrees", "List the same datasets in both places.", "dataset")


@rule(
    "result-disagrees",
    "error",
    "A result differs from the same result elsewhere",
    "One of the two figures is not what was measured.",
)
def find_result_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    yield from _report(subject, "result-disagrees", "Look up the log and correct the other figure.", "result")


@rule(
    "parameters-disagree",
    "error",
    "The parameter count is not that of the weights",
    "Memory and cost are planned by it; the header of the weights counts exactly.",
)
def find_parameter_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    header = subject.gathered.first("header")
    total = sum(header.value.values()) if header else 0
    yield from _report(subject, "parameters-disagree", f"Write {total:,} parameters.", "parameters")


@rule(
    "config-disagrees",
    "error",
    "A size or architecture is not that of config.json",
    "Programs go by the configuration; readers by the card.",
)
def find_config_disagreement(subject: AuditSubject) -> Iterator[Finding]:
    kinds = ("context_length", "vocabulary", "hidden_size", "layers", "heads", "architecture")
    yield from _report(subject, "config-disagrees", "Write what config.json says.", *kinds)


@rule(
    "snippet-loads-another",
    "warning",
    "The code loads another model",
    "Who copies it tries a model that this card does not describe.",
)
def find_foreign_snippet(subject: AuditSubject) -> Iterator[Finding]:
    own = subject.model.rpartition("/")[2].lower()
    for claim in subject.claims:
        if claim.kind == "snippet" and claim.verdict == "contradicted":
            moved = claim.value.rpartition("/")[2].lower() == own
            yield find(
                subject,
                "snippet-loads-another",
                f"{claim.reason}.",
                line=claim.line,
                evidence=claim.evidence,
                suggestion=f'Write "{subject.model}".',
                severity="note" if moved else None,
            )
