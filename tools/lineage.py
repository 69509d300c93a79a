"""Declared lineage: what cards say a model was made from, joined into a graph.

Weights are another kind of evidence for the same edges; what is here only repeats declarations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tools.catalog.records import StoredParent
from tools.catalog.repository import Catalog


@dataclass(frozen=True, slots=True)
class Lineage:
    """Declared edges around one model.

    `cycles` are chains of ids, each followed by one of its declared parents, that end where they began.
    """

    model: str
    ancestors: tuple[str, ...]  # nearest first
    descendants: tuple[str, ...]
    edges: tuple[StoredParent, ...]
    cycles: tuple[tuple[str, ...], ...] = ()


def trace_declared(catalog: Catalog, name: str, *, depth: int = 20) -> Lineage:
    """Follow declared parents and children of `name` (in the lake or only mentioned) up to `depth` steps.

    Cycles in bad metadata are reported, each once, and not followed.
    """
    record = catalog.get_model(name)
    start = record.model if record is not None else name
    above, ancestors = _walk(catalog, start, depth, upwards=True)
    below, descendants = _walk(catalog, start, depth, upwards=False)
    edges = tuple(dict.fromkeys([*above, *below]))
    return Lineage(
        model=start,
        ancestors=tuple(ancestors),
        descendants=tuple(descendants),
        edges=edges,
        cycles=tuple(_find_cycles(edges)),
    )


def _walk(catalog: Catalog, start: str, depth: int, *, upwards: bool) -> tuple[list[StoredParent], list[str]]:
    """Edges and models met step by step, nearest first; a model met again is not gone on from."""
    edges: list[StoredParent] = []
    reached: dict[str, str] = {}
    frontier = [start]
    for _ in range(depth):
        following: list[str] = []
        for model in frontier:
            for edge in catalog.parents_of(model) if upwards else catalog.children_of(model):
                # A card that names its own model as its parent is noise, not a cycle.
                if edge.parent == edge.child:
                    continue
                edges.append(edge)
                other = edge.parent if upwards else edge.child
                # What is in no lake is one model however its id is written.
                key = other.lower() if upwards and not edge.in_lake else other
                if other != start and key not in reached:
                    reached[key] = other
                    following.append(other)
        frontier = following
        if not frontier:
            break
    return edges, list(reached.values())


def _find_cycles(edges: Iterable[StoredParent]) -> list[tuple[str, ...]]:
    """A cycle for each edge that leads back to a model on the way to it (depth-first search)."""
    parents: dict[str, list[str]] = {}
    for edge in edges:
        if edge.in_lake and edge.parent not in parents.setdefault(edge.child, []):
            parents[edge.child].append(edge.parent)
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()
    for root in parents:
        if root in done:
            continue
        path, ways = [root], [iter(parents[root])]
        while path:
            other = next(ways[-1], None)
            if other is None:
                done.add(path.pop())
                ways.pop()
            elif other in path:
                cycles.append((*path[path.index(other) :], other))
            elif other not in done:
                path.append(other)
                ways.append(iter(parents.get(other, ())))
    return cycles
