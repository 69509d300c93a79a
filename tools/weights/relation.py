"""How one of two related models was made from the other: what the last step did to the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.weights.comparison import Relation
from tools.weights.difference import TensorDifference
from tools.weights.pairing import Pairing
from tools.weights.sampling import sample_rows
from tools.weights.types import TensorInfo, Weights

# Bits of a value's mantissa, by dtype: what a cast rounds to.
_MANTISSA = {"F64": 53, "F32": 24, "F16": 11, "BF16": 8, "F8_E4M3": 4, "F8_E5M2": 3}
_CAST_SLACK = 1.5  # the relative L2 that rounding leaves is about 2^-bits / sqrt(3); values differ in size
_INTEGER_ERROR = 0.03  # relative L2 of 8-bit integers with a scale for each row or block
_COARSE_ERROR = 0.25  # of 4-bit ones
_PRUNED = 0.05  # share of exact zeros that one side has more
_LOW_RANK = 0.5  # of the rows sampled: a difference of lower rank is that of an adapter
_ROWS = 32
_UNCHANGED = 1e-6  # relative L2


@dataclass(frozen=True, slots=True)
class RelationJudgement:
    """The relation, how sure it is (0 to 1), and the reasons as sentences. None: nothing fits."""

    relation: Relation | None
    confidence: float
    reasons: tuple[str, ...]


def judge_relation(
    a: Weights, b: Weights, pairing: Pairing, differences: Sequence[TensorDifference]
) -> RelationJudgement:
    """The relation of two models that were found to be related, whichever came first.

    The visible last step decides: a fine-tuned model that was quantised afterwards is a "quantization".
    """
    return (
        _judge_shape(pairing)
        or _judge_zeros(a, b, differences)
        or _judge_precision(a, b, differences)
        or _judge_values(a, b, differences)
    )


def count_zeros(a: Weights, b: Weights, differences: Sequence[TensorDifference]) -> tuple[float, float]:
    """Share of exact zeros in sampled rows of the matrices of A and of B."""
    import numpy as np

    zeros, count = [0, 0], 0
    for found in differences:
        if len(found.shown.shape) < 2 or found.shown.relative_l2 == 0.0:
            continue
        rows = sample_rows(found.shown.of_rows, _ROWS)
        x, y = a.rows(found.pair.a, rows), b.rows(found.pair.b, rows)
        zeros[0] += x.size - int(np.count_nonzero(x))
        zeros[1] += y.size - int(np.count_nonzero(y))
        count += x.size
    return (zeros[0] / count, zeros[1] / count) if count else (0.0, 0.0)


def precision_of(info: TensorInfo) -> int:
    """Bits of the mantissa that a tensor's values have; integers count 4 (of 8 bits) or 2 (of fewer)."""
    if info.dtype in _MANTISSA and not info.quantized:
        return _MANTISSA[info.dtype]
    return 4 if info.nbytes >= math.prod(info.shape) else 2


def is_rounded(a: Weights, b: Weights, differences: Sequence[TensorDifference]) -> bool | None:
    """Whether B is A rounded to fewer bits (True), A is B rounded (False), or neither (None).

    Every matrix that differs must be of fewer bits on the same side, and no further off than rounding leaves.
    """
    sides: set[bool] = set()
    for found in differences:
        distance = found.shown.relative_l2
        if distance is None or distance <= _UNCHANGED or len(found.shown.shape) < 2:
            continue
        bits_a, bits_b = precision_of(a.tensors[found.pair.a]), precision_of(b.tensors[found.pair.b])
        if bits_a == bits_b or distance > _rounding_bound(min(bits_a, bits_b)):
            return None
        sides.add(bits_b < bits_a)
    return sides.pop() if len(sides) == 1 else None


def _rounding_bound(bits: int) -> float:
    """The relative L2 that rounding to so many bits may leave."""
    return {4: _INTEGER_ERROR, 2: _COARSE_ERROR}.get(bits, _CAST_SLACK * 2.0**-bits / math.sqrt(3.0))


