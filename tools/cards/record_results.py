"""Results as records: `Dataset: …` followed by `Result: …`, each a value, a list or a JSON object."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.cards.markup import strip_markup
from tools.cards.metrics import (
    KNOWN_DATASET,
    NOT_METRIC,
    NUMBER_IN_TEXT,
    Metric,
    find_metrics,
    find_split,
    read_value,
)
from tools.cards.result_context import read_label, read_setting
from tools.cards.types import LineSpan, ResultRow

MAX_ROWS = 300
_RECORD_KEY = re.compile(
    r"^\s*(?:[-*+]\s+)?[*_]{0,2}(?P<key>(?:evaluation |test )?data ?sets?|results?"
    r"|accuracy|performance|score)[*_]{0,2}\s*[:：]"
    r"[*_]{0,2}\s*(?P<value>\S.*?)\s*$",
    re.IGNORECASE,
)
_NO_VALUE = re.compile(
    r"^\W*(?:n/?a|null|none|unknown|not (?:provided|specified|stated|available"
    r"|reported|given|applicable)|unspecified"
    r"|various(?: datasets)?|nan|tbd|-|\?)\W*$",
    re.IGNORECASE,
)


def read_records(lines: list[str], first_line: int) -> list[ResultRow]:
    """Results of every record below line `first_line`; "N/A", null and the like are none."""
    found: list[ResultRow] = []
    dataset: tuple[int, str] | None = None
    for index in range(first_line - 1, len(lines)):
        line = lines[index]
        if line.startswith("#"):
            dataset = None
        matched = _RECORD_KEY.match(line) if len(line) < 20_000 else None
        if matched is None:
            continue
        if "data" in matched["key"].lower():
            dataset = (index + 1, matched["value"])
            found.extend(_read_dataset_json(matched["value"], index + 1, line))
        elif dataset is not None and index + 1 - dataset[0] <= 6:
            found.extend(_read_result(matched["key"], matched["value"], dataset, index + 1, lines))
    return found


def _read_dataset_json(value: str, number: int, line: str) -> list[ResultRow]:
    parsed = _json(value)
    entries: list[tuple[str, Any]] = []
    if isinstance(parsed, list):
        for item in parsed:
            if isinstance(item, dict):
                name = str(item.get("name") or item.get("dataset") or "")
                entries.extend(
                    (name, {key: inner}) for key, inner in item.items() if key not in ("name", "dataset")
                )
    elif isinstance(parsed, dict):
        for key, inner in parsed.items():
            label = read_label(str(key))  # {"RMSLE": 0.5} names a metric, {"XNLI dev": 81.2} a data set
            named = isinstance(inner, int | float | str) and label.metrics
            entries.append((label.dataset, {key: inner}) if named else (str(key), inner))
    span = LineSpan(number, number)
    found = []
    for name, inner in entries[:MAX_ROWS]:
        for metric, amount in _flatten(inner):
            row = _record_row(metric, amount, name, span, line.strip(), number)
            if row is not None:
                found.append(row)
    return found


def _flatten(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """(path of keys, value) of every leaf; the key "accuracy" around an object is only a wrapper."""
    if isinstance(value, dict):
        outer = "" if name.lower() in ("accuracy", "performance", "results", "metrics") else name
        return [
            pair
            for key, inner in list(value.items())[:100]
            for pair in _flatten(inner, f"{outer} / {key}" if outer else str(key))
        ]
    return [(name, value)]


def _record_row(
    label: str, amount: Any, dataset: str, span: LineSpan, text: str, line: int
) -> ResultRow | None:
    """One result of a record; None when the amount is no number or the label is a duration or size."""
    read = _read_amount(amount)
    if read is None or len(label) > 120:
        return None
    value, unit = read
    name = label.strip()
    unit = unit or ("%" if name.endswith("%") else "")
    name = name.rstrip("% ").strip()
    taken = read_label(name.replace("_", " "))
    setting = read_setting(dataset, label=True)
    own = (
        ""
        if _NO_VALUE.match(dataset) or re.match(r"^(?:training|validation|test)\b[\w ]*$", dataset, re.I)
        else dataset
    )
    split, config, known = taken.split or setting.split, "", None
    if len(taken.metrics) == 1:
        known, config = taken.metrics[0], taken.rest[:60]
        own = own or taken.dataset
        shown = known.name
    elif NOT_METRIC.search(name):
        return None
    elif not name or re.fullmatch(
        r"validation|test|dev|val|train|test set|overall|average|avg", name, re.IGNORECASE
    ):
        shown, split = "Result", find_split(name) or split
    elif KNOWN_DATASET.search(name) or name.lower() in dataset.lower() or re.search(r"\bset\b", name):
        shown, own, split = "Result", name, find_split(name) or split
    else:
        shown = name
    return ResultRow(
        metric=shown,
        value=value,
        metric_type=known.identifier if known else "",
        unit=unit,
        dataset=own.strip(),
        config=config,
        split=split.lower(),
        origin="prose",
        locator=f"README.md#{span}",
        text=text,
        line=line,
    )


def _read_amount(amount: Any) -> tuple[float | str, str] | None:
    if isinstance(amount, bool) or amount is None:
        return None
    if isinstance(amount, int | float):
        return (float(amount), "") if abs(amount) < 1e15 else None
    read = read_value(str(amount))
    if read is None and re.fullmatch(r"[\d.]{1,12}(?:/[\d.]{1,12}){1,4}", str(amount).strip()):
        return str(amount).strip(), ""  # several metrics in one cell, not named: kept as written
    return read


def _read_result(
    key: str, value: str, dataset: tuple[int, str], number: int, lines: list[str]
) -> list[ResultRow]:
    if _NO_VALUE.match(value):
        return []
    span = LineSpan(dataset[0], number)
    text = "\n".join(lines[span.start - 1 : span.end]).strip()
    name = _dataset_name(dataset[1])
    parsed = _json(value)
    pairs: list[tuple[str, Any]] = []
    default = "Accuracy" if key.lower() == "accuracy" else ""
    if isinstance(parsed, dict):
        pairs = _flatten(parsed)
    elif isinstance(parsed, list):
        pairs = [pair for item in parsed for pair in _flatten(item, default)]
    elif (plain := read_value(value)) is not None:
        inner = find_metrics(value)
        pairs = [(inner[0].name if inner else default, f"{plain[0]} {plain[1]}".strip())]
    elif matched := re.match(rf"^({NUMBER_IN_TEXT}\s*%?)\s*([A-Za-z][\w @-]{{1,30}})\.?$", value):
        inner = find_metrics(matched[2])
        pairs = [(inner[0].name, matched[1])] if inner else []
    else:
        for part in re.split(r"[,;]\s+(?=[A-Z])", value):
            label, _, amount = part.partition(":")
            if read_value(amount) is not None and len(label) < 40:
                pairs.append((label.strip(), amount.strip()))
    rows = (_record_row(metric, amount, name, span, text, number) for metric, amount in pairs[:MAX_ROWS])
    return [row for row in rows if row is not None]


def _dataset_name(value: str) -> str:
    parsed = _json(value)
    if isinstance(parsed, list):
        return ", ".join(str(item) for item in parsed if isinstance(item, str))[:200]
    if isinstance(parsed, dict):
        return ", ".join(str(key) for key in parsed)[:200] if len(parsed) <= 8 else ""
    return strip_markup(value)[:200]


def _json(value: str) -> Any:
    if value[:1] not in "[{":
        return None
    try:
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def read_metric_name(name: str) -> Metric | None:
    """The metric whose name is all of `name` ("exact" is SQuAD's exact match)."""
    if name.lower() in ("exact", "exact_match"):
        return Metric("Exact match", "exact_match", 0, len(name))
    found = find_metrics(name.replace("_", " "))
    return found[0] if len(found) == 1 and found[0].end - found[0].start == len(name) else None
