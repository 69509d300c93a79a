"""Which of two related models came first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.weights.comparison import Direction, Relation
from tools.weights.difference import TensorDifference
from tools.weights.pairing import Pairing
from tools.weights.relation import count_zeros, is_rounded
from tools.weights.types import Weights

_FEWEST_VOTES = 3
_MAJORITY = 0.7  # of the tensors that changed


@dataclass(frozen=True, slots=True)
class DirectionJudgement:
    """The direction, how sure it is (0 to 1), and why, as a sentence."""

    direction: Direction
    confidence: float
    reason: str


def judge_direction(
    a: Weights,
    b: Weights,
    pairing: Pairing,
    differences: Sequence[TensorDifference],
    relation: Relation | None,
) -> DirectionJudgement:
    """The direction of a relation: from what cannot be undone, else from how the weights grew.

    Rounding, cutting and adding rows leave traces on the child only. Training adds a step that, in so many
    dimensions, is nearly at right angles to the weights it starts from, so that the child is longer:
    (|B|^2 - |A|^2) / |B - A|^2 is near 1 where A is the parent, and negative where B is. Each tensor that
    changed votes; without a clear majority the direction is unknown.
    """
    match relation:
        case "duplicate":
            return DirectionJudgement("none", 0.9, "Copies have no order.")
        case "quantization":
            forward = is_rounded(a, b, differences)
            return _say(forward is True, 0.97, "the one with fewer bits was rounded from the other")
        case "prune":
            zeros_a, zeros_b = count_zeros(a, b, differences)
            if zeros_a == zeros_b:
                forward = any(pair.fit == "fewer-rows" for pair in pairing.pairs)
                return _say(forward, 0.9, "the one with fewer rows was cut from the other")
            return _say(zeros_b > zeros_a, 0.95, "zeros were cut into the one, not filled in the other")
        case "vocab-extension":
            forward = any(pair.fit == "more-rows" for pair in pairing.pairs)
            return _say(forward, 0.85, "rows are added to a vocabulary far more often than taken away")
        case "depth-change":
            forward = pairing.layers_b < pairing.layers_a
            return _say(forward, 0.6, "layers are dropped more often than inserted")
    return _judge_growth(differences)


def _judge_growth(differences: Sequence[TensorDifference]) -> DirectionJudgement:
    grown = [
        growth
        for found in differences
        if len(found.shown.shape) > 1 and (growth := found.sums.growth) is not None
    ]
    if len(grown) < _FEWEST_VOTES:
        return DirectionJudgement("unknown", 0.0, "Too few tensors changed to tell which came first.")
    share = sum(1 for growth in grown if growth > 0) / len(grown)
    total = sum(found.sums.bb - found.sums.aa for found in differences if len(found.shown.shape) > 1)
    if share >= _MAJORITY and total > 0:
        forward = True
    elif share <= 1 - _MAJORITY and total < 0:
        forward, share = False, 1 - share
    else:
        return DirectionJudgement(
            "unknown", 0.0, "The weights grew in some tensors and shrank in others: they do not tell."
        )
    confidence = round(0.5 + 0.45 * (share - 0.5) / 0.5, 2)
    return _say(
        forward,
        confidence,
        f"training makes weights longer, and in {share:.0%} of the tensors that changed it is the longer one",
    )


def _say(forward: bool, confidence: float, why: str) -> DirectionJudgement:
    later = "second" if forward else "first"
    return DirectionJudgement(
        "a_to_b" if forward else "b_to_a", confidence, f"The {later} is the child: {why}."
    )
