"""Declared lineage joined with what weights show: one graph around a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from tools.catalog.weighed import FoundEdge, WeighedClaim, WeightsVerdict
from tools.evidence import Evidence, EvidenceLedger
from tools.lineage.declared import find_cycles, walk_edges
from tools.lineage.found import FoundLineage, Progress, unpack_facts, weigh_models

if TYPE_CHECKING:
    from tools.catalog.records import StoredParent
    from tools.catalog.repository import Catalog

# A lake of so few models with weights is weighed as a whole, so that undeclared relatives are found as well.
_WHOLE_LAKE = 40
ANY_DEPTH = 1000


@dataclass(frozen=True, slots=True)
class JoinedEdge:
    """`child` was made from `parent`, as declared, as found, or both.

    `weights` is what the weights of the two say to it, `reason` why, in a sentence; an edge that is not
    declared was found, hence supported. `confidence` in 0..1 is that of the edge: 0 when it is contradicted.
    `mutual`: the two are copies of each other, and which came first is not known.
    """

    parent: str
    child: str
    relation: str | None
    declared: bool
    weights: WeightsVerdict
    confidence: float
    reason: str
    evidence: tuple[Evidence, ...]
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class JoinedModel:
    """A model of the graph; `in_lake` is False for one that is only named."""

    model: str
    in_lake: bool
    has_weights: bool
    problem: str = ""  # why its weights could not be read


@dataclass(frozen=True, slots=True)
class JoinedLineage:
    """What is known of where a model comes from and what was made of it.

    `ancestors` and `descendants` are nearest first; contradicted edges are shown but not followed.
    `candidates` are edges that are only likely. `cycles` as in `tools.lineage.declared.Lineage`. `notes` are
    sentences on what was not done.
    """

    model: str
    models: tuple[JoinedModel, ...]
    ancestors: tuple[str, ...]
    descendants: tuple[str, ...]
    edges: tuple[JoinedEdge, ...]
    candidates: tuple[JoinedEdge, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def trace_lineage(
    catalog: Catalog,
    name: str,
    *,
    depth: int = ANY_DEPTH,
    ledger: EvidenceLedger | None = None,
    seconds: float = 60.0,
    progress: Progress | None = None,
) -> JoinedLineage:
    """Trace a model, in the lake or only named, `depth` steps up and down.

    Weights that were not weighed yet are, for at most about `seconds` (0: only what is known already is
    used). Evidence is numbered in `ledger`, a new one unless given.
    """
    record = catalog.get_model(name)
    start = record.model if record is not None else name
    notes = []
    if seconds > 0 and not weigh_models(
        catalog, _choose_models(catalog, start), seconds=seconds, progress=progress
    ):
        notes.append(
            f"Weighing the models took longer than {seconds:.0f} s and was stopped; what was read is kept. "
            "Run it again, or `lake recover`, to go on."
        )
    walk = _Walk(catalog, EvidenceLedger() if ledger is None else ledger)
    return walk.trace(start, depth, notes)


def _choose_models(catalog: Catalog, start: str) -> list[str]:
    """The models to weigh: all that have weights where they are few, else those around `start`."""
    places = catalog.weight_places()
    if len(places) <= _WHOLE_LAKE:
        return list(places)
    near = _Walk(catalog, EvidenceLedger()).trace(start, ANY_DEPTH, [])
    around = [start, *chain.from_iterable(alternate_names(near.ancestors, near.descendants))]
    return [model for model in around if model in places][:_WHOLE_LAKE]


def alternate_names(first: tuple[str, ...], second: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The first names of both, the second ones of both, and so on."""
    for at in range(max(len(first), len(second))):
        yield (*first[at : at + 1], *second[at : at + 1])


