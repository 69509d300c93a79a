"""Text embedders: what search asks of one, and how the one we use is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tools.embedding.minilm import load_embedder
from tools.embedding.service import ServiceEmbedder
from tools.embedding.weights import download_embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into unit vectors. A home records `name` and refuses vectors of another one."""

    @property
    def name(self) -> str:
        """Model and revision, e.g. `sentence-transformers/all-MiniLM-L6-v2@1110a243`."""
        ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 of shape (len(texts), dimension), every row of unit norm, in the order of `texts`."""
        ...


__all__ = ["Embedder", "ServiceEmbedder", "download_embedder", "load_embedder"]
