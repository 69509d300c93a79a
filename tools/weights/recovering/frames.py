"""Sketches of a family's members in the order of axes of one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.weights.align import align_models
from tools.weights.pairing import pair_tensors
from tools.weights.recovering.fingerprints import Fingerprint
from tools.weights.recovering.layers import lay_over, measure_likeness
from tools.weights.recovering.memory import Memory
from tools.weights.recovering.sketches import Sketch, pack_sketch, sketch_model, unpack_sketch
from tools.weights.sampling import is_small
from tools.weights.turned import turn_like
from tools.weights.types import Weights

_ALIGNED = 0.97  # mean cosine to the reference below which a member may stand in an order of its own
_CLOSER = 0.6  # of the way to another member is at most left, where its order was truly another
_TRIED = 3  # members in whose order a member is seen


@dataclass(frozen=True, slots=True)
class Framed:
    """Sketches in one frame by model, and the frame each model's own axes stand in."""

    sketches: Mapping[str, Sketch]
    frames: Mapping[str, int]


def choose_reference(names: Sequence[str], prints: Mapping[str, Fingerprint]) -> str:
    """The member in whose frame all are seen: of the commonest shape, like most others, of finest values."""
    shapes = Counter(prints[name].signature for name in names)

    def rank(name: str) -> tuple[int, int, float, float]:
        own = prints[name]
        alike = [likeness for other in names if (likeness := float(own.folded @ prints[other].folded)) > 0.5]
        return shapes[own.signature], len(alike), own.bits, sum(alike)

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
    doubtful: list[str] = []
    for name in names:
        sketch: Sketch = prints[name].sketch
        if prints[name].is_gguf != prints[reference].is_gguf:
            sketch = _recall(name, reference, stamps, open_model, memory, moving=False)
        sketches[name] = lay_over(sketch, target)
        if measure_likeness(sketches[name], target) < _ALIGNED:
            doubtful.append(name)

    def see(name: str, settled: Sequence[str]) -> Sketch | None:
        """In the order of its nearest kin, where no neuron is taken for another; None if it stood so."""
        near = _choose_anchors(name, settled, prints) or [reference]
        plain, best, chosen = prints[name].sketch, 0.0, None
        for other in near:
            kept = _recall(name, other, stamps, open_model, memory, moving=True)
            seen = lay_over(kept, target)
            found = measure_likeness(seen, sketches[other])
            before = measure_likeness(lay_over(plain, target), sketches[other])
            if found > best and 1 - found <= _CLOSER * (1 - before):
                best, chosen = found, seen
        return chosen

    settled = [name for name in names if name not in doubtful] or [reference]
    strays = {name: seen for name in doubtful if (seen := see(name, settled)) is not None}
    settled = [name for name in names if name not in strays]
    for name in strays:
        sketches[name] = see(name, settled) or strays[name]
    return Framed(sketches, _number_frames(names, list(strays), prints))


def _choose_anchors(name: str, settled: Sequence[str], prints: Mapping[str, Fingerprint]) -> list[str]:
    """The members of this shape whose embeddings, in whatever order, are most like those of `name`."""
    own = prints[name]
    same = [other for other in settled if prints[other].signature == own.signature and other != name]
    return sorted(same, key=lambda other: -float(own.tokens @ prints[other].tokens))[:_TRIED]


def _number_frames(
    names: Sequence[str], strays: Sequence[str], prints: Mapping[str, Fingerprint]
) -> dict[str, int]:
    """0 for the reference's frame; strays that stand in one order share a number of their own."""
    frames = dict.fromkeys(names, 0)
    firsts: list[str] = []
    for name in strays:
        alike = [
            at for at, first in enumerate(firsts) if float(prints[name].folded @ prints[first].folded) > 0.5
        ]
        if not alike:
            firsts.append(name)
        frames[name] = (alike[0] if alike else len(firsts) - 1) + 1
    return frames


def _recall(
    name: str,
    anchor: str,
    stamps: Mapping[str, str],
    open_model: Callable[[str], Weights],
    memory: Memory,
    *,
    moving: bool,
) -> Sketch:
    """A sketch of `name` as `anchor` would store it, made once; `moving`: neurons, heads, hidden dimensions
    and scales are put back as well, not only what formats of files move."""
    key = f"{stamps[anchor]} {stamps[name]}{' moved' if moving else ''}"
    kept = memory.get_finding("sketch", key)
    if kept is None:
        target = open_model(anchor)
        shown = turn_like(target, open_model(name))
        pairing = pair_tensors(target.tensors, shown.tensors)
        if moving:
            found = align_models(target, shown, pairing, small=is_small(target, shown))
            shown = shown if found is None else found.weights
        kept = pack_sketch(sketch_model(shown, {pair.b: pair.role for pair in pairing.pairs}))
        memory.put_finding("sketch", key, kept)
    return unpack_sketch(kept)
