"""Weights that remember which rows were read, so that evidence can say on what it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tools.weights.comparison import WeightFact
from tools.weights.sampling import describe_rows, stream_blocks
from tools.weights.types import TensorInfo, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RecordedWeights:
    """A view of `Weights` that is itself one, and keeps account of the rows read through it."""

    def __init__(self, weights: Weights) -> None:
        """`weights` should be freshly opened: what was read of it before is not in the account."""
        self._weights = weights
        self._rows: dict[str, set[int]] = {}
        self._whole: set[str] = set()
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
        values = self._weights.rows(name, rows)
        shape = self.tensors[name].shape
        count = shape[0] if shape else 1
        self._rows.setdefault(name, set()).update(range(count)[rows] if isinstance(rows, slice) else rows)
        if len(self._rows[name]) == count:
            self._whole.add(name)
        return values

    def blocks(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        yield from self._watch(name, self._weights.blocks(name, max_bytes))

    def stream(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        """As `blocks`; each block may be overwritten by the next."""
        yield from self._watch(name, stream_blocks(self._weights, name, max_bytes))

    def _watch(self, name: str, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        shape = self.tensors[name].shape
        left = shape[0] if shape else 1
        for block in blocks:
            left -= len(block) if shape else 1
            if left <= 0:
                self._whole.add(name)  # before it is handed out: who has all rows need not ask for more
            yield block

    def hash_read(self, name: str) -> str:
        return self._weights.hash_read(name)

    def close(self) -> None:
        self._weights.close()

    def cite(self, name: str, text: str) -> WeightFact:
        """A fact about the rows read of one tensor: "model.safetensors#name[0-47]"; no rows: all of it."""
        info = self.tensors[name]
        rows = "" if name in self._whole else f"[{describe_rows(self._rows.get(name, set()))}]"
        return WeightFact(self.source, f"{info.shard}#{name}{rows}", text, self.hash_read(name))
