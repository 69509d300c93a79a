"""Evaluation results of the front matter's `model-index`, read tolerantly.

Specification: the `model-index` field of the Hub's model card metadata (after Papers with Code).
"""

from __future__ import annotations

from typing import Any

from tools.cards.metrics import name_metric, read_value
from tools.cards.types import LineSpan, Problem, ResultRow

_TRUE = frozenset({"true", "yes", "1"})


def read_model_index(
    metadata: dict[str, Any], metadata_lines: dict[str, LineSpan], lines: list[str]
) -> tuple[list[ResultRow], list[Problem]]:
    """Result rows and problems; malformed entries are skipped, each with a Problem. `lines`: the card's."""
    rows: list[ResultRow] = []
    problems: list[Problem] = []
    reader = _Reader(metadata_lines, lines, problems)
    index = metadata.get("model-index", metadata.get("model_index"))
    root = "/model-index" if "model-index" in metadata else "/model_index"
    if index is None:
        return rows, problems
    for model, entry in reader.items(index, root):
        if not isinstance(entry, dict):
            reader.report(f"{root}/{model}", "is not a mapping with 'name' and 'results'")
            continue
        name = _text(entry.get("name"))
        several = isinstance(index, list) and len(index) > 1
        results = f"{root}/{model}/results" if isinstance(index, list) else f"{root}/results"
        for number, result in reader.items(entry.get("results"), results):
            if not isinstance(result, dict):
                reader.report(f"{results}/{number}", "is not a mapping with 'task', 'dataset' and 'metrics'")
                continue
            base = f"{results}/{number}" if isinstance(entry.get("results"), list) else results
            rows.extend(reader.result(result, base, name if several else ""))
    return rows, problems


class _Reader:
    def __init__(self, spans: dict[str, LineSpan], lines: list[str], problems: list[Problem]) -> None:
        self.spans = spans
        self.lines = lines
        self.problems = problems

    def report(self, pointer: str, fault: str) -> None:
        span = self.span(pointer)
        if len(self.problems) < 50:
            self.problems.append(Problem("model-index", f"{pointer} {fault}.", span.start if span else None))

    def items(self, value: Any, pointer: str) -> list[tuple[int, Any]]:
        """The entries of a list; a single mapping where a list belongs counts as its only entry."""
        if isinstance(value, dict):
            self.report(pointer, "is one mapping where a list belongs")
            return [(0, value)]
        if isinstance(value, list):
            return list(enumerate(value))
        if value is not None:
            self.report(pointer, f"is {str(value)[:60]!r}, not a list")
        return []

    def span(self, pointer: str) -> LineSpan | None:
        """Lines of a node, or of the nearest node that encloses it (an alias has no lines of its own)."""
        while pointer:
            if pointer in self.spans:
                return self.spans[pointer]
            pointer = pointer.rpartition("/")[0]
        return None

    def result(self, result: dict[str, Any], base: str, subject: str) -> list[ResultRow]:
        task = self.mapping(result.get("task"), f"{base}/task")
        dataset = self.mapping(result.get("dataset"), f"{base}/dataset")
        arguments = dataset.get("args", result.get("args"))
        arguments = arguments if isinstance(arguments, dict) else {"config": arguments}
        split = _text(dataset.get("split")) or _text(arguments.get("split"))
        config = (
            _text(dataset.get("config")) or _text(arguments.get("config")) or _text(arguments.get("language"))
        )
        context = self.span(f"{base}/dataset") if f"{base}/dataset" in self.spans else None
        rows = []
        metrics = result.get("metrics", result.get("metric"))
        for number, metric in self.items(metrics, f"{base}/metrics"):
            pointer = f"{base}/metrics/{number}" if isinstance(metrics, list) else f"{base}/metrics"
            if not isinstance(metric, dict):
                self.report(pointer, "is not a mapping with 'type' and 'value'")
                continue
            identifier, name = _text(metric.get("type")), _text(metric.get("name"))
            values = self.values(metric.get("value"), identifier, name, pointer)
            for kind, shown, value, unit, place in values:
                line = self.span(place)
                rows.append(
                    ResultRow(
                        metric=shown,
                        value=value,
                        metric_type=kind,
                        unit=unit,
                        task=_text(task.get("type")) or _text(task.get("name")),
                        dataset=_text(dataset.get("name")) or _text(dataset.get("type")),
                        dataset_id=_text(dataset.get("type")),
                        config=config,
                        split=split,
                        verified=str(metric.get("verified", "")).lower() in _TRUE,
                        origin="metadata",
                        locator=f"README.md#{pointer}",
                        text=self.metric_text(pointer, metric),
                        subject=subject,
                        line=line.start if line else 0,
                        context=self.verbatim(context) if context else "",
                        context_locator=f"README.md#{base}/dataset" if context else "",
                    )
                )
        return rows

    def mapping(self, value: Any, pointer: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if isinstance(value, str):
            return {"name": value, "type": value}
        if value is not None:
            self.report(pointer, "is not a mapping")
        return {}

    def values(
        self, value: Any, identifier: str, name: str, pointer: str
    ) -> list[tuple[str, str, float | str, str, str]]:
        """(identifier, display name, value, unit, pointer of the value) for each value of a metric node."""
        shown = name or name_metric(identifier)
        if not shown:
            self.report(pointer, "names no metric ('type' is missing)")
            return []
        place = f"{pointer}/value"
        if isinstance(value, dict):  # {"rouge1": 0.4, "rouge2": 0.2}
            return [
                (str(key), name_metric(str(key)), number[0], number[1], place)
                for key, inner in value.items()
                if (number := _number(inner)) is not None
            ]
        number = _number(value)
        if number is None:
            text = _text(value)
            if not text or text.lower() in ("n/a", "none", "null", "nan", ".nan", "tbd", "-"):
                self.report(pointer, "is nan, no number" if text.lower().endswith("nan") else "has no value")
                return []
            return [(identifier, shown, text, "", place)]
        return [(identifier, shown, number[0], number[1], place)]

    def metric_text(self, pointer: str, metric: dict[str, Any]) -> str:
        """The node's lines without a trailing `verifyToken`, which says nothing to a reader."""
        span = self.span(pointer)
        if span is None:
            return ""
        token = self.spans.get(f"{pointer}/verifyToken")
        if (
            token is not None
            and token.end == span.end
            and token.start > span.start
            and "verifyToken" in metric
        ):
            span = LineSpan(span.start, token.start - 1)
        return self.verbatim(span)

    def verbatim(self, span: LineSpan) -> str:
        return "\n".join(self.lines[span.start - 1 : span.end]).rstrip()


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).strip()


def _number(value: Any) -> tuple[float, str] | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value), ""
    return read_value(value) if isinstance(value, str) else None
