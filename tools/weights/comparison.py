"""What a comparison of two models' weights found, and what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["identical", "related", "unrelated", "incomparable"]
Direction = Literal["a_to_b", "b_to_a", "none", "unknown"]
Relation = Literal[
    "finetune",
    "lora",
    "adapter",
    "quantization",
    "prune",
    "merge",
    "vocab-extension",
    "depth-change",
    "duplicate",
]


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """How far one tensor of A is from its counterpart in B. `None`: not computed.

    `cosine` in -1..1, `relative_l2` is |B - A| / |A|, `delta_rank` a lower bound of the rank of B - A, seen
    on sampled rows. `other` is B's name of the tensor where it differs; `rows` of `of_rows` were read.
    """

    name: str
    cosine: float | None
    relative_l2: float | None
    delta_rank: int | None = None
    other: str | None = None
    shape: tuple[int, ...] = ()
    rows: int = 0
    of_rows: int = 0


@dataclass(frozen=True, slots=True)
class WeightFact:
    """One statistic in words and numbers, with the bytes it was computed from: what becomes evidence.

    `locator` is as `CONTRACT` says, "model.safetensors#tensor-name[rows]"; `sha256` that of the bytes read.
    `source` is the model's (`Weights.source`).
    """

    source: str
    locator: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class WeightComparison:
    """The outcome of `compare_weights`. `reasons` are whole sentences for a person, the weightiest first.

    `p_value` is that of "B was trained independently of A" (0.0 where it underflows; `log10_p` has it then).
    `confidence` in 0..1 is that of `relation`; `direction_confidence` that of `direction`.
    `aligned`: the two were compared only after B's axes were put in A's order.
    """

    a: str
    b: str
    verdict: Verdict
    relation: Relation | None
    direction: Direction
    p_value: float | None
    log10_p: float | None
    layers: Sequence[LayerDifference]
    reasons: Sequence[str]
    facts: Sequence[WeightFact] = ()
    confidence: float = 0.0
    direction_confidence: float = 0.0
    direction_reason: str = ""
    aligned: bool = False
    problems: Sequence[str] = field(default_factory=tuple)
    bytes_read: int = 0
    bytes_total: int = 0
    seconds: float = 0.0
