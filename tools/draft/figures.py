"""Reported results: of the card, of its model-index, and of evaluation logs beside the weights."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Literal

from tools.cards.types import ResultRow
from tools.draft.checking import holds
from tools.draft.gathering import Gathered
from tools.draft.types import Statement, say
from tools.evidence import Evidence

_LOGS = ("all_results.json", "eval_results.json", "test_results.json", "predict_results.json")
_NO_METRIC = ("runtime", "per_second", "samples", "epoch", "step", "flos", "mem_")
_MOST_RESULTS = 60
_MOST_READ = 500
_NUMBER = re.compile(r"(?<![\w.])(?P<number>[-−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)(?P<unit>\s?%|)(?![\w])")


def compose_results(gathered: Gathered) -> Iterator[Statement]:
    """One sentence a reported result, metadata first; the same figure told twice is told once."""
    seen: set[tuple[str, str, str]] = set()
    rows = sorted(gathered.results, key=lambda pair: pair[0].origin != "metadata")
    for row, evidence in rows[:_MOST_READ]:
        if len(seen) >= _MOST_RESULTS:
            break
        value = find_value(row)
        key = (row.metric.casefold(), (row.dataset or row.dataset_id).casefold(), value)
        if not value or key in seen or row.dataset.count(",") > 1:
            continue  # a list of datasets beside a list of values: which belongs to which is not said
        seen.add(key)
        yield _state_result(gathered, row, evidence, value)


def _state_result(gathered: Gathered, row: ResultRow, evidence: Evidence, value: str) -> Statement:
    """The value with as much of its metric, dataset and split as stands beside it or in its context."""
    cited = [evidence, *_cite_context(gathered, row)]
    wording = ["{}"]
    facts = [(value, evidence)]
    for lead, name in (
        ("{}: ", row.metric),
        (" on {}", row.dataset or row.dataset_id),
        (", split {}", row.split),
    ):
        holder = next((item for item in cited if name and holds(item, name)), None)
        if holder is None:
            continue
        if lead.startswith("{"):
            wording.insert(0, lead)
            facts.insert(0, (name, holder))
        else:
            wording.append(lead)
            facts.append((name, holder))
    return say("".join(wording) + ".", *facts)


def _cite_context(gathered: Gathered, row: ResultRow) -> list[Evidence]:
    if not row.context or not row.context_locator:
        return []
    subject = gathered.subject
    source, digest = subject.record.source, subject.card.sha256
    return [gathered.ledger.add("results", source, row.context_locator, row.context, digest)]


def find_value(row: ResultRow) -> str:
    """The value as it is written in the card, "" where it is not found there."""
    if isinstance(row.value, str):
        return row.value if row.value in row.text else ""
    for found in _NUMBER.finditer(row.text):
        try:
            if math.isclose(float(found["number"].replace(",", "")), row.value, rel_tol=1e-9):
                return found["number"] + found["unit"]
        except ValueError:
            continue
    return ""


def find_log_results(gathered: Gathered) -> Iterator[Statement]:
    """Figures that the evaluation itself wrote down, by the names it gave them."""
    seen: set[str] = set()
    for file in _LOGS:
        read = gathered.files.get(file)
        for pointer, member in (read.members if read else {}).items():
            name = pointer[1:]
            number = isinstance(member.value, (int, float)) and not isinstance(member.value, bool)
            if "/" in name or name in seen or not number or any(part in name for part in _NO_METRIC):
                continue
            if file == "all_results.json" and not name.startswith(
                ("eval_", "test_", "predict_", "train_loss")
            ):
                continue
            seen.add(name)
            if evidence := gathered.cite(file, pointer):
                yield say("The log gives {} as {}.", (name, evidence), (member.shown, evidence))


def compose_testing(gathered: Gathered, what: Literal["data", "metrics"]) -> Iterator[Statement]:
    """On which data, or by which metrics, results are reported."""
    seen: set[str] = set()
    for row, evidence in gathered.results:
        if row.dataset.count(",") > 1:
            continue
        name = (row.dataset or row.dataset_id) if what == "data" else row.metric
        holder = next(
            (item for item in (evidence, *_cite_context(gathered, row)) if name and holds(item, name)), None
        )
        if holder is None or name.casefold() in seen:
            continue
        seen.add(name.casefold())
        yield say("Results are reported on {}." if what == "data" else "Reported is {}.", (name, holder))
