"""The vector index: Chroma in the lake's home, or a Chroma server. Vectors are always made by our embedder.

An entry's id is the sha256 of the text it was made from, so that equal texts share one vector. The catalog
knows which texts there are; the index can be made again from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tools.errors import HomeError, LakeError, ServiceError, UsageError
from tools.home import explain_full_disk, explain_os_error, is_disk_full

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Chroma refuses more than 5,461 rows a call.
_BATCH_ROWS = 5000
# The defaults lose neighbours; these find what exact search finds (tests/test_vectors.py measures it).
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
_SERVER_SECONDS = 60.0


class DamagedIndexError(HomeError):
    """The index in the home cannot be read, e.g. after the disk was full while Chroma wrote its files."""


class VectorIndex:
    """Unit vectors of one embedder, by text hash. `place` is a folder, or the URL of a Chroma server.

    Two lakes on one server keep apart by `collection`. Chroma is imported and opened at first use.
    """

    def __init__(self, place: Path | str, *, collection: str, dimension: int) -> None:
        self.place = place
        self.dimension = dimension
        self._name = collection
        self._client: Any = None
        self._opened: Any = None
        self._session: Any = None

    def add(self, hashes: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store vectors, shape (len(hashes), dimension); what is there under a hash is replaced.

        Raises ValueError for a wrong shape or a vector that is zero or not finite.
        """
        import numpy as np

        if vectors.shape != (len(hashes), self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape}, not {(len(hashes), self.dimension)}")
        norms = np.linalg.norm(vectors, axis=1)
        if not bool(np.all(np.isfinite(norms) & (norms > 0))):
            raise ValueError("a zero or not finite vector has no direction and cannot be found")
        with self._explaining():
            for start in range(0, len(hashes), _BATCH_ROWS):
                part = slice(start, start + _BATCH_ROWS)
                self._collection.upsert(ids=list(hashes[part]), embeddings=vectors[part])

    def query(self, vector: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        """The `k` nearest (hash, cosine), nearest first; fewer when the index holds fewer."""
        with self._explaining():
            held = self._collection.count()
            if not held or k < 1:
                return []
            found = self._collection.query(
                query_embeddings=vector.reshape(1, -1), n_results=min(k, held), include=["distances"]
            )
        return [
            (text_hash, 1.0 - float(distance))
            for text_hash, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def existing(self, hashes: Sequence[str]) -> set[str]:
        """Those of `hashes` that have a vector."""
        held: set[str] = set()
        with self._explaining():
            for start in range(0, len(hashes), _BATCH_ROWS):
                part = list(hashes[start : start + _BATCH_ROWS])
                held.update(self._collection.get(ids=part, include=[])["ids"])
        return held

    def remove(self, hashes: Sequence[str]) -> None:
        """Delete the vectors of these texts; hashes without one do no harm."""
        with self._explaining():
            for start in range(0, len(hashes), _BATCH_ROWS):
                self._collection.delete(ids=list(hashes[start : start + _BATCH_ROWS]))

    def count(self) -> int:
        """How many vectors there are."""
        with self._explaining():
            return int(self._collection.count())

    def drop_others(self, prefix: str) -> None:
        """Delete all other collections whose names begin with `prefix`: those of former embedders."""
        with self._explaining():
            self._connect()
            for collection in self._client.list_collections():
                if collection.name.startswith(prefix) and collection.name != self._name:
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        """Let Chroma go; the next use opens it again."""
        if self._session is not None:
            self._session.close()
        if self._client is not None:
            self._client.close()
        self._client = self._opened = self._session = None

    @property
    def _collection(self) -> Any:
        if self._opened is None:
            self._connect()
            self._opened = self._client.get_or_create_collection(
                self._name,
                configuration={"hnsw": _HNSW},
                metadata={"dimension": self.dimension},
                embedding_function=None,
            )
        return self._opened

    def _connect(self) -> None:
        if self._client is not None:
            return
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings
        from chromadb.errors import ChromaError

        settings = Settings(anonymized_telemetry=False)
        if isinstance(self.place, Path):
            try:
                self._client = chromadb.PersistentClient(path=str(self.place), settings=settings)
            except ChromaError:
                # What failed to open stays in Chroma's cache, and the next client here would be given it.
                SharedSystemClient._identifier_to_system.pop(str(self.place), None)
                raise
            return
        address = urlsplit(self.place)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise UsageError(
                f"{self.place!r} is not the address of a Chroma server.",
                hint="Set LAKE_CHROMA_URL to one like http://127.0.0.1:8000, or unset it.",
            )
        secure = address.scheme == "https"
        self._client = chromadb.HttpClient(
            host=address.hostname,
            port=address.port or (443 if secure else 8000),
            ssl=secure,
            settings=settings,
        )
        # Chroma leaves its connections open when it is closed, and waits for an answer without end.
        self._client._admin_client._server._session.close()
        self._session = self._client._server._session
        self._session.timeout = _SERVER_SECONDS

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        # chromadb reports a server that does not answer as ValueError.
        except (ChromaError, httpx.HTTPError, OSError, ValueError) as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> LakeError:
        if not isinstance(self.place, Path):
            return ServiceError(
                f"The Chroma server at {self.place!r} failed: {error}",
                hint="Start it (`chroma run`), or unset LAKE_CHROMA_URL to keep vectors in the home.",
            )
        home = self.place.parent
        if "full" in str(error) or is_disk_full(self.place):
            return explain_full_disk(home)
        if isinstance(error, OSError):
            return explain_os_error(error, home)
        return DamagedIndexError(
            f"The vector index {str(self.place)!r} cannot be used: {error}",
            hint="Run `lake ingest --re-embed`: the catalog holds all it is made from.",
        )
