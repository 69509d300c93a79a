"""A model's tensors in the storage order of another's: turned matrices, and rotary rows put back.

GPT-2's safetensors hold (in, out), its GGUF files (out, in). llama.cpp moves the rows of a Llama's query and
key projections: within each head the two halves that rotary embedding turns together are interleaved
(`permute` in llama.cpp's convert_hf_to_gguf.py). Neither changes the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tools.weights.roles import read_heads, read_roles
from tools.weights.sampling import sample_rows, stream_blocks
from tools.weights.types import TensorInfo, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PROBED = 64  # rows of the first layer that tell whether rows were moved
_CLEARER = 0.3  # by so much cosine must the rows fit better when put back


class TurnedWeights:
    """A view of `Weights` with some tensors turned (the axes exchanged) and some with rows in another order.

    A turned tensor is read whole when rows of it are asked for; such tensors are those of small models.
    """

    def __init__(
        self, weights: Weights, turned: Sequence[str], moved: Mapping[str, NDArray[np.int64]]
    ) -> None:
        """`turned`: names of tensors of two axes. `moved`: for every row shown the row that is stored."""
        self._weights = weights
        self._turned = frozenset(turned)
        self._moved = moved
        self.name = weights.name
        self.source = weights.source
        self.config: Mapping[str, Any] = weights.config
        self.adapter = weights.adapter
        self.bytes_total = weights.bytes_total
        self.tensors: Mapping[str, TensorInfo] = {
            name: replace(info, shape=info.shape[::-1]) if name in self._turned else info
            for name, info in weights.tensors.items()
        }

    @property
    def bytes_read(self) -> int:
        return self._weights.bytes_read

    def rows(self, name: str, rows: Sequence[int] | slice) -> NDArray[np.float32]:
        import numpy as np

        if name in self._turned:
            chosen = rows if isinstance(rows, slice) else list(rows)
            blocks = [block[:, chosen].T for block in self._weights.blocks(name)]
            shown: NDArray[np.float32] = np.ascontiguousarray(np.concatenate(blocks, axis=1))
            return shown
        order = self._moved.get(name)
        if order is None:
            return self._weights.rows(name, rows)
        return self._weights.rows(name, order[rows if isinstance(rows, slice) else list(rows)].tolist())

    def blocks(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        if name not in self._turned and name not in self._moved:
            yield from self._weights.blocks(name, max_bytes)
            return
        values = self.rows(name, slice(None))
        step = max(1, max_bytes // max(1, values[0].nbytes)) if len(values) else 1
        for first in range(0, len(values), step):
            yield values[first : first + step]

    def stream(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        """As `blocks`; each block may be overwritten by the next."""
        if name in self._turned or name in self._moved:
            return self.blocks(name, max_bytes)
        return stream_blocks(self._weights, name, max_bytes)

    def hash_read(self, name: str) -> str:
        return self._weights.hash_read(name)

    def close(self) -> None:
        self._weights.close()


def turn_like(a: Weights, b: Weights) -> Weights:
    """B as A would store it: B itself where nothing is to be changed."""
    roles_a, roles_b = read_roles(a.tensors), read_roles(b.tensors)
    places = {
        (role.part, role.layer, role.stack): name
        for name, role in roles_a.items()
        if len(a.tensors[name].shape) == 2 and not role.bias
    }
    turned, rotary = [], []
    for name, role in roles_b.items():
        shape = b.tensors[name].shape
        other = places.get((role.part, role.layer, role.stack))
        if other is None or len(shape) != 2 or role.bias:
            continue
        if role.transposed != roles_a[other].transposed and shape[::-1] == a.tensors[other].shape:
            turned.append(name)
        elif (
            role.part in ("q", "k")
            and _is_gguf(a, other) != _is_gguf(b, name)
            and shape == a.tensors[other].shape
        ):
            rotary.append((other, name))
    moved = _put_back(a, b, rotary)
    return TurnedWeights(b, turned, moved) if turned or moved else b


def _is_gguf(weights: Weights, name: str) -> bool:
    return weights.tensors[name].shard.lower().endswith(".gguf")


def _put_back(a: Weights, b: Weights, rotary: Sequence[tuple[str, str]]) -> dict[str, NDArray[np.int64]]:
    """The order of B's query and key rows that A has, when rows of the first layer show it was changed."""
    import numpy as np

    heads = read_heads(a.config) or read_heads(b.config)
    if not rotary or heads is None or heads.size % 2:
        return {}
    rows = np.arange(heads.size).reshape(2, -1)
    interleaved = rows.T.ravel()  # where llama.cpp takes each row of a head from
    within = interleaved if _is_gguf(a, rotary[0][0]) else np.argsort(interleaved)
    orders = {}
    for index, (other, name) in enumerate(rotary):
        count = b.tensors[name].shape[0]
        if count % heads.size:
            return {}
        starts = np.arange(0, count, heads.size)[:, None]
        orders[name] = (starts + within[None, :]).ravel().astype(np.int64)
        if index == 0:
            probe = sample_rows(count, _PROBED)
            x = a.rows(other, probe)
            plain = _fit(x, b.rows(name, probe))
            if _fit(x, b.rows(name, orders[name][probe].tolist())) < plain + _CLEARER:
                return {}
    return orders


def _fit(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    import numpy as np

    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.vdot(x, y)) / size if size > 0 else 0.0
