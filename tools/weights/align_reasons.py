"""What an aligned look found, in sentences for a person."""

from __future__ import annotations

from collections.abc import Sequence

from tools.weights.align import Alignment, Obstacle
from tools.weights.align_layers import LayerMatch
from tools.weights.difference import TensorDifference, rounding_noise
from tools.weights.types import Weights

_ROUNDINGS = 2.0  # a moved scale rounds the norm, the matrix, and was rounded before


def explain_alignment(moved: Sequence[str]) -> list[str]:
    """What was put back before two relatives were compared."""
    listed = " and ".join([", ".join(moved[:-1]), moved[-1]] if moved[1:] else moved)
    return [
        f"Seen in one frame: {listed} of one stand elsewhere in the other, which changes nothing of what it "
        "computes. What follows was measured with them put back."
    ]


def explain_failure(alignment: Alignment | None, obstacle: Obstacle | None) -> list[str]:
    """What a look that found no relation excludes, and what it does not."""
    if obstacle == "bytes":
        return [
            "Whether one is a copy of the other with its neurons in another order was not looked at: that "
            "would read more than 3 % of the files. `--full` does."
        ]
    if alignment is None:
        return [
            "The two share no embeddings that would tell which hidden dimension is which, so that a copy "
            "with its neurons in another order cannot be excluded."
        ]
    if alignment.is_anchored:
        return [
            "The embeddings of the two belong together, but no layer of one was found in the other, in "
            "whatever order: the embeddings have a common origin. More is not claimed."
        ]
    return [
        "The embeddings of the tokens they share fit in no order of the hidden dimensions: they are no copy "
        "in another order either."
    ]


def describe_layers(found: LayerMatch, name_a: str, name_b: str) -> list[str]:
    """Sentences on layers that stand twice on one side, or have another number."""
    sentences = []
    for repeated, one, other in (
        (found.repeated, name_b, name_a),
        (found.repeated_a, name_a, name_b),
    ):
        if repeated:
            which = ", ".join(f"{own[1]} (as {like[1]})" for own, like in sorted(repeated.items()))
            sentences.append(f"Layers of {one!r} that repeat one of {other!r}: {which}.")
    if found.is_moved:
        moved = ", ".join(
            f"{own[1]} as {other[1]}" for own, other in sorted(found.of_b.items()) if own != other
        )
        sentences.append(f"Layers of {name_b!r} were held against other numbers of {name_a!r}: {moved}.")
    return sentences


def is_rescaled_copy(
    a: Weights, b: Weights, differences: Sequence[TensorDifference], moved: Sequence[str]
) -> bool:
    """Whether what is left between two whose scales were put back is what rounding of moved scales leaves."""
    if not any(what.startswith("scales") for what in moved):
        return False
    return all(
        found.shown.relative_l2 is None
        or found.shown.relative_l2
        <= _ROUNDINGS * rounding_noise(a.tensors[found.pair.a].dtype, b.tensors[found.pair.b].dtype, 1.0)
        for found in differences
    )
