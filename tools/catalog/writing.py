"""The catalog's writing side. Every public method is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    not_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from tools.cards.types import Card
from tools.catalog import derivation, schema
from tools.catalog.database import Database, chunked
from tools.catalog.records import Change, FileRow, ModelRecord, PaperRecord
from tools.catalog.schema import is_model
from tools.errors import UnknownModelError
from tools.hashing import hash_text

Entry = tuple[ModelRecord, Card, Sequence[FileRow]]

_CHILDREN = (
    schema.sections,
    schema.card_metadata,
    schema.facets,
    schema.arxiv_ids,
    schema.problems,
    schema.files,
    schema.parents,
    schema.results,
)


class CatalogWriting(Database):
    """Adding, replacing and removing models and papers; what is embedded; the log of ingests."""

    def put_models(self, batch: Sequence[Entry], *, source: str) -> list[Change]:
        """Add or replace models with all that hangs on them, in one transaction.

        A model counts as changed when the card's or the record's sha256 differs. When an id
        comes twice, the last one stays. A removed model comes back as "added".
        """
        changes: list[Change] = []
        with self._write() as connection:
            stored = self._stored(connection, [entry[0].model for entry in batch])
            next_id = 1 + (connection.scalar(select(func.max(schema.models.c.id))) or 0)
            written: dict[str, tuple[int, Entry]] = {}
            for entry in batch:
                record = entry[0]
                key = record.model
                known = stored.get(key)
                if known is None:
                    changes.append("added")
                    model_id, next_id = next_id, next_id + 1
                else:
                    model_id = known["id"]
                    same = (known["card_sha256"], known["record_sha256"]) == (
                        record.card_sha256,
                        record.record_sha256,
                    )
                    if same and not known["removed"]:
                        changes.append("unchanged")
                        continue
                    changes.append("added" if known["removed"] else "updated")
                stored[key] = {
                    "id": model_id,
                    "card_sha256": record.card_sha256,
                    "record_sha256": record.record_sha256,
                    "removed": False,
                }
                written[key] = (model_id, entry)
            self._replace(connection, list(written.values()), source)
        return changes

    def unchanged_models(self, records: Sequence[ModelRecord]) -> set[str]:
        """Those of `records` (by id) that the catalog holds just so: parsing their cards can be saved."""
        with self._read() as connection:
            stored = self._stored(connection, [record.model for record in records])
        return {
            record.model
            for record in records
            if (known := stored.get(record.model))
            and not known["removed"]
            and known["card_sha256"] == record.card_sha256
            and known["record_sha256"] == record.record_sha256
        }

    def rederive(self, batch: Sequence[Entry], *, source: str) -> None:
        """Replace what is derived from models that have not changed themselves (see DERIVED_VERSION)."""
        with self._write() as connection:
            stored = self._stored(connection, [entry[0].model for entry in batch])
            entries = [(stored[entry[0].model]["id"], entry) for entry in batch]
            self._replace(connection, entries, source)

    def put_weight_places(self, places: Mapping[str, str]) -> None:
        """Set where the files of models lie, by id; see `tools.sources.place.find_folder`."""
        if not places:
            return
        statement = upsert(schema.weight_places)
        changed = {"place": statement.excluded.place}
        with self._write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["key"], set_=changed),
                [{"key": model, "place": place} for model, place in places.items()],
            )

    def put_paper(self, paper: PaperRecord, passages: Sequence[tuple[str, tuple[str, ...], str]]) -> Change:
        """Add or replace a paper; each passage is (locator, headings, verbatim text)."""
        papers = schema.papers
        row = {
            "paper": paper.paper,
            "key": paper.paper.lower(),
            "title": paper.title,
            "path": paper.path,
            "sha256": paper.sha256,
            "pages": paper.pages,
        }
        with self._write() as connection:
            known = connection.execute(
                select(papers.c.id, papers.c.sha256, papers.c.path).where(papers.c.key == row["key"])
            ).one_or_none()
            if known and known.sha256 == paper.sha256:
                if known.path != paper.path:
                    connection.execute(update(papers).where(papers.c.id == known.id).values(path=paper.path))
                return "unchanged"
            if known:
                paper_id = known.id
                old = self._drop_passages(connection, schema.passages.c.paper_id, [paper_id])
                connection.execute(update(papers).where(papers.c.id == paper_id).values(**row))
            else:
                old = set()
                paper_id = _new_id(connection.execute(insert(papers).values(**row)))
            self._put_texts(connection, [derivation.paper_text_row(passage[2]) for passage in passages])
            first = self._next_passage(connection)
            rows = [
                {
                    "id": first + position,
                    "model_id": None,
                    "paper_id": paper_id,
                    "position": position,
                    "kind": "prose",
                    "section": derivation.to_json(headings),
                    "locator": locator,
                    "text_hash": hash_text(verbatim),
                }
                for position, (locator, headings, verbatim) in enumerate(passages)
            ]
            self._put_passages(connection, rows, [verbatim for _, _, verbatim in passages])
            self._drop_unused_texts(connection, old)
        return "updated" if known else "added"

    def remove_model(self, model: str) -> None:
        """Leave a tombstone: the id and its record stay, so that children still name it; all else goes."""
        models = schema.models
        with self._write() as connection:
            row = connection.execute(
                select(models.c.id, models.c.card_sha256, models.c.summary_hash, models.c.removed).where(
                    is_model(model)
                )
            ).one_or_none()
            if row is None or row.removed:
                raise UnknownModelError(
                    f"There is no model {model!r} in this lake to remove.",
                    hint="`lake list` shows the models it holds.",
                )
            old = self._drop_derived(connection, [row.id])
            connection.execute(
                update(models).where(models.c.id == row.id).values(removed=True, summary_hash=None)
            )
            self._drop_unused_texts(connection, old)
            self._drop_unused_cards(connection, {row.card_sha256})

    def mark_embedded(self, hashes: Iterable[str]) -> None:
        """Record that the vectors of these texts are stored."""
        self._mark(hashes, embedded=True)

    def mark_unembedded(self, hashes: Iterable[str]) -> None:
        """Record that the vectors of these texts are lost and have to be made again."""
        self._mark(hashes, embedded=False)

    def reset_embeddings(self, **values: str) -> None:
        """Every text that wants a vector waits for one again; `values` are set in the same transaction."""
        with self._write() as connection:
            connection.execute(
                update(schema.texts).where(schema.texts.c.embedded.is_not(None)).values(embedded=False)
            )
            connection.execute(delete(schema.stale_vectors))
            _set_values(connection, values)

    def forget_stale_vectors(self, hashes: Iterable[str]) -> None:
        """Record that the vectors of these texts, which are gone, have left the index."""
        with self._write() as connection:
            for part in chunked(list(hashes)):
                connection.execute(delete(schema.stale_vectors).where(schema.stale_vectors.c.hash.in_(part)))

    def set_values(self, **values: str) -> None:
        """Set entries of the lake's own settings, e.g. the embedder its vectors were made with."""
        with self._write() as connection:
            _set_values(connection, values)

    def begin_ingest(self, source: str) -> int:
        """Log that reading `source` begins; until `end_ingest` it counts as interrupted."""
        with self._write() as connection:
            return _new_id(connection.execute(insert(schema.ingests).values(source=source, started=_now())))

    def end_ingest(self, ingest: int, *, added: int, updated: int, unchanged: int, failed: int) -> None:
        """Log that a source was read to its end."""
        with self._write() as connection:
            connection.execute(
                update(schema.ingests)
                .where(schema.ingests.c.id == ingest)
                .values(finished=_now(), added=added, updated=updated, unchanged=unchanged, failed=failed)
            )

    # -- inside a transaction ----------------------------------------------------------------------

    def _stored(self, connection: Connection, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        models = schema.models
        stored: dict[str, dict[str, Any]] = {}
        for part in chunked(list(names)):
            rows = connection.execute(
                select(
                    models.c.key,
                    models.c.id,
                    models.c.card_sha256,
                    models.c.record_sha256,
                    models.c.removed,
                ).where(models.c.key.in_(part))
            )
            stored.update((row.key, dict(row._mapping)) for row in rows)
        return stored

    def _replace(self, connection: Connection, entries: Sequence[tuple[int, Entry]], source: str) -> None:
        """Write models anew, and drop what only their former state needed."""
        if not entries:
            return
        models = schema.models
        ids = [model_id for model_id, _ in entries]
        old_cards = set(connection.scalars(select(models.c.card_sha256).where(models.c.id.in_(ids))))
        old_texts = self._drop_derived(connection, ids)

        records = [
            derivation.model_row(record, card, model_id=model_id, source=source)
            for model_id, (record, card, _) in entries
        ]
        statement = upsert(models)
        changed = {name: statement.excluded[name] for name in records[0] if name != "id"}
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), records)
        self._put_history(connection, entries)
        children: dict[Table, list[derivation.Row]] = defaultdict(list)
        passages: list[derivation.Row] = []
        passage_texts: list[str] = []
        texts: list[derivation.Row] = []
        first = self._next_passage(connection)
        for model_id, (record, card, files) in entries:
            for table, rows in derivation.child_rows(model_id, record, card, files).items():
                children[table] += rows
            passages += derivation.passage_rows(first + len(passages), model_id, card)
            passage_texts += [passage.text for passage in card.passages]
            texts += derivation.text_rows(record, card)
        self._put_texts(connection, texts)
        self._put_passages(connection, passages, passage_texts)
        for table, rows in children.items():
            if rows:
                connection.execute(insert(table), rows)
        fields = ("rowid", *schema.MODEL_FIELDS)
        connection.execute(
            text(
                f"INSERT INTO models_fts({', '.join(fields)}) VALUES ({', '.join(':' + f for f in fields)})"
            ),
            [derivation.full_text_row(model_id, record, card) for model_id, (record, card, _) in entries],
        )
        self._drop_unused_texts(connection, old_texts)
        self._drop_unused_cards(connection, old_cards)

    def _put_history(self, connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
        connection.execute(
            upsert(schema.cards).on_conflict_do_nothing(),
            [{"sha256": record.card_sha256, "text": card.text} for _, (record, card, _) in entries],
        )
        seen = _now()
        connection.execute(
            upsert(schema.revisions).on_conflict_do_nothing(),
            [
                {
                    "model_id": model_id,
                    "revision": record.revision,
                    "card_sha256": record.card_sha256,
                    "seen": seen,
                }
                for model_id, (record, _, _) in entries
            ],
        )

    def _put_texts(self, connection: Connection, rows: Sequence[derivation.Row]) -> None:
        if not rows:
            return
        statement = upsert(schema.texts)
        wanted = func.coalesce(schema.texts.c.embedded, statement.excluded.embedded)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["hash"], set_={"embedded": wanted}), rows
        )
        for part in chunked([row["hash"] for row in rows]):
            connection.execute(delete(schema.stale_vectors).where(schema.stale_vectors.c.hash.in_(part)))

    def _put_passages(
        self, connection: Connection, rows: Sequence[derivation.Row], verbatim: Sequence[str]
    ) -> None:
        if not rows:
            return
        connection.execute(insert(schema.passages), rows)
        connection.execute(
            text("INSERT INTO passages_fts(rowid, text, headings) VALUES (:rowid, :text, :headings)"),
            [
                {
                    "rowid": row["id"],
                    "text": derivation.searchable(said),
                    "headings": derivation.searchable(row["section"]),
                }
                for row, said in zip(rows, verbatim, strict=True)
            ],
        )

    def _next_passage(self, connection: Connection) -> int:
        return 1 + (connection.scalar(select(func.max(schema.passages.c.id))) or 0)

    def _drop_derived(self, connection: Connection, ids: Sequence[int]) -> set[str]:
        """Delete what hangs on these models; returns the hashes of texts that may be needed no more."""
        models = schema.models
        summaries = connection.scalars(
            select(models.c.summary_hash).where(models.c.id.in_(ids), models.c.summary_hash.is_not(None))
        )
        old = {value for value in summaries if value}
        old |= self._drop_passages(connection, schema.passages.c.model_id, ids)
        for table in _CHILDREN:
            connection.execute(delete(table).where(table.c.model_id.in_(ids)))
        connection.execute(
            text("DELETE FROM models_fts WHERE rowid IN :ids").bindparams(bindparam("ids", expanding=True)),
            {"ids": list(ids)},
        )
        return old

    def _drop_passages(self, connection: Connection, owner: Any, ids: Sequence[int]) -> set[str]:
        passages = schema.passages
        rows = connection.execute(select(passages.c.id, passages.c.text_hash).where(owner.in_(ids))).all()
        for part in chunked([row.id for row in rows]):
            connection.execute(
                text("DELETE FROM passages_fts WHERE rowid IN :ids").bindparams(
                    bindparam("ids", expanding=True)
                ),
                {"ids": list(part)},
            )
        connection.execute(delete(passages).where(owner.in_(ids)))
        return {row.text_hash for row in rows}

    def _drop_unused_texts(self, connection: Connection, hashes: set[str]) -> None:
        texts, models, passages = schema.texts, schema.models, schema.passages
        for part in chunked(sorted(hashes)):
            unused = texts.c.hash.in_(part) & not_(
                exists().where(passages.c.text_hash == texts.c.hash)
                | exists().where(models.c.summary_hash == texts.c.hash)
            )
            stale = select(texts.c.hash).where(unused, texts.c.embedded.is_not(None))
            connection.execute(
                upsert(schema.stale_vectors).prefix_with("OR IGNORE").from_select(["hash"], stale)
            )
            connection.execute(delete(texts).where(unused))

    def _drop_unused_cards(self, connection: Connection, hashes: set[str]) -> None:
        cards, models = schema.cards, schema.models
        for part in chunked(sorted(hashes)):
            used = exists().where(models.c.card_sha256 == cards.c.sha256, not_(models.c.removed))
            connection.execute(delete(cards).where(cards.c.sha256.in_(part), not_(used)))

    def _mark(self, hashes: Iterable[str], *, embedded: bool) -> None:
        texts = schema.texts
        with self._write() as connection:
            for part in chunked(list(hashes)):
                connection.execute(
                    update(texts)
                    .where(texts.c.hash.in_(part), texts.c.embedded.is_not(None))
                    .values(embedded=embedded)
                )


def _set_values(connection: Connection, values: dict[str, str]) -> None:
    for key, value in values.items():
        statement = upsert(schema.lake_values).values(key=key, value=value)
        connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def _new_id(done: CursorResult[Any]) -> int:
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
