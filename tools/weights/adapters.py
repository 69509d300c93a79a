"""Adapters in PEFT's layout: their configuration, and the pairs of matrices that stand for a difference.

LoRA (arXiv 2106.09685): W' = W + (alpha / r) · B A, with A of shape (r, in) and B of shape (out, r);
rank-stabilised LoRA (arXiv 2312.03732) scales by alpha / sqrt(r). File layout: `adapter_config.json` beside
`adapter_model.safetensors`, whose names are `base_model.model.` + the module's name + `.lora_A.weight`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.weights.errors import WeightsError
from tools.weights.types import Weights

CONFIG_FILE = "adapter_config.json"
_PREFIX = "base_model.model."
_A = re.compile(
    r"^(?P<module>.+)\.lora_(?:(?P<linear>A)|embedding_A)(?:\.(?P<adapter>[^.]+))?(?P<weight>\.weight)?$"
)


@dataclass(frozen=True, slots=True)
class LoraPair:
    """The names of A and B, and what B A is multiplied by, for the tensor `target` of the base.

    `is_embedding`: A has shape (r, vocabulary) and B (dimension, r), so that the difference is (B A)ᵀ.
    """

    target: str
    a: str
    b: str
    rank: int
    scale: float
    is_embedding: bool = False


def name_base(adapter: Mapping[str, Any]) -> str:
    """The base model that an adapter's configuration names. Raises WeightsError when it names none."""
    base = adapter.get("base_model_name_or_path")
    if not isinstance(base, str) or not base.strip():
        raise WeightsError(
            f"{CONFIG_FILE!r} names no base model.",
            hint="Add base_model_name_or_path to it, or name the base yourself.",
            file=CONFIG_FILE,
        )
    return base.strip()


def find_lora_pairs(weights: Weights) -> dict[str, LoraPair]:
    """The pairs of a LoRA adapter by the base tensor they change. Raises WeightsError for a half pair."""
    config = weights.adapter or {}
    pairs: dict[str, LoraPair] = {}
    for name, info in weights.tensors.items():
        match = _A.match(name)
        if not match:
            continue
        partner = (
            name[: match.start("module")]
            + match["module"]
            + name[match.end("module") :].replace("_A", "_B", 1)
        )
        if partner not in weights.tensors:
            raise WeightsError(
                f"The adapter {weights.name!r} has {name!r} but no {partner!r}.", file=info.shard
            )
        module = match["module"].removeprefix(_PREFIX)
        rank = info.shape[0] if info.shape else 0
        pairs[f"{module}.weight"] = LoraPair(
            f"{module}.weight",
            name,
            partner,
            rank,
            _find_scale(config, module, rank),
            match["linear"] is None,
        )
    return pairs


def _find_scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """alpha / r, with PEFT's patterns for single modules; 1.0 when the configuration gives no alpha."""
    alpha = config.get("lora_alpha")
    for pattern, value in _read_patterns(config.get("alpha_pattern")):
        if re.search(rf"(^|\.){re.escape(pattern)}$", module):
            alpha = value
            break
    if (
        not isinstance(alpha, (int, float))
        or isinstance(alpha, bool)
        or rank == 0
        or not math.isfinite(alpha)
    ):
        return 1.0
    return alpha / math.sqrt(rank) if config.get("use_rslora") is True else alpha / rank


def _read_patterns(value: Any) -> list[tuple[str, Any]]:
    return (
        [(key, item) for key, item in value.items() if isinstance(key, str)]
        if isinstance(value, dict)
        else []
    )
