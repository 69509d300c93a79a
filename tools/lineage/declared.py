"""Declared lineage: what cards say a model was made from, joined into a graph.

Weights are another kind of evidence for the same edges; what is here only repeats declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tools.catalog.records import StoredParent
from tools.catalog.repository import Catalog

Edge = TypeVar("Edge")


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
    above, ancestors = walk_edges(start, depth, lambda model: _step(catalog, model, upwards=True))
    below, descendants = walk_edges(start, depth, lambda model: _step(catalog, model, upwards=False))
    edges = tuple(dict.fromkeys([*above, *below]))
    return Lineage(
        model=start,
        ancestors=tuple(ancestors),
        descendants=tuple(descendants),
        edges=edges,
        cycles=tuple(find_cycles((edge.child, edge.parent) for edge in edges if edge.in_lake)),
    )


def _step(catalog: Catalog, model: str, *, upwards: bool) -> Iterator[tuple[StoredParent, str, str]]:
    for edge in catalog.parents_of(model) if upwards else catalog.children_of(model):
        # A card that names its own model as its parent is noise, not a cycle.
        if edge.parent != edge.child:
            other = edge.parent if upwards else edge.child
            # What is in no lake is one model however its id is written.
            yield edge, other, other.lower() if upwards and not edge.in_lake else other


def walk_edges(
    start: str, depth: int, step: Callable[[str], Iterable[tuple[Edge, str | None, str]]]
) -> tuple[list[Edge], list[str]]:
    """Edges and models met step by step, nearest first; a model met again is not gone on from.

    `step` gives a model's edges, each with the model at the other end (None: not to be followed) and a key
    that is the same for all spellings of that model.
    """
    edges: list[Edge] = []
    reached: dict[str, str] = {}
    frontier = [start]
    for _ in range(depth):
        following: list[str] = []
        for model in frontier:
            for edge, other, key in step(model):
                edges.append(edge)
                if other is not None and other != start and key not in reached:
                    reached[key] = other
                    following.append(other)
        frontier = following
        if not frontier:
            break
    return edges, list(reached.values())


def find_cycles(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """A cycle for each edge (child, parent) that leads back to a model on the way to it.

    Depth-first search; each cycle is a chain of ids, each followed by one of its parents.
    """
    parents: dict[str, list[str]] = {}
    for child, parent in pairs:
        if parent not in parents.setdefault(child, []):
            parents[child].append(parent)
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
