"""To which model of a lake an adapter belongs, where its weights tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.weights.adapters import LoraPair, find_lora_pairs
from tools.weights.errors import WeightsError
from tools.weights.recovering.sketches import list_matrices, name_place
from tools.weights.roles import read_role
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FITS = 0.1  # squared: what of a merged model's step the adapter leaves unexplained
_PROBED = 4  # matrices


def fits_shapes(adapter: Weights, base: Weights) -> bool | None:
    """Whether every matrix the adapter changes is there in its shape; None for an adapter without pairs.

    Raises WeightsError for a half pair.
    """
    pairs = find_lora_pairs(adapter)
    if not pairs:
        return None
    names = _match_names(pairs, base)
    return all(
        name is not None and sorted(base.tensors[name].shape) == sorted(_shape(adapter, pair))
        for pair, name in zip(pairs.values(), names, strict=True)
    )


def is_merged(adapter: Weights, base: Weights, merged: Weights) -> bool:
    """Whether `merged` is `base` with this adapter added in: its step is scale * B A."""
    import numpy as np

    try:
        if not fits_shapes(adapter, base) or not fits_shapes(adapter, merged):
            return False
    except WeightsError:
        return False
    pairs = list(find_lora_pairs(adapter).values())[:_PROBED]
    rest = size = 0.0
    for pair, first, second in zip(
        pairs,
        _match_names({pair.target: pair for pair in pairs}, base),
        _match_names({pair.target: pair for pair in pairs}, merged),
        strict=True,
    ):
        if first is None or second is None:
            return False
        step = merged.rows(second, slice(None)) - base.rows(first, slice(None))
        added = _multiply(adapter, pair)
        if added.shape != step.shape:
            added = added.T
        rest += float(np.square(step - added, dtype=np.float64).sum())
        size += float(np.square(added, dtype=np.float64).sum())
    return size > 0 and rest <= _FITS * size


def _multiply(adapter: Weights, pair: LoraPair) -> NDArray[np.float32]:
    added: NDArray[np.float32] = pair.scale * (
        adapter.rows(pair.b, slice(None)) @ adapter.rows(pair.a, slice(None))
    )
    return added.T if pair.is_embedding else added


def _shape(adapter: Weights, pair: LoraPair) -> tuple[int, int]:
    return adapter.tensors[pair.b].shape[0], adapter.tensors[pair.a].shape[-1]


def _match_names(pairs: dict[str, LoraPair], base: Weights) -> Sequence[str | None]:
    """The base's tensors that the pairs change: by name, else by role."""
    by_place = {place: name for place, (name, _) in list_matrices(base).items()}
    found = []
    for target in pairs:
        near = [name for name in (target, f"model.{target}", f"transformer.{target}") if name in base.tensors]
        found.append(near[0] if near else by_place.get(name_place(read_role(target))))
    return found
