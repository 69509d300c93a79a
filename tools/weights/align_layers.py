"""Which layer of one model is which of another, where layers were dropped, repeated or moved up.

Layers are told by what their neurons write into the hidden axis (or read from it): each of some neurons of a
layer is held against all of another layer, whatever their order and scales. Layers keep their order, so that
the counterparts are those of the best monotone path, as for the alignment of sequences (Needleman and Wunsch
1970); a layer that is on no path but is like one of the other model was repeated (as in arXiv 2312.15166).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tools.weights.hidden_axis import HiddenAxis
from tools.weights.independence import scale_rows
from tools.weights.pairing import Pairing, pair_tensors
from tools.weights.roles import Role, read_roles
from tools.weights.sampling import sample_rows
from tools.weights.types import TensorInfo, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LayerKey = tuple[str, int]  # stack, number
_DIMENSIONS = 96  # hidden dimensions whose rows are read
_NEURONS = 32  # of a layer of A
# Below, layers are strangers. A copy has 1, a child whose weights moved by 90 % of their own size still 0.6;
# layers of one model have up to 0.2 with each other, those of strangers 0.
_ALIKE = 0.35
_NUMBER = re.compile(r"((?:^|\.)(?:layers?|h|blocks?|blk|block_list)\.)(\d+)(?=\.)")


@dataclass(frozen=True, slots=True)
class LayerMatch:
    """Counterparts of layers: `pairing` of the tensors by them, `of_b` A's layer for layers of B.

    `repeated`: layers of B without a counterpart of their own that are like this one of A, and
    `repeated_a` the same for layers of A; by (stack, number).
    """

    pairing: Pairing
    of_b: Mapping[LayerKey, LayerKey]
    repeated: Mapping[LayerKey, LayerKey]
    repeated_a: Mapping[LayerKey, LayerKey]

    @property
    def is_moved(self) -> bool:
        """Whether some layer's counterpart has another number."""
        return any(own != other for own, other in self.of_b.items())


def match_layers(a: Weights, b: Weights, pairing: Pairing, hidden: HiddenAxis) -> LayerMatch:
    """Find the counterparts of layers, B's hidden axis seen as `hidden` says; as they stand where none is.

    Reads a few rows of one matrix of every layer. Raises WeightsError.
    """
    import numpy as np

    width = len(hidden.order)
    dims = np.array(sample_rows(width, _DIMENSIONS))
    ones = np.ones(len(dims), np.float32)
    first, second = _choose_matrices(a, width), _choose_matrices(b, width)
    of_b: dict[LayerKey, LayerKey] = {}
    repeated: dict[LayerKey, LayerKey] = {}
    repeated_a: dict[LayerKey, LayerKey] = {}
    for stack in sorted({stack for stack, _ in second} if hidden.is_found else set()):
        own = sorted(key for key in second if key[0] == stack)
        theirs = sorted(key for key in first if key[0] == stack)
        if not theirs:
            continue
        sampled = []
        for key in theirs:
            neurons = _read_neurons(a, *first[key], dims, ones)
            sampled.append(neurons[sample_rows(len(neurons), _NEURONS)])
        others = partial(_read_neurons, b, dims=hidden.order[dims], signs=hidden.signs[dims])
        if own == theirs and all(
            compare_neurons([rows], others(*second[key]))[0] >= _ALIKE
            for key, rows in zip(own, sampled, strict=True)
        ):
            of_b |= dict(zip(own, theirs, strict=True))
            continue
        alike = np.stack([compare_neurons(sampled, others(*second[key])) for key in own], axis=1)
        path = find_path(alike)
        of_b |= {own[to]: theirs[at] for at, to in path}
        taken_a, taken_b = {at for at, _ in path}, {to for _, to in path}
        repeated |= {
            own[to]: theirs[int(alike[:, to].argmax())]
            for to in range(len(own))
            if to not in taken_b and float(alike[:, to].max()) >= _ALIKE
        }
        repeated_a |= {
            theirs[at]: own[int(alike[at].argmax())]
            for at in range(len(theirs))
            if at not in taken_a and float(alike[at].max()) >= _ALIKE
        }
    found = pairing
    if any(own != other for own, other in of_b.items()):
        found = pair_by_layers(a.tensors, b.tensors, pairing, of_b)
    return LayerMatch(found, of_b, repeated, repeated_a)


