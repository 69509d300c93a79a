"""Pairs of models compared by `compare_weights`, each once, and kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.weights.compare import compare_weights
from tools.weights.comparison import Direction, Relation, Verdict, WeightComparison, WeightFact
from tools.weights.opening import OpenedWeights, open_weights
from tools.weights.recovering.adapting import Leaning, measure_leaning
from tools.weights.recovering.memory import Memory

_OPEN = 6  # models that are kept open


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a comparison of two models said, without its layers; see `WeightComparison`."""

    a: str
    b: str
    verdict: Verdict
    relation: Relation | None
    direction: Direction
    log10_p: float | None
    confidence: float
    direction_confidence: float
    aligned: bool
    reasons: tuple[str, ...]
    facts: tuple[WeightFact, ...]

    @property
    def is_related(self) -> bool:
        return self.verdict in ("related", "identical")


class Confirmer:
    """Compares models by name. `compared` counts the pairs asked for, whether kept before or not."""

    def __init__(self, places: Mapping[str, Path], stamps: Mapping[str, str], memory: Memory) -> None:
        """`places` and `stamps` (see `stamp_folder`) by model."""
        self._places = places
        self._stamps = stamps
        self._memory = memory
        self._known: dict[tuple[str, str], Confirmation] = {}
        self._opened: dict[str, OpenedWeights] = {}
        self.compared = 0

    def compare(self, a: str, b: str) -> Confirmation:
        """Compare two models; the other way round it is another comparison. Raises WeightsError."""
        known = self._known.get((a, b))
        if known is not None:
            return known
        self.compared += 1
        key = f"{self._stamps[a]} {self._stamps[b]}"
        kept = self._memory.get_finding("comparison", key)
        if kept is None:
            # Freshly opened: evidence hashes what this comparison read, and nothing read before it.
            with open_weights(self._places[a]) as first, open_weights(self._places[b]) as second:
                found = compare_weights(first, second)
            kept = _pack(found)
            self._memory.put_finding("comparison", key, kept)
        self._known[a, b] = confirmation = _unpack(kept, a, b)
        return confirmation

    def lean(self, adapter: str, base: str) -> Leaning | None:
        """How far an adapter's steps lean on a model, see `measure_leaning`; kept. Raises WeightsError."""
        key = f"{self._stamps[adapter]} {self._stamps[base]}"
        kept = self._memory.get_finding("leaning", key)
        if kept is None:
            with open_weights(self._places[adapter]) as first, open_weights(self._places[base]) as second:
                found = measure_leaning(first, second)
            kept = json.dumps(None if found is None else dataclasses.asdict(found)).encode()
            self._memory.put_finding("leaning", key, kept)
        values = json.loads(kept)
        if values is None:
            return None
        return Leaning(values["score"], tuple(WeightFact(**fact) for fact in values["facts"]))

    def close(self) -> None:
        """Close the models that are open."""
        while self._opened:
            self._opened.popitem()[1].close()

    def __enter__(self) -> Confirmer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, name: str) -> OpenedWeights:
        """The weights of a model, open until others were asked for. Raises WeightsError."""
        opened = self._opened.pop(name, None) or open_weights(self._places[name])
        self._opened[name] = opened  # the last one used stands last
        if len(self._opened) > _OPEN:
            first = next(iter(self._opened))
            self._opened.pop(first).close()
        return opened


def _pack(found: WeightComparison) -> bytes:
    kept = {
        field.name: getattr(found, field.name)
        for field in dataclasses.fields(Confirmation)
        if field.name not in ("a", "b", "facts")
    }
    kept["facts"] = [dataclasses.asdict(fact) for fact in found.facts]
    return json.dumps(kept).encode()


def _unpack(kept: bytes, a: str, b: str) -> Confirmation:
    values: dict[str, Any] = json.loads(kept)
    values["reasons"] = tuple(values["reasons"])
    values["facts"] = tuple(WeightFact(**fact) for fact in values["facts"])
    return Confirmation(a=a, b=b, **values)
