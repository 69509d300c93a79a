"""Tools that look at weights: two models held against each other, a lineage, models alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from assistant.answers import ToolView
from assistant.toolbox.arguments import CompareModels, FindSimilarByWeights, TraceLineage
from assistant.toolbox.context import Shown, ToolContext
from assistant.toolbox.file_differences import (
    cite_config_differences,
    cite_same_config,
    cite_tokenizers,
)
from assistant.toolbox.findings import cite_comparison, show_edge, write_likeness
from assistant.toolbox.reading import show_parent
from tools.catalog.names import resolve_model
from tools.errors import SourceError, UnknownModelError, UsageError
from tools.facts import FactField, collect_facts
from tools.lineage import trace_declared
from tools.lineage.joined import JoinedEdge, JoinedLineage
from tools.lineage.joined import trace_lineage as trace_joined
from tools.lineage.report import describe_lineage

if TYPE_CHECKING:
    from tools.comparing.places import ModelPlace

Json = dict[str, Any]

_SECONDS = 20.0  # that weighing may take in a turn
_WHOLE_LAKE = 40  # models with weights up to which an answer about two weighs them all
_MOST_WEIGHED = 200  # models that a question about the whole lake looks through
_CARD_FIELDS: tuple[FactField, ...] = ("license", "language", "dataset", "base_model", "task")


def compare_models(context: ToolContext, arguments: CompareModels) -> Shown | Json:
    """Weights, configurations, tokenizers and cards of two models, and how they stand in their lineage."""
    catalog = context.lake.catalog
    names = [resolve_model(catalog, arguments.a), resolve_model(catalog, arguments.b)]
    if names[0] == names[1]:
        raise UsageError(f"Both names mean {names[0]!r}.", hint="Name two models.")
    result: Json = {"a": names[0], "b": names[1], "models": names}
    document = _compare_files(context, names, result)
    lineage = _trace(context, names[0], weigh=_is_small(context))
    other = _trace(context, names[1], weigh=False)
    edges = {(e.child, e.parent): e for e in (*lineage.edges, *other.edges, *lineage.candidates)}
    result["lineage"] = _relate(context, names, edges)
    result["cards"] = _compare_cards(context, names)
    if document is None:
        return result
    return Shown(result, ToolView(kind="comparison", document=document))


def trace_lineage(context: ToolContext, arguments: TraceLineage) -> Shown | Json:
    """What cards declare about a model's origin and offspring, and what the weights say to it."""
    if arguments.model is None:
        return _trace_lake(context)
    catalog = context.lake.catalog
    try:
        name = resolve_model(catalog, arguments.model)
        in_lake = True
    except UnknownModelError:
        name, in_lake = arguments.model, False
    stored = trace_declared(catalog, name, depth=arguments.depth)
    lineage = _trace(context, name, depth=arguments.depth)
    if not in_lake and not stored.edges:
        # Nothing names it at all: let the caller see the closest ids.
        resolve_model(catalog, arguments.model)
    shown = {(edge.child, edge.parent): show_edge(context, edge) for edge in lineage.edges}
    edges = []
    for declared in stored.edges:
        weighed = shown.get((declared.child, declared.parent), {})
        told = {name: weighed.get(name) for name in ("weights", "mutual")}
        edges.append(
            {
                **show_parent(context, declared),
                **told,
                "weights_key": weighed.get("key"),
                "weights_text": weighed.get("text", ""),
            }
        )
    result = {
        "model": lineage.model,
        "in_lake": in_lake,
        "ancestors": list(lineage.ancestors),
        "descendants": list(lineage.descendants),
        "edges": edges,
        "found": [edge for edge in shown.values() if not edge["declared"]],
        "likely": [show_edge(context, edge) for edge in lineage.candidates],
        "weights_at_hand": [model.model for model in lineage.models if model.has_weights],
        "cycles": [list(cycle) for cycle in lineage.cycles],
        "notes": list(lineage.notes),
    }
    return Shown(result, ToolView(kind="lineage", document=describe_lineage(lineage)))


def find_similar_by_weights(context: ToolContext, arguments: FindSimilarByWeights) -> Json:
    """Models whose fingerprints of weights are most alike, each compared, and what lineage shows of them."""
    from tools.comparing.alike import find_alike
    from tools.weights.recovering.memory import stamp_folder

    name = resolve_model(context.lake.catalog, arguments.model)
    lineage = _trace(context, name, weigh=_is_small(context))
    edges = {(edge.child, edge.parent): edge for edge in lineage.edges}
    alike = find_alike(
        context.lake,
        name,
        k=arguments.limit,
        seconds=_SECONDS,
        progress=context.report_progress("find_similar_by_weights"),
    )
    stamp = stamp_folder(alike.place.path)
    models = []
    for found in alike.models:
        around = _trace(context, found.model, weigh=False)
        edges |= {(edge.child, edge.parent): edge for edge in around.edges}
        text = write_likeness(name, found)
        cited = context.cite("weights", alike.place.source, "model#fingerprint", text, stamp)
        models.append(
            {
                "model": found.model,
                "likeness": round(found.likeness, 3),
                "verdict": found.verdict,
                "relation": found.relation,
                "key": cited.id,
                "text": text,
                "lineage": _relate(context, [name, found.model], edges),
            }
        )
    return {"model": name, "models": models, "notes": list(alike.notes)}


# -- parts ---------------------------------------------------------------------------------------


def _is_small(context: ToolContext) -> bool:
    return len(context.lake.catalog.weight_places()) <= _WHOLE_LAKE


def _trace(context: ToolContext, name: str, *, depth: int = 1000, weigh: bool = True) -> JoinedLineage:
    return trace_joined(
        context.lake.catalog,
        name,
        depth=depth,
        ledger=context.ledger,
        seconds=_SECONDS if weigh else 0.0,
        progress=context.report_progress("trace_lineage") if weigh else None,
    )


