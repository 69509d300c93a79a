"""Tools that look across the lake: models, results, lineage, papers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assistant.answers import ToolView
from assistant.toolbox.arguments import (
    DescribeLake,
    ListResults,
    RankModels,
    SearchModels,
    SearchPapers,
)
from assistant.toolbox.context import Shown, ToolContext, describe_model
from assistant.toolbox.reading import NOTICE, show_result, summarize_card
from assistant.toolbox.results import count_noun
from tools.catalog.names import resolve_model
from tools.facts import Fact, FactField, collect_facts
from tools.hashing import hash_text
from tools.leaderboard import find_conflicts, list_leaders
from tools.reading import STOPWORDS, rank_spans
from tools.search import search
from tools.search.constraints import read_constraints
from tools.search.ranking import rank_models as rank_by
from tools.search.types import Constraint, ConstraintField, SearchHit
from tools.sources.parameters import name_parameters, read_count, state_parameters

_ROUNDING = 0.06  # "70B" of 70.6 billion
_LONG_WORD = re.compile(r"[^\W\d_]{4,30}")
_MOST_WORDS = 30
_ASKING = STOPWORDS | {
    *("something", "anything", "someone", "anyone", "thing", "things"),
    *("want", "looking", "please", "recommend", "know"),
}
_MOST_UNSEEN = 3
_RANKED = 50  # looked at, because a number read from a model's name has no line to cite
_LISTED_PAPERS = 8
_LIKENESS = 400  # characters of what a model says of itself that others are compared with
_SHOWN_FACTS: tuple[FactField, ...] = ("task", "license", "dataset")


def search_models(context: ToolContext, arguments: SearchModels) -> dict[str, Any]:
    """Ranked models for a need, with the passages that speak for each."""
    flags = read_flags(arguments)
    query = arguments.query
    example = resolve_model(context.lake.catalog, arguments.similar_to) if arguments.similar_to else None
    if example is not None:
        record = context.lake.catalog.get_model(example)
        assert record is not None
        words = " ".join(filter(None, [record.task, record.title, record.summary]))[:_LIKENESS]
        query = f"{words} {query}".strip()
    found = search(
        context.lake,
        query,
        k=arguments.limit + (example is not None),
        flags=flags,
        conditions=arguments.query,
    )
    hits = [hit for hit in found.hits if hit.record.model != example][: arguments.limit]
    return {
        "constraints": [asdict(constraint) for constraint in found.constraints],
        "models": [_show_hit(context, hit, query) for hit in hits],
        "not_stated": [
            {"model": hit.record.model, "unknown": list(hit.unknown)}
            for hit in [hit for hit in found.unknown if hit.record.model != example][:5]
        ],
        "suggestions": list(found.suggestions),
        "confidence": found.confidence,
        "unseen": _find_unseen(context, arguments.query, found.constraints),
        "notes": list(found.notes),
    }


def _find_unseen(context: ToolContext, query: str, constraints: Sequence[Constraint]) -> list[str]:
    """Words of a need that no card of the lake uses in any form; none where most words are foreign to it."""
    catalog = context.lake.catalog
    for constraint in constraints:
        query = query.replace(constraint.words, " ") if constraint.words else query
    words = [word for word in dict.fromkeys(_LONG_WORD.findall(query)) if word.lower() not in _ASKING]
    unseen = [
        word
        for word in words[:_MOST_WORDS]
        if not catalog.match_passages([word], limit=1) and not catalog.match_models([word], limit=1)
    ]
    return unseen if len(unseen) <= min(_MOST_UNSEEN, len(words) - 1) or len(words) == 1 else []


def read_flags(arguments: SearchModels) -> list[Constraint]:
    """The typed arguments as constraints of a search; all of them are hard."""
    given: tuple[tuple[ConstraintField, str | None], ...] = (
        ("task", arguments.task),
        ("license", arguments.license),
        ("language", arguments.language),
        ("library", arguments.library),
        ("dataset", arguments.dataset),
        ("author", arguments.author),
        ("derived_from", arguments.derived_from),
    )
    flags = [Constraint(field=field, value=value) for field, value in given if value]
    if arguments.min_downloads is not None:
        flags.append(Constraint(field="downloads", value=str(arguments.min_downloads), op="min"))
    if arguments.max_parameters is not None:
        flags.append(Constraint(field="parameters", value=str(arguments.max_parameters), op="max"))
    return flags


def rank_models(context: ToolContext, arguments: RankModels) -> dict[str, Any]:
    """Models in the order of downloads, likes, parameters or age, each with the field it is ordered by."""
    constraints = read_constraints(arguments.query)
    ranked = rank_by(
        context.lake, arguments.by, ascending=arguments.ascending, constraints=constraints, limit=_RANKED
    )
    models: list[dict[str, Any]] = []
    for record in ranked.models:
        facts = collect_facts(context.lake.catalog, record.model, [arguments.by])[arguments.by]
        told = (fact for fact in facts if arguments.by != "parameters" or _states(fact, record.parameters))
        if (fact := next(told, None)) is not None and len(models) < arguments.limit:
            cited = context.cite(fact.kind, fact.source, fact.locator, fact.text, fact.sha256)
            models.append({**describe_model(record), "key": cited.id, "value": fact.value})
    return {
        "by": arguments.by,
        "ascending": arguments.ascending,
        "constraints": [asdict(constraint) for constraint in constraints],
        "models": models,
        "fitting": ranked.fitting,
        "unstated": ranked.unstated,
    }


def _states(fact: Fact, parameters: int | None) -> bool:
    """Whether a fact gives the number that a model is ranked by: a card may count other things as well."""
    if parameters is None:
        return False
    found = read_count(fact.value) or state_parameters(fact.value) or name_parameters(fact.value)
    return found is not None and abs(found - parameters) <= _ROUNDING * parameters


def list_results(context: ToolContext, arguments: ListResults) -> Shown:
    """Reported results, best (or worst) first per metric, and cells that disagree."""
    catalog = context.lake.catalog
    model = resolve_model(catalog, arguments.model) if arguments.model else None
    rankings = list_leaders(
        catalog,
        dataset=arguments.dataset,
        metric=arguments.metric,
        task=arguments.task,
        language=arguments.language,
    )
    wanted = [[row for row in ranking.rows if model is None or row.model == model] for ranking in rankings]
    shown: list[dict[str, Any]] = []
    for ranking, rows in [(ranking, rows) for ranking, rows in zip(rankings, wanted, strict=True) if rows][
        :6
    ]:
        ordered = rows[::-1] if arguments.worst_first else rows
        shown.append(
            {
                "metric": ranking.metric,
                "lower_is_better": ranking.lower_is_better,
                "worst_first": arguments.worst_first,
                "count": len(rows),
                "rows": [show_result(context, row) for row in ordered[: arguments.limit]],
            }
        )
    conflicts = find_conflicts(row for rows in wanted for row in rows)
    result: dict[str, Any] = {
        "rankings": shown,
        "conflicts": [
            {
                "model": c.model,
                "metric": c.metric,
                "dataset": c.dataset,
                "values": [r.row.value for r in c.rows],
            }
            for c in conflicts[:5]
        ],
    }
    return Shown(result, ToolView(kind="results", document=result))


def search_papers(context: ToolContext, arguments: SearchPapers) -> dict[str, Any]:
    """Passages of ingested papers that speak to a question."""
    catalog = context.lake.catalog
    papers = catalog.papers()
    stored = (row for paper in papers for row in catalog.passages_of(paper.paper))
    rows = [row for row in stored if not row.text.startswith(NOTICE)]
    spans = rank_spans(arguments.query, rows, similarity=context.similarity(), limit=arguments.limit)
    titles = {paper.paper: paper for paper in papers}
    passages = []
    for span in spans:
        cited = context.cite_passage(span.passage)
        paper = titles[span.passage.owner]
        passages.append(
            {
                "key": cited.id,
                "paper": paper.paper,
                "title": paper.title,
                "models": list(paper.models),
                "locator": span.locator,
                "text": span.text[:1500],
                "score": round(span.score, 3),
                "covered": sorted(span.covered),
            }
        )
    return {"papers": len(papers), "passages": passages}


def describe_lake(context: ToolContext, _: DescribeLake) -> dict[str, Any]:
    """What the lake holds, counted in the catalog."""
    status = context.lake.catalog.status()
    records = context.lake.catalog.list_models()
    titles = [f"“{paper.title}” ({paper.paper})" for paper in context.lake.catalog.papers()[:_LISTED_PAPERS]]
    tasks = Counter(record.task for record in records if record.task)
    licenses = Counter(record.license for record in records if record.license)
    models = count_noun(status.models, "model", "models")
    papers = count_noun(status.papers, "paper", "papers")
    results = count_noun(status.results, "reported result", "reported results")
    lines = [
        f"This lake holds {models}, {papers} and {results}.",
        f"The most frequent of its {len(tasks)} tasks: "
        + ", ".join(f"{task} ({count})" for task, count in tasks.most_common(6)),
        "The most frequent licences: "
        + ", ".join(f"{name} ({count})" for name, count in licenses.most_common(5))
        + f"; {status.models - sum(licenses.values())} models state none.",
    ]
    if titles:
        lines.append(f"Papers: {', '.join(titles)}")
    counted = hash_text("\n".join(lines))
    cited = [
        context.cite("metadata", "lake", f"catalog#L{n}", line, counted) for n, line in enumerate(lines, 1)
    ]
    return {"lines": [{"key": item.id, "text": item.text} for item in cited]}


def _show_hit(context: ToolContext, hit: SearchHit, query: str) -> dict[str, Any]:
    shown = describe_model(hit.record)
    facts = collect_facts(context.lake.catalog, hit.record.model, _SHOWN_FACTS)
    shown["facts"] = {
        name: {"key": context.cite(f.kind, f.source, f.locator, f.text, f.sha256).id, "value": f.value}
        for name, found in facts.items()
        for f in found[:1]
    }
    shown["why"] = list(hit.why)
    shown["unknown"] = list(hit.unknown)
    shown["score"] = round(hit.score, 4)
    best = rank_spans(query, hit.passages, drop=[hit.record.model], limit=2)
    if not any(span.covered for span in best):
        # Nothing repeats the question's words: what the card says of itself tells more than a stray line.
        best = summarize_card(context, hit.record) or best
    shown["passages"] = [
        {
            "key": context.cite_passage(span.passage).id,
            "section": " > ".join(span.passage.section),
            "text": span.text[:600],
            "covered": sorted(span.covered),
        }
        for span in best
    ]
    return shown
