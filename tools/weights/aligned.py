"""A model's tensors in the frame of another: axes in another order, with signs and scales put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.weights.types import TensorInfo, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AxisMap:
    """For every place along an axis the place that is stored there, and what its values are multiplied by."""

    order: NDArray[np.int64]
    factors: NDArray[np.float32]

    @property
    def is_identity(self) -> bool:
        """Whether nothing is moved and nothing multiplied."""
        import numpy as np

        return bool((self.order == np.arange(len(self.order))).all() and (self.factors == 1.0).all())

    def then(self, factors: NDArray[np.float32]) -> AxisMap:
        """The same order, multiplied further."""
        return AxisMap(self.order, self.factors * factors)


@dataclass(frozen=True, slots=True)
class TensorMap:
    """How one tensor is shown: its first axis and its last; None where it stays."""

    first: AxisMap | None
    last: AxisMap | None


class AlignedWeights:
    """A view of `Weights` through a `TensorMap` for some of the tensors."""

    def __init__(self, weights: Weights, maps: Mapping[str, TensorMap]) -> None:
        self._weights = weights
        self._maps = maps
        self.name = weights.name
        self.source = weights.source
        self.tensors: Mapping[str, TensorInfo] = weights.tensors
        self.config: Mapping[str, Any] = weights.config
        self.adapter = weights.adapter
        self.bytes_total = weights.bytes_total

    @property
    def bytes_read(self) -> int:
        return self._weights.bytes_read

    def rows(self, name: str, rows: Sequence[int] | slice) -> NDArray[np.float32]:
        import numpy as np

        shown = self._maps.get(name)
        if shown is None:
            return self._weights.rows(name, rows)
        count = self.tensors[name].shape[0]
        wanted = np.arange(count)[rows] if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64)
        if shown.first is None:
            values = self._weights.rows(name, rows)
        else:
            values = self._read_moved(name, shown.first.order, wanted)
            factors = shown.first.factors[np.minimum(wanted, len(shown.first.factors) - 1)]
            values = values * factors.reshape(-1, *[1] * (values.ndim - 1))
        if shown.last is not None and values.ndim > 1:
            values = values[..., shown.last.order] * shown.last.factors
        found: NDArray[np.float32] = np.ascontiguousarray(values, np.float32)
        return found

    def _read_moved(
        self, name: str, order: NDArray[np.int64], wanted: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Rows by the place they have here, read in the order in which they are stored."""
        import numpy as np

        # Rows beyond the known order (a longer vocabulary) stay where they are.
        stored = np.where(wanted < len(order), order[np.minimum(wanted, len(order) - 1)], wanted)
        ascending = np.argsort(stored, kind="stable")
        values = self._weights.rows(name, stored[ascending].tolist())
        placed = np.empty_like(values)
        placed[ascending] = values
        return placed

    def blocks(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        shape = self.tensors[name].shape
        if name not in self._maps or not shape:
            yield from self._weights.blocks(name, max_bytes)
            return
        width = 4
        for size in shape[1:]:
            width *= size
        step = max(1, max_bytes // max(1, width))
        for first in range(0, shape[0], step):
            yield self.rows(name, slice(first, min(first + step, shape[0])))

    def hash_read(self, name: str) -> str:
        return self._weights.hash_read(name)

    def close(self) -> None:
        self._weights.close()
