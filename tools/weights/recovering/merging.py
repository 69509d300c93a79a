"""Models that are mixtures of two others, seen from distances alone.

A mixture's step away from a common base r is alpha (a - r) + beta (b - r) with both shares substantial:
linear and spherical averages (alpha + beta = 1), task arithmetic (arXiv 2212.04089), and, less exactly,
trimmed averages (TIES, arXiv 2306.01708). Training goes where no other model has gone; a mixture does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.recovering.sketches import Sketch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHARES = (0.12, 1.3)  # of each parent
_BEST = 0.6  # the mixture explains so much better than the nearest single model
_SURE = 0.1
_EXPLAINED = 0.55  # of the step away from the base
_ATOM = 0.1  # of the places have one factor
_FINE = 1e-5  # of a value: smaller steps are rounding
_NEAR = 1e-3  # squared: so near are a copy and its rounding
_WIDTH = 0.002  # of a bin of the factor's logarithm
_FEWEST, _FEWEST_PLACES = 50, 3
_MOST = 40  # models that are tried as parents: the nearest


@dataclass(frozen=True, slots=True)
class Mixture:
    """Model `child` as a mixture of two `parents`; `rest` is the squared distance left, relative to that to
    the nearest single model (0: nothing left)."""

    child: int
    parents: tuple[int, int]
    shares: tuple[float, float]
    rest: float

    @property
    def is_sure(self) -> bool:
        """Whether next to nothing is left unexplained."""
        return self.rest <= _SURE


def find_mixtures(
    gram: NDArray[np.float64], members: Sequence[int], is_between: Callable[[int, int, int], bool]
) -> list[Mixture]:
    """The mixtures among `members` (indices into `gram`, inner products summed over shared matrices).

    Of several models that explain each other, the one that is left with least is the mixture.
    `is_between(a, b, c)`: whether b lies on the way from a to c; what does is an ancestor, no mixture.
    """
    import numpy as np

    if len(members) < 3:
        return []
    chosen = np.array(members)
    table = gram[np.ix_(chosen, chosen)]
    apart = np.diag(table)[:, None] + np.diag(table)[None, :] - 2 * table
    found: list[Mixture] = []
    for child in range(len(chosen)):
        nearest = np.argsort(apart[child])
        others = np.array([at for at in nearest if at != child][:_MOST])
        single = float(apart[child][others[0]])
        if single <= 0:
            continue
        best = _fit_child(table, apart, child, others, single)
        for mixture in best:
            first, second = mixture.parents
            real = [int(chosen[first]), int(chosen[second])]
            at = int(chosen[child])
            if is_between(real[0], at, real[1]) and not mixture.is_sure:
                continue
            if any(is_between(real[1 - side], at, real[side]) for side in (0, 1)) and not mixture.is_sure:
                continue
            found.append(Mixture(at, (real[0], real[1]), mixture.shares, mixture.rest))
            break
    return _choose(found)


def find_trimmed(
    sketches: Sequence[Sketch],
    gram: NDArray[np.float64],
    members: Sequence[int],
    bases: Sequence[int],
) -> list[Mixture]:
    """Mixtures that took single values from either parent, or dropped them (TIES, DARE).

    The step away from a base in `bases`, divided by that of a parent, has one and the same value in many
    places. Training makes no such steps. `gram` as in `find_mixtures`.
    """
    found: list[Mixture] = []
    for child in members:
        best: tuple[float, int, tuple[int, int]] | None = None
        for base in bases:
            if base == child:
                continue
            shares = {
                other: _find_atom(sketches[base], sketches[child], sketches[other])
                for other in members
                if other not in (base, child)
            }
            ranked = sorted(shares, key=lambda other: -shares[other])[:2]
            if len(ranked) == 2 and shares[ranked[1]] >= _ATOM:
                least = shares[ranked[1]]
                if best is None or least > best[0]:
                    best = (least, base, (ranked[0], ranked[1]))
        if best is not None:
            # Seen from either parent, the base looks like one. Training makes longer: it is the shortest.
            three = (best[1], *best[2])
            shortest = min(three, key=lambda at: gram[at, at])
            parents = [at for at in three if at != shortest]
            found.append(Mixture(child, (parents[0], parents[1]), (0.5, 0.5), 0.5))
    return found


def _find_atom(base: Sketch, child: Sketch, parent: Sketch) -> float:
    """The share of places at which the child's step is the parent's times one common factor, over the median
    matrix. Matrices that child and parent share tell nothing."""
    import numpy as np

    shares = []
    for place, patch in list(base.items()):
        one, two = child.get(place), parent.get(place)
        if one is None or two is None or not patch.shape == one.shape == two.shape:
            continue
        if not patch.values.shape == one.values.shape == two.values.shape:
            continue
        step, other = (one.values - patch.values).ravel(), (two.values - patch.values).ravel()
        moved = (np.abs(step) > _FINE * np.abs(patch.values.ravel())) & (other != 0)
        if moved.sum() < _FEWEST or np.square(step - other).sum() < _NEAR * np.square(step).sum():
            continue
        ratio = step[moved] / other[moved]
        ratio = ratio[(ratio > 0.1) & (ratio < 10)]
        if len(ratio) < _FEWEST:
            shares.append(0.0)
            continue
        counts = np.bincount(((np.log(ratio) + math.log(10)) / _WIDTH).astype(np.int64))
        joined = counts[:-1] + counts[1:] if len(counts) > 1 else counts
        shares.append(float(joined.max() - np.median(joined[joined > 0])) / int(moved.sum()))
    return float(np.median(shares)) if len(shares) >= _FEWEST_PLACES else 0.0


def _fit_child(
    table: NDArray[np.float64],
    apart: NDArray[np.float64],
    child: int,
    others: NDArray[np.int64],
    single: float,
) -> list[Mixture]:
    """The mixtures that could be `child`, best first."""
    import numpy as np

    found: list[Mixture] = []
    first, second = np.triu_indices(len(others), 1)
    a, b = others[first], others[second]
    # On the line from a to b, whatever the base.
    between = apart[a, b]
    share = (apart[child, a] + between - apart[child, b]) / (2.0 * np.where(between > 0, between, 1.0))
    rest = apart[child, a] - share**2 * between
    good = (between > 0) & (np.minimum(share, 1 - share) >= _SHARES[0]) & (rest <= _SURE * single)
    found += [
        Mixture(
            child,
            (int(a[at]), int(b[at])),
            (1 - float(share[at]), float(share[at])),
            float(rest[at] / single),
        )
        for at in np.flatnonzero(good)
    ]
    for base in others:
        keep = (a != base) & (b != base)
        x, y = a[keep], b[keep]
        if not len(x):
            continue
        inner = (apart[base][:, None] + apart[base][None, :] - apart) / 2.0  # <p - base, q - base>
        xx, yy, xy = inner[x, x], inner[y, y], inner[x, y]
        cx, cy, cc = inner[child, x], inner[child, y], inner[child, child]
        det = xx * yy - xy**2
        fit = det > 1e-3 * xx * yy
        safe = np.where(fit, det, 1.0)
        alpha, beta = (cx * yy - cy * xy) / safe, (cy * xx - cx * xy) / safe
        left = cc - alpha * cx - beta * cy
        # What one parent alone explains, at whatever share: both must be needed.
        alone = cc - np.maximum(cx**2 / np.where(xx > 0, xx, 1), cy**2 / np.where(yy > 0, yy, 1))
        good = (
            fit
            & (np.minimum(alpha, beta) >= _SHARES[0])
            & (np.maximum(alpha, beta) <= _SHARES[1])
            & (left <= _BEST * single)
            & (left <= (1 - _EXPLAINED) * cc)
            & (left <= _BEST * alone)
        )
        found += [
            Mixture(
                child, (int(x[at]), int(y[at])), (float(alpha[at]), float(beta[at])), float(left[at] / single)
            )
            for at in np.flatnonzero(good)
        ]
    return sorted(found, key=lambda mixture: mixture.rest)


def _choose(found: Sequence[Mixture]) -> list[Mixture]:
    """No model is a parent of what it is mixed from: of each circle the best explained stays."""
    chosen: list[Mixture] = []
    for mixture in sorted(found, key=lambda mixture: mixture.rest):
        if not any(
            mixture.child in known.parents and known.child in mixture.parents for known in chosen
        ) and not any(mixture.child in known.parents and not mixture.is_sure for known in chosen):
            chosen.append(mixture)
    return chosen
