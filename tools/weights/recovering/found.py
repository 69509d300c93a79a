"""What a recovery finds: edges, families, verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.weights.comparison import Relation, WeightFact
from tools.weights.recovering.declared import Judgement


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """`child` was made from `parent`. `confidence` in 0..1 is that of link and direction."""

    parent: str
    child: str
    relation: Relation
    confidence: float
    is_mutual: bool = False
    facts: tuple[WeightFact, ...] = ()


@dataclass(slots=True)
class Recovery:
    """What was recovered. `families` hold every model that could be read, those without relatives alone.

    `edges` are asserted, `candidates` only likely. `failed` maps models to why they could not be read.
    `compared` is the number of pairs that were compared to find families.
    """

    models: list[str] = field(default_factory=list)
    families: list[list[str]] = field(default_factory=list)
    edges: list[LineageEdge] = field(default_factory=list)
    candidates: list[LineageEdge] = field(default_factory=list)
    declared: list[Judgement] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    compared: int = 0
