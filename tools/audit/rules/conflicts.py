"""One result reported twice: in the metadata, in sentences, in a table, or in a table and a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from tools.audit.registry import find, rule
from tools.audit.results import same_data
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding
from tools.audit.values import fold_metric, same_score
from tools.cards.types import CardTable, Cell, ResultRow
from tools.metrics import METRICS

_BOUNDED = frozenset(metric.name for metric in METRICS if metric.bounded)


@rule(
    "result-duplicate",
    "warning",
    "One result is given twice in the metadata",
    "Leaderboards take either; with two values nobody knows which.",
)
def find_duplicate_result(subject: AuditSubject) -> Iterator[Finding]:
    first: dict[tuple[str, ...], ResultRow] = {}
    for row in subject.card.results:
        if row.origin != "metadata" or row.subject or not (row.dataset or row.dataset_id):
            continue
        key = (row.metric, row.metric_type, row.dataset, row.dataset_id, row.config, row.split, row.task)
        if (
            (other := first.setdefault(key, row)) is row
            or not same_data(row, other)
            or row.verified != other.verified
        ):
            continue
        same = same_score(row.value, other.value, fold_metric(row.metric))
        yield find(
            subject,
            "result-duplicate",
            f"{row.metric} on {row.dataset or row.dataset_id} stands on line {other.line} already"
            + (f", as {other.value}." if not same else "."),
            line=row.line,
            suggestion="Keep one of the two." if same else "Find out which was measured, delete the other.",
            severity="note" if same else "error",
        )


@rule(
    "result-conflict",
    "warning",
    "Two values for one metric on the same data",
    "Readers cannot know which of them was measured.",
)
def find_conflicting_results(subject: AuditSubject) -> Iterator[Finding]:
    """Two sentences, a sentence and a table, or two rows of a table that name the same data and metric.

    Other rows of tables are of other runs, epochs or models, and so are sentences that compare.
    """
    said = [row for row in subject.card.results if row.origin == "prose" and _is_plain(row)]
    told: set[int] = set()
    for row, other in (*_pair_sentences(subject, said), *_pair_with_tables(subject, said)):
        if row.line not in told:
            told.add(row.line)
            yield _report(
                subject,
                f"{row.metric} on {_name_data(subject, row)} is {row.value}{row.unit} here, "
                f"{other.value}{other.unit} on line {other.line}.",
                row.line,
                other.line,
            )
    for table in subject.card.tables:
        for what, first, second in _pair_rows(table):
            yield _report(
                subject,
                f"{what} is {second.text} here, {first.text} on line {first.line}.",
                second.line,
                first.line,
            )


def _report(subject: AuditSubject, message: str, line: int, other: int) -> Finding:
    return find(
        subject,
        "result-conflict",
        message[:400],
        line=line,
        evidence=(subject.cite_lines(other),) if other else (),
        suggestion="Find out which was measured, or say in what the two differ.",
    )


_COMPARES = re.compile(
    r"\b(?:baseline|compar|than|versus|vs|previous|teacher|original|before|after|epoch|step|zero-shot|few-shot"
    r"|improv|outperform|instead|from|class|label|subset|with|without|train)",
    re.IGNORECASE,
)
# A name with a capital and, further on, another one or a digit: SQuAD, IMDB, SST-2, Common-Voice.
_PROPER = re.compile(r"(?<![\w/.-])[A-Z][\w.]*(?:-?[A-Z\d]|-[a-z]*[A-Z])[\w-]*")
_SPLIT_MARK = re.compile(
    r"[\s(\[,]*\b(?:test|dev|val|validation|eval|evaluation|train)(?:[- _]?set)?\b[)\]]?"
)


def _is_plain(row: ResultRow) -> bool:
    return not row.subject and fold_metric(row.metric) in _BOUNDED and not _COMPARES.search(row.text)


def _name_data(subject: AuditSubject, row: ResultRow) -> str:
    """The data of a result: as its line has it, else the only proper name in its sentence or column's header.

    What was read from further away is the last resort: sections may go on to other data.
    """
    read = _SPLIT_MARK.sub("", row.dataset or row.dataset_id)
    said = subject.quote(row.line)
    if read and _fold(read) in _fold(said):
        return read
    if row.origin == "table":
        table = next(
            (one for one in subject.card.tables if one.lines.start <= row.line <= one.lines.end), None
        )
        heads = [head for head in table.header if _find_metric(head)] if table else []
        said = heads[0] if len(heads) == 1 else ""
    own = _fold(subject.model)
    names = {
        name: None
        for name in _PROPER.findall(said[:500])
        if not _find_metric(name) and _fold(name) not in own
    }
    return next(iter(names)) if len(names) == 1 else read


def _find_metric(text: str) -> str:
    return next((metric.name for metric in METRICS if metric.pattern.search(text[:200])), "")


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


Pair = tuple[ResultRow, ResultRow]


def _pair_sentences(subject: AuditSubject, said: list[ResultRow]) -> Iterator[Pair]:
    first: dict[tuple[str, str, str], ResultRow] = {}
    for row in said:
        metric, data = fold_metric(row.metric), _fold(_name_data(subject, row))
        if not data:
            continue
        other = first.setdefault((metric, data, row.split.lower()), row)
        if other.line != row.line and same_score(row.value, other.value, metric) is False:
            yield row, other


def _pair_with_tables(subject: AuditSubject, said: list[ResultRow]) -> Iterator[Pair]:
    """A sentence and the only value that tables have for its metric and data."""
    cells: dict[tuple[str, str], list[ResultRow]] = {}
    if not said:
        return
    for cell in [row for row in subject.card.results if row.origin == "table" and not row.subject][:300]:
        if data := _fold(_name_data(subject, cell)):
            cells.setdefault((fold_metric(cell.metric), data), []).append(cell)
    for row in said:
        metric = fold_metric(row.metric)
        alike = [
            cell
            for cell in cells.get((metric, _fold(_name_data(subject, row))), ())
            if same_data(replace(row, dataset="", dataset_id=""), cell)
        ]
        values = {str(cell.value) for cell in alike}
        if len(values) == 1 and same_score(_write(row), _write(alike[0]), metric) is False:
            yield row, alike[0]


def _write(row: ResultRow) -> str:
    return f"{row.value}{row.unit}"


_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+\s?%?")
_MOST_TABLE_ROWS = 200


def _pair_rows(table: CardTable) -> Iterator[tuple[str, Cell, Cell]]:
    """Rows of a table with one column of numbers that differ in that alone: (what it is, one, other)."""
    first: dict[tuple[str, ...], Cell] = {}
    for row in table.rows[:_MOST_TABLE_ROWS]:
        numbers = [at for at, cell in enumerate(row) if _NUMBER.fullmatch(cell.text.strip())]
        words = tuple(cell.text.strip() for at, cell in enumerate(row) if at not in numbers)
        if len(numbers) != 1 or not words or not all(words) or len(row) != len(table.header):
            continue
        cell = row[numbers[0]]
        metric = _find_metric(table.header[numbers[0]]) or next(filter(None, map(_find_metric, words)), "")
        other = first.setdefault(words, cell)
        if metric in _BOUNDED and same_score(other.text, cell.text, metric) is False:
            named = table.header[numbers[0]] if _find_metric(table.header[numbers[0]]) else ""
            yield ", ".join(filter(None, (named, *words))), other, cell
