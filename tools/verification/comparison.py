"""Comparisons in an answer: which of two values is said to be larger, and which one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.evidence import Evidence, EvidenceLedger
from tools.metrics import is_lower_better
from tools.verification.anchors import is_closest
from tools.verification.names import Names
from tools.verification.numbers import Number
from tools.verification.passages import read_passage
from tools.verification.readings import Reading, read_text
from tools.verification.words import is_free

_MORE = (
    r"more|higher|larger|greater|bigger|exceed(?:s|ing)?|surpass(?:es)?|longer|above|twice|most|highest"
    r"|largest|"
    r"biggest|greatest|maximum|top"
)
_LESS = r"fewer|less|lower|smaller|shorter|below|fewest|least|lowest|smallest|shortest|minimum|trails?"
_GOOD = r"better|outperform(?:s|ing)?|beats?|stronger|best|superior|leads?|ahead"
_BAD = r"worse|weaker|worst|inferior|behind|underperform(?:s)?"
_OTHER = r"(?!rather|other|never|ever|over|under|number|either|neither)[a-z]{2,}er(?=\s+than\b)"
_COMPARATIVE = re.compile(
    rf"\b(?:(?P<more>{_MORE})|(?P<less>{_LESS})|(?P<good>{_GOOD})|(?P<bad>{_BAD})|(?P<other>{_OTHER}))\b",
    re.IGNORECASE,
)
_SUPERLATIVE = re.compile(
    r"\b(?:most|highest|largest|biggest|greatest|maximum|top|fewest|least|lowest|smallest|shortest"
    r"|minimum|best|worst)\b",
    re.I,
)
_VERB = re.compile(r"(?:outperform|beat|exceed|surpass|underperform|trail)\w*", re.IGNORECASE)
_UNSETTLED = "no cited value settles the comparison"
_FIELDS = (
    ("downloads", re.compile(r"\bdownload|\bpopular", re.I)),
    ("likes", re.compile(r"\blike[sd]\b|\bhearts\b", re.I)),
    ("parameters", re.compile(r"\bparam(?:eter)?s?\b", re.I)),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`words`: where the comparing words stand in the folded text; `verdict` None: not settled."""

    verdict: bool | None
    words: tuple[int, int]
    reason: str = ""


def check_comparisons(
    reading: Reading, names: Names, cited: Sequence[Evidence], ledger: EvidenceLedger
) -> list[Comparison]:
    """Settle "A has more downloads than B" and "the lowest WER" by the values of the evidence."""
    text = reading.folded.text
    metric = reading.metrics[0][0] if reading.metrics else ""
    field = next((name for name, pattern in _FIELDS if pattern.search(text)), "")
    named = names.ids(reading)
    ids = [(name, start) for name, start, _ in named]
    settled = []
    for match in _COMPARATIVE.finditer(text):
        if any(start <= match.start() < end for _, start, end in named):
            continue  # "some-model.loss.best" is a name
        if re.match(r"\s+(?:than|about|or less)?\s*[\d$€]", text[match.end() :]):
            continue  # "more than 3 million" is a bound
        if match[0].lower() == "top" and re.match(r"[- ]?\d", text[match.end() :]):
            continue  # "top-1 accuracy"
        adjective = re.match(r"\s+(?:popular|liked|downloaded|often)\b", text[match.end() :])
        place = (match.start(), match.end() + (adjective.end() if adjective else 0))
        more = match.lastgroup == "more" or (match.lastgroup == "good" and not is_lower_better(metric or "x"))
        more = more or (match.lastgroup == "bad" and bool(metric) and is_lower_better(metric))
        if (not metric and not field) or match.lastgroup == "other":
            drawn = re.match(r"[^.;]{0,40}\bthan\b", text[match.end() :]) is not None
            drawn = drawn or _VERB.fullmatch(match[0]) is not None
            settled.append(Comparison(None, place, _UNSETTLED if drawn else ""))
        elif _SUPERLATIVE.fullmatch(match[0]):
            settled.append(
                _settle_superlative(match, place, more, metric, field, ids, cited, ledger, reading)
            )
        else:
            settled.append(_settle_pair(match, place, more, metric, field, ids, cited, ledger))
    return settled


