"""What the planner hands to the composer: the tools to call, and what the answer has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tools.attributes import Attribute

Intent = Literal[
    "find", "similar", "fact", "overview", "compare", "lineage", "descendants", "results", "ranking",
    "gaps", "nobody", "papers", "lake", "count", "audit", "finding", "draft", "usage", "definition",
    "weigh", "certainty", "lake_lineage", "similar_weights",
    "help", "greeting", "thanks", "decline", "unknown_model", "unclear",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One tool call to make."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one question, and what the composer has to know."""

    intent: Intent
    question: str  # the effective question: references resolved, names of models taken out
    query: str = ""  # the effective search words
    models: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other models the words could have meant
    unknown: tuple[str, ...] = ()  # names that are not in the lake
    nearest: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    requests: tuple[Request, ...] = ()
    reason: str = ""  # why a request is declined; what is asked of weights
    among: tuple[str, ...] = ()  # "which of these": the answer keeps to them
    skip: tuple[str, ...] = ()  # models already shown ("any others?")
    limit: int = 5  # how many models are wanted
