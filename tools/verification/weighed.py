"""What a statement says of weights, held against the findings it cites (`tools.comparing.finding`).

Numbers and words are checked as those of any claim; here it is checked that the two models are those of the
finding, that the one that was made from the other is the right one, and that the verdict is the finding's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.comparing.finding import Finding, FindingKind, read_finding
from tools.evidence import Evidence
from tools.verification.lineage import claimed_edges
from tools.verification.names import Names
from tools.verification.readings import Reading

_NO = r"(?:\b(?:not|never|no|neither|nor|hardly)\b|n't\b|n’t\b)"
_DENIED = re.compile(_NO, re.IGNORECASE)
# Claim -> how it is worded; behind a denial it is the opposite claim.
_CLAIMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("made", re.compile(
        r"\b(?:made|fine-?\s?tuned|finetuned|derived|descend\w*|built|distilled|quanti[sz]ed|pruned|merged"
        r"|adapted|trained|comes?|came|originat\w*|copied)\b[^.;:]{0,20}\bfrom\b", re.I)),
    ("copies", re.compile(
        r"\b(?:cop(?:y|ies)|identical|duplicates?|clones?|(?:same|equal) weights)\b", re.I)),
    ("related", re.compile(r"(?<!un)\brelated\b|\b(?:common|same|shared) (?:origin|ancestor|root)\b", re.I)),
    ("unrelated", re.compile(r"\bunrelated\b|\btrained independently\b|\bindependently trained\b", re.I)),
    ("supported", re.compile(r"\b(?:support\w*|confirm\w*|corroborat\w*|bears? \w+ out)\b", re.I)),
    ("contradicted", re.compile(r"\b(?:contradict\w*|refut\w*|disprov\w*|den(?:y|ies))\b", re.I)),
)  # fmt: skip
_OPPOSITE = {
    "made": "not made", "copies": "not copies", "related": "unrelated", "unrelated": "related",
    "supported": "contradicted", "contradicted": "supported",
}  # fmt: skip
# What each finding lets one say.
_ALLOWED: dict[FindingKind, frozenset[str]] = {
    "made": frozenset({"made", "related", "supported", "not copies"}),
    "not_made": frozenset({"not made", "contradicted", "unrelated", "not copies"}),
    "related": frozenset({"related", "not copies", "not made"}),
    "unrelated": frozenset({"unrelated", "not made", "not copies", "contradicted"}),
    "copies": frozenset({"copies", "related", "supported", "made"}),
    "likely": frozenset({"made", "related"}),
    "unknown": frozenset(),
    "like": frozenset(),
}
_HEDGED = re.compile(r"\b(?:likely|probabl\w+|perhaps|may|might|possibly)\b", re.IGNORECASE)
# "only 3 of 576"
_ONLY = re.compile(r"\b(only|just)\b(?=\s+\d)", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:unknown|unclear|unverifiable)\b|\b(?:can ?not|can't|could not|do(?:es)? not|don't) "
    r"(?:be )?(?:tell|told|show|say|said|settle|decide|prove)\b|\bproves? no\b|\bwhether\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Weighing:
    """What came of it: `problem` for a person, "" for none; the evidence that speaks of the two models that
    are named; spans of the folded text that are settled: the names of the two, and what is said of them;
    and the finding that says the same of the two, if anything is said.
    """

    problem: str
    items: tuple[Evidence, ...]
    settled: tuple[tuple[int, int], ...] = ()
    stated: Evidence | None = None


def check_weighed(reading: Reading, names: Names, cited: Sequence[Evidence]) -> Weighing:
    """Hold what a part of a statement says of weights against the findings it cites.

    `cited` is the evidence of that part. Without a finding among it nothing is checked.
    """
    findings = [(item, found) for item in cited if (found := _read(item)) is not None]
    if not findings:
        return Weighing("", tuple(cited))
    ids = names.ids(reading)
    named = list(dict.fromkeys(name.lower() for name, _, _ in ids))
    if all(item.kind == "weights" for item in cited) and (reason := _check_models(named, findings)):
        return Weighing(reason, tuple(cited))
    about = [
        (item, found)
        for item, found in findings
        if len(named) < 2 or {found.first.lower(), found.second.lower()} <= set(named)
    ]
    if not about:
        return Weighing("", tuple(cited))
    if reason := _check_direction(reading, ids, about):
        return Weighing(reason, tuple(cited))
    problem, settled = _check_verdict(reading, ids, about)
    stated = about[0][0] if settled and not problem else None
    models = {name.lower() for _, found in about for name in (found.first, found.second)}
    settled += [(start, end) for name, start, end in ids if name.lower() in models]
    settled += [match.span(1) for match in _ONLY.finditer(reading.folded.text)]
    # A number that is given for these two has to stand in a finding about these two.
    left_out = {item.id for item, _ in findings} - {item.id for item, _ in about}
    return Weighing(problem, tuple(item for item in cited if item.id not in left_out), tuple(settled), stated)


def _read(item: Evidence) -> Finding | None:
    return read_finding(item.text) if item.kind == "weights" else None


def _check_models(named: Sequence[str], findings: Sequence[tuple[Evidence, Finding]]) -> str:
    """Each model that is named has to be one of the two of some finding, and two of them of one."""
    for name in named:
        if not any(name in (found.first.lower(), found.second.lower()) for _, found in findings):
            item, found = findings[0]
            return f"{item.id} is about {found.first} and {found.second}, not about {name}"
    if len(named) == 2 and not any(
        set(named) == {found.first.lower(), found.second.lower()} for _, found in findings
    ):
        item, found = findings[0]
        return f"{item.id} compares {found.first} with {found.second}, not these two"
    return ""


def _check_direction(
    reading: Reading,
    ids: Sequence[tuple[str, int, int]],
    findings: Sequence[tuple[Evidence, Finding]],
) -> str:
    """Who is said to be made from whom: the finding has to say it of the same two, in the same order."""
    text = reading.folded.text
    for child, parent in claimed_edges(text, ids):
        start = min((end for name, _, end in ids if name == child), default=0)
        if _DENIED.search(text[start:]) or _OPEN.search(text):
            continue
        pair = {child.lower(), parent.lower()}
        for item, found in findings:
            if pair != {found.first.lower(), found.second.lower()}:
                continue
            if found.kind in ("made", "likely") and found.first.lower() != child.lower():
                return f"{item.id} says that {found.first} was made from {found.second}, not the other way"
            if found.kind in ("related", "unrelated", "not_made", "copies", "like"):
                return f"{item.id} does not say that {child} was made from {parent}"
    return ""


def _check_verdict(
    reading: Reading,
    ids: Sequence[tuple[str, int, int]],
    findings: Sequence[tuple[Evidence, Finding]],
) -> tuple[str, list[tuple[int, int]]]:
    """(why a verdict is not that of the findings, where those stand that are)"""
    settled = []
    text = reading.folded.text
    for _, start, end in ids:  # a name may hold such a word: "some-copy"
        text = text[:start] + "x" * (end - start) + text[end:]
    for claim, pattern in _CLAIMS:
        for match in pattern.finditer(text):
            before = re.split(r"[;:,]\s", text[: match.start()])[-1]
            if _OPEN.search(before):
                continue
            denied = _DENIED.search(before[-40:]) or _DENIED.search(match[0])
            said = _OPPOSITE[claim] if denied else claim
            allowed = [
                said in _ALLOWED[found.kind] and (found.kind != "likely" or _HEDGED.search(text) is not None)
                for _, found in findings
            ]
            if not any(allowed):
                item, found = findings[0]
                said = _SAYS[found.kind].format(found.first, found.second)
                return f"{item.id} does not say that: {said}", []
            if claim != "made":  # how it was made has to stand there
                settled.append(match.span())
    return "", settled


_SAYS: dict[FindingKind, str] = {
    "made": "{0} was made from {1}",
    "not_made": "{0} was not made from {1}",
    "related": "{0} and {1} have a common origin",
    "unrelated": "{0} and {1} are unrelated",
    "copies": "{0} and {1} are copies of each other",
    "likely": "{0} was likely made from {1}",
    "unknown": "whether {0} and {1} are related is unknown",
    "like": "it compares fingerprints of {0} and {1}",
}
