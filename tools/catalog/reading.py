"""The catalog's reading side: records, cards, passages, papers, and what the lake holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, exists, func, literal, not_, or_, select

from tools.cards.types import Card, PassageKind, Problem
from tools.catalog import schema
from tools.catalog.database import Database, chunked
from tools.catalog.naming import model_key
from tools.catalog.records import (
    FileRow,
    LakeStatus,
    ModelRecord,
    PaperRecord,
    PassageRow,
)
from tools.catalog.schema import is_model
from tools.home import SCHEMA_VERSION

_models, _papers, _passages, _texts = schema.models, schema.papers, schema.passages, schema.texts
_PAGE = 2000


class CatalogReading(Database):
    """Everything that can be asked of the catalog by name."""

    # -- models ------------------------------------------------------------------------------------

    def get_model(self, model: str) -> ModelRecord | None:
        """By exact id, whatever its case; tombstones included."""
        with self._read() as connection:
            row = connection.execute(select(_models).where(is_model(model))).one_or_none()
        return _to_record(row) if row else None

    def get_models(self, names: Iterable[str]) -> dict[str, ModelRecord]:
        """Records of several models by id; ids the lake does not hold are left out."""
        found: dict[str, ModelRecord] = {}
        with self._read() as connection:
            wanted = list(names)
            for part in chunked(wanted):
                for row in connection.execute(select(_models).where(_models.c.key.in_(part))):
                    found[row.model] = _to_record(row)
            for name in wanted:
                if name not in found:
                    for row in connection.execute(select(_models).where(is_model(name))):
                        found[row.model] = _to_record(row)
        return found

    def list_models(self, *, removed: bool = False) -> list[ModelRecord]:
        """All models in the order of their ids; with `removed` the tombstones instead."""
        statement = select(_models).where(_models.c.removed.is_(removed)).order_by(_models.c.key)
        with self._read() as connection:
            return [_to_record(row) for row in connection.execute(statement)]

    def model_names(self) -> list[str]:
        """All ids that are not removed."""
        statement = select(_models.c.model).where(not_(_models.c.removed)).order_by(_models.c.key)
        with self._read() as connection:
            return list(connection.scalars(statement))

    def names_like(self, bare: str) -> list[str]:
        """Ids whose last part is `bare` (as `naming.bare_key` makes it), tombstones left out."""
        statement = select(_models.c.model).where(_models.c.bare == bare, not_(_models.c.removed))
        with self._read() as connection:
            return list(connection.scalars(statement.order_by(_models.c.key)))

    def revisions_of(self, model: str) -> list[str]:
        """Revisions of a model that were ingested, the current one first."""
        revisions = schema.revisions
        statement = (
            select(revisions.c.revision)
            .join(_models, _models.c.id == revisions.c.model_id)
            .where(is_model(model))
            .order_by((revisions.c.revision == _models.c.revision).desc(), revisions.c.seen.desc())
        )
        with self._read() as connection:
            return list(connection.scalars(statement))

    def get_card(self, model: str) -> Card | None:
        """The parsed card of the current revision; None for a model that is unknown or removed."""
        cards = schema.cards
        statement = (
            select(_models.c.model, cards.c.text)
            .join(cards, cards.c.sha256 == _models.c.card_sha256)
            .where(is_model(model), not_(_models.c.removed))
        )
        with self._read() as connection:
            row = connection.execute(statement).one_or_none()
        return _parse_stored(row.text, row.model) if row else None

    def get_files(self, model: str) -> list[FileRow]:
        rows = self._rows_of(schema.files, model)
        return [FileRow(path=row.path, size=row.size, sha256=row.sha256) for row in rows]

    def weight_places(self, model: str | None = None) -> dict[str, str]:
        """Where the files of models (of one: `model`) lie, by id; removed ones are left out."""
        places = schema.weight_places
        statement = select(_models.c.key, places.c.place).join_from(
            places, _models, places.c.key == _models.c.key
        )
        if model is not None:
            statement = statement.where(is_model(model))
        with self._read() as connection:
            rows = connection.execute(statement.where(_models.c.removed.is_(False)).order_by(_models.c.key))
            return {row.key: row.place for row in rows}

    def problems_of(self, model: str) -> list[Problem]:
        """What is wrong with the model's card itself."""
        rows = self._rows_of(schema.problems, model)
        return [Problem(code=row.code, message=row.message, line=row.line) for row in rows]

    # -- passages ----------------------------------------------------------------------------------

    def passages_of(self, owner: str) -> list[PassageRow]:
        """Passages of a model or paper in the order they stand."""
        key = model_key(owner)
        owned = or_(is_model(owner), _papers.c.key == key)
        return self._passages(_select_passages().where(owned).order_by(_passages.c.id))

    def get_passages(self, ids: Iterable[int]) -> list[PassageRow]:
        """Passages by id, in the order of `ids`; ids that are gone are left out."""
        wanted = list(ids)
        found: dict[int, PassageRow] = {}
        for part in chunked(wanted):
            rows = self._passages(_select_passages().where(_passages.c.id.in_(part)))
            found.update((row.id, row) for row in rows)
        return [found[number] for number in wanted if number in found]

    def passages_by_hash(self, hashes: Iterable[str]) -> list[PassageRow]:
        """All places where passages with these text hashes stand, in the order of `hashes`."""
        wanted = list(dict.fromkeys(hashes))
        order = {text_hash: position for position, text_hash in enumerate(wanted)}
        rows: list[PassageRow] = []
        for part in chunked(wanted):
            rows += self._passages(_select_passages().where(_passages.c.text_hash.in_(part)))
        return sorted(rows, key=lambda row: (order[row.text_hash], row.id))

    def models_by_summary(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """Ids of the models whose summary text (one per model, embedded) has these hashes."""
        found: dict[str, list[str]] = {}
        with self._read() as connection:
            for part in chunked(list(hashes)):
                for row in connection.execute(
                    select(_models.c.summary_hash, _models.c.model).where(_models.c.summary_hash.in_(part))
                ):
                    found.setdefault(row.summary_hash, []).append(row.model)
        return found

    def summary_hashes(self) -> dict[str, str]:
        """The hash of each model's summary text by model id."""
        statement = select(_models.c.model, _models.c.summary_hash).where(_models.c.summary_hash.is_not(None))
        with self._read() as connection:
            return {row.model: row.summary_hash for row in connection.execute(statement)}

    def passage_places(self) -> list[tuple[int, str, str, PassageKind]]:
        """(passage id, text hash, model id, kind) of every passage of a model, in the order they stand."""
        statement = (
            select(_passages.c.id, _passages.c.text_hash, _models.c.model, _passages.c.kind)
            .join(_models, _models.c.id == _passages.c.model_id)
            .order_by(_passages.c.model_id, _passages.c.position)
        )
        with self._read() as connection:
            rows = connection.execute(statement)
            return [(row.id, row.text_hash, row.model, row.kind) for row in rows]

    def iter_all_passages(self) -> Iterator[PassageRow]:
        """Every passage, page by page, so that memory stays small."""
        last = 0
        while page := self._passages(
            _select_passages().where(_passages.c.id > last).order_by(_passages.c.id).limit(_PAGE)
        ):
            yield from page
            last = page[-1].id

    def _passages(self, statement: Select[Any]) -> list[PassageRow]:
        with self._read() as connection:
            return [_to_passage(row) for row in connection.execute(statement)]

    # -- papers, status ----------------------------------------------------------------------------

    def papers(self, model: str | None = None) -> list[PaperRecord]:
        """Papers in the lake (or those that `model` names), each with the models whose cards name its id."""
        arxiv = schema.arxiv_ids
        statement = select(_papers).order_by(_papers.c.key)
        if model is not None:
            named = (
                select(key).join_from(arxiv, _models, _models.c.id == arxiv.c.model_id).where(is_model(model))
                for key in (arxiv.c.arxiv_id, literal("arxiv:").concat(arxiv.c.arxiv_id))
            )
            statement = statement.where(or_(*(_papers.c.key.in_(keys) for keys in named)))
        with self._read() as connection:
            rows = connection.execute(statement).all()
            ids = [row.key.removeprefix("arxiv:") for row in rows]
            naming: dict[str, list[str]] = {}
            for part in chunked(ids):
                for link in connection.execute(
                    select(arxiv.c.arxiv_id, _models.c.model)
                    .join(_models, _models.c.id == arxiv.c.model_id)
                    .where(arxiv.c.arxiv_id.in_(part), not_(_models.c.removed))
                    .order_by(_models.c.key)
                ):
                    naming.setdefault(link.arxiv_id, []).append(link.model)
        return [
            PaperRecord(
                paper=row.paper,
                title=row.title,
                path=row.path,
                sha256=row.sha256,
                pages=row.pages,
                models=tuple(naming.get(row.key.removeprefix("arxiv:"), ())),
            )
            for row in rows
        ]

    def get_value(self, key: str) -> str | None:
        """An entry of the lake's own settings."""
        values = schema.lake_values
        with self._read() as connection:
            return connection.scalar(select(values.c.value).where(values.c.key == key))

    def status(self) -> LakeStatus:
        """What the lake holds, counted."""
        ingests = schema.ingests
        with self._read() as connection:

            def count(table: Any, *where: Any) -> int:
                return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0

            held = connection.execute(
                select(_models.c.source, func.count().label("models"))
                .where(not_(_models.c.removed))
                .group_by(_models.c.source)
            )
            models = {row.source: row.models for row in held}
            last = connection.execute(
                select(ingests).where(
                    ingests.c.id.in_(select(func.max(ingests.c.id)).group_by(ingests.c.source))
                )
            ).all()
            sources = [
                {
                    "name": row.source,
                    "models": models.get(row.source, 0),
                    "last_ingest": row.finished or row.started,
                    "complete": row.finished is not None,
                    "failed": row.failed,
                }
                for row in last
            ]
            return LakeStatus(
                home=self.home,
                schema_version=SCHEMA_VERSION,
                models=count(_models, not_(_models.c.removed)),
                removed=count(_models, _models.c.removed),
                papers=count(_papers),
                passages=count(_passages),
                vectors=count(_texts, _texts.c.embedded),
                results=count(schema.results),
                embedder=connection.scalar(
                    select(schema.lake_values.c.value).where(schema.lake_values.c.key == "embedder")
                ),
                sources=tuple(sources),
            )

    def _rows_of(self, table: Any, model: str) -> Sequence[Row[Any]]:
        owner = exists().where(_models.c.id == table.c.model_id, is_model(model))
        with self._read() as connection:
            return connection.execute(select(table).where(owner).order_by(table.c.position)).all()


def _select_passages() -> Select[Any]:
    return (
        select(
            _passages,
            _texts.c.text,
            _models.c.model,
            _models.c.revision,
            _models.c.card_sha256,
            _papers.c.paper,
            _papers.c.sha256,
        )
        .join(_texts, _texts.c.hash == _passages.c.text_hash)
        .outerjoin(_models, _models.c.id == _passages.c.model_id)
        .outerjoin(_papers, _papers.c.id == _passages.c.paper_id)
    )


def _to_passage(row: Any) -> PassageRow:
    of_model = row.model_id is not None
    return PassageRow(
        id=row.id,
        owner=row.model if of_model else row.paper,
        owner_kind="model" if of_model else "paper",
        source=f"{row.model}@{row.revision}" if of_model else row.paper,
        kind=row.kind,
        section=tuple(json.loads(row.section)),
        locator=row.locator,
        text=row.text,
        sha256=row.card_sha256 if of_model else row.sha256,
        text_hash=row.text_hash,
    )


def _to_record(row: Any) -> ModelRecord:
    return ModelRecord(
        model=row.model,
        revision=row.revision,
        author=row.author,
        task=row.task,
        library=row.library,
        license=row.license,
        languages=tuple(json.loads(row.languages)),
        datasets=tuple(json.loads(row.datasets)),
        tags=tuple(json.loads(row.tags)),
        downloads=row.downloads,
        likes=row.likes,
        parameters=row.parameters,
        last_modified=row.last_modified,
        created_at=row.created_at,
        title=row.title,
        summary=row.summary,
        link=row.link,
        source_kind=row.source_kind,
        card_sha256=row.card_sha256,
        record_json=row.record_json,
        record_sha256=row.record_sha256,
        removed=row.removed,
    )


@lru_cache(maxsize=64)
def _parse_stored(text: str, model: str) -> Card:
    from tools.cards import parse_card

    return parse_card(text, model_id=model)
