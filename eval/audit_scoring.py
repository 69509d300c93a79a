"""When an injected error counts as found, and when a true card counts as wrongly blamed.

A finding is new where the untouched card has none of the same rule and message on the same text. An injected
error is found when a new finding stands on its line, cites its line as evidence, or names what it concerns. A
truth-preserving rewriting is wrongly blamed when it has a new error or warning.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tools.audit import AuditReport, Finding

_PLACE = re.compile(r"\bL?\d+\b")
_WHOLE = 15  # lines
_LOCATED = re.compile(r"#L(\d+)(?:-L(\d+))?")


class Injected(Protocol):
    """What both halves of the injections have. `line` is 1-based in `card`, 0 where something is gone; `key`
    is the metadata key, the section or the word concerned."""

    @property
    def kind(self) -> str: ...
    @property
    def card(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def what(self) -> str: ...


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


Item = TypeVar("Item", bound=_Kind)


def _print_of(finding: Finding) -> tuple[str, str, str]:
    """A finding without line numbers, which every inserted line moves."""
    return finding.rule, _PLACE.sub("#", finding.message), finding.claim


def list_new(before: AuditReport, after: AuditReport) -> list[Finding]:
    """Findings of `after` that `before` lacks, however far lines moved."""
    known = Counter(_print_of(finding) for finding in before.findings)
    new = []
    for finding in after.findings:
        key = _print_of(finding)
        if known[key]:
            known[key] -= 1
        else:
            new.append(finding)
    return new


def is_at(finding: Finding, line: int, key: str, *, length: int = 1) -> bool:
    """Whether a finding points at an error: at its lines, by its evidence, or by its name."""
    last = line + length - 1
    if length >= _WHOLE and not finding.line:
        return True  # all of the text was replaced, and the finding is on all of it
    if line and line <= finding.line <= last:
        return True
    for evidence in finding.evidence:
        if line and (matched := _LOCATED.search(evidence.locator)):
            start, end = int(matched[1]), int(matched[2] or matched[1])
            if start <= last and line <= end:
                return True
    word = _fold(key)
    if len(word) < 3:
        return False
    named = " ".join((finding.message, finding.claim, finding.suggestion, finding.section, finding.rule))
    if not line and any(_fold(part) in _fold(named) for part in key.split() if len(part) > 4):
        return True  # of "Limitations and bias", which is gone, either may be missed
    return word in _fold(named) or any(word in _fold(one.locator) for one in finding.evidence)


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower().replace("license", "licence"))


@dataclass(slots=True)
class Score:
    """Counts over one half of the injections, by kind; `missed` and `beside` are for reading."""

    injected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    rules: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, model: str, error: Injected, before: AuditReport, after: AuditReport) -> bool:
        """Count one injected error; whether it was found."""
        new = list_new(before, after)
        length = getattr(error, "length", 1)
        hits = [finding for finding in new if is_at(finding, error.line, error.key, length=length)]
        self.injected[error.kind] += 1
        self.found[error.kind] += bool(hits)
        self.right[error.kind] += len(hits)
        self.wrong[error.kind] += len(new) - len(hits)
        self.rules[error.kind].update(finding.rule for finding in hits)
        if not hits:
            self.missed.append(f"{error.kind} · {model} · line {error.line} · {error.key} · {error.what}")
        for finding in new:
            if finding not in hits:
                self.beside.append(
                    f"{error.kind} · {model} · {finding.severity} {finding.rule} line {finding.line}: "
                    f"{finding.message} (injected: {error.what}, line {error.line})"
                )
        return bool(hits)

    def describe(self) -> dict[str, Any]:
        """Recall (injected errors found) and precision (new findings that point at the error), by kind."""
        right, wrong = sum(self.right.values()), sum(self.wrong.values())
        return {
            "injected": sum(self.injected.values()),
            "kinds": len(self.injected),
            "recall": share(sum(self.found.values()), sum(self.injected.values())),
            "precision": share(right, right + wrong),
            "by_kind": [
                {
                    "kind": kind,
                    "injected": count,
                    "recall": share(self.found[kind], count),
                    "precision": share(self.right[kind], self.right[kind] + self.wrong[kind]),
                    "found_by": ", ".join(rule for rule, _ in self.rules[kind].most_common(3)),
                }
                for kind, count in sorted(self.injected.items())
            ],
            "missed": self.missed,
            "beside": self.beside,
        }


@dataclass(slots=True)
class TwinScore:
    """Counts over truth-preserving rewritings, by kind."""

    made: Counter[str] = field(default_factory=Counter)
    blamed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def count(self, model: str, kind: str, what: str, before: AuditReport, after: AuditReport) -> bool:
        """Count one rewriting; whether it stayed without a new error or warning."""
        new = [finding for finding in list_new(before, after) if finding.severity != "note"]
        self.made[kind] += 1
        self.blamed[kind] += bool(new)
        for finding in new[:2]:
            self.wrong.append(
                f"{kind} · {model} · {finding.severity} {finding.rule} line {finding.line}: "
                f"{finding.message} ({what})"
            )
        return not new

    def describe(self) -> dict[str, Any]:
        """Specificity: the share of rewritings that no new error or warning blames."""
        made = sum(self.made.values())
        return {
            "twins": made,
            "specificity": share(made - sum(self.blamed.values()), made),
            "by_kind": [
                {"kind": kind, "twins": count, "specificity": share(count - self.blamed[kind], count)}
                for kind, count in sorted(self.made.items())
            ],
            "wrong": self.wrong,
        }


def share(part: int, whole: int) -> float | None:
    """A share with four digits, None of nothing."""
    return round(part / whole, 4) if whole else None


def pick_evenly(items: Iterable[Item], most: int) -> list[Item]:
    """At most `most` items of each kind, in the order given."""
    taken: Counter[str] = Counter()
    kept = []
    for item in items:
        if taken[item.kind] < most:
            taken[item.kind] += 1
            kept.append(item)
    return kept


def list_lines(report: AuditReport, findings: Sequence[Finding]) -> list[str]:
    """Findings as lines to be read by eye, each with the text it stands on."""
    return [
        f"{report.target} · {finding.severity} {finding.rule} line {finding.line}: {finding.message} "
        f"| {finding.claim[:160]}"
        for finding in findings
    ]
