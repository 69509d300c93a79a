"""Reported results across a lake: who reports the best value of a metric, and where places disagree."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.cards.types import Card, LineSpan, ResultRow
from tools.catalog.records import StoredResult
from tools.catalog.repository import Catalog
from tools.metrics import Metric, asked_metrics, is_lower_better
from tools.search.vocabulary import normalize_language

_READABLE_LINES = 60
_FAR_LINES = 10  # what stands further apart is another place


@dataclass(frozen=True, slots=True)
class Ranking:
    """Results of one metric on comparable data, best first."""

    metric: str
    lower_is_better: bool
    rows: tuple[StoredResult, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different values that places of one card give for the same metric, model and data."""

    model: str
    metric: str
    dataset: str
    rows: tuple[StoredResult, ...]


def fraction_of(result: StoredResult) -> float | None:
    """The value on one scale: percentages as fractions where the metric is one; None if it is no number."""
    value = result.row.value
    if isinstance(value, str):
        return None
    return float(value) / _scale(result)


def _scale(result: StoredResult) -> float:
    row = result.row
    known = _find_metric(row)
    percent = row.unit == "%" or (known is not None and known.bounded and abs(float(row.value)) > 1.0)
    return 100.0 if percent else 1.0


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
    """Values that disagree, beyond rounding, with what other places of the card report for the same thing.

    A place that leaves dataset, configuration or split open is held against the others only where these
    speak of one and the same data. Values listed side by side, or in tables, do not contradict each other.
    """
    groups: dict[tuple[str, ...], list[_Cell]] = defaultdict(list)
    for result in rows:
        if (value := fraction_of(result)) is not None:
            key = (result.model, _fold(result.row.subject), *_measured(result.row))
            groups[key].append(_read_cell(result, value))
    conflicts = []
    for cells in groups.values():
        for group in _find_disagreements(cells):
            named = max(group, key=lambda cell: len(cell.dataset)).result.row
            conflicts.append(
                Conflict(
                    model=group[0].result.model,
                    metric=group[0].result.row.metric,
                    dataset=named.dataset or named.dataset_id,
                    rows=tuple(cell.result for cell in group),
                )
            )
    return conflicts


@dataclass(frozen=True, slots=True)
class _Cell:
    """A result as it is compared; what is left open is empty."""

    result: StoredResult
    value: float
    rounding: float  # half of its last written digit
    dataset: frozenset[str]
    config: str
    split: str
    lines: tuple[int, int]


def _read_cell(result: StoredResult, value: float) -> _Cell:
    row = result.row
    dataset = _data_words(row.dataset or row.dataset_id)
    config = _fold(row.config)
    if config in _NO_CONFIG or config in (_fold(row.dataset), _fold(row.dataset_id)):
        config = ""
    split = _fold(row.split) or "".join(found[0].lower() for found in _SPLIT_WORDS.finditer(row.metric))
    exponent = Decimal(repr(row.value)).as_tuple().exponent
    lines = re.search(r"#L(\d+)(?:-L(\d+))?", row.locator)
    return _Cell(
        result=result,
        value=value,
        rounding=0.5001 * 10.0 ** int(exponent) / _scale(result),
        dataset=dataset,
        config=config,
        split=_SAME_WORDS.get(split, split),
        lines=(int(lines[1]), int(lines[2] or lines[1])) if lines else (0, 0),
    )


def _find_disagreements(cells: Sequence[_Cell]) -> list[list[_Cell]]:
    """Cells that no other place confirms, each group with the cells that contradict it."""
    groups: list[set[int]] = []
    for index, cell in enumerate(cells):
        others = [n for n, other in enumerate(cells) if n != index and _is_held_against(cell, other)]
        settings = {(cells[n].dataset, cells[n].config, cells[n].split) for n in others}
        if len(settings) != 1 or any(_agree(cell, cells[n]) for n in others):
            continue
        group = {index, *others}
        joined = [known for known in groups if known & group]
        groups = [known for known in groups if not known & group] + [group.union(*joined)]
    return [[cells[n] for n in sorted(group)] for group in groups]


def _is_held_against(cell: _Cell, other: _Cell) -> bool:
    """Whether `other` stands elsewhere and speaks of the same data, as far as `cell` says which that is."""
    same = all(
        not mine or mine == theirs
        for mine, theirs in (
            (cell.dataset, other.dataset),
            (cell.config, other.config),
            (cell.split, other.split),
        )
    )
    origins = (cell.result.row.origin, other.result.row.origin)
    apart = max(other.lines[0] - cell.lines[1], cell.lines[0] - other.lines[1]) >= _FAR_LINES
    # Rows of tables, and values printed side by side, differ in more than could be read of them.
    elsewhere = origins[0] != origins[1] or origins[0] == "metadata" or (origins[0] == "prose" and apart)
    return same and elsewhere