class _Walk:
    """One walk over the joined graph."""

    def __init__(self, catalog: Catalog, ledger: EvidenceLedger) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._found = FoundLineage(catalog)
        self._sources: dict[str, str] = {}
        self._candidates: dict[tuple[str, str], FoundEdge] = {}
        self._own_parents: set[str] = set()  # models that name themselves

    def trace(self, start: str, depth: int, notes: list[str]) -> JoinedLineage:
        above, ancestors = walk_edges(start, depth, lambda model: self._step(model, upwards=True))
        below, descendants = walk_edges(start, depth, lambda model: self._step(model, upwards=False))
        edges = {(edge.child, edge.parent): edge for edge in (*above, *below)}
        known = {start, *(name for edge in edges for name in edge)}
        candidates = [
            self._join(edge.parent, edge.child, [], edge)
            for (child, parent), edge in self._candidates.items()
            if child in known and parent in known and (child, parent) not in edges
        ]
        held = self._catalog.get_models(known)
        models = []
        for name in dict.fromkeys([start, *ancestors, *descendants, *sorted(known)]):
            in_lake = name in held and not held[name].removed
            models.append(
                JoinedModel(name, in_lake, self._found.has_weights(name), self._found.find_error(name))
            )
        followed = [
            (edge.child, edge.parent)
            for edge in edges.values()
            if edge.weights != "contradicted" and not edge.mutual
        ]
        return JoinedLineage(
            model=start,
            models=tuple(models),
            ancestors=tuple(ancestors),
            descendants=tuple(descendants),
            edges=tuple(edges.values()),
            candidates=tuple(candidates),
            cycles=(*find_cycles(followed), *((name, name) for name in sorted(self._own_parents))),
            notes=tuple(notes),
        )

    def _step(self, model: str, *, upwards: bool) -> Iterator[tuple[JoinedEdge, str | None, str]]:
        declared: dict[tuple[str, str], list[StoredParent]] = {}
        for said in self._catalog.parents_of(model) if upwards else self._catalog.children_of(model):
            if said.parent == said.child:
                self._own_parents.add(model)
            else:
                declared.setdefault((said.child, said.parent), []).append(said)
        found: dict[tuple[str, str], FoundEdge] = {}
        for edge in self._found.edges_of(model):
            if model == (edge.child if upwards else edge.parent):
                kept = found if edge.asserted else self._candidates
                kept[edge.child, edge.parent] = edge
        for child, parent in dict.fromkeys([*declared, *found]):
            stated = declared.get((child, parent), [])
            joined = self._join(parent, child, stated, found.get((child, parent)))
            other = parent if upwards else child
            in_lake = not stated or stated[0].in_lake
            key = other.lower() if upwards and not in_lake else other
            yield joined, None if joined.weights == "contradicted" else other, key

    def _join(
        self, parent: str, child: str, declared: list[StoredParent], found: FoundEdge | None
    ) -> JoinedEdge:
        claim = self._found.find_claim(child, parent) if declared else None
        evidence = [
            self._ledger.add("lineage", said.source, said.declared.locator, said.declared.text, said.sha256)
            for said in declared
        ]
        facts = [fact for kept in (claim, found) if kept is not None for fact in unpack_facts(kept.facts)]
        for fact in facts:
            source = self._name_source(fact.model)
            evidence.append(self._ledger.add("weights", source, fact.locator, fact.text, fact.sha256))
        stated = next((said.declared.relation for said in declared if said.declared.relation), None)
        standing = max((said.declared.confidence for said in declared), default=0.0)
        verdict, reason = self._judge(parent, child, claim, found, declared=bool(declared))
        seen = found.confidence if found is not None and found.asserted else 0.0
        return JoinedEdge(
            parent=parent,
            child=child,
            relation=stated or (found.relation if found is not None else None),
            declared=bool(declared),
            weights=verdict,
            confidence=0.0 if verdict == "contradicted" else max(standing, seen) or _likelihood(found),
            reason=reason,
            evidence=tuple(dict.fromkeys(evidence)),
            mutual=found is not None and found.mutual,
        )

    def _judge(
        self,
        parent: str,
        child: str,
        claim: WeighedClaim | None,
        found: FoundEdge | None,
        *,
        declared: bool,
    ) -> tuple[WeightsVerdict, str]:
        if claim is not None:
            return claim.verdict, claim.reason
        if found is not None and found.asserted:
            shown = next((fact.text for fact in unpack_facts(found.facts)), "")
            return "supported", f"{_SHOWN if declared else _FOUND} {shown}".strip()
        if found is not None:
            return "unverifiable", "The weights make it likely, not sure."
        for model in (child, parent):
            if not self._found.has_weights(model):
                return "unverifiable", f"The weights of {model!r} are not at hand."
            if error := self._found.find_error(model):
                return "unverifiable", f"The weights of {model!r} could not be read: {error}"
        return "unverifiable", "The weights of the two were not compared yet."

    def _name_source(self, model: str) -> str:
        known = self._sources.get(model)
        if known is None:
            record = self._catalog.get_model(model)
            known = self._sources[model] = record.source if record is not None else model
        return known


_FOUND = "No card declares it; the weights of the two show it."
_SHOWN = "The weights of the two show it, too."


def _likelihood(found: FoundEdge | None) -> float:
    return found.confidence if found is not None else 0.0