def _judge_shape(pairing: Pairing) -> RelationJudgement | None:
    if pairing.layers_a != pairing.layers_b:
        reason = f"One has {pairing.layers_a} layers, the other {pairing.layers_b}."
        return RelationJudgement("depth-change", 0.9, (reason,))
    resized = [pair for pair in pairing.pairs if pair.fit in ("more-rows", "fewer-rows")]
    words = [pair for pair in resized if pair.role.part in ("embed", "head")]
    if [pair for pair in resized if pair.role.part in ("up", "gate", "q", "k", "v", "qkv")]:
        return RelationJudgement(
            "prune", 0.85, ("Neurons or heads of one are missing in the other: it was pruned as a whole.",)
        )
    if words:
        reason = "The vocabulary of one is longer; the rows that both have belong together."
        return RelationJudgement("vocab-extension", 0.9, (reason,))
    return None


def _judge_zeros(a: Weights, b: Weights, differences: Sequence[TensorDifference]) -> RelationJudgement | None:
    zeros_a, zeros_b = count_zeros(a, b, differences)
    if abs(zeros_a - zeros_b) < _PRUNED:
        return None
    more, less = max(zeros_a, zeros_b), min(zeros_a, zeros_b)
    reason = f"{more:.0%} of the values of one are exactly zero, {less:.0%} of the other's: it was pruned."
    return RelationJudgement("prune", 0.95, (reason,))


def _judge_precision(
    a: Weights, b: Weights, differences: Sequence[TensorDifference]
) -> RelationJudgement | None:
    if is_rounded(a, b, differences) is None:
        return None
    most = max(found.shown.relative_l2 or 0.0 for found in differences if len(found.shown.shape) > 1)
    reason = (
        "One holds its values in fewer bits, and is apart from the other by no more than rounding to them "
        f"leaves (relative L2 at most {most:.2g})."
    )
    return RelationJudgement("quantization", 0.95, (reason,))


def _judge_values(a: Weights, b: Weights, differences: Sequence[TensorDifference]) -> RelationJudgement:
    changed = find_changed(a, b, differences)
    if not changed:
        return RelationJudgement("duplicate", 0.9, ("No tensor differs by more than rounding.",))
    matrices = [found for found in changed if len(found.shown.shape) > 1]
    others = [found for found in changed if len(found.shown.shape) < 2]
    ranks = [
        (found.shown.delta_rank, min(found.shown.rows, 64, *found.shown.shape))
        for found in matrices
        if found.shown.delta_rank is not None
    ]
    low = [rank for rank, most in ranks if 0 < rank <= _LOW_RANK * most]
    untouched = len(differences) - len(changed)
    if ranks and len(low) == len(ranks) and not others and untouched:
        reason = (
            f"{len(changed)} of {len(differences)} tensors changed, all by a matrix of low rank "
            f"(at most {max(low)} in the rows sampled), the rest not at all: an adapter was merged in."
        )
        return RelationJudgement("lora", 0.9, (reason,))
    reason = (
        f"{len(changed)} of {len(differences)} tensors changed, by matrices of full rank, as training does."
    )
    return RelationJudgement("finetune", 0.8, (reason,))


def find_changed(a: Weights, b: Weights, differences: Sequence[TensorDifference]) -> list[TensorDifference]:
    """The tensors that differ by more than rounding between their dtypes leaves."""
    return [found for found in differences if (found.shown.relative_l2 or 0.0) > _floor(a, b, found)]


def _floor(a: Weights, b: Weights, found: TensorDifference) -> float:
    """The relative L2 up to which two tensors count as equal: what rounding between their dtypes leaves."""
    bits = min(precision_of(a.tensors[found.pair.a]), precision_of(b.tensors[found.pair.b]))
    same = a.tensors[found.pair.a].dtype == b.tensors[found.pair.b].dtype
    return _UNCHANGED if same else max(_UNCHANGED, _rounding_bound(bits))