def _agree(one: _Cell, other: _Cell) -> bool:
    tolerance = max(5e-4 * max(1.0, abs(one.value)), one.rounding, other.rounding)
    return abs(one.value - other.value) <= tolerance


def list_leaders(
    catalog: Catalog,
    *,
    dataset: str | None = None,
    metric: str | None = None,
    task: str | None = None,
    language: str | None = None,
) -> list[Ranking]:
    """Rankings of every metric that fits, the best-fitting data first.

    `language` (name or code) keeps results on data of that language, or of models that know no other.

    `dataset` may be a phrase ("Common Voice, the German part"): rows are kept whose dataset, configuration
    and split share most of its telling words. `metric` is matched by what it names, not by its spelling.
    """
    rows = catalog.results(task=task)
    if metric:
        wanted = asked_metrics(metric)
        rows = [row for row in rows if _is_metric(row, wanted, metric)]
    rows = _drop_repetitions(rows)
    if language:
        code = normalize_language(language)
        rows = [row for row in rows if code in _describe_data(row) or _is_only_language(catalog, row, code)]
    if dataset:
        rows = closest_data(rows, dataset)
    by_metric: dict[str, list[StoredResult]] = defaultdict(list)
    for row in rows:
        by_metric[_metric_key(row.row)].append(row)
    rankings = [ranking for found in by_metric.values() if (ranking := rank_results(found)) is not None]
    return sorted(rankings, key=lambda ranking: -len(ranking.rows))


def _drop_repetitions(rows: Sequence[StoredResult]) -> list[StoredResult]:
    """Without sentences and table cells that say again what the model's metadata says more exactly."""
    told: dict[tuple[object, ...], list[frozenset[str]]] = defaultdict(list)

    def place(result: StoredResult) -> tuple[object, ...]:
        return result.model, result.row.subject, _metric_key(result.row), fraction_of(result)

    for result in rows:
        if result.row.origin == "metadata":
            told[place(result)].append(_describe_data(result))
    kept = []
    for result in rows:
        data = _data_words(result.row.dataset or result.row.dataset_id)
        again = any(not data or data & known for known in told.get(place(result), ()))
        if result.row.origin == "metadata" or not again:
            kept.append(result)
    return kept


def _find_metric(row: ResultRow) -> Metric | None:
    """The metric a row's name means or, where the name says nothing, its identifier."""
    for name in (row.metric, row.metric_type):
        if found := asked_metrics(name.replace("_", " ")):
            return found[0]
    return None


def _metric_key(row: ResultRow) -> str:
    """The same for all spellings of a metric; apart where averages, ranks or thresholds differ."""
    known = _find_metric(row)
    if known is None:
        return _fold(row.metric_type or row.metric)
    digits = [] if re.search(r"\d", known.name) else re.findall(r"\d+", row.metric)
    return " ".join([known.name, *_AVERAGES.findall(row.metric.lower()), *digits])


def _measured(row: ResultRow) -> tuple[str, str]:
    """What exactly was measured: the metric, and what else its name says ("log", "on the noisy half")."""
    known = _find_metric(row)
    name = row.metric.replace("_", " ")
    rest = _fold(_SPLIT_WORDS.sub("", known.pattern.sub("", name))) if known else ""
    return _metric_key(row), rest


def _is_metric(result: StoredResult, wanted: Sequence[Metric], words: str) -> bool:
    row = result.row
    if not wanted:
        return _fold(words) in (_fold(row.metric), _fold(row.metric_type))
    known = _find_metric(row)
    # "ROUGE" is asked for, ROUGE-1 and ROUGE-L are reported.
    return known is not None and (known == wanted[0] or known.name.startswith(f"{wanted[0].name}-"))


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


def _is_only_language(catalog: Catalog, result: StoredResult, code: str) -> bool:
    """Whether the model states this language and no other, so that its data will be of it."""
    record = catalog.get_model(result.model)
    return record is not None and {normalize_language(name) for name in record.languages} == {code}


def _describe_data(result: StoredResult) -> frozenset[str]:
    row = result.row
    words = _data_words(f"{row.dataset} {row.dataset_id} {row.config} {row.split}")
    # "it" and "is" are words of a question, but languages as a configuration.
    return words | {normalize_language(row.config)} if re.fullmatch(r"[a-z]{2}", row.config) else words


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
_NO_CONFIG = frozenset({"", "default", "all", "plaintext"})
_SPLIT_WORDS = re.compile(r"(?<![^\W_])(?:test|dev|eval|validation|val|train)(?![^\W_])", re.IGNORECASE)
_AVERAGES = re.compile(r"macro|micro|weighted")


def _data_words(text: str) -> frozenset[str]:
    """Words of a dataset's name, languages as codes, split names as one word each."""
    words = set()
    for word in re.findall(r"[^\W\d_]+|\d+", text.lower()):
        if word in _EMPTY_WORDS:
            continue
        words.add(_SAME_WORDS.get(word) or normalize_language(word))
    return frozenset(words)


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
