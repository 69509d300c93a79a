"""Where the members of a family lie to each other, matrix by matrix, from their sketches in one frame.

In so many dimensions the steps of training are nearly at right angles to each other and to the weights they
start from. So squared distances between relatives add up along the tree, a model that lies on the way from
one to another is seen by its share of that way (1 in every matrix), and what comes later is longer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from tools.weights.recovering.sketches import Patch, Sketch, overlap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GROWING = ("embed", "head", "position")  # rows are added at the end: what both have belongs together
_FEWEST_PLACES = 3
# A way point's share of the way, over matrices: middle, and the quarters on both sides.
_MIDDLE = (0.75, 1.25)
_QUARTERS = (0.65, 1.4)
_EQUAL = 1e-12  # squared relative distance of matrices that were stored without loss
_INTEGERS = {4: 0.03, 2: 0.25}  # relative L2 that integers of 8 and of fewer bits leave


class Geometry:
    """Distances, growth and ways among models 0..n-1 whose sketches stand in one frame.

    A matrix that not every model has in the same shape counts for those that have it in the commonest one.
    """

    def __init__(self, sketches: Sequence[Sketch]) -> None:
        """`sketches` in the order by which the models are numbered."""
        import numpy as np

        self.count = len(sketches)
        self.sketches = sketches
        grams: list[NDArray[np.float64]] = []
        masks: list[NDArray[np.bool_]] = []
        self.places: list[str] = []
        for place in dict.fromkeys(place for sketch in sketches for place in sketch):
            values, mask = _stack([sketch.get(place) for sketch in sketches], place.split("/")[2])
            if values is None:
                continue
            grams.append(values @ values.T)
            masks.append(mask)
            self.places.append(place)
        shape = (0, self.count, self.count)
        gram = np.array(grams) if grams else np.zeros(shape)
        self.masks = np.array(masks) if masks else np.zeros(shape[:2], np.bool_)
        both = self.masks[:, :, None] & self.masks[:, None, :]
        squares = np.einsum("pii->pi", gram)
        apart = squares[:, :, None] + squares[:, None, :] - 2.0 * gram
        # What float64 cannot tell from equal is equal.
        apart[apart < 1e-13 * (squares[:, :, None] + squares[:, None, :])] = 0.0
        self.gram = gram
        self.both = both
        self.bits = np.array(
            [[sketch[place].bits if place in sketch else 24 for sketch in sketches] for place in self.places]
        )
        self.apart = np.where(both, apart, 0.0)  # (places, n, n): squared distances
        self.squares = np.where(both, squares[:, :, None], 0.0)  # of the first, where both are there
        scale = (self.squares + np.swapaxes(self.squares, 1, 2)).sum(axis=0) / 2.0
        total = self.apart.sum(axis=0)
        # Squared distance relative to the weights themselves; infinite where nothing can be compared.
        self.distance = np.where(scale > 0, total / np.where(scale > 0, scale, 1.0), np.inf)
        np.fill_diagonal(self.distance, 0.0)

    def growth(self, parent: int, child: int) -> tuple[float, float]:
        """(|child|^2 - |parent|^2) / |child - parent|^2: the median over matrices, and the share above 0."""
        import numpy as np

        apart = self.apart[:, parent, child]
        known = apart > 0
        if not known.any():
            return 0.0, 0.5
        grown = (self.squares[:, child, parent] - self.squares[:, parent, child])[known] / apart[known]
        return float(np.median(grown)), float((grown > 0).mean())

    def is_between(self, start: int, middle: int, end: int) -> bool:
        """Whether `middle` lies on the way from `start` to `end`.

        Then <end - start, middle - start> / |middle - start|^2 is near 1 in every matrix. Siblings that were
        trained alike share some of the way, but unevenly.
        """
        import numpy as np

        known = (
            self.both[:, start, middle]
            & self.both[:, start, end]
            & self.both[:, middle, end]
            & (self.apart[:, start, middle] > 0)
        )
        if known.sum() < _FEWEST_PLACES:
            return False
        to_middle, to_end = self.apart[known, start, middle], self.apart[known, start, end]
        if bool(((to_end == 0) & (to_middle > 0)).any()):
            return False  # what `end` shares with `start` to the bit, `middle` had already lost
        share = (to_middle + to_end - self.apart[known, middle, end]) / (2.0 * to_middle)
        low, middling, high = np.quantile(share, [0.25, 0.5, 0.75])
        return bool(_MIDDLE[0] <= middling <= _MIDDLE[1] and low >= _QUARTERS[0] and high <= _QUARTERS[1])

    def is_rounded(self, original: int, rounded: int) -> bool:
        """Whether one model is the other with some matrices rounded to fewer bits, and all else equal."""
        import numpy as np

        known = self.both[:, original, rounded] & (self.squares[:, original, rounded] > 0)
        if not known.any():
            return False
        relative = self.apart[known, original, rounded] / self.squares[known, original, rounded]
        before, after = self.bits[known, original], self.bits[known, rounded]
        bounds = np.where(after < before, [_bound_rounding(bits) for bits in after], _EQUAL)
        return bool((after < before).any() and (relative <= bounds).all())

    def masked_distance(self, other: int, pruned: int) -> float:
        """Squared distance relative to the weights, where `pruned` is not exactly zero."""
        import numpy as np

        apart = size = 0.0
        for place, patch in self.sketches[pruned].items():
            partner = self.sketches[other].get(place)
            if partner is None or partner.shape != patch.shape:
                continue
            x, y = overlap(partner, patch)
            kept = y != 0
            apart += float(np.square((x - y)[kept], dtype=np.float64).sum())
            size += float(np.square(x[kept], dtype=np.float64).sum())
        return apart / size if size else math.inf


def _bound_rounding(bits: int) -> float:
    """The squared relative L2 that rounding to `bits` may leave."""
    return float(_INTEGERS.get(bits, 1.5 * 2.0**-bits / math.sqrt(3.0)) ** 2)


def _stack(
    patches: Sequence[Patch | None], part: str
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """All patches of one place as rows (those of another shape are zero), and which count."""
    import numpy as np

    def key(patch: Patch) -> tuple[object, ...]:
        outputs = None if part in _GROWING else patch.shape[0]
        return outputs, patch.shape[1]

    counts = Counter(key(patch) for patch in patches if patch is not None)
    if not counts:
        return None, np.zeros(len(patches), np.bool_)
    chosen = counts.most_common(1)[0][0]
    kept = [patch if patch is not None and key(patch) == chosen else None for patch in patches]
    mask = np.array([patch is not None for patch in kept])
    present = [patch for patch in kept if patch is not None]
    rows = reduce(np.intersect1d, (patch.rows for patch in present))
    columns = reduce(np.intersect1d, (patch.columns for patch in present))
    stacked = np.zeros((len(kept), len(rows) * len(columns)))
    for at, patch in enumerate(kept):
        if patch is not None:
            cut = np.ix_(np.searchsorted(patch.rows, rows), np.searchsorted(patch.columns, columns))
            stacked[at] = patch.values[cut].ravel()
    return (stacked if stacked.size else None), mask
