"""Reported results held against one another and against logs of training: metadata, prose, tables, files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.subject import AuditSubject
from tools.audit.types import Claim
from tools.audit.values import fold_metric, same_score
from tools.cards.types import ResultRow
from tools.evidence import Evidence

_MOST_ROWS = 300
_LOGS = ("all_results.json", "eval_results.json", "test_results.json")
_EVALUATION = re.compile(r"\b(?:evaluation|validation|dev|test) (?:set|split|data)", re.IGNORECASE)


def judge_results(subject: AuditSubject) -> Iterator[Claim]:
    """A claim for each result; those of metadata against prose and logs, those of prose against metadata."""
    rows = [row for row in subject.card.results if not row.subject][:_MOST_ROWS]
    metadata = [row for row in rows if row.origin == "metadata"]
    body = [row for row in rows if row.origin in ("prose", "table")]
    for row in rows:
        others = body if row.origin == "metadata" else metadata
        yield _judge(subject, row, others, [other for other in metadata if other is not row])


def _judge(
    subject: AuditSubject, row: ResultRow, others: list[ResultRow], metadata: list[ResultRow]
) -> Claim:
    metric = fold_metric(row.metric)
    shown = f"{row.metric} {row.value}{row.unit}" + (f" on {row.dataset}" if row.dataset else "")
    text = subject.quote(row.line) or row.text[:400]
    alike = [other for other in others if fold_metric(other.metric) == metric and same_data(row, other)]
    logged = _find_logged(subject, metric)
    for other in alike:
        if same_score(_write(row), _write(other), metric):
            return Claim("result", text, row.line, shown, "supported", (_cite(subject, other),), "")
    for value, evidence in logged:
        if same_score(_write(row), value, metric):
            return Claim("result", text, row.line, shown, "supported", (evidence,), "")
    for other in alike:
        if same_score(_write(row), _write(other), metric) is False and _is_sole(subject, row, other, metric):
            reason = f"{row.metric} is {_write(row)} here, {_write(other)} on line {other.line}"
            return Claim("result", text, row.line, shown, "contradicted", (_cite(subject, other),), reason)
    if logged and row.origin == "metadata" and len(logged) == 1 and not row.verified:
        value, evidence = logged[0]
        if same_score(_write(row), value, metric) is False:
            reason = f"{row.metric} is {_write(row)} here, {value} in {evidence.locator}"
            return Claim("result", text, row.line, shown, "contradicted", (evidence,), reason)
    return Claim("result", text, row.line, shown)


def _write(row: ResultRow) -> str:
    return f"{row.value}{row.unit}"


def _cite(subject: AuditSubject, row: ResultRow) -> Evidence:
    return subject.ledger.add("results", subject.record.source, row.locator, row.text, subject.card.sha256)


def same_data(first: ResultRow, second: ResultRow) -> bool:
    """Whether two results may be of the same data: nothing that both say differs."""

    def fold(text: str) -> str:
        return re.sub(r"[\W_]+", "", text.lower())

    for one, other in ((first.split, second.split), (first.config, second.config)):
        if one and other and fold(one) != fold(other):
            return False
    names = [
        {fold(name) for name in (row.dataset, row.dataset_id.rpartition("/")[2]) if name}
        for row in (first, second)
    ]
    if not names[0] or not names[1]:
        return True
    return any(one in other or other in one for one in names[0] for other in names[1])


def _is_sole(subject: AuditSubject, row: ResultRow, other: ResultRow, metric: str) -> bool:
    """Whether there is only one value of the metric at either place, so that the two mean the same.

    Tables of training runs and of several models have many; which one the metadata means is not known.
    """
    for one in (row, other):
        same = [
            item
            for item in subject.card.results
            if (item.origin == "metadata") == (one.origin == "metadata")
            and fold_metric(item.metric) == metric
            and item.origin != "table"
        ]
        if one.origin == "table" or len({str(item.value) for item in same}) != 1:
            return False
    prose = row if row.origin == "prose" else other
    return bool(prose.dataset) or bool(_EVALUATION.search(subject.card.text[:200_000]))


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
