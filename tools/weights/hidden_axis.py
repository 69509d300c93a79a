"""The hidden axis of one model in the order of another's, found from the embeddings of shared tokens.

After AWM (vocabulary-anchored assignment over hidden dimensions, with signs): columns of the two tables of
embeddings are correlated over the same tokens and assigned to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.pairing import Pairing
from tools.weights.sampling import sample_rows
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TOKENS = 2048
_TOKENS_SMALL = 8192
_AGREEING = 0.5  # of the dimensions must two halves of the tokens assign alike; chance gives one
_AS_GOOD = 0.9  # of the best assignment's correlation: then the order at hand is kept
_LEFT = 1536  # so many that no clear match took are assigned exactly; more stay without counterpart


@dataclass(frozen=True, slots=True)
class HiddenAxis:
    """For every hidden dimension of A that of B (`order`) and the sign it has there (`signs`).

    `is_found`: the embeddings carried it; else it is the identity, for want of anything better.
    """

    order: NDArray[np.int64]
    signs: NDArray[np.float32]
    is_found: bool

    @property
    def is_identity(self) -> bool:
        return bool((self.order[:-1] < self.order[1:]).all() and (self.signs > 0).all())


def fit_hidden(a: Weights, b: Weights, pairing: Pairing, *, small: bool) -> HiddenAxis | None:
    """The order of B's hidden axis; None where the two have no embeddings of one width."""
    import numpy as np

    pairs = [pair for pair in pairing.of_part("embed") if pair.fit != "other"]
    if not pairs:
        return None
    shape_a, shape_b = a.tensors[pairs[0].a].shape, b.tensors[pairs[0].b].shape
    if len(shape_a) != 2 or 0 in shape_a or 0 in shape_b:
        return None
    rows = sample_rows(min(shape_a[0], shape_b[0]), _TOKENS_SMALL if small else _TOKENS)
    x, y = _clean(a.rows(pairs[0].a, rows)), _clean(b.rows(pairs[0].b, rows))
    similar = _correlate(x, y)
    same = np.arange(shape_a[1])
    best = match_clear(np.abs(similar))
    kept = float(np.abs(similar[same, same]).mean())
    if kept >= _AS_GOOD * float(np.abs(similar).max(axis=1).mean()):
        return HiddenAxis(same, _read_signs(similar, same), True)
    # Each half of the tokens must tell the same order: no assignment of noise passes for an order.
    halves = [match_clear(np.abs(_correlate(x[at::2], y[at::2]))) for at in (0, 1)]
    agreeing = float(((halves[0] == halves[1]) & (halves[0] >= 0)).mean())
    if agreeing < _AGREEING:
        return HiddenAxis(same, np.ones(len(same), np.float32), False)
    order = complete_match(np.abs(similar), best)
    order = np.where(order < 0, same, order)
    return HiddenAxis(order, _read_signs(similar, order), True)


def match_clear(similar: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each row of (m, n) similarities the column that it is best for and that is best for it, else -1."""
    import numpy as np

    best = similar.argmax(axis=1)
    back = similar.argmax(axis=0)
    return np.where(back[best] == np.arange(len(best)), best, -1)


def complete_match(similar: NDArray[np.float32], matched: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rest assigned among itself, by greatest sum; what finds none (fewer columns than rows) stays -1."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    left = np.flatnonzero(matched < 0)
    free = np.setdiff1d(np.arange(similar.shape[1]), matched)
    if not len(left) or not len(free) or max(len(left), len(free)) > _LEFT:
        return matched
    rows, columns = linear_sum_assignment(-similar[np.ix_(left, free)])
    full = matched.copy()
    full[left[rows]] = free[columns]
    return full


def _clean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(finite, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (finite / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return scaled


def _correlate(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlations of the columns of two tables, (columns of x, columns of y)."""
    import numpy as np

    def standardise(values: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = values - values.mean(axis=0)
        norms = np.linalg.norm(centred, axis=0)
        scaled: NDArray[np.float32] = centred / np.where(norms > 0, norms, 1.0)
        return scaled

    found: NDArray[np.float32] = standardise(x).T @ standardise(y)
    return found


def _read_signs(similar: NDArray[np.float32], order: NDArray[np.int64]) -> NDArray[np.float32]:
    import numpy as np

    return np.where(similar[np.arange(len(order)), order] < 0, -1.0, 1.0).astype(np.float32)
