"""How far two models are apart, tensor by tensor: cosine, relative L2, and the rank of the difference."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.comparison import LayerDifference
from tools.weights.pairing import Pair, Pairing
from tools.weights.sampling import budget_rows, sample_rows, stream_blocks
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 2**21  # bytes of float32 in one block: what is at work stays in the processor's cache
_RANK_ROWS = 48
_RANK_COLUMNS = 1024
_THREADS = 2
_VALUES = 4096  # read of a tensor of one axis
_NOISE = 4.0  # singular values below so many times the rounding noise count nothing
_rooms = threading.local()


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the elements of a pair of tensors of equal shape."""

    aa: float = 0.0
    bb: float = 0.0
    ab: float = 0.0
    dd: float = 0.0  # |B - A|^2, summed apart: small differences vanish in aa + bb - 2 ab
    count: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.aa + other.aa,
            self.bb + other.bb,
            self.ab + other.ab,
            self.dd + other.dd,
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
    def is_equal(self) -> bool:
        """Whether every element read is equal; None of them may be NaN."""
        return self.dd == 0.0 and math.isfinite(self.aa)

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


def iter_differences(
    a: Weights,
    b: Weights,
    pairing: Pairing,
    *,
    full: bool,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[TensorDifference]:
    """The difference of every pair of tensors, in A's order; `full` reads all rows, else a sample.

    Of a pair whose first axes differ (a longer vocabulary) the rows that both have are compared. Pairs whose
    shapes cannot be laid over each other, and tensors without values, are passed over.
    """
    pairs = [pair for pair in pairing.pairs if _is_comparable(a, b, pair)]
    wanted = budget_rows(a.tensors.values(), min(a.bytes_total, b.bytes_total))
    if not full:
        for at, pair in enumerate(pairs):
            if progress:
                progress(at, len(pairs), pair.a)
            yield _compare_rows(a, b, pair, wanted)
        return
    with ThreadPoolExecutor(_THREADS) as pool:  # numpy lets go of the interpreter's lock
        for at, found in enumerate(pool.map(lambda pair: _compare_whole(a, b, pair), pairs)):
            if progress:
                progress(at, len(pairs), found.pair.a)
            yield found


def _is_comparable(a: Weights, b: Weights, pair: Pair) -> bool:
    return pair.fit != "other" and 0 not in a.tensors[pair.a].shape and 0 not in b.tensors[pair.b].shape


def _count_shared(a: Weights, b: Weights, pair: Pair) -> int:
    shape_a, shape_b = a.tensors[pair.a].shape, b.tensors[pair.b].shape
    return min(shape_a[0], shape_b[0]) if shape_a else 1


def _compare_rows(a: Weights, b: Weights, pair: Pair, wanted: int) -> TensorDifference:
    shape = a.tensors[pair.a].shape
    count = _count_shared(a, b, pair)
    indices = sample_rows(count, wanted if len(shape) > 1 else _VALUES)
    x, y = a.rows(pair.a, indices), b.rows(pair.b, indices)
    sums = sum_elements(x, y)
    rank = measure_rank(a, b, pair, x, y) if len(shape) > 1 else None
    return _describe(a, pair, sums, rank, len(indices), count)


def _compare_whole(a: Weights, b: Weights, pair: Pair) -> TensorDifference:
    shape = a.tensors[pair.a].shape
    count = _count_shared(a, b, pair)
    total = Sums()
    left = count
    # Blocks of both sides hold the same number of rows, since all axes but the first agree.
    for x, y in zip(stream_blocks(a, pair.a, _BLOCK), stream_blocks(b, pair.b, _BLOCK), strict=False):
        shared = min(len(x), len(y), left) if shape else 1
        total = total + sum_elements(x[:shared] if shape else x, y[:shared] if shape else y)
        left -= shared
        if not left:
            break
    rank = None
    if len(shape) > 1:
        indices = sample_rows(count, _RANK_ROWS)
        rank = measure_rank(a, b, pair, a.rows(pair.a, indices), b.rows(pair.b, indices))
    return _describe(a, pair, total, rank, count, count)


def _describe(
    a: Weights, pair: Pair, sums: Sums, rank: int | None, rows: int, of_rows: int
) -> TensorDifference:
    shown = LayerDifference(
        pair.a,
        sums.cosine,
        sums.relative_l2,
        rank,
        other=pair.b if pair.b != pair.a else None,
        shape=a.tensors[pair.a].shape,
        rows=rows,
        of_rows=of_rows,
    )
    return TensorDifference(pair, sums, shown)


def sum_elements(x: NDArray[np.float32], y: NDArray[np.float32]) -> Sums:
    """The sums of two arrays of one shape; float32 within a block, whose size keeps the error small."""
    import numpy as np

    x, y = np.ravel(x), np.ravel(y)
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and Inf stay what they are in the sums
        difference = np.subtract(y, x, out=_borrow_room(x.size))
        aa, dd = float(np.dot(x, x)), float(np.dot(difference, difference))
        ad = float(np.dot(x, difference))
    return Sums(aa, aa + 2.0 * ad + dd, aa + ad, dd, int(x.size))


def _borrow_room(count: int) -> NDArray[np.float32]:
    """Room for one block, kept for each thread: new memory for each block would cost more than the sums."""
    import numpy as np

    room: NDArray[np.float32] | None = getattr(_rooms, "block", None)
    if room is None:
        room = _rooms.block = np.empty(_BLOCK // 4, np.float32)
    return room[:count] if count <= room.size else np.empty(count, np.float32)


def measure_rank(a: Weights, b: Weights, pair: Pair, x: NDArray[np.float32], y: NDArray[np.float32]) -> int:
    """A lower bound of the rank of B - A, from sampled rows: singular values above the rounding noise.

    Noise is what rounding to the coarser of the two dtypes leaves, spread evenly (Marchenko-Pastur edge).
    Wide rows are cut to `_RANK_COLUMNS`, which keeps the bound a bound.
    """
    import numpy as np

    x, y = x.reshape(len(x), -1)[:, :_RANK_COLUMNS], y.reshape(len(y), -1)[:, :_RANK_COLUMNS]
    x, y = np.nan_to_num(x, posinf=0.0, neginf=0.0), np.nan_to_num(y, posinf=0.0, neginf=0.0)
    difference = (y - x).astype(np.float64)
    if not difference.any():
        return 0
    largest = float(np.abs(difference).max())
    # Of the small side's Gram matrix: far quicker than singular values, and as good above the noise.
    scaled = difference / largest
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(scaled @ scaled.T), 0.0)) * largest
    scale = float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
    noise = rounding_noise(a.tensors[pair.a].dtype, b.tensors[pair.b].dtype, scale)
    edge = noise * (math.sqrt(difference.shape[0]) + math.sqrt(difference.shape[1]))
    return int((values > max(edge * _NOISE, values.max() * 1e-5)).sum())


_MANTISSA = {"BF16": 8, "F16": 11, "F32": 24, "F64": 53}


def rounding_noise(dtype_a: str, dtype_b: str, scale: float) -> float:
    """The standard deviation that rounding values of about `scale` to the coarser dtype brings."""
    bits = min(_MANTISSA.get(dtype_a, 24), _MANTISSA.get(dtype_b, 24))
    return float(scale * 2.0**-bits / math.sqrt(3.0))
