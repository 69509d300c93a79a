"""What can be read of a model's weights, wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor by its header. `dtype` is the file's own name for it ("BF16", "F32", "I8", "Q4_K").

    `shape` is that of the values, in numpy's order; `nbytes` what they take in the file. `quantized` tensors
    read as the values they stand for (scale applied).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    shard: str  # the file that holds it, relative to the repository
    quantized: bool = False


class Weights(Protocol):
    """A model's weights, read lazily: a header first, then rows or blocks, never a whole model at once.

    Rows are slices along the first axis. Everything is float32 when read, whatever the file stores.
    """

    name: str  # org/name, or the folder's name
    source: str  # as evidence names it: org/name@revision, or a path
    tensors: Mapping[str, TensorInfo]
    config: Mapping[str, Any]  # config.json; {} when there is none
    adapter: Mapping[str, Any] | None  # adapter_config.json of a PEFT adapter
    bytes_total: int

    @property
    def bytes_read(self) -> int:
        """Bytes of weight files read so far, headers included."""
        ...

    def rows(self, name: str, rows: Sequence[int] | slice) -> NDArray[np.float32]:
        """The given rows of a tensor, shape (len(rows), *shape[1:]). Raises WeightsError."""
        ...

    def blocks(self, name: str, max_bytes: int = 2**24) -> Iterator[NDArray[np.float32]]:
        """The whole tensor in consecutive blocks of rows of at most `max_bytes` each. Raises WeightsError."""
        ...

    def hash_read(self, name: str) -> str:
        """sha256 of the bytes that were read of this tensor so far, in order: what evidence carries."""
        ...

    def close(self) -> None:
        """Close files and connections."""
        ...
