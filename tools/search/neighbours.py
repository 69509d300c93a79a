"""Models like a given one: by what their documentation says, by declared lineage, or by shared data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.catalog.matching import LooseName
from tools.catalog.names import resolve_model
from tools.errors import UsageError
from tools.lineage import trace_declared
from tools.search.index import LakeIndex, open_index
from tools.search.signals import query_terms
from tools.search.summary import compose_summary
from tools.search.types import SearchHit, SearchResult

if TYPE_CHECKING:
    from tools.lake import Lake

_NEIGHBOURS = 2000
_SAME_TASK = 0.15
_PASSAGES = 2


def similar(lake: Lake, model: str, *, by: str = "text", k: int = 10) -> SearchResult:
    """The `k` models nearest to `model` (an id, or a name that resolves to one), best first.

    `by`: "text" (cosine of summaries, and the task), "lineage" (declared ancestors, descendants and
    siblings) or "data" (share of common data sets). Raises UnknownModelError, or UsageError for another `by`.
    """
    name = resolve_model(lake.catalog, model)
    index = open_index(lake)
    match by:
        case "text":
            scored = _by_text(lake, index, name)
        case "lineage":
            scored = _by_lineage(lake, index, name)
        case "data":
            scored = _by_data(index, name)
        case _:
            raise UsageError(
                f"Models cannot be compared by {by!r}.", hint="Choose one of text, lineage, data."
            )
    best = sorted(scored.items(), key=lambda item: (-item[1][0], item[0]))[:k]
    hits = tuple(
        SearchHit(
            record=index.records[number],
            score=score,
            passages=tuple(
                row
                for row in lake.catalog.passages_of(index.records[number].model)
                if row.kind in ("prose", "list")
            )[:_PASSAGES],
            why=why,
        )
        for number, (score, why) in best
    )
    notes = () if lake.embedder or by != "text" else ("no embedder: compared by words only",)
    confidence = min(1.0, max(0.0, hits[0].score)) if hits else 0.0
    return SearchResult(name, (), hits, confidence=confidence, notes=notes)


_Scored = dict[int, tuple[float, tuple[str, ...]]]


def _by_text(lake: Lake, index: LakeIndex, name: str) -> _Scored:
    own = index.position[name]
    record = index.records[own]
    card = lake.catalog.get_card(name)
    near: dict[int, float] = {}
    if lake.embedder is not None and lake.vectors is not None and card is not None:
        vector = lake.embedder.embed([compose_summary(record, card)])[0]
        for text_hash, cosine in lake.vectors.query(vector, _NEIGHBOURS):
            for number in index.by_summary.get(text_hash, ()):
                near[number] = cosine
    else:
        words = " ".join([name, record.title, record.task or "", *record.tags, record.summary])
        found = lake.catalog.match_models(query_terms(words), limit=_NEIGHBOURS)
        best = max((score for _, score in found), default=1.0)
        near = {index.position[model]: score / best for model, score in found}
    scored: _Scored = {}
    for number, nearness in near.items():
        if number == own:
            continue
        same = record.task is not None and index.records[number].task == record.task
        why = (f"same task {record.task}",) if same else ()
        scored[number] = (nearness + (_SAME_TASK if same else 0.0), why)
    return scored


def _by_lineage(lake: Lake, index: LakeIndex, name: str) -> _Scored:
    lineage = trace_declared(lake.catalog, name)
    scored: _Scored = {}

    def add(model: str, score: float, why: str) -> None:
        number = index.position.get(model)
        if number is not None and model != name and number not in scored:
            scored[number] = (score, (why,))

    for steps, ancestor in enumerate(lineage.ancestors, start=1):
        add(ancestor, 1 / steps, "declared ancestor")
    for descendant in lineage.descendants:
        add(descendant, 0.9, "declared descendant")
    for steps, ancestor in enumerate(lineage.ancestors, start=1):
        for edge in lake.catalog.children_of(ancestor):
            add(edge.child, 0.6 / steps, f"also made from {ancestor}")
    return scored


def _by_data(index: LakeIndex, name: str) -> _Scored:
    own = {LooseName(dataset).squashed for dataset in index.records[index.position[name]].datasets}
    scored: _Scored = {}
    for number, record in enumerate(index.records):
        held = {LooseName(dataset).squashed: dataset for dataset in record.datasets}
        if record.model != name and (shared := own & held.keys()):
            told = ", ".join(sorted(held[key] for key in shared)[:4])
            scored[number] = (len(shared) / len(own | held.keys()), (f"shares data: {told}",))
    return scored
