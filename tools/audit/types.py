"""What an audit yields: findings, claims with their verdicts, coverage, and what was silenced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tools.evidence import Evidence

if TYPE_CHECKING:
    from tools.audit.subject import AuditSubject

Severity = Literal["error", "warning", "note"]
Verdict = Literal["supported", "contradicted", "unverifiable"]
Profile = Literal["hub", "eu"]
PROFILES: tuple[Profile, ...] = ("hub", "eu")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Claim:
    """Something the card says, and what another place says to it. `line` is 1-based, 0 when not in the card.

    `value` is what a reader would take from `text`; `reason` says in words why the verdict is what it is.
    """

    kind: str  # license, language, dataset, base_model, parameters, context_length, result, snippet, ...
    text: str
    line: int
    value: str
    verdict: Verdict = "unverifiable"
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    sure: bool = True  # False: the two places may speak of different things

    def describe(self) -> dict[str, Any]:
        """The claim as the contract of `lake audit` has it, with its kind and reason beside."""
        return {
            "text": self.text,
            "line": self.line,
            "verdict": self.verdict,
            "evidence": [item.model_dump(mode="json") for item in self.evidence],
            "kind": self.kind,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a card. `line` is 1-based, 0 where the card has no line for it (something is missing)."""

    rule: str
    severity: Severity
    message: str
    line: int = 0
    section: str = ""
    claim: str = ""  # the offending text, verbatim
    evidence: tuple[Evidence, ...] = ()
    suggestion: str = ""

    def describe(self) -> dict[str, Any]:
        """The finding as the contract of `lake audit` has it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "section": self.section,
            "line": self.line or None,
            "claim": self.claim,
            "evidence": [item.model_dump(mode="json") for item in self.evidence],
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a card. `profiles` are those it belongs to."""

    id: str
    severity: Severity
    title: str
    why: str
    check: Callable[[AuditSubject], Iterable[Finding]]
    theme: str
    profiles: tuple[Profile, ...] = PROFILES

    @property
    def documentation(self) -> str:
        """Where the rule is explained, below the repository's root."""
        return f"docs/rules.md#{self.id}"


@dataclass(frozen=True, slots=True)
class Silenced:
    """A rule that the card itself silences, on `line`, and how many findings that hid."""

    rule: str
    line: int
    findings: int
    known: bool = True

    def describe(self) -> dict[str, Any]:
        return {"rule": self.rule, "line": self.line, "findings": self.findings, "known": self.known}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the template's sections hold something; `missing` names the others."""

    filled: int
    total: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All that an audit found; findings worst first, then by line.

    `author` is the model's namespace, "" for a file.
    """

    target: str
    author: str
    findings: tuple[Finding, ...]
    claims: tuple[Claim, ...]
    silenced: tuple[Silenced, ...]
    coverage: Coverage
    card_path: str = "README.md"
    lines: tuple[str, ...] = field(default=(), repr=False)  # of the card, for quoting
    notes: tuple[str, ...] = ()  # what could not be looked at, in sentences

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def fails(self, threshold: Literal["error", "warning", "never"]) -> bool:
        """Whether there are findings at or above `threshold`."""
        if threshold == "never":
            return False
        return bool(self.count("error") or (threshold == "warning" and self.count("warning")))

    def describe(self) -> dict[str, Any]:
        """The report as one JSON document (`lake audit --json`)."""
        return {
            "target": self.target,
            "findings": [finding.describe() for finding in self.findings],
            "claims": [claim.describe() for claim in self.claims],
            "silenced": [item.describe() for item in self.silenced],
            "coverage": {
                "filled": self.coverage.filled,
                "total": self.coverage.total,
                "missing": list(self.coverage.missing),
            },
            "notes": list(self.notes),
        }
