"""What cards declare: reported results, found by loosely written names, and parents, resolved in the lake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, not_, or_, select, tuple_

from tools.cards.types import DeclaredParent, ResultRow
from tools.catalog import schema
from tools.catalog.adapters import read_adapter_base
from tools.catalog.database import Database, chunked
from tools.catalog.matching import LooseName, match_dataset, match_metric, match_task
from tools.catalog.naming import bare_key, model_key
from tools.catalog.records import StoredParent, StoredResult
from tools.catalog.schema import is_model

_models = schema.models


class CatalogDeclarations(Database):
    """Results rows and declared parents."""

    def results(
        self,
        *,
        model: str | None = None,
        dataset: str | None = None,
        metric: str | None = None,
        task: str | None = None,
    ) -> list[StoredResult]:
        """Reported results; `dataset`, `metric` and `task` match loosely.

        Case and punctuation do not count, and every word asked for has to stand in the row's names: of data
        set, its id and configuration; of the metric; of the row's task or the model's.
        """
        table = schema.results
        model_task = func.coalesce(_models.c.task, "")
        statement = (
            select(table, _models.c.model, _models.c.revision, _models.c.card_sha256)
            .join(_models, _models.c.id == table.c.model_id)
            .where(not_(_models.c.removed))
            .order_by(_models.c.key, table.c.position)
        )
        if model is not None:
            statement = statement.where(is_model(model))
        with self._read() as connection:

            def names_of(*columns: ColumnElement[Any]) -> list[tuple[str, ...]]:
                # Distinct names are few where rows are many: names are matched here, rows by SQLite.
                rows = connection.execute(select(*columns).select_from(table.join(_models)).distinct()).all()
                return [tuple(row) for row in rows]

            if dataset is not None:
                asked = LooseName(dataset)
                columns = (table.c.dataset, table.c.dataset_id, table.c.config)
                fitting = [names for names in names_of(*columns) if match_dataset(asked, *names)]
                statement = statement.where(tuple_(*columns).in_(fitting))
            if metric is not None:
                pair = (table.c.metric, table.c.metric_type)
                fitting = [names for names in names_of(*pair) if match_metric(metric, *names)]
                statement = statement.where(tuple_(*pair).in_(fitting))
            if task is not None:
                tasks = (table.c.task, model_task)
                fitting = [names for names in names_of(*tasks) if match_task(task, *names)]
                statement = statement.where(tuple_(*tasks).in_(fitting))
            return [_to_result(row) for row in connection.execute(statement)]

    def parents_of(self, model: str) -> list[StoredParent]:
        """Declared parents of a model, each resolved to a model of the lake where one is meant for sure."""
        return self._parents(is_model(model))

    def children_of(self, name: str) -> list[StoredParent]:
        """Models that declare `name` (an id in the lake or one that is only named) as a parent."""
        table = schema.parents
        edges = self._parents(or_(table.c.key == model_key(name), table.c.bare == bare_key(name)))
        target = self._resolve_names([name]).get(name)
        found = []
        for edge in edges:
            if edge.in_lake or target:
                same = edge.parent == target
            else:
                # Neither is in the lake: with an organisation on both sides, the whole ids have to agree.
                whole = "/" in name and "/" in edge.parent
                same = not whole or model_key(name) == model_key(edge.parent)
            if same:
                found.append(edge)
        return found

    def _parents(self, where: Any) -> list[StoredParent]:
        table = schema.parents
        adapter_record = case((table.c.origin == "config", _models.c.record_json)).label("adapter_record")
        statement = (
            select(table, _models.c.model, _models.c.revision, _models.c.card_sha256, adapter_record)
            .join(_models, _models.c.id == table.c.model_id)
            .where(where, not_(_models.c.removed))
            .order_by(_models.c.key, table.c.position)
        )
        with self._read() as connection:
            rows = connection.execute(statement).all()
        resolved = self._resolve_names([row.name for row in rows])
        edges = []
        for row in rows:
            parent = resolved.get(row.name)
            # A card's own bare name, found in its prose, is not its parent.
            if parent == row.model and model_key(row.name) != model_key(row.model):
                parent = None
            base = read_adapter_base(row.adapter_record) if row.adapter_record else None
            edges.append(
                StoredParent(
                    child=row.model,
                    parent=parent or row.name,
                    in_lake=parent is not None,
                    source=f"{row.model}@{row.revision}",
                    sha256=base.sha256 if base else row.card_sha256,
                    declared=DeclaredParent(
                        name=row.name,
                        relation=row.relation,
                        origin=row.origin,
                        locator=row.locator,
                        text=row.text,
                        confidence=row.confidence,
                    ),
                )
            )
        return edges

    def _resolve_names(self, names: Sequence[str]) -> dict[str, str]:
        """Written names to ids of the lake: the exact id, else the only id with that bare name."""
        exact: dict[str, str] = {}
        by_bare: dict[str, list[str]] = {}
        keys = list({model_key(name) for name in names})
        bares = list({bare_key(name) for name in names if "/" not in name})
        with self._read() as connection:
            for part in chunked(keys):
                statement = select(_models.c.folded, _models.c.model).where(_models.c.folded.in_(part))
                for row in connection.execute(
                    statement.where(not_(_models.c.removed)).order_by(_models.c.key)
                ):
                    exact.setdefault(row.folded, row.model)
                    exact[row.model] = row.model
            for part in chunked(bares):
                statement = select(_models.c.bare, _models.c.model).where(_models.c.bare.in_(part))
                for row in connection.execute(statement.where(not_(_models.c.removed))):
                    by_bare.setdefault(row.bare, []).append(row.model)
        resolved: dict[str, str] = {}
        for name in names:
            if found := exact.get(name) or exact.get(model_key(name)):
                resolved[name] = found
            elif "/" not in name and len(same := by_bare.get(bare_key(name), [])) == 1:
                resolved[name] = same[0]
        return resolved


def _to_result(row: Any) -> StoredResult:
    return StoredResult(
        model=row.model,
        source=f"{row.model}@{row.revision}",
        sha256=row.card_sha256,
        row=ResultRow(
            metric=row.metric,
            value=row.words if row.number is None else row.number,
            metric_type=row.metric_type,
            unit=row.unit,
            task=row.task,
            dataset=row.dataset,
            dataset_id=row.dataset_id,
            config=row.config,
            split=row.split,
            verified=row.verified,
            origin=row.origin,
            locator=row.locator,
            text=row.text,
            subject=row.subject,
            line=row.line,
            context=row.context,
            context_locator=row.context_locator,
        ),
    )
