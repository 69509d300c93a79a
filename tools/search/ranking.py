"""Models in the order of one of their own numbers: the most downloaded, the smallest, the newest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tools.catalog.records import ModelRecord
from tools.search.conditions import judge
from tools.search.index import open_index
from tools.search.types import Constraint

if TYPE_CHECKING:
    from tools.lake import Lake

RankField = Literal["downloads", "likes", "parameters", "last_modified"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Models that state the field, best first; how many fit, and how many of those do not state it."""

    models: tuple[ModelRecord, ...]
    fitting: int
    unstated: int


def rank_models(
    lake: Lake,
    by: RankField,
    *,
    ascending: bool = False,
    constraints: Sequence[Constraint] = (),
    limit: int = 5,
) -> Ranked:
    """The first `limit` models by `by` among those that meet every constraint, hard or soft.

    A model that does not state the field has no place in the order; zero downloads count as unknown, as in
    the public dumps.
    """
    index = open_index(lake)
    verdicts = [judge(lake, index, constraint) for constraint in constraints]
    fitting = [
        record
        for number, record in enumerate(index.records)
        if all(verdict[number] == 1 for verdict in verdicts)
    ]
    stated = [record for record in fitting if getattr(record, by)]
    stated.sort(key=lambda record: record.model)
    stated.sort(key=lambda record: getattr(record, by), reverse=not ascending)
    return Ranked(tuple(stated[:limit]), len(fitting), len(fitting) - len(stated))
