"""Reported results held against one another and against logs of training: metadata, prose, tables, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from tools.audit.subject import AuditSubject
from tools.audit.types import Claim, Verdict
from tools.audit.values import fold_metric, same_score
from tools.cards.types import LineSpan, ResultRow
from tools.evidence import Evidence

_MOST_ROWS = 300
_LOGS = ("all_results.json", "eval_results.json", "test_results.json")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:\s?%)?")
_BRACKETS = re.compile(r"\([^()]{0,400}\)")
_EVALUATION = re.compile(r"\b(?:evaluation|validation|dev|test) (?:set|split|data)", re.IGNORECASE)


def judge_results(subject: AuditSubject) -> Iterator[Claim]:
    """A claim for each result, held against those of the other places: metadata, sentences, tables, logs."""
    own = [row for row in subject.card.results if not row.subject]
    rows = [row for row in own if row.origin == "metadata"][: 4 * _MOST_ROWS]
    rows += [row for row in own if row.origin != "metadata"][:_MOST_ROWS]
    by_metric: dict[str, list[ResultRow]] = {}
    for row in rows:
        by_metric.setdefault(fold_metric(row.metric), []).append(row)
    for row in rows:
        metric = fold_metric(row.metric)
        yield _judge(subject, row, metric, by_metric[metric])


def _judge(subject: AuditSubject, row: ResultRow, metric: str, rows: list[ResultRow]) -> Claim:
    """`rows` are all of the same metric, at any place."""
    shown = f"{row.metric} {row.value}{row.unit}" + (f" on {row.dataset}" if row.dataset else "")
    text = subject.quote(row.line) or row.text[:400]

    def say(verdict: Verdict, evidence: Evidence, reason: str = "", *, sure: bool = True) -> Claim:
        return Claim("result", text, row.line, shown, verdict, (evidence,), reason, sure)

    elsewhere = [other for other in rows if other.origin != row.origin and same_data(row, other)]
    logged = _find_logged(subject, metric)
    for other in elsewhere:
        if same_score(_write(row), _write(other), metric):
            return say("supported", _cite(subject, other))
    for value, evidence in logged:
        if same_score(_write(row), value, metric):
            return say("supported", evidence)
    for origin in ("metadata", "prose", "table"):
        others = [other for other in elsewhere if other.origin == origin]
        if not others or _stand_together(subject, row, others[0], metric):
            continue
        if _is_sole(subject, row, others[0], rows, metric):
            reason = f"{row.metric} is {_write(row)} here, {_write(others[0])} on line {others[0].line}"
            # A verified result is of a run of the Hub's own, which may well differ from the author's.
            runs = row.verified or others[0].verified
            sure = bool(_names_of(row) and _names_of(others[0])) and not runs
            return say("contradicted", _cite(subject, others[0]), reason, sure=sure)
    if logged and row.origin == "metadata" and len(logged) == 1 and not row.verified:
        value, evidence = logged[0]
        if same_score(_write(row), value, metric) is False:
            reason = f"{row.metric} is {_write(row)} here, {value} in {evidence.locator}"
            return say("contradicted", evidence, reason)
    return Claim("result", text, row.line, shown)


def _stand_together(subject: AuditSubject, row: ResultRow, other: ResultRow, metric: str) -> bool:
    """Whether a line that gives one of the values gives the other as well, and so means two things.

    What stands in brackets is said about the values, not with them.
    """
    for one, against in ((row, other), (other, row)):
        if one.origin == "prose":
            line = subject.card.lines_text(LineSpan(one.line, one.line))[:4000]
            numbers = _NUMBER.findall(_BRACKETS.sub(" ", line))
            if any(same_score(number, _write(against), metric) for number in numbers):
                return True
    return False


def _write(row: ResultRow) -> str:
    return f"{row.value}{row.unit}"


def _cite(subject: AuditSubject, row: ResultRow) -> Evidence:
    return subject.ledger.add("results", subject.record.source, row.locator, row.text, subject.card.sha256)


_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "validation": "dev",
           "valid": "dev", "val": "dev", "dev": "dev", "development": "dev"}  # fmt: skip


def _names_of(row: ResultRow) -> set[str]:
    return {_fold(name) for name in (row.dataset, row.dataset_id.rpartition("/")[2]) if name}


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def same_data(first: ResultRow, second: ResultRow) -> bool:
    """Whether two results may be of the same data: nothing that both say differs.

    An "evaluation set" is test or validation data; other words in place of a split ("v0.02") are none.
    """
    splits = [_SPLITS.get(_fold(row.split)) for row in (first, second)]
    if all(splits) and splits[0] != splits[1]:
        return False
    if first.config and second.config and _fold(first.config) != _fold(second.config):
        return False
    names = [_names_of(row) for row in (first, second)]
    if not names[0] or not names[1]:
        return True
    return any(one in other or other in one for one in names[0] for other in names[1])


def _is_sole(
    subject: AuditSubject, row: ResultRow, other: ResultRow, rows: list[ResultRow], metric: str
) -> bool:
    """Whether either place has only one value of the metric for such data, so that the two mean the same.

    Tables of training runs and of several models have many; which one is meant is not known.
    """
    if same_score(_write(row), _write(other), metric) is not False:
        return False
    said = _fold(" ".join(one.text for one in (row, other) if one.origin != "metadata")[:2000])
    data = _names_of(row) & _names_of(other)
    for one in (row, other):
        if one.origin == "metadata" and not data:
            data = {name for name in _names_of(one) if len(name) > 4 and name in said}
    for one, against in ((row, other), (other, row)):
        alike = [item for item in rows if item.origin == one.origin and same_data(item, against)]
        if data and one.origin == "prose" and against.origin == "metadata":
            # Other sentences bear the metadata out; this one names the same data and does not.
            alike = [item for item in alike if not same_score(_write(item), _write(against), metric)]
        exact = [item for item in alike if _names_of(item) & data] or [
            item
            for item in alike
            if item.origin == "metadata" and any(len(n) > 4 and n in said for n in _names_of(item))
        ]
        if len({str(item.value) for item in exact or alike}) != 1:
            return False
    places = {row.origin, other.origin}
    body = other if row.origin == "metadata" else row
    if "table" in places and "metadata" not in places:
        return bool(row.dataset and other.dataset)
    if body.origin == "table" or body.dataset or _EVALUATION.search(subject.card.text[:200_000]):
        return True
    return len({_fold(item.dataset) for item in rows if item.origin == "metadata"}) == 1


def _find_logged(subject: AuditSubject, metric: str) -> list[tuple[str, Evidence]]:
    """Values of a metric in the logs of the last evaluation."""
    for name in _LOGS:
        file = subject.gathered.files.get(name)
        if file is None:
            continue
        found = []
        for pointer, member in file.members.items():
            key = pointer.rpartition("/")[2]
            if type(member.value) not in (int, float) or not key.startswith(("eval_", "test_", "predict_")):
                continue
            evidence = subject.gathered.cite(name, pointer)
            if evidence is not None and fold_metric(key.partition("_")[2]) == metric:
                found.append((str(member.value), evidence))
        if found:
            return found
    return []
