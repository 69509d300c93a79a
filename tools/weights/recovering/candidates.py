"""Which pairs of models are worth a comparison, from their fingerprints alone, and the families they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.weights.recovering.fingerprints import Fingerprint

_NEIGHBOURS = 6  # of each model, in either kind of vector
_LEAST = 0.15  # cosine below which vectors of 512 dimensions say nothing
_REFUSALS = 2  # comparisons that two groups may fail before they are left apart


@dataclass(slots=True)
class Grouping:
    """Families found: `groups` in the order of the models, and the pairs that were confirmed."""

    groups: list[list[str]]
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    compared: int = 0


def rank_pairs(prints: Mapping[str, Fingerprint]) -> list[tuple[float, str, str]]:
    """Pairs of neighbours with the likeness of their fingerprints, the likeliest first."""
    import numpy as np

    names = list(prints)
    if len(names) < 2:
        return []
    best: dict[tuple[int, int], float] = {}
    for vectors in (
        np.array([prints[name].folded for name in names]),
        np.array([prints[name].tokens for name in names]),
    ):
        alike = vectors @ vectors.T
        np.fill_diagonal(alike, -1.0)
        wanted = min(_NEIGHBOURS, len(names) - 1)
        near = np.argpartition(-alike, wanted - 1, axis=1)[:, :wanted]
        for at, others in enumerate(near.tolist()):
            for other in others:
                pair = (min(at, other), max(at, other))
                best[pair] = max(best.get(pair, -1.0), float(alike[at, other]))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [(likeness, names[a], names[b]) for (a, b), likeness in ranked if likeness >= _LEAST]


def group_models(
    prints: Mapping[str, Fingerprint],
    is_related: Callable[[str, str], bool],
    progress: Callable[[int, int], None] | None = None,
) -> Grouping:
    """Put models together whose relation `is_related` confirms.

    A pair that confirmed pairs join already is not compared, nor are two groups that failed twice: the number
    of comparisons grows with the number of models, not of pairs.
    """
    leader = {name: name for name in prints}
    refused: dict[frozenset[str], int] = {}
    result = Grouping([])

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    pairs = rank_pairs(prints)
    for at, (_, a, b) in enumerate(pairs):
        if progress:
            progress(at, len(pairs))
        first, second = find(a), find(b)
        between = frozenset((first, second))
        if first == second or refused.get(between, 0) >= _REFUSALS:
            continue
        result.compared += 1
        if is_related(a, b):
            result.confirmed.append((a, b))
            leader[second] = first
            _rename(refused, second, first)
        else:
            refused[between] = refused.get(between, 0) + 1
    groups: dict[str, list[str]] = {}
    for name in prints:
        groups.setdefault(find(name), []).append(name)
    result.groups = list(groups.values())
    return result


def _rename(refused: dict[frozenset[str], int], old: str, new: str) -> None:
    """Two groups became one: what either was refused counts once, by the lesser, since each may be led by
    a model that is harder to compare."""
    for pair in [pair for pair in refused if old in pair]:
        other = next(iter(pair - {old}), new)
        count = refused.pop(pair)
        if other != new:
            joined = frozenset((new, other))
            refused[joined] = min(refused.get(joined, count), count)


def list_nearest(prints: Mapping[str, Fingerprint], model: str, count: int) -> Sequence[tuple[str, float]]:
    """The models whose fingerprints are most like that of `model`, with the likeness, at most `count`."""
    own = prints[model]
    alike = {
        name: max(float(own.folded @ other.folded), float(own.tokens @ other.tokens))
        for name, other in prints.items()
        if name != model
    }
    return sorted(alike.items(), key=lambda item: (-item[1], item[0]))[:count]
