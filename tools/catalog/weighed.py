"""What weights showed of lineage: edges found, and verdicts on what cards declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import and_, delete, insert, or_, select

from tools.catalog import schema
from tools.catalog.database import Database

WeightsVerdict = Literal["supported", "contradicted", "unverifiable"]


@dataclass(frozen=True, slots=True)
class WeighedModel:
    """A model that was part of a recovery: its files' stamp then, and why they could not be read, if so."""

    model: str
    stamp: str
    recovery: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class FoundEdge:
    """An edge between two models of the lake that their weights show.

    `asserted`: else it is only likely. `mutual`: the two are copies, and which came first is not known.
    `facts` is a JSON list of {source, locator, text, sha256}, where `source` is a model's id.
    """

    parent: str
    child: str
    relation: str
    confidence: float
    asserted: bool
    mutual: bool
    facts: str


@dataclass(frozen=True, slots=True)
class WeighedClaim:
    """The verdict of weights on a declared edge, and why. `facts` as in `FoundEdge`."""

    parent: str
    child: str
    verdict: WeightsVerdict
    reason: str
    facts: str


class CatalogWeighed(Database):
    """Found edges and weighed claims of the lake's models."""

    def store_found_edges(
        self, models: Sequence[WeighedModel], edges: Sequence[FoundEdge], claims: Sequence[WeighedClaim]
    ) -> None:
        """Keep what a recovery of `models` found, in place of all that was known between any two of them."""
        names = [model.model for model in models]
        with self._write() as connection:
            for table in (schema.found_edges, schema.weighed_claims):
                known = connection.execute(select(table.c.parent, table.c.child)).all()
                old = [row for row in known if row.parent in set(names) and row.child in set(names)]
                for row in old:
                    connection.execute(
                        delete(table).where(table.c.parent == row.parent, table.c.child == row.child)
                    )
            for model in models:
                table = schema.weighed_models
                connection.execute(delete(table).where(table.c.model == model.model))
                connection.execute(insert(table).values(**asdict(model)))
            if edges:
                connection.execute(insert(schema.found_edges), [asdict(edge) for edge in edges])
            if claims:
                connection.execute(insert(schema.weighed_claims), [asdict(claim) for claim in claims])

    def found_edges(self, models: Sequence[str]) -> list[FoundEdge]:
        """Edges that lead to or from one of `models`."""
        table = schema.found_edges
        where = or_(table.c.parent.in_(models), table.c.child.in_(models))
        statement = select(table).where(where).order_by(table.c.child, table.c.parent)
        with self._read() as connection:
            return [FoundEdge(**row._mapping) for row in connection.execute(statement)]

    def weighed_claim(self, child: str, parent: str) -> WeighedClaim | None:
        """The verdict on one declared edge, None where it was never weighed."""
        table = schema.weighed_claims
        statement = select(table).where(and_(table.c.child == child, table.c.parent == parent))
        with self._read() as connection:
            row = connection.execute(statement).first()
        return WeighedClaim(**row._mapping) if row is not None else None

    def weighed_models(self) -> Mapping[str, WeighedModel]:
        """All models that were part of a recovery, by id."""
        table = schema.weighed_models
        with self._read() as connection:
            return {row.model: WeighedModel(**row._mapping) for row in connection.execute(select(table))}