def _compare_files(context: ToolContext, names: Sequence[str], result: Json) -> Json | None:
    """Compare what lies in the folders of the two, as far as it is at hand; the document, if weights are."""
    from tools.comparing.places import find_place
    from tools.comparing.report import compare_places
    from tools.comparing.tokenizer_diff import diff_tokenizers
    from tools.weights.errors import WeightsError

    result["notes"] = []
    places: list[ModelPlace] = []
    result["without_weights"] = []
    for name in names:
        try:
            places.append(find_place(context.lake.catalog, name))
        except (UsageError, SourceError) as error:
            result["without_weights"].append(name)
            result["notes"].append(error.message)
    if len(places) < 2:
        return None
    a, b = places
    document = None
    try:
        document = compare_places(
            a, b, progress=context.report_progress("compare_models"), ledger=context.ledger
        )
    except WeightsError as error:
        result["notes"].append(str(error))
    if document is not None:
        cited = cite_comparison(context, document)
        context.read.extend(item["id"] for item in document["evidence"])
        result["weights"] = {
            **{name: document[name] for name in ("verdict", "relation", "direction")},
            "key": cited.id if cited else None,
            "text": cited.text if cited else " ".join(document["reasons"]),
        }
        result["config"] = cite_config_differences(context, a, b, document["config_diff"])
        if document["config_diff"] == {}:
            result["same_config"] = cite_same_config(context, a, b)
    result["tokenizer"] = cite_tokenizers(context, a, b, diff_tokenizers(a.folder, b.folder))
    return document


def _relate(context: ToolContext, names: Sequence[str], edges: dict[tuple[str, str], JoinedEdge]) -> Json:
    """How two models stand to each other in their lineage, as weights show it.

    `way`: "a_from_b" and "b_from_a" (`path` leads there, child first), "copies", "siblings" (`path`: one edge
    of each to what both come from) or "". `declared`: what cards say of the two themselves.
    """
    a, b = names
    told: Json = {"way": "", "path": [], "declared": []}
    told["declared"] = [
        show_edge(context, edge)
        for pair in ((a, b), (b, a))
        if (edge := edges.get(pair)) is not None and edge.declared
    ]
    ups = {name: _climb(name, edges) for name in names}
    direct = edges.get((a, b)) or edges.get((b, a))
    path: Iterable[JoinedEdge] = ()
    if direct is not None and direct.mutual and direct.weights == "supported":
        told["way"], path = "copies", [direct]
    elif b in ups[a]:
        told["way"], path = "a_from_b", ups[a][b]
    elif a in ups[b]:
        told["way"], path = "b_from_a", ups[b][a]
    elif common := [name for name in ups[a] if name in ups[b]]:
        told["way"], told["common"] = "siblings", common[0]
        path = [*ups[a][common[0]], *ups[b][common[0]]]
    told["path"] = [show_edge(context, edge) for edge in path]
    return told


def _climb(start: str, edges: dict[tuple[str, str], JoinedEdge]) -> dict[str, list[JoinedEdge]]:
    """The way up to each ancestor that weights support, nearest first."""
    ways: dict[str, list[JoinedEdge]] = {start: []}
    queue = [start]
    for name in queue:
        for edge in edges.values():
            if edge.weights != "supported":
                continue
            sides = [(edge.child, edge.parent), *([(edge.parent, edge.child)] if edge.mutual else [])]
            for lower, upper in sides:
                if lower == name and upper not in ways:
                    ways[upper] = [*ways[name], edge]
                    queue.append(upper)
    del ways[start]
    return ways


def _compare_cards(context: ToolContext, names: Sequence[str]) -> list[Json]:
    """Fields that the two cards state differently, each with its evidence."""
    catalog = context.lake.catalog
    found = [collect_facts(catalog, name, list(_CARD_FIELDS)) for name in names]
    shown = []
    for name in _CARD_FIELDS:
        stated = [[fact.value for fact in facts.get(name, [])[:1]] for facts in found]
        if stated[0] == stated[1]:
            continue
        sides = []
        for model, facts in zip(names, found, strict=True):
            fact = next(iter(facts.get(name, [])), None)
            cited = fact and context.cite(fact.kind, fact.source, fact.locator, fact.text, fact.sha256)
            sides.append(
                {"model": model, "value": fact.value if fact else None, "key": cited.id if cited else None}
            )
        shown.append({"field": name, "sides": sides})
    return shown


def _trace_lake(context: ToolContext) -> Json:
    """Across the lake: contradicted and supported declarations, copies, parents that no card declares."""
    catalog = context.lake.catalog
    names = list(catalog.weight_places())
    edges: dict[tuple[str, str], JoinedEdge] = {}
    notes: list[str] = []
    for number, name in enumerate(names[:_MOST_WEIGHED]):
        lineage = _trace(context, name, depth=1, weigh=number == 0)
        notes += lineage.notes
        edges |= {(edge.child, edge.parent): edge for edge in lineage.edges}
    if len(names) > _WHOLE_LAKE:
        notes.append("Only models that were weighed before are told of; `lake recover` weighs the others.")
    groups: Json = {"contradicted": [], "copies": [], "undeclared": [], "supported": [], "unverifiable": []}
    for edge in edges.values():
        group: str = edge.weights if edge.declared else "undeclared"
        if edge.weights == "supported" and (edge.mutual or edge.relation == "duplicate"):
            group = "copies"
        groups[group].append(edge)
    shown = {group: [show_edge(context, edge) for edge in found] for group, found in groups.items()}
    return {"models_with_weights": len(names), **shown, "notes": notes}
