"""Reported results across a lake: who reports the best value of a metric, and where places disagree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tools.catalog.records import StoredResult
from tools.catalog.repository import Catalog
from tools.metrics import is_lower_better


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
    """Rankings of every metric that fits, those with most rows first."""
    by_metric: dict[str, list[StoredResult]] = defaultdict(list)
    for row in catalog.results(dataset=dataset, metric=metric, task=task):
        by_metric[_fold(row.row.metric)].append(row)
    rankings = [ranking for rows in by_metric.values() if (ranking := rank_results(rows)) is not None]
    return sorted(rankings, key=lambda ranking: -len(ranking.rows))


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())
