"""Whether the facts of a claim stand together in what it cites.

A claim is a statement, or the part of it that one mark covers. Its numbers, licences, metrics, names and all
words but those that claim nothing must stand in one unit of the cited passage, or be named by the unit's
context and source; a claim of several clauses may find each clause in a unit of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.verification.anchors import ROLES
from tools.verification.clauses import find_spans, split_clauses
from tools.verification.coverage import find_missing, is_of_another_row
from tools.verification.needs import Need, read_need, squash_name
from tools.verification.passages import Passage, Unit
from tools.verification.polarity import find_reversed, is_denied
from tools.verification.readings import Reading, read_text

CONTRADICTED = "the passage says the opposite"
_PHRASE = re.compile(r"\b(?:at|with|for|in|using|over)\b(?=[^;,]*\d)", re.IGNORECASE)
_SIZE_NAMES = re.compile(r"(?<![a-z])(nano|tiny|mini|small|base|medium|large|huge|giant|xl|xxl)(?![a-z])")
_SIZED = re.compile(
    r"\b(nano|tiny|mini|small|base|medium|large|huge|giant)-sized\b"
    r"|\b(nano|tiny|mini|small|medium|large|huge|giant|xl|xxl) (?:model|version|variant|checkpoint)\b"
)
_BARE_FIELD = re.compile(r"^\s*(?:-\s+)?[\"']?[\w-]+[\"']?\s*:")
_FIELD_LENGTH = 400  # characters of an evidence that counts as one field


@dataclass(slots=True)
class Finding:
    """`problems` in words for a person (none: the claim stands), and the unit it stands in."""

    problems: list[str] = field(default_factory=list)
    passage: Passage | None = None
    unit: Unit | None = None
    has_facts: bool = False


def check_claim(
    text: str,
    passages: Sequence[Passage],
    *,
    elsewhere: Sequence[Reading] = (),
    explained: Sequence[tuple[int, int]] = (),
    subjects: Sequence[str] = (),
) -> Finding:
    """Check a claim's text (marks and found quotes blanked) against the passages it cites.

    `elsewhere`: readings that may supply names and plain words, not numbers: the sources of the statement's
    other marks, and quotes found. `explained`: spans of the folded text that are settled already: ids of the
    models that are cited, comparisons. `subjects`: those ids, which rows of a table have to agree with.
    """
    reading = read_text(text)
    need = read_need(reading, explained)
    if not need:
        return Finding()
    cited = [*passages, *_join_fields(passages)]
    found = _check_whole(reading, need, cited, elsewhere, subjects)
    if found.problems:
        clauses = split_clauses(reading, explained)
        if len(clauses) > 1:
            parts = [
                _check_whole(part, read_need(part, spans), cited, elsewhere, _named_in(part, subjects))
                for part, spans in clauses
            ]
            if not any(part.problems for part in parts):
                best = max(parts, key=lambda part: len(part.unit.text) if part.unit else 0)
                return Finding([], best.passage, best.unit, True)
    if found.problems:
        listed = _check_list(reading, explained, cited, elsewhere, subjects)
        if listed is not None:
            return listed
    return found


def _check_list(
    reading: Reading,
    explained: Sequence[tuple[int, int]],
    cited: Sequence[Passage],
    elsewhere: Sequence[Reading],
    subjects: Sequence[str],
) -> Finding | None:
    """A claim whose phrases stand on lines of their own: "30 epochs at a batch size of 16"; None when not.

    Only lines that give one number each count: in prose, numbers of several sentences do not combine.
    """
    text = reading.folded.text
    settled = sorted({text[start:stop] for start, stop in explained}, key=len, reverse=True)
    pieces = [
        piece
        for clause, _ in split_clauses(reading, explained) or []
        for piece in _PHRASE.split(clause.folded.text)
    ]
    parts = []
    role = ""
    for piece in pieces:
        part = read_text(piece)
        need = read_need(part, find_spans(part.folded.text, settled))
        roles = [word.low for word in need.names if word.stem in ROLES]
        if need.numbers and not roles and role:
            part = read_text(f"{role} {piece}")
            need = read_need(part, find_spans(part.folded.text, settled))
        role = roles[-1] if roles else role
        finding = _check_whole(part, need, cited, elsewhere, subjects)
        if finding.problems or (
            finding.unit and (len(finding.unit.reading.numbers) > 1 or finding.unit.cells)
        ):
            return None
        if finding.unit:
            parts.append(finding)
    if not parts:
        return None
    best = max(parts, key=lambda part: len(part.unit.text) if part.unit else 0)
    return Finding([], best.passage, best.unit, True)


def _join_fields(passages: Sequence[Passage]) -> list[Passage]:
    """Several short fields of one model as one passage: its licence, its task and its downloads together."""
    fields = [passage for passage in passages if len(passage.evidence.text) <= _FIELD_LENGTH]
    models = {passage.evidence.model for passage in fields}
    if len(fields) < 2 or len(models) > 1:
        return []
    text = " ; ".join(passage.evidence.text for passage in fields)
    context = " ".join(passage.evidence.locator for passage in fields)
    return [Passage(fields[0].evidence, (Unit(text, 0, len(text), context),))]


def _other_size(claim: Reading, passage: Passage, unit: Unit) -> str:
    """The size of another member of the family that a unit speaks of ("a base-sized model"); "" when none."""
    own = set(_SIZE_NAMES.findall(passage.evidence.model.lower()))
    spoken = {first or second for first, second in _SIZED.findall(unit.reading.folded.lower)}
    if not own or not spoken or own & spoken:
        return ""
    other = sorted(spoken)[0]
    return "" if other in claim.lows or f"{other}-sized" in claim.lows else other


def _named_in(reading: Reading, subjects: Sequence[str]) -> list[str]:
    """The subjects a clause names; one that names nothing goes on with the first."""
    named = [name for name in subjects if reading.holds_run(squash_name(name))]
    return named or ([] if read_need(reading).names else list(subjects[:1]))


def _check_whole(
    reading: Reading,
    need: Need,
    passages: Sequence[Passage],
    elsewhere: Sequence[Reading],
    subjects: Sequence[str],
) -> Finding:
    if not need:
        return Finding()
    best: tuple[tuple[int, int, int], Passage, Unit, list[str]] | None = None
    for passage in passages:
        for unit in passage.units:
            missing = find_missing(reading, need, passage, unit, elsewhere)
            problems = missing.say()
            cost = (len(missing.numbers) + len(missing.licences) + len(missing.metrics), len(missing.names),
                    len(missing.words))  # fmt: skip
            if not problems and unit.cells:
                problems = [
                    f"that row is not about {name}"
                    for name in subjects
                    if is_of_another_row(squash_name(name), passage, unit)
                ]
            if (
                not problems
                and (need.numbers or need.metrics)
                and (size := _other_size(reading, passage, unit))
            ):
                problems = [f"the passage says it of the {size} one"]
            around = [unit.reading, unit.around, *elsewhere]
            if not problems and (stem := find_reversed(reading, around) or _find_denied(reading, need, unit)):
                problems = [f"{CONTRADICTED} about {stem!r}"]
            if not problems:
                return Finding([], passage, unit, True)
            if best is None or cost < best[0]:
                best = (cost, passage, unit, problems)
    if best is None:
        return Finding(["the cited passage is empty"], has_facts=True)
    return Finding(best[3], best[1], best[2], True)


def _find_denied(reading: Reading, need: Need, unit: Unit) -> str:
    """A licence, or a value of a bare field, that the claim denies and the unit gives."""
    denied = [str(licence) for licence in need.licences if is_denied(reading, licence.start)]
    if _BARE_FIELD.match(unit.text):
        denied += [
            word.text for word in need.names if word.stem not in ROLES and is_denied(reading, word.start)
        ]
    return denied[0] if denied and not is_denied(unit.reading, len(unit.reading.folded.text) - 1) else ""