def draws_comparison(
    reading: Reading, place: tuple[int, int], source: Reading, names: Names, model: str
) -> bool:
    """Whether a text of `model` draws a comparison in the same words, the same things on either side."""
    spoken = [name.lower() for name, _, end in names.ids(reading) if end <= place[0]]
    if spoken and model.lower() not in spoken and not names.ids(source):
        return False  # "it is slower" of a card is said of the card's own model
    verb = [word for word in reading.words if place[0] <= word.start < place[1]]
    spots = [word for word in source.words if verb and word.stem == verb[0].stem]
    if not spots:
        return False
    sides = [
        {word.stem for word in reading.words if word.end <= place[0] and not is_free(word.low)},
        {word.stem for word in reading.words if word.start >= place[1] and not is_free(word.low)},
    ]
    first = {word.stem for word in source.words if word.end <= spots[0].start}
    last = {word.stem for word in source.words if word.start >= spots[0].end}
    return not (sides[0] & (last - first) or sides[1] & (first - last))


def _settle_pair(
    match: re.Match[str],
    place: tuple[int, int],
    more: bool,
    metric: str,
    field: str,
    ids: list[tuple[str, int]],
    cited: Sequence[Evidence],
    ledger: EvidenceLedger,
) -> Comparison:
    models = list(dict.fromkeys(name for name, _ in ids))
    if len(models) < 2:
        return Comparison(None, place, _UNSETTLED)
    before = [name for name, start in ids if start < match.start()]
    after = [name for name, start in ids if start > match.end()]
    first, second = (before[0], after[0]) if before and after else (models[0], models[1])
    if first == second:
        return Comparison(None, place, _UNSETTLED)
    if re.match(r"^\s*(?:than|compared|versus)\b", match.string[match.end() :]) and not before:
        return Comparison(None, place, _UNSETTLED)
    values = [
        _value_of(model, metric, field, cited) or _value_of(model, metric, field, list(ledger))
        for model in (first, second)
    ]
    if values[0] is None or values[1] is None:
        return Comparison(None, place, _UNSETTLED)
    holds = values[0] > values[1] if more else values[0] < values[1]
    return Comparison(
        holds, place, "" if holds else f"{first} has {values[0]:,f} and {second} {values[1]:,f}"
    )


def _settle_superlative(
    match: re.Match[str],
    place: tuple[int, int],
    more: bool,
    metric: str,
    field: str,
    ids: list[tuple[str, int]],
    cited: Sequence[Evidence],
    ledger: EvidenceLedger,
    reading: Reading,
) -> Comparison:
    models = list(dict.fromkeys([name for name, _ in ids] or [item.model for item in cited]))
    if not models:
        return Comparison(None, place, _UNSETTLED)
    own = _value_of(models[0], metric, field, cited)
    if own is None:
        return Comparison(None, place, _UNSETTLED)
    others: list[Decimal] = []
    topic = {word.stem for word in reading.words if word.is_name}
    for item in ledger:
        if item.model == models[0]:
            continue
        if metric:
            around = read_text(item.text).stems
            if not topic & around:
                continue
        value = _value_of(item.model, metric, field, [item])
        if value is not None:
            others.append(value)
    if not others:
        return Comparison(None, place, _UNSETTLED)
    best = max(others) if more else min(others)
    holds = own >= best if more else own <= best
    return Comparison(holds, place, "" if holds else f"another one has {best:,f}")


def _value_of(model: str, metric: str, field: str, evidence: Sequence[Evidence]) -> Decimal | None:
    """The number that evidence of `model` gives for a field or a metric."""
    for item in evidence:
        if item.model.lower() != model.lower():
            continue
        for unit in read_passage(item).units:
            numbers = unit.reading.numbers
            if not numbers:
                continue
            if field and (
                item.locator.endswith(f"/{field}") or field in {w.stem + "s" for w in unit.reading.words}
            ):
                return numbers[0].value
            if metric and (hit := _number_for(metric, unit.reading)) is not None:
                return (
                    hit.unscaled if hit.kind == "percent" else hit.value * (100 if abs(hit.value) <= 1 else 1)
                )
    return None


def _number_for(metric: str, reading: Reading) -> Number | None:
    if metric not in {name for name, _, _ in reading.metrics}:
        return None
    return next((number for number in reading.numbers if is_closest(f":{metric}", reading, number)), None)
