"""Tables of the SQLite catalog. Texts that come from cards are kept verbatim; all else is derived from them.

Full text: SQLite FTS5, https://sqlite.org/fts5.html.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    func,
    select,
    text,
)

from tools.catalog.naming import model_key

# Raised whenever parsing or normalising changes what is derived from a card: rows of an older number are
# derived anew from the stored cards when the lake is opened.
DERIVED_VERSION = 1

_TOKENIZER = "porter unicode61 remove_diacritics 2"
MODEL_FIELDS = ("name", "title", "tags", "task", "datasets", "summary", "body")


class Verbatim(TypeDecorator[str]):
    """Text exactly as a source gave it. What UTF-8 cannot hold (lone surrogates) is stored as bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value

    def bind_processor(self, dialect: Dialect) -> Any:
        return lambda value: self.process_bind_param(value, dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return lambda value: self.process_result_value(value, dialect)


metadata = MetaData()

lake_values = Table(
    "lake_values",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),  # the id
    # The id in lower case: how it is found when written in another case. Public dumps hold pairs of ids that
    # differ in case only and carry different cards, so this is not unique.
    Column("folded", String, nullable=False, index=True),
    Column("bare", String, nullable=False, index=True),  # last part of the id, letters and digits only
    Column("model", String, nullable=False),
    Column("revision", Verbatim, nullable=False),
    Column("author", Verbatim),
    Column("task", Verbatim),
    Column("library", Verbatim),
    Column("license", Verbatim),
    Column("languages", Verbatim, nullable=False),  # JSON lists, in declared order
    Column("datasets", Verbatim, nullable=False),
    Column("tags", Verbatim, nullable=False),
    Column("downloads", Integer),
    Column("likes", Integer),
    Column("parameters", Integer),
    Column("last_modified", Verbatim),
    Column("created_at", Verbatim),
    Column("title", Verbatim, nullable=False),
    Column("summary", Verbatim, nullable=False),
    Column("link", Verbatim, nullable=False),
    Column("source_kind", String, nullable=False),
    Column("card_sha256", String, nullable=False),
    Column("record_json", Verbatim, nullable=False),
    Column("record_sha256", String, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("source", Verbatim, nullable=False),  # the SOURCE it was last read from
    Column("derived_version", Integer, nullable=False),
    Column("summary_hash", String, index=True),
)

revisions = Table(
    "revisions",
    metadata,
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Verbatim, primary_key=True),
    Column("card_sha256", String, nullable=False),
    Column("seen", String, nullable=False),  # ISO 8601, UTC
)

cards = Table(
    "cards",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("text", Verbatim, nullable=False),
)


def _of_model(name: str, *columns: Column[Any]) -> Table:
    """A table whose rows belong to a model, in the order they stand."""
    return Table(
        name,
        metadata,
        Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
        Column("position", Integer, primary_key=True),
        *columns,
        sqlite_with_rowid=False,
    )


