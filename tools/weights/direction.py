"""Which of two related models came first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.weights.comparison import Direction, Relation
from tools.weights.difference import TensorDifference
from tools.weights.pairing import Pairing
from tools.weights.relation import count_zeros, find_changed, is_rounded
from tools.weights.roles import read_roles
from tools.weights.sampling import sample_rows
from tools.weights.types import Weights

_FEWEST_VOTES = 3
_MAJORITY = 0.7  # of the tensors that changed
_MINORITY = 0.6  # enough where the other witnesses say the same
_GROWN = 0.2  # median growth from which it is a witness
_EVEN = 0.1  # so much narrower, as a logarithm, are the shares kept of the true parent's tensors
_REPEATED = 0.5  # cosine of two layers' matrices; those of layers that were trained apart have none
_PROBED = 8  # rows of a matrix


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
            return _judge_depth(a, b, pairing)
    return _judge_growth(find_changed(a, b, differences))


def repeats_layers(weights: Weights) -> bool:
    """Whether some layer of a model is like another of its own, as none is that was trained in its place.

    A few rows of every layer's matrices are read. Raises WeightsError.
    """
    import numpy as np

    alike: dict[tuple[tuple[str, int], tuple[str, int]], list[float]] = {}
    for layers in _list_stacks(weights).values():
        read = {}
        for layer, name in layers.items():
            rows = weights.rows(name, sample_rows(weights.tensors[name].shape[0], _PROBED)).ravel()
            length = float(np.linalg.norm(rows))
            if length > 0 and np.isfinite(length):
                read[layer] = rows / length
        for first, x in read.items():
            for second, y in read.items():
                if first < second and x.shape == y.shape:
                    alike.setdefault((first, second), []).append(float(x @ y))
    return any(float(np.median(cosines)) >= _REPEATED for cosines in alike.values())


def _list_stacks(weights: Weights) -> dict[tuple[str, str], dict[tuple[str, int], str]]:
    """The layers' matrices of one kind: names by (stack, layer)."""
    stacks: dict[tuple[str, str], dict[tuple[str, int], str]] = {}
    for name, role in read_roles(weights.tensors).items():
        shape = weights.tensors[name].shape
        if role.layer is not None and len(shape) == 2 and 0 not in shape and not role.bias:
            stacks.setdefault((role.part, role.rest), {})[role.stack, role.layer] = name
    return stacks


def _judge_depth(a: Weights, b: Weights, pairing: Pairing) -> DirectionJudgement:
    deeper_is_b = pairing.layers_b > pairing.layers_a
    deeper, shallower = (b, a) if deeper_is_b else (a, b)
    if repeats_layers(deeper) and not repeats_layers(shallower):
        return _say(deeper_is_b, 0.9, "some of its layers are copies of others, which training never makes")
    return _say(not deeper_is_b, 0.75, "no layer of the deeper one is a copy, so that layers were dropped")


def _judge_growth(changed: Sequence[TensorDifference]) -> DirectionJudgement:
    """Growth, and evenness: weight decay takes the same share of every tensor, so that what a child keeps of
    its parent, <A, B> / |A|^2, is more even over tensors than the other way round."""
    import numpy as np

    sums = [
        found.sums
        for found in changed
        if len(found.shown.shape) > 1 and found.sums.growth is not None and (found.sums.cosine or 0.0) > 0
    ]
    if len(sums) < _FEWEST_VOTES:
        return DirectionJudgement("unknown", 0.0, "Too few tensors changed to tell which came first.")
    grown = np.array([one.growth for one in sums], float)
    share, middle = float((grown > 0).mean()), float(np.median(grown))
    total = sum(one.bb - one.aa for one in sums) / sum(one.dd for one in sums)
    kept_of_a = _spread([one.ab / one.aa for one in sums])
    kept_of_b = _spread([one.ab / one.bb for one in sums])
    even = math.log(kept_of_b / kept_of_a) if kept_of_a > 0 and kept_of_b > 0 else 0.0
    side = 1.0 if share >= 0.5 else -1.0
    ahead = share if side > 0 else 1.0 - share
    witnesses = (middle * side >= _GROWN) + (total * side > 0) + (even * side >= _EVEN)
    against = (middle * side < 0) + (total * side < 0) + (even * side <= -_EVEN)
    sure = ahead >= _MAJORITY and total * side > 0
    if not sure and not (ahead >= _MINORITY and witnesses == 3):
        return DirectionJudgement(
            "unknown", 0.0, "The weights grew in some tensors and shrank in others: they do not tell."
        )
    confidence = 0.5 + 0.45 * (ahead - 0.5) / 0.5 - 0.1 * against
    return _say(
        side > 0,
        round(confidence, 2),
        f"training makes weights longer, and in {ahead:.0%} of the tensors that changed it is the longer one",
    )


def _spread(shares: Sequence[float]) -> float:
    """The median distance of logarithms from their median."""
    import numpy as np

    logs = np.log(shares)
    return float(np.median(np.abs(logs - np.median(logs))))


def _say(forward: bool, confidence: float, why: str) -> DirectionJudgement:
    later = "second" if forward else "first"
    return DirectionJudgement(
        "a_to_b" if forward else "b_to_a", confidence, f"The {later} is the child: {why}."
    )
