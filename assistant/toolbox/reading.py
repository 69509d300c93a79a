"""Tools that read what one or more models' documentation says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from assistant.documents import open_shelf
from assistant.toolbox.arguments import CompareDocumentation, ReadCard, ReadDocument
from assistant.toolbox.context import ToolContext, describe_model
from tools.attributes import asked_attributes
from tools.catalog.names import resolve_model
from tools.catalog.records import ModelRecord, PassageRow, StoredParent, StoredResult
from tools.errors import UsageError
from tools.facts import Fact, FactField, collect_facts
from tools.hashing import hash_text
from tools.lake import Lake
from tools.leaderboard import closest_data, quote_result
from tools.metrics import Metric, asked_metrics
from tools.reading import Span, rank_spans

_USUAL_FIELDS: tuple[FactField, ...] = (
    "task",
    "license",
    "language",
    "dataset",
    "base_model",
    "parameters",
    "library",
    "downloads",
)
NOTICE = "Our summary of "
_MAX_CODE = 3000  # characters of a block of code
_ASKS_CODE = re.compile(
    r"\bhow (?:do|can|to|would|could|should|must)\b.{0,20}\b(?:load|use|run|call|import|install|start)\b"
    r"|\b(?:code|snippet|python)\b",
    re.IGNORECASE,
)
_MAX_TEXT = 1500  # characters of a passage handed to the writer; the evidence keeps all of it


def read_card(context: ToolContext, arguments: ReadCard) -> dict[str, Any]:
    """Facts, passages and reported results of one model that speak to a question."""
    catalog = context.lake.catalog
    model = resolve_model(catalog, arguments.model)
    record = catalog.get_model(model)
    assert record is not None
    facts = collect_facts(catalog, model, arguments.fields or _USUAL_FIELDS)
    result: dict[str, Any] = describe_model(record)
    result["facts"] = {name: [_show_fact(context, fact) for fact in found] for name, found in facts.items()}
    rows = card_passages(context, record)
    if arguments.question:
        spans = rank_spans(
            arguments.question,
            rows,
            attributes=asked_attributes(arguments.question),
            metrics=asked_metrics(arguments.question),
            drop=[model, record.title],
            similarity=context.similarity(),
            limit=arguments.limit,
        )
    else:
        spans = _overview(rows, record.summary, arguments.limit)
    result["passages"] = [_show_span(context, span) for span in spans]
    result["results"] = [
        show_result(context, row) for row in _wanted_results(context, model, arguments.question)
    ]
    if _ASKS_CODE.search(arguments.question) and (code := _find_code(rows, record)):
        result["code"] = {"key": context.cite_passage(code).id, "text": code.text[:_MAX_CODE]}
    if "base_model" in (arguments.fields or _USUAL_FIELDS):
        result["parents"] = [show_parent(context, edge) for edge in catalog.parents_of(model)]
    result["card_characters"] = sum(len(row.text) for row in rows)
    return result


def read_document(context: ToolContext, arguments: ReadDocument) -> dict[str, Any]:
    """Facts and passages of a document that is attached to the conversation, in the form of `read_card`."""
    names = [document.name for document in context.documents]
    wanted = (arguments.document or names[-1]).rpartition("/")[2]
    found = next((d for d in reversed(context.documents) if d.name.lower() == wanted.lower()), None)
    if found is None:
        raise UsageError(f"No document {wanted!r} is attached.", hint=f"Attached are: {', '.join(names)}.")
    with open_shelf([found], context.lake.embedder) as shelf:
        # The tools read a catalog and an embedder of a lake, and a shelf has both.
        inside = replace(context, lake=cast(Lake, shelf))
        if found.kind == "card":
            read = ReadCard(
                model=found.id,
                question=arguments.question,
                fields=arguments.fields,
                limit=arguments.limit,
            )
            return read_card(inside, read)
        rows = shelf.catalog.passages_of(found.id)
        spans = (
            rank_spans(
                arguments.question,
                rows,
                attributes=asked_attributes(arguments.question),
                metrics=asked_metrics(arguments.question),
                similarity=inside.similarity(),
                limit=arguments.limit,
            )
            if arguments.question
            else _overview(rows, "", arguments.limit)
        )
        return {
            "model": found.id,
            "facts": {name: [] for name in arguments.fields},
            "passages": [_show_span(inside, span) for span in spans],
            "results": [],
            "parents": [],
        }


def compare_documentation(context: ToolContext, arguments: CompareDocumentation) -> dict[str, Any]:
    """The same fields (and passages for a question) of several models, side by side."""
    fields = arguments.fields or list(_USUAL_FIELDS)
    models = []
    for name in arguments.models:
        read = ReadCard(model=name, question=arguments.question, fields=fields, limit=3)
        models.append(read_card(context, read))
    return {"fields": fields, "models": models}


def card_passages(context: ToolContext, record: ModelRecord) -> list[PassageRow]:
    """Stored passages of a card, and its headings, which sometimes carry the fact ("### WER: 4.7 %")."""
    rows = context.lake.catalog.passages_of(record.model)
    card = context.lake.catalog.get_card(record.model)
    if card is None:
        return rows
    # What a sample card says of itself is for the reader, not about the model.
    rows = [row for row in rows if not row.text.startswith(NOTICE)]
    lines = card.text.split("\n")
    for number, section in enumerate(card.sections):
        if section.level == 0 or not re.search(r"\w\W+\d|\d\W+\w", section.title):
            continue
        text = lines[section.lines.start - 1].strip()
        rows.append(
            PassageRow(
                id=-1 - number,
                owner=record.model,
                owner_kind="model",
                source=record.source,
                kind="prose",
                section=section.path[:-1],
                locator=f"README.md#L{section.lines.start}",
                text=text,
                sha256=card.sha256,
                text_hash=hash_text(text),
            )
        )
    return rows


def show_result(context: ToolContext, result: StoredResult) -> dict[str, Any]:
    """A reported result as the tools give it."""
    row = result.row
    card = context.lake.catalog.get_card(result.model)
    places = quote_result(card, row) if card is not None else [(row.locator, row.text)]
    cited = [context.cite("results", result.source, place, text, result.sha256) for place, text in places]
    return {
        "keys": [item.id for item in cited],
        "model": result.model,
        "subject": row.subject,
        "metric": row.metric,
        "value": row.value,
        "unit": row.unit,
        "dataset": row.dataset or row.dataset_id,
        "config": row.config,
        "split": row.split,
        "verified": row.verified,
        "origin": row.origin,
        "text": "\n".join(text for _, text in places)[:_MAX_TEXT],
    }


def show_parent(context: ToolContext, edge: StoredParent) -> dict[str, Any]:
    """A declared parent as the tools give it."""
    cited = context.cite("lineage", edge.source, edge.declared.locator, edge.declared.text, edge.sha256)
    return {
        "key": cited.id,
        "parent": edge.parent,
        "parent_in_lake": edge.in_lake,
        "child": edge.child,
        "relation": edge.declared.relation,
        "origin": edge.declared.origin,
        "confidence": edge.declared.confidence,
        "text": edge.declared.text[:_MAX_TEXT],
    }


def _wanted_results(context: ToolContext, model: str, question: str) -> list[StoredResult]:
    rows = context.lake.catalog.results(model=model)
    metrics = asked_metrics(question)
    if metrics:
        named = [row for row in rows if any(_names_metric(metric, row) for metric in metrics)]
        named = _of_asked_kind(named, question)
        near = closest_data(named, question, share=0.5) or named
        # The same benchmark under another spelling, where another place may give another value.
        alike = {_squash(row.row.dataset or row.row.dataset_id) for row in near}
        also = [row for row in named if row not in near and _is_spelling(row, alike)]
        return [*near, *also][:12]
    return rows[:4] if any(attribute.name == "score" for attribute in asked_attributes(question)) else []


_KINDS = (
    # (what the question says, what such a row's metric or split is called)
    (re.compile(r"\btest(?:ing)?[- ]?(?:set|split|data|wer|cer)?\b", re.I), re.compile(r"\btest", re.I)),
    (re.compile(r"\b(?:dev(?:elopment)?|validation)\b", re.I), re.compile(r"\b(?:dev|valid)", re.I)),
    (
        re.compile(r"\b(?:with|plus|using)\b.{0,12}\b(?:language model|lm)\b|\+\s*lm\b", re.I),
        re.compile(r"\blm\b|language model", re.I),
    ),
)


def _of_asked_kind(rows: list[StoredResult], question: str) -> list[StoredResult]:
    """Rows of the split, or decoded with the language model, that the question names, if there are any."""
    for asked, called in _KINDS:
        if asked.search(question):
            rows = [row for row in rows if called.search(f"{row.row.metric} {row.row.split}")] or rows
    return rows


def _squash(name: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (name or "").lower())


def _is_spelling(result: StoredResult, names: set[str]) -> bool:
    own = _squash(result.row.dataset or result.row.dataset_id)
    return len(own) >= 4 and any(own in name or name in own for name in names if len(name) >= 4)


def _names_metric(metric: Metric, result: StoredResult) -> bool:
    names = re.sub(r"_", " ", f"{result.row.metric} ; {result.row.metric_type}")
    return metric in asked_metrics(names) or metric.pattern.search(names) is not None


def summarize_card(context: ToolContext, record: ModelRecord) -> list[Span]:
    """The passage the catalog takes for a summary, if the card has one."""
    begins = " ".join(record.summary.split())[:40]
    rows = context.lake.catalog.passages_of(record.model) if begins else []
    found = [row for row in rows if begins in " ".join(row.text.split())]
    return [Span(row, row.text, row.locator, 0.0, frozenset(), True) for row in found[:1]]


def _overview(rows: list[PassageRow], summary: str, limit: int) -> list[Span]:
    """First the passage the catalog takes for a summary, then the others as they stand."""
    told = [row for row in rows if row.kind in ("prose", "list") and len(row.text) > 40]
    begins = " ".join(summary.split())[:40]
    told.sort(key=lambda row: not begins or begins not in " ".join(row.text.split()))
    return [
        Span(row, row.text, row.locator, 1.0, frozenset(), True)
        for row in (told or rows)[:limit]
        if row.id >= 0
    ]


def _find_code(rows: Sequence[PassageRow], record: ModelRecord) -> PassageRow | None:
    """The code of a card that loads its model; the first of all where none names it."""
    blocks = [row for row in rows if row.kind == "code" and row.id >= 0]
    named = [row for row in blocks if record.model.rpartition("/")[2].lower() in row.text.lower()]
    return next(iter(named or blocks), None)


def _show_fact(context: ToolContext, fact: Fact) -> dict[str, Any]:
    cited = context.cite(fact.kind, fact.source, fact.locator, fact.text, fact.sha256)
    return {"key": cited.id, "value": fact.value, "origin": fact.origin, "text": fact.text[:_MAX_TEXT]}


def _show_span(context: ToolContext, span: Span) -> dict[str, Any]:
    cited = context.cite_passage(span.passage)
    return {
        "key": cited.id,
        "section": " > ".join(span.passage.section),
        "text": span.text[:_MAX_TEXT],
        "kind": span.passage.kind,
        "score": round(span.score, 3),
        "covered": sorted(span.covered),
        "states": span.states,
        "nearness": round(span.nearness, 3),
    }
