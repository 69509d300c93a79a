"""To which model of a lake an adapter belongs, where its weights tell.

What training adds to a matrix leans on what the matrix is: gradients lie along the hidden dimensions that
the model uses. An independent model uses dimensions of its own, in an order that is uniformly random
against the adapter's. The test asks whether the adapter's steps fall on a model's dimensions number by
number, against all orders of the dimensions: mean and variance of such a sum over random permutations are
exact (Hoeffding 1951), and it is nearly normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.adapters import LoraPair, find_lora_pairs
from tools.weights.comparison import WeightFact
from tools.weights.errors import WeightsError
from tools.weights.recorded import RecordedWeights
from tools.weights.recovering.sketches import list_matrices, name_place
from tools.weights.roles import read_role
from tools.weights.sampling import sample_rows, spread
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FITS = 0.1  # squared: what of a merged model's step the adapter leaves unexplained
_PROBED = 4  # matrices
_LEANED_ON = 16  # matrices of the test, evenly spread
_ROWS = 512  # of each
_FEWEST = 16  # hidden dimensions
_READING = frozenset({"q", "k", "v", "qkv", "up", "gate", "gate_up"})  # their inputs are the hidden axis


@dataclass(frozen=True, slots=True)
class Leaning:
    """How far an adapter's steps fall on a model's hidden dimensions: `score` standard deviations above what
    chance gives for an independent model; `facts` on both."""

    score: float
    facts: tuple[WeightFact, ...]


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


def measure_leaning(adapter: Weights, base: Weights) -> Leaning | None:
    """Hold an adapter's steps against the matrices of `base` that they would change.

    None where it does not fit, or changes nothing that reads the hidden axis. Raises WeightsError.
    """
    import numpy as np

    if not fits_shapes(adapter, base):
        return None
    pairs = find_lora_pairs(adapter)
    joined: NDArray[np.float64] | None = None
    watched, steps, used = RecordedWeights(base), RecordedWeights(adapter), []
    matched = list(zip(pairs.values(), _match_names(pairs, base), strict=True))
    for pair, name in (matched[at] for at in spread(len(matched), _LEANED_ON)):
        role = read_role(name or "")
        if name is None or role.part not in _READING or pair.is_embedding:
            continue
        outputs = (
            sorted(base.tensors[name].shape) == sorted(_shape(adapter, pair)) and _shape(adapter, pair)[0]
        )
        if not outputs:
            continue
        rows = sample_rows(outputs, _ROWS)
        step = steps.rows(pair.b, rows) @ steps.rows(pair.a, slice(None))
        own = watched.rows(name, slice(None))[:, rows].T if role.transposed else watched.rows(name, rows)
        size = float(np.linalg.norm(step)) * float(np.linalg.norm(own))
        if own.shape != step.shape or not math.isfinite(size) or size == 0.0:
            continue
        both = (step.T @ own).astype(np.float64) / size
        if joined is not None and joined.shape != both.shape:
            continue
        joined = both if joined is None else joined + both
        used.append((pair, name))
    if joined is None or len(joined) < _FEWEST:
        return None
    centred = joined - joined.mean(axis=0) - joined.mean(axis=1)[:, None] + joined.mean()
    spread_of = math.sqrt(float(np.square(centred).sum()) / (len(joined) - 1))
    score = float(np.trace(centred)) / spread_of if spread_of > 0 else 0.0
    text = (
        f"Over {len(used)} matrices the adapter's steps fall on this model's {len(joined)} hidden dimensions "
        f"by {score:.1f} standard deviations more than on dimensions in a random order."
    )
    return Leaning(score, (watched.cite(used[0][1], text), steps.cite(used[0][0].b, text)))


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
