"""Sketches of a family's members in the order of axes of one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.weights.pairing import pair_tensors
from tools.weights.recovering.fingerprints import Fingerprint
from tools.weights.recovering.layers import lay_over
from tools.weights.recovering.memory import Memory
from tools.weights.recovering.sketches import Sketch, pack_sketch, sketch_model, unpack_sketch
from tools.weights.turned import turn_like
from tools.weights.types import Weights


@dataclass(frozen=True, slots=True)
class Framed:
    """Sketches in one frame by model, and the frame each model's own axes stand in."""

    sketches: Mapping[str, Sketch]
    frames: Mapping[str, int]


def choose_reference(names: Sequence[str], prints: Mapping[str, Fingerprint]) -> str:
    """The member in whose frame all are seen: of the commonest shape, like most others, of finest values."""
    shapes = Counter(prints[name].signature for name in names)

    def rank(name: str) -> tuple[int, int, float]:
        own = prints[name]
        alike = sum(float(own.folded @ prints[other].folded) > 0.5 for other in names)
        return shapes[own.signature], alike, own.bits

    return max(names, key=rank)


def frame_members(
    names: Sequence[str],
    prints: Mapping[str, Fingerprint],
    stamps: Mapping[str, str],
    open_model: Callable[[str], Weights],
    memory: Memory,
) -> Framed:
    """Every member's sketch as the reference would have it. Raises WeightsError."""
    reference = choose_reference(names, prints)
    target = prints[reference].sketch
    sketches: dict[str, Sketch] = {}
    frames = dict.fromkeys(names, 0)
    for name in names:
        sketch: Sketch = prints[name].sketch
        if prints[name].is_gguf != prints[reference].is_gguf:
            sketch = _recall(name, reference, stamps, open_model, memory)
        sketches[name] = lay_over(sketch, target)
    return Framed(sketches, frames)


def _recall(
    name: str,
    reference: str,
    stamps: Mapping[str, str],
    open_model: Callable[[str], Weights],
    memory: Memory,
) -> Sketch:
    """A sketch of `name` as `reference` would store it, made once."""
    key = f"{stamps[reference]} {stamps[name]}"
    kept = memory.get_finding("sketch", key)
    if kept is None:
        target = open_model(reference)
        shown = turn_like(target, open_model(name))
        roles = {pair.b: pair.role for pair in pair_tensors(target.tensors, shown.tensors).pairs}
        kept = pack_sketch(sketch_model(shown, roles))
        memory.put_finding("sketch", key, kept)
    return unpack_sketch(kept)
