"""What audits and drafts say of a card, in sentences that can be told again word for word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from assistant.toolbox.results import count_noun
from tools.reading import content_words

if TYPE_CHECKING:
    from tools.audit import AuditReport, Finding, Rule
    from tools.audit.types import Severity
    from tools.draft import Draft

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
MOST_FAULTY = 10  # models, or authors, that a sentence on the lake names

_FIRST = re.compile(r"(?:(?![.!?] [A-Z]).)*[.!?]?", re.DOTALL)
_LINE = re.compile(r"\W*line\s+(\d{1,6})\W*", re.IGNORECASE)
# Words that every rule's title may hold: they say nothing of what a finding is about.
_EMPTY_WORDS = frozenset(
    content_words("model models card cards line finding findings error warning note wrong")
)


@cache
def map_rules() -> Mapping[str, Rule]:
    """The rules of audits by their ids."""
    from tools.audit import list_rules

    return {rule.id: rule for rule in list_rules()}


def order_findings(report: AuditReport) -> list[Finding]:
    """Findings by severity, then line; those on the whole card come last of their severity."""
    return sorted(report.findings, key=lambda f: (SEVERITIES.index(f.severity), f.line == 0, f.line))


def read_line(about: str) -> int:
    """The line that "line 12" names; 0 for other words."""
    found = _LINE.fullmatch(about)
    return int(found[1]) if found else 0


def has_grave_rule(about: str) -> bool:
    """Whether a rule on `about` finds errors or warnings, beside what is merely missing."""
    return any(
        rule.severity != "note" and not rule.id.endswith("-missing") and _speaks_of(rule, _stems(about))
        for rule in map_rules().values()
    )


def select_findings(findings: Sequence[Finding], about: str) -> list[Finding]:
    """Those whose rule speaks of `about`; where none does, those whose message does. All of them for ""."""
    if line := read_line(about):
        return [finding for finding in findings if finding.line == line]
    wanted = _stems(about) - _EMPTY_WORDS
    if not wanted:
        return list(findings)
    of_rule = [finding for finding in findings if _speaks_of(map_rules()[finding.rule], wanted)]
    return of_rule or [finding for finding in findings if wanted & _stems(finding.message)]


def _speaks_of(rule: Rule, wanted: set[str]) -> bool:
    return not wanted.isdisjoint(_stems(f"{rule.id.replace('-', ' ')} {rule.title}"))


def _stems(text: str) -> set[str]:
    return set(content_words(re.sub("licence", "license", text, flags=re.IGNORECASE)))


def tell_finding(finding: Finding) -> str:
    """ "Error, line 3: what is wrong."."""
    place = f"line {finding.line}" if finding.line else "whole card"
    return f"{finding.severity.capitalize()}, {place}: {close_sentence(finding.message)}"


def tell_of_model(model: str, finding: Finding) -> str:
    """The first sentence of a finding in one with the model's name."""
    return f"{model}: {_FIRST.match(tell_finding(finding))[0]}"  # type: ignore[index]


def tell_whole(finding: Finding) -> str:
    """A finding with its fix, why it matters, and the rule that found it."""
    rule = map_rules()[finding.rule]
    fix = f" Fix: {close_sentence(finding.suggestion)}" if finding.suggestion else ""
    return f"{tell_finding(finding)}{fix} Why it matters: {close_sentence(rule.why)} {tell_rule(rule)}"


def tell_rule(rule: Rule) -> str:
    """A rule by its id and its title."""
    return f"Rule {rule.id}: {close_sentence(rule.title)}"


def close_sentence(text: str) -> str:
    """`text` on one line, with a stop at its end."""
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def count_claims(report: AuditReport) -> dict[str, int]:
    """How many claims of a card got which verdict."""
    verdicts = Counter(claim.verdict for claim in report.claims)
    return {verdict: verdicts[verdict] for verdict in ("supported", "contradicted", "unverifiable")}


def tell_report(model: str, report: AuditReport) -> str:
    """The audit in one sentence, with all its counts."""
    claims = count_claims(report)
    text = (
        f"The audit of {model} has {_list_counts(report)}; of "
        f"{count_noun(len(report.claims), 'claim', 'claims')} other "
        f"places support {claims['supported']}, contradict {claims['contradicted']} and say nothing to "
        f"{claims['unverifiable']}"
    )
    if report.coverage.missing:
        missing = ", ".join(report.coverage.missing)
        text += (
            f"; {report.coverage.filled} of {report.coverage.total} main sections are filled, not {missing}"
        )
    return f"{text}."


def tell_counts(model: str, report: AuditReport) -> str:
    """The counts alone, first in the sentence."""
    return f"{_list_counts(report).capitalize()} in the card of {model}."


def tell_about(model: str, report: AuditReport, about: str) -> str:
    """How many findings speak of `about`."""
    topic = f"on line {line}" if (line := read_line(about)) else f"about {about}"
    chosen = len(select_findings(report.findings, about))
    findings = count_noun(len(report.findings), "finding", "findings")
    return (
        f"Of {findings} in the card of {model}, {chosen or 'none'} {'are' if chosen > 1 else 'is'} {topic}."
    )


def _list_counts(report: AuditReport) -> str:
    return ", ".join(count_noun(report.count(severity), severity, f"{severity}s") for severity in SEVERITIES)


def tell_lake(audited: int, total: int, faulty: Sequence[tuple[str, int]], about: str) -> str:
    """Which of the audited cards have faults, worst first: (model, how many)."""
    of = f"{audited:,} cards" if audited == total else f"the first {audited:,} of {total:,} cards"
    faults = f"findings about {about}" if about else "errors"
    if not faulty:
        return f"Of {of} that were audited, none has {faults}."
    verb = "has" if len(faulty) == 1 else "have"
    return f"Of {of} that were audited, {len(faulty)} {verb} {faults}: {_name_worst(faulty)}."


def tell_authors(authors: Mapping[str, int], about: str) -> str:
    """Whose cards have most faults, worst first."""
    faults = f"Findings about {about}" if about else "Errors"
    worst = sorted(authors.items(), key=lambda entry: (-entry[1], entry[0]))
    return f"{faults} by author: {_name_worst(worst)}." if worst else f"{faults} by author: none."


def _name_worst(counts: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(f"{name} ({count})" for name, count in counts[:MOST_FAULTY])
    return f"{named} and {len(counts) - MOST_FAULTY} more" if len(counts) > MOST_FAULTY else named


def tell_draft(drafted: Draft) -> str:
    """How much of the template a draft fills."""
    statuses = [slot.status for slot in drafted.slots]
    inherited = statuses.count("inherited")
    filled = statuses.count("filled") + inherited
    told = f", {inherited} of them with inherited facts" if inherited else ""
    return (
        f"A card drafted for {drafted.model} fills {filled} of {len(statuses)} slots of the template from "
        f"evidence{told}; {statuses.count('unknown')} stay open."
    )
