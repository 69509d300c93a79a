"""What the commands return, as the documents of the contract. Text output is rendered from the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tools.catalog.records import FileRow, ModelRecord, PassageRow, StoredParent, StoredResult
from tools.evidence import Evidence, EvidenceKind, EvidenceLedger
from tools.facts import FACT_FIELDS, collect_facts
from tools.leaderboard import find_conflicts, fraction_of, list_leaders
from tools.lineage import trace_declared

if TYPE_CHECKING:
    from tools.cards.types import Card, Section
    from tools.catalog.repository import Catalog
    from tools.search.types import SearchHit, SearchResult

_PASSAGES_SHOWN = 3
_FIELD_OF_CONSTRAINT = {"derived_from": "base_model"}


def view_model(record: ModelRecord) -> dict[str, Any]:
    """One line of a list: what is known of a model, None where it is not."""
    shown: dict[str, Any] = {
        "model": record.model,
        "revision": record.revision,
        "task": record.task,
        "license": record.license,
        "downloads": record.downloads,
        "likes": record.likes,
        "library": record.library,
        "parameters": record.parameters,
        "source_kind": record.source_kind,
    }
    return shown | view_origin(record)


def view_origin(record: ModelRecord) -> dict[str, str]:
    """For sample models: whose page our summary speaks of; it must not pass for its author's words."""
    return {"our_summary_of": record.link} if record.source_kind == "sample" and record.link else {}


def view_search(catalog: Catalog, found: SearchResult) -> dict[str, Any]:
    """The document of `lake search` and `lake similar`."""
    ledger = EvidenceLedger()
    fields = {_FIELD_OF_CONSTRAINT.get(c.field, c.field) for c in found.constraints} & set(FACT_FIELDS)
    return {
        "query": found.query,
        "constraints": [asdict(constraint) for constraint in found.constraints],
        "hits": [_view_hit(catalog, hit, ledger, fields) for hit in found.hits],
        "unknown": [{"model": hit.record.model, "not_stated": list(hit.unknown)} for hit in found.unknown],
        "suggestions": list(found.suggestions),
        "confidence": round(found.confidence, 4),
        "notes": list(found.notes),
    }


def view_scores(found: SearchResult) -> dict[str, Any]:
    """A line of `lake search --batch`, without its id."""
    return {"hits": [{"model": hit.record.model, "score": round(hit.score, 6)} for hit in found.hits]}


def view_record(
    catalog: Catalog, record: ModelRecord, card: Card | None, files: Iterable[FileRow]
) -> dict[str, Any]:
    """The document of `lake show`."""
    ledger = EvidenceLedger()
    facts = collect_facts(catalog, record.model)
    lineage = trace_declared(catalog, record.model)
    metadata = asdict(record)
    for inner in ("record_json", "record_sha256", "card_sha256", "removed"):
        del metadata[inner]
    return {
        "model": record.model,
        "revision": record.revision,
        "removed": record.removed,
        **view_origin(record),
        "metadata": metadata,
        "declared": card.metadata if card else {},
        "facts": {
            field: [
                {"value": fact.value, "origin": fact.origin, "evidence": fact.register(ledger).id}
                for fact in found
            ]
            for field, found in facts.items()
        },
        "sections": [_view_section(card, section) for section in card.sections] if card else [],
        "results": [_view_result(row, ledger) for row in catalog.results(model=record.model)],
        "files": [asdict(file) for file in files],
        "lineage": {
            "ancestors": list(lineage.ancestors),
            "descendants": list(lineage.descendants),
            "edges": [_view_edge(edge, ledger) for edge in lineage.edges],
        },
        "papers": [paper.paper for paper in catalog.papers() if record.model in paper.models],
        "problems": [asdict(problem) for problem in (card.problems if card else ())],
        "evidence": [item.model_dump(mode="json") for item in ledger],
    }


def view_results(
    catalog: Catalog, *, dataset: str | None, metric: str | None, task: str | None
) -> dict[str, Any]:
    """The document of `lake results`: each metric best first, then values that are no numbers."""
    ledger = EvidenceLedger()
    rankings = list_leaders(catalog, dataset=dataset, metric=metric, task=task)
    stored = catalog.results(dataset=dataset, metric=metric, task=task)
    ordered = [row for ranking in rankings for row in ranking.rows]
    ordered += [row for row in stored if fraction_of(row) is None]
    return {
        "rows": [_view_result(row, ledger) for row in ordered],
        "conflicts": [
            {
                "model": conflict.model,
                "metric": conflict.metric,
                "dataset": conflict.dataset,
                "values": [row.row.value for row in conflict.rows],
                "sources": [_cite_result(row, ledger).model_dump(mode="json") for row in conflict.rows],
            }
            for conflict in find_conflicts(stored)
        ],
    }


def _view_section(card: Card, section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "level": section.level,
        "path": list(section.path),
        "lines": [section.lines.start, section.lines.end],
        "text": card.lines_text(section.lines),
    }


def _view_hit(catalog: Catalog, hit: SearchHit, ledger: EvidenceLedger, fields: set[str]) -> dict[str, Any]:
    cited = [_cite_passage(row, ledger) for row in hit.passages[:_PASSAGES_SHOWN]]
    # A thin record has no passage to show; the field that names its task speaks for it.
    asked = sorted(fields) or ([] if cited else ["task"])
    for found in collect_facts(catalog, hit.record.model, asked).values():
        cited += [fact.register(ledger) for fact in found[:1]]
    return {
        "model": hit.record.model,
        "score": round(hit.score, 6),
        "task": hit.record.task,
        "license": hit.record.license,
        "downloads": hit.record.downloads,
        "why": list(hit.why),
        "not_stated": list(hit.unknown),
        **view_origin(hit.record),
        "evidence": [item.model_dump(mode="json") for item in cited],
    }


def _cite_passage(row: PassageRow, ledger: EvidenceLedger) -> Evidence:
    kind: EvidenceKind = "card" if row.owner_kind == "model" else "paper"
    return ledger.add(kind, row.source, row.locator, row.text, row.sha256)


def _cite_result(result: StoredResult, ledger: EvidenceLedger) -> Evidence:
    return ledger.add("results", result.source, result.row.locator, result.row.text, result.sha256)


def _view_result(result: StoredResult, ledger: EvidenceLedger) -> dict[str, Any]:
    row = result.row
    return {
        "model": result.model,
        "subject": row.subject,
        "task": row.task,
        "dataset": row.dataset or row.dataset_id,
        "config": row.config,
        "split": row.split,
        "metric": row.metric,
        "value": row.value,
        "unit": row.unit,
        "verified": row.verified,
        "source": _cite_result(result, ledger).model_dump(mode="json"),
    }


def _view_edge(edge: StoredParent, ledger: EvidenceLedger) -> dict[str, Any]:
    cited = ledger.add("lineage", edge.source, edge.declared.locator, edge.declared.text, edge.sha256)
    return {
        "parent": edge.parent,
        "child": edge.child,
        "relation": edge.declared.relation or None,
        "declared": True,
        "weights": "unverifiable",  # nothing here reads weights
        "confidence": edge.declared.confidence,
        "evidence": [cited.model_dump(mode="json")],
    }
