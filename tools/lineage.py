"""Declared lineage: what cards say a model was made from, joined into a graph.

Weights are another kind of evidence for the same edges; what is here only repeats declarations.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.catalog.records import StoredParent
from tools.catalog.repository import Catalog


@dataclass(frozen=True, slots=True)
class Lineage:
    """Declared edges around one model. `cycles` are chains of ids that lead back to themselves."""

    model: str
    ancestors: tuple[str, ...]  # nearest first
    descendants: tuple[str, ...]
    edges: tuple[StoredParent, ...]
    cycles: tuple[tuple[str, ...], ...] = ()


def trace_declared(catalog: Catalog, name: str, *, depth: int = 20) -> Lineage:
    """Follow declared parents and children of `name` (in the lake or only mentioned) up to `depth` steps.

    Cycles in bad metadata are reported, not followed.
    """
    up_edges, ancestors, up_cycles = _walk(catalog, name, depth, upwards=True)
    down_edges, descendants, down_cycles = _walk(catalog, name, depth, upwards=False)
    return Lineage(
        model=name,
        ancestors=tuple(ancestors),
        descendants=tuple(descendants),
        edges=tuple(up_edges + down_edges),
        cycles=tuple(up_cycles + down_cycles),
    )


def _walk(
    catalog: Catalog, name: str, depth: int, *, upwards: bool
) -> tuple[list[StoredParent], list[str], list[tuple[str, ...]]]:
    edges: list[StoredParent] = []
    reached: list[str] = []
    cycles: list[tuple[str, ...]] = []
    frontier: list[tuple[str, ...]] = [(name,)]
    for _ in range(depth):
        following: list[tuple[str, ...]] = []
        for path in frontier:
            found = catalog.parents_of(path[-1]) if upwards else catalog.children_of(path[-1])
            for edge in found:
                other = edge.parent if upwards else edge.child
                if other.lower() in {step.lower() for step in path}:
                    # A card that names its own model as its parent is noise, not a cycle.
                    if other.lower() != path[-1].lower():
                        cycles.append((*path, other))
                    continue
                if edge not in edges:
                    edges.append(edge)
                if other not in reached:
                    reached.append(other)
                    following.append((*path, other))
        frontier = following
        if not frontier:
            break
    return edges, reached, cycles
