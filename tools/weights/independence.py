"""Were two models trained independently? An exact test on the order of their neurons.

The neurons of one layer can be reordered without a change of the function, and neither random initialisation
nor the optimiser prefers an order. For two models that were trained independently the assignment of one's
neurons to the other's, whatever it is computed from within the layer, is therefore a uniformly random
permutation; the number of neurons assigned to the one of their own number follows the distribution of fixed
points (Montmort's matching problem). Neurons of related models keep their places. Layers have orders of their
own, so Fisher's method joins them. After Zhu et al., "Independence tests for language models" (2025), who
correlate the assignment with the identity.

Rows of a vocabulary, positions, norms and biases have no such symmetry: they are never evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOG10 = math.log(10.0)


@lru_cache(maxsize=4096)
def log_matches(found: int, of: int) -> float:
    """ln P(at least `found` fixed points in a uniformly random permutation of `of`), exact."""
    if found <= 0:
        return 0.0
    if found > of:
        return -math.inf
    terms = []
    for count in range(found, min(of, found + 40) + 1):
        # P(exactly count) = 1/count! * sum over i up to of - count of (-1)^i / i!
        rest = math.fsum((-1.0) ** i / math.factorial(i) for i in range(min(of - count, 24) + 1))
        if rest > 0.0:
            terms.append(math.log(rest) - math.lgamma(count + 1))
    most = max(terms)
    return min(0.0, most + math.log(math.fsum(math.exp(term - most) for term in terms)))


def assign_rows(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each row of `a` the row of `b` assigned to it: the assignment of greatest summed |cosine|."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    similar = np.abs(scale_rows(a) @ scale_rows(b).T)
    _, columns = linear_sum_assignment(-similar)
    return np.asarray(columns, dtype=np.int64)


def scale_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows at length 1 (those of zeros stay), in float32; what is no number counts as 0."""
    import numpy as np

    finite = np.nan_to_num(rows.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(finite, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (finite / np.where(norms > 0, norms, 1.0)).astype(np.float32, copy=False)
    return scaled


def combine_logs(logs: Sequence[float]) -> float:
    """ln of the joint p-value of independent tests by Fisher's method, from their ln p-values."""
    if not logs:
        return 0.0
    if any(value == -math.inf for value in logs):
        return -math.inf
    from scipy.stats import chi2

    statistic = -2.0 * math.fsum(logs)
    found = float(chi2.logsf(statistic, 2 * len(logs)))
    if math.isfinite(found):
        return min(0.0, found)
    # Far out in the tail the density's leading term: ln Q(n, x) ~ (n-1) ln x - x - ln Gamma(n).
    half, count = statistic / 2.0, len(logs)
    return (count - 1) * math.log(half) - half - math.lgamma(count)


def to_log10(natural: float) -> float:
    """From the natural to the decimal logarithm."""
    return natural / _LOG10
