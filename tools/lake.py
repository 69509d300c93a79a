"""A lake: its home, catalog, vectors and embedder, opened together and owned by one process."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tools.cards.types import Card
from tools.catalog.records import FileRow, LakeStatus, ModelRecord
from tools.catalog.sqlite import SqliteCatalog
from tools.embedding import Embedder
from tools.errors import EmbedderError, LakeError
from tools.home import Home, explain_os_error, open_home
from tools.vectors import DamagedIndexError, VectorIndex

# (done, total or None when it is not known, stage: "catalogue" or "embed")
Progress = Callable[[int, int | None, str], None]

_EMBED_BATCH = 256
_STALE_BATCH = 5000
_DERIVE_BATCH = 64


class Lake:
    """Open with `Lake.open`, as a context manager. Without an embedder there are no `vectors`."""

    def __init__(
        self, home: Home, catalog: SqliteCatalog, embedder: Embedder | None, chroma_url: str | None
    ) -> None:
        self.home = home
        self.catalog = catalog
        self.embedder = embedder
        self._chroma_url = chroma_url
        self.vectors = self._make_index()

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        embedder: Embedder | None,
        chroma_url: str | None = None,
        command: str = "",
        accept_embedder: bool = False,
    ) -> Lake:
        """Open the lake at `home`, making it at first use.

        `chroma_url` names a Chroma server for the vectors; without it they lie in the home, and Chroma is
        imported when they are first used. `command` is shown to other processes that are refused meanwhile.
        Raises HomeError or HomeBusyError when the home cannot be used, EmbedderError when its vectors were
        made by another embedder, unless `accept_embedder` says that `re_embed` follows.
        """
        opened = open_home(home, command=command)
        try:
            catalog = SqliteCatalog(opened.catalog_path, home=str(opened.path))
        except LakeError:
            opened.close()
            raise
        try:
            _derive_anew(catalog)
            if embedder is not None and not accept_embedder:
                _check_embedder(catalog, embedder)
            return cls(opened, catalog, embedder, chroma_url)
        except LakeError:
            catalog.close()
            opened.close()
            raise

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all and let other processes in; closing twice does nothing."""
        if self.vectors is not None:
            self.vectors.close()
        self.catalog.close()
        self.home.close()

    def status(self) -> LakeStatus:
        """What the lake holds; `embedder` is None while there is none in use and no vectors were made."""
        status = self.catalog.status()
        if status.embedder is None and self.embedder is not None:
            return dataclasses.replace(status, embedder=self.embedder.name)
        return status

    def remove_model(self, model: str) -> None:
        """Remove a model, its vectors included; a tombstone stays, so that children still name it."""
        self.catalog.remove_model(model)
        self._drop_stale_vectors()

    def embed_pending(self, progress: Progress | None = None) -> int:
        """Make the vectors that the catalog wants and the index lacks; returns how many were made.

        Without an embedder nothing is done. Each batch is acknowledged in the catalog after the index has it,
        so an interruption costs at most one batch. A damaged index is begun anew.
        """
        if self.embedder is None or self.vectors is None:
            return 0
        from tools.search.summary import clean_passage

        self._repair_marks()
        self._drop_stale_vectors()
        total = self.catalog.count_pending()
        if total and self.catalog.get_value("embedder") is None:
            self.catalog.set_values(embedder=self.embedder.name, dimension=str(self.embedder.dimension))
        done = 0
        while rows := self.catalog.pending_embeddings(limit=_EMBED_BATCH):
            hashes = [text_hash for text_hash, _ in rows]
            self.vectors.add(hashes, self.embedder.embed([clean_passage(text) or text for _, text in rows]))
            self.catalog.mark_embedded(hashes)
            done += len(rows)
            if progress is not None:
                progress(done, total, "embed")
        return done

    def re_embed(self, progress: Progress | None = None) -> int:
        """Make every vector anew with the embedder in use; returns how many were made.

        Interrupted, the next `embed_pending` (so the next ingest) carries on.
        """
        if self.embedder is None:
            raise EmbedderError(
                "There is no embedder to make the vectors with.", hint="See `lake embedder --help`."
            )
        self._start_index_anew()
        return self.embed_pending(progress)

    @property
    def _collection_prefix(self) -> str:
        return f"lake-{self.home.lake_id}-"

    def _generation(self) -> int:
        return int(self.catalog.get_value("vectors_generation") or 0)

    def _make_index(self) -> VectorIndex | None:
        if self.embedder is None:
            return None
        return VectorIndex(
            self._chroma_url or self.home.chroma_path,
            collection=f"{self._collection_prefix}{self._generation()}",
            dimension=self.embedder.dimension,
        )

    def _start_index_anew(self) -> None:
        """An empty index under a new name, for which every text waits. The old one is deleted after that."""
        assert self.embedder is not None
        if self.vectors is not None:
            self.vectors.close()
        self.catalog.reset_embeddings(
            embedder=self.embedder.name,
            dimension=str(self.embedder.dimension),
            vectors_generation=str(self._generation() + 1),
        )
        self.vectors = self._make_index()
        assert self.vectors is not None
        if self._chroma_url is not None:
            self.vectors.drop_others(self._collection_prefix)
        elif self.home.chroma_path.exists():
            try:
                shutil.rmtree(self.home.chroma_path)
            except OSError as error:
                raise explain_os_error(error, self.home.path) from error

    def _repair_marks(self) -> None:
        """Ask again for the vectors that the catalog believes in and the index does not hold."""
        assert self.vectors is not None
        marked = self.catalog.embedded_hashes()
        try:
            held = self.vectors.count()
            lost = marked - self.vectors.existing(sorted(marked)) if held != len(marked) else set()
        except DamagedIndexError:
            self._start_index_anew()
            return
        self.catalog.mark_unembedded(lost)

    def _drop_stale_vectors(self) -> None:
        while self.vectors is not None and (stale := self.catalog.stale_vectors(limit=_STALE_BATCH)):
            self.vectors.remove(stale)
            self.catalog.forget_stale_vectors(stale)


def _check_embedder(catalog: SqliteCatalog, embedder: Embedder) -> None:
    made_by, dimension = catalog.get_value("embedder"), catalog.get_value("dimension")
    if made_by is not None and (made_by, dimension) != (embedder.name, str(embedder.dimension)):
        raise EmbedderError(
            f"The vectors of the lake {catalog.home!r} were made by {made_by!r}, not by {embedder.name!r}.",
            hint="Run `lake ingest --re-embed` to make them anew, or use the former embedder.",
        )


def _derive_anew(catalog: SqliteCatalog) -> None:
    """After a program update that reads cards in another way, read the stored ones again."""
    while names := catalog.underived_models(limit=_DERIVE_BATCH):
        for source in sorted({catalog.source_of(name) for name in names}):
            batch: list[tuple[ModelRecord, Card, list[FileRow]]] = []
            for name in names:
                record, card = catalog.get_model(name), catalog.get_card(name)
                if record is not None and card is not None and catalog.source_of(name) == source:
                    batch.append((record, card, catalog.get_files(name)))
            catalog.rederive(batch, source=source)