sections = _of_model(
    "sections",
    Column("title", Verbatim, nullable=False),
    Column("level", Integer, nullable=False),
    Column("path", Verbatim, nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("last_line", Integer, nullable=False),
)

card_metadata = _of_model(
    "card_metadata",
    Column("pointer", Verbatim, nullable=False),  # JSON pointer into the front matter
    Column("value", Verbatim),  # JSON of a scalar; null for maps and lists, whose parts have rows
    Column("first_line", Integer, nullable=False),
    Column("last_line", Integer, nullable=False),
)

facets = _of_model(
    "facets",
    Column("field", String, nullable=False),  # task, license, language, library, dataset, author, tag
    Column("value", Verbatim, nullable=False),  # as it is compared
)
Index("facets_by_value", facets.c.field, facets.c.value)

arxiv_ids = _of_model("arxiv_ids", Column("arxiv_id", Verbatim, nullable=False, index=True))

problems = _of_model(
    "problems",
    Column("code", Verbatim, nullable=False),
    Column("message", Verbatim, nullable=False),
    Column("line", Integer),
)

files = _of_model(
    "files",
    Column("path", Verbatim, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String),
)

# Where a model's own files lie on this machine; no part of its record, which is the same wherever they lie.
weight_places = Table(
    "weight_places",
    metadata,
    Column("key", Verbatim, primary_key=True),  # as models.key
    Column("place", Verbatim, nullable=False),
)

# What was found of weights: costly to find, and right as long as the files that the key names.
weight_findings = Table(
    "weight_findings",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# Lineage found by weights: edges and verdicts on what cards declare, between models of `weighed_models`.
# A row holds as long as the files of both models bear the stamps they bore.
found_edges = Table(
    "found_edges",
    metadata,
    Column("parent", Verbatim, primary_key=True),
    Column("child", Verbatim, primary_key=True, index=True),
    Column("relation", String, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("asserted", Boolean, nullable=False),  # else only likely
    Column("mutual", Boolean, nullable=False),  # which of the two came first is not known
    Column("facts", Verbatim, nullable=False),  # JSON
)
weighed_claims = Table(
    "weighed_claims",
    metadata,
    Column("parent", Verbatim, primary_key=True),
    Column("child", Verbatim, primary_key=True, index=True),
    Column("verdict", String, nullable=False),
    Column("reason", Verbatim, nullable=False),
    Column("facts", Verbatim, nullable=False),  # JSON
)
# Every model that was part of a recovery, with the stamp of its files and the recovery it was last part of.
weighed_models = Table(
    "weighed_models",
    metadata,
    Column("model", Verbatim, primary_key=True),
    Column("stamp", String, nullable=False),
    Column("recovery", String, nullable=False),
    Column("error", Verbatim, nullable=False),  # why it could not be read; "" when it was
)

parents = _of_model(
    "parents",
    Column("name", Verbatim, nullable=False),
    Column("key", Verbatim, nullable=False, index=True),  # as models.key
    Column("bare", Verbatim, nullable=False, index=True),  # as models.bare
    Column("relation", Verbatim, nullable=False),
    Column("origin", String, nullable=False),
    Column("locator", Verbatim, nullable=False),
    Column("text", Verbatim, nullable=False),
    Column("confidence", Float, nullable=False),
)

results = _of_model(
    "results",
    Column("metric", Verbatim, nullable=False),
    Column("number", Float),  # one of number and words holds the value
    Column("words", Verbatim),
    Column("metric_type", Verbatim, nullable=False),
    Column("unit", Verbatim, nullable=False),
    Column("task", Verbatim, nullable=False),
    Column("dataset", Verbatim, nullable=False),
    Column("dataset_id", Verbatim, nullable=False),
    Column("config", Verbatim, nullable=False),
    Column("split", Verbatim, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("origin", String, nullable=False),
    Column("locator", Verbatim, nullable=False),
    Column("text", Verbatim, nullable=False),
    Column("subject", Verbatim, nullable=False),
    Column("line", Integer, nullable=False),
    Column("context", Verbatim, nullable=False),
    Column("context_locator", Verbatim, nullable=False),
)

papers = Table(
    "papers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("paper", Verbatim, nullable=False),
    Column("key", Verbatim, nullable=False, unique=True),
    Column("title", Verbatim, nullable=False),
    Column("path", Verbatim, nullable=False),
    Column("sha256", String, nullable=False),
    Column("pages", Integer, nullable=False),
)

passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE")),
    Column("paper_id", ForeignKey("papers.id", ondelete="CASCADE")),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("section", Verbatim, nullable=False),  # JSON list of headings
    Column("locator", Verbatim, nullable=False),
    Column("text_hash", ForeignKey("texts.hash"), nullable=False, index=True),
    UniqueConstraint("model_id", "position"),
    UniqueConstraint("paper_id", "position"),
)

# Each distinct text once; `embedded` is null when no vector is wanted, else whether there is one.
texts = Table(
    "texts",
    metadata,
    Column("hash", String, primary_key=True),
    Column("text", Verbatim, nullable=False),
    Column("size", Integer, nullable=False),  # characters
    Column("embedded", Boolean),
)
Index("texts_to_embed", texts.c.size, sqlite_where=texts.c.embedded.is_(False))

# Hashes whose text is gone while their vector may still be in the index.
stale_vectors = Table("stale_vectors", metadata, Column("hash", String, primary_key=True))

ingests = Table(
    "ingests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Verbatim, nullable=False),
    Column("started", String, nullable=False),
    Column("finished", String),  # null: interrupted, or still running
    Column("added", Integer, nullable=False, default=0),
    Column("updated", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
)


_others = models.alias("others")  # made once: an alias copies every column, and this is asked for all models


def is_model(name: str) -> ColumnElement[bool]:
    """Whether a row of `models` is the model `name`: its exact id, else the first that is so in any case."""
    exact = select(_others.c.key).where(_others.c.key == name).scalar_subquery()
    folded = select(func.min(_others.c.key)).where(_others.c.folded == model_key(name)).scalar_subquery()
    return models.c.key == func.coalesce(exact, folded)


def create_schema(connection: Connection) -> None:
    """Create what is missing of the tables and full-text indexes."""
    metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE VIRTUAL TABLE IF NOT EXISTS passages_fts USING"
            f" fts5(text, headings, tokenize='{_TOKENIZER}')"
        )
    )
    connection.execute(
        text(
            "CREATE VIRTUAL TABLE IF NOT EXISTS models_fts USING"
            f" fts5({', '.join(MODEL_FIELDS)}, tokenize='{_TOKENIZER}')"
        )
    )
