"""Reported results: of the card, of its model-index, and of evaluation logs beside the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tools.cards.types import ResultRow
from tools.draft.gathering import Gathered
from tools.draft.types import Statement

_LOGS = ("all_results.json", "eval_results.json", "test_results.json", "predict_results.json")
_NO_METRIC = ("runtime", "per_second", "samples", "epoch", "step", "flos", "mem_")
_MOST_RESULTS = 60


def compose_results(gathered: Gathered) -> Iterator[Statement]:
    """One sentence a reported result, metadata first; the same figure told twice is told once."""
    seen: set[tuple[str, str, str]] = set()
    rows = sorted(gathered.results, key=lambda pair: pair[0].origin != "metadata")
    for row, evidence in rows:
        key = (row.metric.casefold(), (row.dataset or row.dataset_id).casefold(), str(row.value))
        if key in seen or len(seen) >= _MOST_RESULTS:
            continue
        seen.add(key)
        cited = [evidence]
        if row.context and row.context_locator:
            subject = gathered.subject
            cited.append(
                gathered.ledger.add(
                    "results", subject.record.source, row.context_locator, row.context, subject.card.sha256
                )
            )
        yield Statement(f"{_describe(row)}.", tuple(cited))


def _describe(row: ResultRow) -> str:
    text = f"{row.metric}: {row.value}{row.unit}"
    if dataset := row.dataset or row.dataset_id:
        text += f" on {dataset}"
    if row.split:
        text += f", split {row.split}"
    return text


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
            if (
                not name.startswith(("eval_", "test_", "predict_", "train_loss"))
                and file == "all_results.json"
            ):
                continue
            seen.add(name)
            if evidence := gathered.cite(file, pointer):
                yield Statement(f"The log gives {name} as {member.value}.", (evidence,))


def compose_testing(gathered: Gathered, what: Literal["data", "metrics"]) -> Iterator[Statement]:
    """On which data, or by which metrics, results are reported."""
    seen: set[str] = set()
    for row, evidence in gathered.results:
        name = (row.dataset or row.dataset_id) if what == "data" else row.metric
        if not name or name.casefold() in seen:
            continue
        seen.add(name.casefold())
        sentence = f"Results are reported on {name}." if what == "data" else f"Reported is {name}."
        in_context = row.context and name not in row.text
        if in_context and row.context_locator:
            subject = gathered.subject
            evidence = gathered.ledger.add(
                "results", subject.record.source, row.context_locator, row.context, subject.card.sha256
            )
        yield Statement(sentence, (evidence,))
