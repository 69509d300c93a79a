"""The catalog's finding side: full text, fields, and the texts that wait for a vector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, not_, select, text

from tools.catalog import schema
from tools.catalog.declarations import CatalogDeclarations
from tools.catalog.facets import is_telling, match_facet
from tools.catalog.reading import CatalogReading
from tools.catalog.records import ModelFilter

# name, title, tags, task, datasets, summary, body
MODEL_WEIGHTS = (6.0, 4.0, 3.0, 4.0, 2.0, 2.0, 1.0)
_HEADING_WEIGHT = 0.5


class CatalogFinding(CatalogReading, CatalogDeclarations):
    """Models and passages by their words or fields."""

    def match_passages(self, terms: Sequence[str], *, limit: int) -> list[tuple[int, float]]:
        """(passage id, BM25 score, larger is better) from the full-text index; `terms` are OR-ed words.

        A term of several words matches as a phrase. No character of a term has a meaning of its own.
        """
        expression = quote_terms(terms)
        if not expression:
            return []
        statement = text(
            f"SELECT rowid, -bm25(passages_fts, 1.0, {_HEADING_WEIGHT}) AS score FROM passages_fts"
            " WHERE passages_fts MATCH :expression ORDER BY score DESC, rowid LIMIT :limit"
        )
        with self._read() as connection:
            rows = connection.execute(statement, {"expression": expression, "limit": limit})
            return [(row.rowid, row.score) for row in rows]

    def match_models(
        self, terms: Sequence[str], *, limit: int, weights: Sequence[float] = MODEL_WEIGHTS
    ) -> list[tuple[str, float]]:
        """(model id, BM25 score, larger is better) over the fields of `schema.MODEL_FIELDS`, weighted so."""
        expression = quote_terms(terms)
        if not expression:
            return []
        numbers = ", ".join(repr(float(weight)) for weight in weights)
        statement = text(
            f"SELECT model, -bm25(models_fts, {numbers}) AS score FROM models_fts"
            " JOIN models ON models.id = models_fts.rowid"
            " WHERE models_fts MATCH :expression ORDER BY score DESC, models.id LIMIT :limit"
        )
        with self._read() as connection:
            rows = connection.execute(statement, {"expression": expression, "limit": limit})
            return [(row.model, row.score) for row in rows]

    def select_models(self, wanted: ModelFilter) -> tuple[set[str], set[str]]:
        """(ids that satisfy every field, ids for which some field is unknown and no known field fails).

        Several values of one field: any of them. A model without a declared parent fails `derived_from`.
        """
        models = schema.models
        satisfied: set[str] = set(self.model_names())
        possible = set(satisfied)
        for field, values in (
            ("task", wanted.tasks),
            ("license", wanted.licenses),
            ("language", wanted.languages),
            ("library", wanted.libraries),
            ("dataset", wanted.datasets),
            ("author", wanted.authors),
        ):
            if values:
                matching, known = self._select_facet(field, values)
                satisfied &= matching
                possible &= matching | (possible - known)
        bounds = []
        if wanted.min_downloads is not None:
            bounds.append((models.c.downloads, models.c.downloads >= wanted.min_downloads))
        if wanted.max_parameters is not None:
            bounds.append((models.c.parameters, models.c.parameters <= wanted.max_parameters))
        for column, within in bounds:
            matching = self._select_ids(within)
            satisfied &= matching
            possible &= matching | self._select_ids(column.is_(None))
        if wanted.derived_from is not None:
            descendants = self._descendants(wanted.derived_from)
            satisfied &= descendants
            possible &= descendants
        return satisfied, possible - satisfied

    def pending_embeddings(self, *, limit: int) -> list[tuple[str, str]]:
        """(text hash, text) that have no vector yet, shortest first: batches of like length pad little."""
        texts = schema.texts
        statement = (
            select(texts.c.hash, texts.c.text)
            .where(texts.c.embedded.is_(False))
            .order_by(texts.c.size)
            .limit(limit)
        )
        with self._read() as connection:
            return [(row.hash, row.text) for row in connection.execute(statement)]

    def count_pending(self) -> int:
        """How many texts wait for a vector."""
        texts = schema.texts
        with self._read() as connection:
            pending = select(func.count()).select_from(texts).where(texts.c.embedded.is_(False))
            return connection.scalar(pending) or 0

    def embedded_hashes(self) -> set[str]:
        """Hashes of all texts whose vectors should be in the index."""
        texts = schema.texts
        with self._read() as connection:
            return set(connection.scalars(select(texts.c.hash).where(texts.c.embedded)))

    def stale_vectors(self, *, limit: int) -> list[str]:
        """Hashes whose text is gone while their vector may still be in the index."""
        stale = schema.stale_vectors
        with self._read() as connection:
            return list(connection.scalars(select(stale.c.hash).limit(limit)))

    def underived_models(self, *, limit: int) -> list[str]:
        """Ids whose derived rows were made by an older DERIVED_VERSION."""
        models = schema.models
        statement = (
            select(models.c.model)
            .where(models.c.derived_version != schema.DERIVED_VERSION, not_(models.c.removed))
            .limit(limit)
        )
        with self._read() as connection:
            return list(connection.scalars(statement))

    def source_of(self, model: str) -> str:
        """The SOURCE from which a model was last read, "" when there is no such model."""
        models = schema.models
        with self._read() as connection:
            found = connection.scalar(select(models.c.source).where(models.c.model == model))
        return found or ""

    def _select_facet(self, field: str, values: Sequence[str]) -> tuple[set[str], set[str]]:
        """(ids with one of the values, ids of which it is known whether they have one)."""
        facets, models = schema.facets, schema.models
        joined = (
            select(models.c.model)
            .join(facets, facets.c.model_id == models.c.id)
            .where(facets.c.field == field)
        )
        with self._read() as connection:
            # Distinct values are few where models are many: values are compared here, rows by SQLite.
            held = connection.scalars(select(facets.c.value).where(facets.c.field == field).distinct()).all()
            accepted = [v for v in held if any(match_facet(field, v, wanted) for wanted in values)]
            vague = [v for v in held if not is_telling(field, v)]
            matching = set(connection.scalars(joined.where(facets.c.value.in_(accepted))))
            known = set(connection.scalars(joined))
            known -= set(connection.scalars(joined.where(facets.c.value.in_(vague))))
        return matching, known

    def _select_ids(self, where: ColumnElement[bool]) -> set[str]:
        models = schema.models
        with self._read() as connection:
            return set(connection.scalars(select(models.c.model).where(where)))

    def _descendants(self, name: str) -> set[str]:
        found: set[str] = set()
        frontier = [name]
        while frontier:
            children = {edge.child for parent in frontier for edge in self.children_of(parent)}
            frontier = sorted(children - found)
            found |= children
        return found


def quote_terms(terms: Iterable[str]) -> str:
    """An FTS5 expression that OR-s `terms`, each a quoted string, so that no character is an operator."""
    quoted = []
    for term in terms:
        clean = term.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").strip()
        if any(character.isalnum() for character in clean):
            quoted.append('"' + clean.replace('"', '""') + '"')
    return " OR ".join(dict.fromkeys(quoted))
