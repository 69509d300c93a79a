"""What a card reports for a metric: its metadata, its tables and its sentences, all places that differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.plan import Plan
from assistant.offline.wording import mark_keys, name_data, name_model, plain_text, quote_text
from tools.metrics import Metric, asked_metrics
from tools.reading import content_words

Json = Mapping[str, Any]


def compose_metric_lines(plan: Plan, read: Json, metrics: Sequence[Metric]) -> tuple[list[str], bool]:
    """Reported results of the asked metrics; text lines that state them too; both when values differ."""
    model = str(read["model"])
    metric = metrics[0]
    rows = _distinct_rows(
        [row for row in read["results"] if metric in asked_metrics(f"{row['metric']}".replace("_", " "))]
    )
    lines = [write_result(model, row) for row in rows[:3]]
    if all(row["origin"] == "metadata" for row in rows):
        lines += _metric_quotes(plan, read, metric, [v for row in rows for v in _scaled(str(row["value"]))])
    if not lines:
        lines = _unnamed_metric(model, metric, read["passages"])
    elif (len(rows) > 1 and len({row["origin"] for row in rows}) > 1) or (
        rows and len(lines) > len(rows[:3])
    ):
        lines.insert(0, phrases.TWO_PLACES)
    return lines[:5], bool(lines)


def _distinct_rows(rows: Sequence[Json]) -> list[Json]:
    """Rows whose value no row before them has, metadata first."""
    kept: list[Json] = []
    seen: list[float] = []
    for row in sorted(rows, key=lambda row: row["origin"] != "metadata"):
        values = _scaled(str(row["value"]))
        if not values or any(abs(values[0] - known) < 5e-5 for known in seen):
            continue
        seen.append(values[0])
        kept.append(row)
    # One of each origin before a second of any.
    first = {row["origin"]: row for row in reversed(kept)}
    return [*first.values(), *(row for row in kept if row not in first.values())]


def _metric_quotes(plan: Plan, read: Json, metric: Metric, known: Sequence[float]) -> list[str]:
    """The card's sentences that give the metric a value other than those known."""
    spans = [
        span
        for span in read["passages"]
        if metric.pattern.search(plain_text(span["text"])) and re.search(r"\d", span["text"])
    ]
    lines = []
    for span in [s for s in spans if s["score"] > spans[0]["score"] - 0.1][:2]:
        found = _scaled(plain_text(metric.pattern.sub(" ", span["text"])))
        if known and all(any(abs(value - k) < 5e-5 for k in known) for value in found):
            continue
        quoted = quote_text(span["text"], about=content_words(f"{plan.question} {metric.name}"), words=30)
        if quoted:
            lines.append(f"The text of {name_model(str(read['model']))} says {quoted} [{span['key']}]")
    return lines[: 1 if known else 2]


def _unnamed_metric(model: str, metric: Metric, spans: Sequence[Json]) -> list[str]:
    """A bare "Result: 0.79" under a heading such as Performance: quoted, and said to be unnamed."""
    for span in spans:
        text = plain_text(span["text"])
        if re.match(r"(?:results?|score|value)\s*[:=]\s*[-\d.\"{\[]", text, re.I) and not asked_metrics(text):
            return [
                f"{name_model(model)}: {quote_text(text)} [{span['key']}]",
                f"The card does not state whether that is {metric.name}.",
            ]
    return []


def write_result(model: str, row: Json) -> str:
    """One reported result as a statement."""
    where = name_data(row)
    on = f" on {where}" if where else ""
    value = f"{row['metric']} {row['value']}{row['unit']}"
    return f"{name_model(model)} reports {value}{on} {mark_keys(row['keys'])}"


def _scaled(text: str) -> list[float]:
    """Numbers of a text on one scale, so that .9106 and 91.06 % are the same value."""
    values = []
    for raw in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text.replace(",", "")):
        value = float(raw)
        values.append(value / 100 if value > 1 else value)
    return values
