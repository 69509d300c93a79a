"""The p-value of "trained independently": exact, uniform under its null, far out where models are related."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from tests.weights_files import Array, save_model
from tools.weights.compare import compare_weights
from tools.weights.independence import assign_rows, combine_logs, log_matches
from tools.weights.neurons import check_layers, join_tests
from tools.weights.opening import open_weights
from tools.weights.pairing import pair_tensors

HIDDEN, INNER = 144, 192


def make_layers(seed: int, layers: int) -> dict[str, Array]:
    """MLPs of a small model. All seeds share what training shares: the same strong input directions."""
    shared = np.random.default_rng(99).standard_normal((4, HIDDEN), dtype=np.float32)
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(layers):
        for part in ("gate", "up"):
            loads = random.standard_normal((INNER, 4), dtype=np.float32)
            rows = random.standard_normal((INNER, HIDDEN), dtype=np.float32) + loads @ shared
            tensors[f"model.layers.{layer}.mlp.{part}_proj.weight"] = rows.astype(np.float32)
    return tensors


def test_matches_are_counted_exactly() -> None:
    for of in (1, 2, 5, 7):
        found = [sum(a == b for a, b in enumerate(order)) for order in permutations(range(of))]
        for least in range(of + 1):
            exact = sum(count >= least for count in found) / len(found)
            assert math.exp(log_matches(least, of)) == pytest.approx(exact)


def test_all_matches_of_many_neurons_do_not_underflow() -> None:
    assert log_matches(2000, 2000) == pytest.approx(-math.lgamma(2001), rel=1e-9)
    assert combine_logs([log_matches(192, 192)] * 24) / math.log(10) < -8000


def test_fisher_of_one_is_that_one() -> None:
    assert combine_logs([math.log(0.03)]) == pytest.approx(math.log(0.03))
    assert combine_logs([]) == 0.0


def test_assignment_finds_a_permutation_through_noise_and_signs() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((40, 64)).astype(np.float32)
    order = random.permutation(40)
    others = -rows[order] + 0.3 * random.standard_normal((40, 64)).astype(np.float32)

    assert np.array_equal(order[assign_rows(rows, others)], np.arange(40))


@pytest.mark.parametrize("layers", [2, 4])
def test_p_values_of_210_independent_pairs_are_uniform(tmp_path: Path, layers: int) -> None:
    """21 seeds of one architecture, hidden size 144: every pair of them, as in Zhu et al.

    Matches are counts, so that the p-values themselves are a little too large; with the usual random number
    between P(more matches) and P(as many or more) they must be uniform.
    """
    models = [open_weights(save_model(tmp_path / str(seed), make_layers(seed, layers))) for seed in range(21)]
    pairing = pair_tensors(models[0].tensors, models[0].tensors)
    chance = np.random.default_rng(1)
    exact, smoothed, logs = [], [], []
    for i, a in enumerate(models):
        for b in models[:i]:
            tests = list(check_layers(a, b, pairing))
            logs.append(join_tests(tests))
            for test in tests:
                low, high = (
                    math.exp(log_matches(test.found + more, test.of)) if test.found + more <= test.of else 0.0
                    for more in (1, 0)
                )
                exact.append(high)
                smoothed.append(low + chance.random() * (high - low))
    for model in models:
        model.close()

    assert len(logs) == 210
    assert kstest(smoothed, "uniform").pvalue > 0.001
    for level in (0.3, 0.1, 0.02):  # never too small: at most `level` of them below it, within 3 sigma
        bound = level + 3 * math.sqrt(level / len(exact))
        assert np.mean(np.array(exact) <= level) <= bound
        assert np.mean(np.exp(logs) <= level) <= level + 3 * math.sqrt(level / len(logs))


def test_more_pairs_tested_ask_for_more(tmp_path: Path) -> None:
    """Ten of ten neurons in place: enough for one pair, not for a million of them."""
    rows = np.random.default_rng(3).standard_normal((10, 32)).astype(np.float32)
    moved = rows + np.float32(0.01)
    name = "model.layers.0.mlp.up_proj.weight"
    first = save_model(tmp_path / "a", {name: rows})
    second = save_model(tmp_path / "b", {name: moved})
    with open_weights(first) as a, open_weights(second) as b:
        assert compare_weights(a, b).verdict == "related"
        assert compare_weights(a, b, pairs_tested=10**6).verdict == "incomparable"
