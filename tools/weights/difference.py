"""How far two models are apart, tensor by tensor: cosine, relative L2, and the rank of the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from tools.weights.comparison import LayerDifference
from tools.weights.neurons import spread
from tools.weights.pairing import Pair, Pairing
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLED_ROWS = 48
_BLOCK = 2**23  # bytes of float32 in one block
_RANK_ROWS = 64
_WHOLE = 2**26  # a pair of models up to this many bytes is read whole
_NOISE = 4.0  # singular values below so many times the rounding noise count nothing


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the elements of a pair of tensors of equal shape."""

    aa: float = 0.0
    bb: float = 0.0
    ab: float = 0.0
    dd: float = 0.0  # |B - A|^2, summed apart: small differences vanish in aa + bb - 2 ab
    zeros_a: int = 0
    zeros_b: int = 0
    equal: int = 0
    count: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.aa + other.aa,
            self.bb + other.bb,
            self.ab + other.ab,
            self.dd + other.dd,
            self.zeros_a + other.zeros_a,
            self.zeros_b + other.zeros_b,
            self.equal + other.equal,
            self.count + other.count,
        )

    @property
    def cosine(self) -> float | None:
        """None for tensors of zeros, and where something is no number."""
        if not (self.aa > 0 and self.bb > 0 and math.isfinite(self.aa) and math.isfinite(self.bb)):
            return None
        return max(-1.0, min(1.0, self.ab / math.sqrt(self.aa * self.bb)))

    @property
    def relative_l2(self) -> float | None:
        """|B - A| / |A|."""
        if not (self.aa > 0 and math.isfinite(self.dd) and math.isfinite(self.aa)):
            return None
        return math.sqrt(self.dd / self.aa)

    @property
    def growth(self) -> float | None:
        """(|B|^2 - |A|^2) / |B - A|^2: about 1 where B is A and a step in a direction of its own."""
        return (self.bb - self.aa) / self.dd if self.dd > 0 and math.isfinite(self.dd) else None


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """A pair of tensors, its sums over the rows read, and what is shown of it."""

    pair: Pair
    sums: Sums
    shown: LayerDifference


def is_small(a: Weights, b: Weights) -> bool:
    """Whether both models are so small that reading them whole costs nothing."""
    return a.bytes_total + b.bytes_total <= _WHOLE


def iter_differences(
    a: Weights, b: Weights, pairing: Pairing, *, full: bool, progress: Callable[[str], None] | None = None
) -> Iterator[TensorDifference]:
    """The difference of every pair of tensors; `full` reads all rows, else some evenly spread ones.

    Of a pair whose first axes differ (a longer vocabulary) the rows that both have are compared.
    """
    for pair in pairing.pairs:
        if pair.fit == "other":
            continue
        if progress:
            progress(pair.a)
        shape_a, shape_b = a.tensors[pair.a].shape, b.tensors[pair.b].shape
        rows = min(shape_a[0], shape_b[0]) if shape_a else 1
        width = math.prod(shape_a[1:]) if shape_a else 1
        if rows == 0 or width == 0:
            continue
        whole = full and pair.fit == "same"
        read = rows if full else len(spread(rows, SAMPLED_ROWS if width > 1 else 4096))
        sums = _sum_blocks(a, b, pair) if whole else _sum_rows(a, b, pair, rows, read)
        rank = None
        if len(shape_a) == 2 and sums.dd > 0 and min(shape_a) > 1:
            rank = measure_rank(a, b, pair, rows)
        shown = LayerDifference(
            pair.a,
            sums.cosine,
            sums.relative_l2,
            rank,
            other=pair.b if pair.b != pair.a else None,
            shape=shape_a,
            rows=read,
            of_rows=rows,
        )
        yield TensorDifference(pair, sums, shown)


def _sum_blocks(a: Weights, b: Weights, pair: Pair) -> Sums:
    total = Sums()
    for x, y in zip_longest(a.blocks(pair.a, _BLOCK), b.blocks(pair.b, _BLOCK)):
        total = total + sum_elements(x, y)
    return total


def _sum_rows(a: Weights, b: Weights, pair: Pair, rows: int, read: int) -> Sums:
    indices = spread(rows, read)
    return sum_elements(a.rows(pair.a, indices), b.rows(pair.b, indices))


def sum_elements(x: NDArray[np.float32], y: NDArray[np.float32]) -> Sums:
    """The sums of two arrays of one shape; float32 within a block, whose size keeps the error small."""
    import numpy as np

    x, y = np.ravel(x), np.ravel(y)
    difference = y - x
    return Sums(
        float(np.dot(x, x)),
        float(np.dot(y, y)),
        float(np.dot(x, y)),
        float(np.dot(difference, difference)),
        int(x.size - np.count_nonzero(x)),
        int(y.size - np.count_nonzero(y)),
        int(x.size - np.count_nonzero(difference)),
        int(x.size),
    )


def measure_rank(a: Weights, b: Weights, pair: Pair, rows: int) -> int:
    """A lower bound of the rank of B - A, from sampled rows: singular values above the rounding noise.

    Noise is what rounding to the coarser of the two dtypes leaves, spread evenly (Marchenko-Pastur edge).
    """
    import numpy as np

    indices = spread(rows, _RANK_ROWS)
    x, y = a.rows(pair.a, indices), b.rows(pair.b, indices)
    difference = np.nan_to_num((y - x).reshape(len(indices), -1).astype(np.float64))
    if not difference.any():
        return 0
    values = np.linalg.svd(difference, compute_uv=False)
    noise = rounding_noise(a.tensors[pair.a].dtype, b.tensors[pair.b].dtype, float(np.sqrt((y * y).mean())))
    edge = noise * (math.sqrt(difference.shape[0]) + math.sqrt(difference.shape[1]))
    return int((values > max(edge * _NOISE, values[0] * 1e-6)).sum())


_MANTISSA = {"BF16": 8, "F16": 11, "F32": 24, "F64": 53}


def rounding_noise(dtype_a: str, dtype_b: str, scale: float) -> float:
    """The standard deviation that rounding values of about `scale` to the coarser dtype brings."""
    bits = min(_MANTISSA.get(dtype_a, 24), _MANTISSA.get(dtype_b, 24))
    return float(scale * 2.0**-bits / math.sqrt(3.0))