def find_path(alike: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The monotone one-to-one path of greatest sum of `alike` (m, n) above `_ALIKE`, as (row, column)."""
    import numpy as np

    m, n = alike.shape
    gain = alike.astype(np.float64) - _ALIKE
    best = np.zeros((m + 1, n + 1))
    for at in range(m):
        for to in range(n):
            best[at + 1, to + 1] = max(best[at, to + 1], best[at + 1, to], best[at, to] + gain[at, to])
    path: list[tuple[int, int]] = []
    at, to = m, n
    while at and to:
        # Steps without a pair first: of equal layers the earliest is the counterpart.
        if best[at, to] <= best[at, to - 1] + 1e-6:
            to -= 1
        elif best[at, to] <= best[at - 1, to] + 1e-6:
            at -= 1
        else:
            at, to = at - 1, to - 1
            path.append((at, to))
    return path[::-1]


def pair_by_layers(
    a: Mapping[str, TensorInfo],
    b: Mapping[str, TensorInfo],
    pairing: Pairing,
    of_b: Mapping[LayerKey, LayerKey],
) -> Pairing:
    """Pair tensors as if B's layers had the numbers of their counterparts; other layers stay unpaired."""
    roles = read_roles(b)
    renamed: dict[str, TensorInfo] = {}
    stored: dict[str, str] = {}
    without: list[str] = []
    for name, info in b.items():
        shown = _rename(name, roles[name], of_b)
        if shown is None:
            without.append(name)
        else:
            renamed[shown], stored[shown] = info, name
    found = pair_tensors(a, renamed)
    return Pairing(
        tuple(replace(pair, b=stored[pair.b]) for pair in found.pairs),
        found.only_a,
        (*(stored[name] for name in found.only_b), *without),
        pairing.layers_a,
        pairing.layers_b,
    )


def _rename(name: str, role: Role, of_b: Mapping[LayerKey, LayerKey]) -> str | None:
    """The name with the number of the counterpart's layer; None for a tensor of a layer that has none."""
    if role.layer is None:
        return name
    other = of_b.get((role.stack, role.layer))
    return None if other is None else _NUMBER.sub(rf"\g<1>{other[1]}", name, count=1)


def _choose_matrices(weights: Weights, width: int) -> dict[LayerKey, tuple[bool, str]]:
    """By layer the matrix to read the hidden axis of: whether that is its first axis, and its name."""
    chosen: dict[LayerKey, tuple[bool, str]] = {}
    for name, role in read_roles(weights.tensors).items():
        if role.layer is None or role.bias or role.part not in ("down", "up"):
            continue
        shape = weights.tensors[name].shape
        # The hidden axis is the first of `down` as it is usually stored, and of `up` in GPT-2.
        is_first = (role.part == "down") != role.transposed
        if len(shape) == 2 and 0 not in shape and shape[0 if is_first else 1] == width:
            place = (role.stack, role.layer)
            if place not in chosen or is_first > chosen[place][0]:
                chosen[place] = (is_first, name)
    return chosen


def _read_neurons(
    weights: Weights, is_first: bool, name: str, dims: NDArray[np.int64], signs: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A layer's neurons as rows of length 1, (neurons, dimensions)."""
    import numpy as np

    if is_first:
        values = _read_ascending(weights, name, dims)
    else:
        values = np.concatenate([block[:, dims] for block in weights.blocks(name)]).T
    return scale_rows((values * signs[:, None]).T)


def compare_neurons(
    sampled: Sequence[NDArray[np.float32]], neurons: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How alike layers are to one of another model: 1 for a copy in any order, about 0 for strangers.

    `sampled`: for each layer some of its neurons as rows of length 1; `neurons`: all of the other layer.
    """
    import numpy as np

    count, width = neurons.shape
    chance = math.sqrt(2.0 * math.log(max(2, count)) / width)  # the best of so many random directions
    closest = np.array([float(np.abs(rows @ neurons.T).max(axis=1).mean()) for rows in sampled])
    found: NDArray[np.float32] = ((closest - chance) / max(0.1, 1.0 - chance)).astype(np.float32)
    return found


def _read_ascending(weights: Weights, name: str, dims: NDArray[np.int64]) -> NDArray[np.float32]:
    import numpy as np

    ascending = np.argsort(dims)
    placed = np.empty((len(dims), weights.tensors[name].shape[1]), np.float32)
    placed[ascending] = weights.rows(name, dims[ascending].tolist())
    return placed
