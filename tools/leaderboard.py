"""Reported results across a lake: who reports the best value of a metric, and where places disagree."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.cards.types import Card, LineSpan, ResultRow
from tools.catalog.records import StoredResult
from tools.catalog.repository import Catalog
from tools.metrics import Metric, asked_metrics, is_lower_better
from tools.search.vocabulary import normalize_language

_READABLE_LINES = 60


@dataclass(frozen=True, slots=True)
class Ranking:
    """Results of one metric on comparable data, best first."""

    metric: str
    lower_is_better: bool
    rows: tuple[StoredResult, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different values that one model reports for the same dataset, configuration, split and metric."""

    model: str
    metric: str
    dataset: str
    rows: tuple[StoredResult, ...]


def fraction_of(result: StoredResult) -> float | None:
    """The value on one scale: percentages as fractions where the metric is one; None if it is no number."""
    value = result.row.value
    if isinstance(value, str):
        return None
    name = f"{result.row.metric} {result.row.metric_type}".lower()
    bounded = re.search(
        r"accura|f1|\bem\b|exact|precision|recall|\bwer\b|\bcer\b|\bauc\b|\bmap\b|\bap\b|iou|rouge|top-?\d|mcc|pearson|spearman",
        name,
    )
    if result.row.unit == "%" or (bounded and abs(value) > 1.0):
        return value / 100.0
    return float(value)


def rank_results(rows: Iterable[StoredResult], *, descending: bool | None = None) -> Ranking | None:
    """Rank rows of one metric, best first; `descending` overrides what is known of the metric."""
    numbered = [(fraction, row) for row in rows if (fraction := fraction_of(row)) is not None]
    if not numbered:
        return None
    metric = numbered[0][1].row.metric
    lower = (
        is_lower_better(f"{metric} {numbered[0][1].row.metric_type}")
        if descending is None
        else not descending
    )
    numbered.sort(key=lambda pair: pair[0] if lower else -pair[0])
    return Ranking(metric=metric, lower_is_better=lower, rows=tuple(row for _, row in numbered))


def quote_result(card: Card, row: ResultRow) -> list[tuple[str, str]]:
    """(locator, verbatim text) that show a result: one place where data and value stand close, else two.

    A model-index names its dataset once, above all its metrics; what lies between is shown as long as that
    stays readable.
    """
    data = card.metadata_lines.get(row.context_locator.partition("#")[2])
    metric = card.metadata_lines.get(row.locator.partition("#")[2])
    if data is not None and metric is not None and data.start <= metric.start:
        together = LineSpan(data.start, metric.end)
        if together.end - together.start < _READABLE_LINES:
            return [(f"README.md#{together}", card.lines_text(together))]
    places = [(row.locator, row.text)]
    return [*places, (row.context_locator, row.context)] if row.context else places


def find_conflicts(rows: Iterable[StoredResult]) -> list[Conflict]:
    """Cells that one model reports twice with different values (beyond rounding)."""
    cells: dict[tuple[str, ...], list[StoredResult]] = defaultdict(list)
    for result in rows:
        row = result.row
        key = (
            result.model,
            row.subject,
            _fold(row.dataset or row.dataset_id),
            row.config,
            row.split,
            _fold(row.metric),
        )
        cells[key].append(result)
    conflicts = []
    for group in cells.values():
        values = [value for row in group if (value := fraction_of(row)) is not None]
        if len(values) > 1 and max(values) - min(values) > 5e-4 * max(1.0, abs(max(values))):
            conflicts.append(
                Conflict(
                    model=group[0].model,
                    metric=group[0].row.metric,
                    dataset=group[0].row.dataset or group[0].row.dataset_id,
                    rows=tuple(group),
                )
            )
    return conflicts


def list_leaders(
    catalog: Catalog, *, dataset: str | None = None, metric: str | None = None, task: str | None = None
) -> list[Ranking]:
    """Rankings of every metric that fits, the best-fitting data first.

    `dataset` may be a phrase ("Common Voice, the German part"): rows are kept whose dataset, configuration
    and split share most of its telling words. `metric` is matched by what it names, not by its spelling.
    """
    rows = catalog.results(task=task)
    if metric:
        wanted = asked_metrics(metric)
        rows = [row for row in rows if _is_metric(row, wanted, metric)]
    rows = _drop_repetitions(rows)
    if dataset:
        rows = closest_data(rows, dataset)
    by_metric: dict[str, list[StoredResult]] = defaultdict(list)
    for row in rows:
        by_metric[_fold(row.row.metric_type or row.row.metric)].append(row)
    rankings = [ranking for found in by_metric.values() if (ranking := rank_results(found)) is not None]
    return sorted(rankings, key=lambda ranking: -len(ranking.rows))


def _drop_repetitions(rows: Sequence[StoredResult]) -> list[StoredResult]:
    """Without sentences and table cells that say again what the model's metadata says more exactly."""
    told = {(row.model, row.row.subject, fraction_of(row)) for row in rows if row.row.origin == "metadata"}
    return [
        row
        for row in rows
        if row.row.origin == "metadata" or (row.model, row.row.subject, fraction_of(row)) not in told
    ]


def _is_metric(result: StoredResult, wanted: Sequence[Metric], words: str) -> bool:
    row = result.row
    names = re.sub(r"_", " ", row.metric)
    if not wanted:
        return _fold(words) in (_fold(row.metric), _fold(row.metric_type))
    found = asked_metrics(names) or asked_metrics(re.sub(r"_", " ", row.metric_type))
    return wanted[0] in found[:1]


def closest_data(rows: Sequence[StoredResult], phrase: str, *, share: float = 0.7) -> list[StoredResult]:
    """Rows whose data shares the most telling words with `phrase`; none when nothing is shared.

    `share` of what the closest row shares is enough.
    """
    asked = _data_words(phrase)
    described = [_describe_data(row) for row in rows]
    spread = Counter(word for words in described for word in words)
    weight = {word: math.log(1 + len(rows) / spread[word]) for word in spread}
    scores = [
        # What is shared, less a little for what the data is called besides (so "squad" is not "squad v2").
        sum(weight[word] for word in words & asked) - 0.1 * sum(weight[word] for word in words - asked)
        for words in described
    ]
    best = max((score for score in scores if score > 0), default=None)
    if best is None:
        return []
    return [row for row, score in zip(rows, scores, strict=True) if score >= share * best]


def _describe_data(result: StoredResult) -> frozenset[str]:
    row = result.row
    return _data_words(f"{row.dataset} {row.dataset_id} {row.config} {row.split}")


_EMPTY_WORDS = frozenset(
    {
        *("dataset", "datasets", "data", "set", "part", "split", "benchmark", "score", "model", "reported"),
        *(
            "a",
            "v",
            "0",
            "an",
            "and",
            "at",
            "by",
            "for",
            "from",
            "has",
            "in",
            "is",
            "it",
            "its",
            "of",
            "on",
            "or",
            "that",
        ),
        *(
            "the",
            "to",
            "what",
            "which",
            "who",
            "with",
            "best",
            "highest",
            "lowest",
            "top",
            "reports",
            "report",
        ),
    }
)
_SAME_WORDS = {"validation": "dev", "val": "dev", "development": "dev", "testing": "test", "eval": "dev"}


def _data_words(text: str) -> frozenset[str]:
    """Words of a dataset's name, languages as codes, split names as one word each."""
    words = set()
    for word in re.findall(r"[a-z]+|\d+", text.lower()):
        if word in _EMPTY_WORDS:
            continue
        words.add(_SAME_WORDS.get(word) or normalize_language(word))
    return frozenset(words)


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())
