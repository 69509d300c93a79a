"""The catalog's interface. SQLite implements it; an SQL server can serve a team behind the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from tools.cards.types import Card, Problem
from tools.catalog.records import (
    Change,
    FileRow,
    LakeStatus,
    ModelFilter,
    ModelRecord,
    PaperRecord,
    PassageRow,
    StoredParent,
    StoredResult,
)
from tools.catalog.weighed import FoundEdge, WeighedClaim, WeighedModel


class Catalog(Protocol):
    """Models, cards, passages, results, parents and papers of one lake.

    Every write is one transaction: after it returns, a kill -9 loses nothing of it.
    """

    # -- writing ---------------------------------------------------------------------------------
    def put_models(
        self, batch: Sequence[tuple[ModelRecord, Card, Sequence[FileRow]]], *, source: str
    ) -> list[Change]:
        """Add or replace models with their cards, passages, results and parents, in one transaction."""
        ...

    def put_weight_places(self, places: Mapping[str, str]) -> None:
        """Set where the files of models lie, by id; see `tools.sources.place.find_folder`."""
        ...

    def store_found_edges(
        self, models: Sequence[WeighedModel], edges: Sequence[FoundEdge], claims: Sequence[WeighedClaim]
    ) -> None:
        """Keep what a recovery of `models` found, in place of all that was known between any two of them."""
        ...

    def put_finding(self, kind: str, key: str, value: bytes) -> None:
        """Keep what was found of weights; see `tools.weights.recovering.memory.Memory`."""
        ...

    def put_paper(self, paper: PaperRecord, passages: Sequence[tuple[str, tuple[str, ...], str]]) -> Change:
        """Add or replace a paper; each passage is (locator, headings, verbatim text)."""
        ...

    def remove_model(self, model: str) -> None:
        """Leave a tombstone, so that children still name it."""
        ...

    # -- reading ---------------------------------------------------------------------------------
    def get_model(self, model: str) -> ModelRecord | None:
        """By exact id, whatever its case; tombstones included."""
        ...

    def list_models(self, *, removed: bool = False) -> list[ModelRecord]: ...

    def model_names(self) -> list[str]:
        """All ids that are not removed."""
        ...

    def names_like(self, bare: str) -> list[str]:
        """Ids whose last part, letters and digits only, is `bare` (see tools.catalog.naming.bare_key)."""
        ...

    def revisions_of(self, model: str) -> list[str]:
        """Revisions of a model that were ingested, the current one first."""
        ...

    def get_models(self, names: Iterable[str]) -> dict[str, ModelRecord]:
        """Records of several models by id; ids the lake does not hold are left out."""
        ...

    def get_card(self, model: str) -> Card | None:
        """The parsed card of the current revision."""
        ...

    def get_files(self, model: str) -> list[FileRow]: ...

    def weight_places(self, model: str | None = None) -> dict[str, str]:
        """Where the files of models (of one: `model`) lie, by id; removed ones are left out."""
        ...

    def get_finding(self, kind: str, key: str) -> bytes | None:
        """What was put under `kind` and `key`, or None."""
        ...

    def found_edges(self, models: Sequence[str]) -> list[FoundEdge]:
        """Edges found by weights that lead to or from one of `models`, whether their files still are the
        same or not; see `tools.lineage.found`."""
        ...

    def weighed_claim(self, child: str, parent: str) -> WeighedClaim | None:
        """The verdict of weights on one declared edge, None where it was never weighed."""
        ...

    def weighed_models(self) -> Mapping[str, WeighedModel]:
        """All models that were part of a recovery, by id."""
        ...

    def problems_of(self, model: str) -> list[Problem]:
        """What is wrong with the model's card itself."""
        ...

    def passages_of(self, owner: str) -> list[PassageRow]:
        """Passages of a model or paper in the order they stand."""
        ...

    def get_passages(self, ids: Iterable[int]) -> list[PassageRow]: ...

    def passages_by_hash(self, hashes: Iterable[str]) -> list[PassageRow]:
        """All places where passages with these text hashes stand."""
        ...

    def models_by_summary(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """Ids of the models whose summary text (one a model, embedded) has these hashes."""
        ...

    def results(
        self,
        *,
        model: str | None = None,
        dataset: str | None = None,
        metric: str | None = None,
        task: str | None = None,
    ) -> list[StoredResult]:
        """Reported results; `dataset`, `metric` and `task` match loosely (see tools.search.vocabulary)."""
        ...

    def parents_of(self, model: str) -> list[StoredParent]: ...

    def children_of(self, name: str) -> list[StoredParent]:
        """Models that declare `name` (an id in the lake or one that is only named) as a parent."""
        ...

    def papers(self, model: str | None = None) -> list[PaperRecord]: ...

    # -- finding ---------------------------------------------------------------------------------
    def match_passages(self, terms: Sequence[str], *, limit: int) -> list[tuple[int, float]]:
        """(passage id, BM25 score, larger is better) from the full-text index; `terms` are OR-ed words."""
        ...

    def match_models(self, terms: Sequence[str], *, limit: int) -> list[tuple[str, float]]:
        """(model id, BM25 score) over name, title, tags, task, datasets and summary, weighted by field."""
        ...

    def select_models(self, wanted: ModelFilter) -> tuple[set[str], set[str]]:
        """(ids that satisfy every field, ids for which some field is unknown and no known field fails)."""
        ...

    def pending_embeddings(self, *, limit: int) -> list[tuple[str, str]]:
        """(text hash, text) that have no vector yet."""
        ...

    def mark_embedded(self, hashes: Iterable[str]) -> None: ...

    def iter_all_passages(self) -> Iterator[PassageRow]: ...

    def status(self) -> LakeStatus: ...
