"""Which rows of a tensor are read at a first look: few runs of neighbours, the same for every model.

Runs, not single rows, because each run is one request when the file lies on the Hub. Smaller samples lie
inside of larger ones of the same number of rows, so that nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tools.weights.types import TensorInfo, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALL_BYTES = 2**26  # two models of up to this many bytes together are read whole
_RUNS = 2
_SHARE = 0.004  # of all bytes, that a first look spends on rows of every tensor
_FEWEST, _MOST = 8, 64


def is_small(a: Weights, b: Weights) -> bool:
    """Whether two models are so small that reading them whole costs nothing."""
    return a.bytes_total + b.bytes_total <= SMALL_BYTES


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` of `count` indices, evenly spread, ascending."""
    if count <= wanted:
        return list(range(count))
    return sorted({int((at + 0.5) * count / wanted) for at in range(wanted)})


def sample_rows(count: int, wanted: int) -> list[int]:
    """At most `wanted` of `count` rows in `_RUNS` runs, ascending."""
    if count <= wanted:
        return list(range(count))
    length = max(1, wanted // _RUNS)
    starts = [min(int((at + 0.5) * count / _RUNS), count - length) for at in range(_RUNS)]
    return sorted({start + step for start in starts for step in range(length)})


def budget_rows(tensors: Iterable[TensorInfo], bytes_total: int) -> int:
    """How many rows of every tensor a first look may read, `_SHARE` of all bytes together."""
    row_bytes = sum(
        info.nbytes // info.shape[0] for info in tensors if len(info.shape) > 1 and 0 not in info.shape
    )
    return max(_FEWEST, min(_MOST, int(_SHARE * bytes_total / row_bytes))) if row_bytes else _FEWEST


def stream_blocks(weights: Weights, name: str, max_bytes: int) -> Iterator[NDArray[np.float32]]:
    """All of a tensor in blocks of which each may be overwritten by the next, where that can be had."""
    stream = getattr(weights, "stream", weights.blocks)
    blocks: Iterator[NDArray[np.float32]] = stream(name, max_bytes)
    return blocks


def describe_rows(rows: Sequence[int] | set[int]) -> str:
    """Rows as a locator names them: "0-47,96"; inclusive, counted from 0."""
    parts: list[str] = []
    ordered = sorted(rows)
    at = 0
    while at < len(ordered):
        end = at
        while end + 1 < len(ordered) and ordered[end + 1] == ordered[end] + 1:
            end += 1
        parts.append(str(ordered[at]) if end == at else f"{ordered[at]}-{ordered[end]}")
        at = end + 1
    return ",".join(parts)
