"""Neurons of a layer as vectors, sampled, and the test on their order for a pair of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.independence import assign_rows, combine_logs, log_matches
from tools.weights.pairing import Pair, Pairing
from tools.weights.sampling import sample_rows, spread
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEURONS = 192  # sampled of a layer: enough for p < 1e-350 when all match
_FEATURES = 256  # input rows read of a weight that is stored transposed
_LEAST = 8  # fewer rows can prove nothing
_LAYERS = 24  # of deep models, evenly spread
# Whose rows can be reordered: neurons, and the channels within a value head. The first that a layer has is
# tested, one tensor of each layer, since what belongs to the same neurons is no second evidence.
_NEURONS = ("up", "gate", "gate_up")
_OTHERS = ("v", "other")


@dataclass(frozen=True, slots=True)
class LayerTest:
    """The test of one layer: `found` of `of` neurons were assigned to their own number; `log_p`: natural."""

    pair: Pair
    indices: tuple[int, ...]
    found: int
    of: int
    log_p: float


def choose_pairs(pairing: Pairing) -> list[Pair]:
    """The tensors whose rows are tested: one of each layer, those of neurons before all others."""
    chosen: dict[tuple[str, int | None, str], Pair] = {}
    for parts in (_NEURONS, _OTHERS):
        for pair in pairing.of_part(*parts):
            if pair.fit == "same":
                chosen.setdefault((pair.role.stack, pair.role.layer, pair.role.rest), pair)
        if chosen:
            break
    layers = sorted(chosen.values(), key=lambda pair: (pair.role.stack, pair.role.layer or 0, pair.a))
    return [layers[at] for at in spread(len(layers), _LAYERS)]


def read_neurons(
    weights: Weights, name: str, *, transposed: bool, indices: Sequence[int]
) -> NDArray[np.float32]:
    """The neurons `indices` of a layer as rows, shape (len(indices), features), features perhaps sampled."""
    import numpy as np

    shape = weights.tensors[name].shape
    if transposed:
        rows = weights.rows(name, sample_rows(shape[0], _FEATURES))
        return np.ascontiguousarray(rows[:, list(indices)].T)
    rows = weights.rows(name, list(indices))
    return rows.reshape(len(indices), -1)


def count_neurons(shape: tuple[int, ...], *, transposed: bool) -> int:
    """How many neurons a weight of this shape has."""
    return (shape[-1] if transposed else shape[0]) if len(shape) > 1 else 0


def check_layers(a: Weights, b: Weights, pairing: Pairing) -> Iterator[LayerTest]:
    """Test the order of neurons layer by layer; layers that cannot tell are left out."""
    import numpy as np

    for pair in choose_pairs(pairing):
        count = count_neurons(a.tensors[pair.a].shape, transposed=pair.role.transposed)
        if count < _LEAST:
            continue
        indices = sample_rows(count, NEURONS)
        rows_a = read_neurons(a, pair.a, transposed=pair.role.transposed, indices=indices)
        rows_b = read_neurons(b, pair.b, transposed=pair.role.transposed, indices=indices)
        # A neuron that is cut away, or stands there twice, is assigned at random: it can prove nothing.
        alive = np.any(rows_a != 0, axis=1) & np.any(rows_b != 0, axis=1)
        kept = np.flatnonzero(alive)
        if len(kept) < _LEAST:
            continue
        # In an order of our own, so that ties of equal rows do not fall on the identity.
        order = np.random.default_rng(len(kept)).permutation(len(kept))
        assigned = assign_rows(rows_a[kept], rows_b[kept][order])
        found = int((order[assigned] == np.arange(len(kept))).sum())
        yield LayerTest(
            pair, tuple(indices[at] for at in kept), found, len(kept), log_matches(found, len(kept))
        )


def join_tests(tests: Sequence[LayerTest]) -> float:
    """ln of the p-value of "trained independently" over all layers."""
    return combine_logs([test.log_p for test in tests])
