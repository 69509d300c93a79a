"""What a question asks of search, and what search gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tools.catalog.records import ModelRecord, PassageRow

ConstraintField = Literal[
    "task",
    "language",
    "license",
    "library",
    "dataset",
    "author",
    "downloads",
    "parameters",
    "derived_from",
    "text",
]


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition understood from plain words or given as a flag.

    hard: stated ("under Apache 2.0"): models that fail it are left out. soft: guessed (the task behind a
    description): it only moves the ranking. `negated`: "not GPL". For downloads and parameters `value` is
    a number and `op` says which side.
    """

    field: ConstraintField
    value: str
    op: Literal["is", "min", "max"] = "is"
    negated: bool = False
    hard: bool = True
    words: str = ""  # the words of the question it was read from; "" for a flag


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A model with why it is here."""

    record: ModelRecord
    score: float
    passages: tuple[PassageRow, ...]  # what speaks for it, best first
    why: tuple[
        str, ...
    ] = ()  # short phrases for a person: "task summarization", "mentions: legal, contracts"
    unknown: tuple[str, ...] = ()  # constraint fields its documentation does not state


@dataclass(frozen=True, slots=True)
class SearchResult:
    query: str
    constraints: tuple[Constraint, ...]
    hits: tuple[SearchHit, ...]
    unknown: tuple[SearchHit, ...] = ()  # would fit, but a hard constraint's value is not stated
    suggestions: tuple[str, ...] = ()  # near names when nothing matches
    confidence: float = 0.0  # 0 to 1: how well the best hit covers the question; low means "not in this lake"
    notes: tuple[str, ...] = ()  # e.g. "no embedder: ranked by words only"
    debug: dict[str, Any] = field(default_factory=dict)
