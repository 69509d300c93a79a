"""Networks trained apart for the null distribution: that they learn, and that no pair is called related."""

from __future__ import annotations

import numpy as np

from eval.null_pairs import _differentiate, measure_null, train_network


def test_gradients_are_those_of_the_loss() -> None:
    state = {name: values.astype(np.float64) for name, values in train_network(1, 0).items()}
    tokens, wanted = np.arange(8), np.arange(8, 16)

    def loss() -> float:
        hidden = state["embed"][tokens]
        for layer in range(3):
            up, gate = hidden @ state[f"up{layer}"].T, hidden @ state[f"gate{layer}"].T
            hidden = hidden + (up * gate / (1 + np.exp(-gate))) @ state[f"down{layer}"].T
        logits = hidden @ state["head"].T
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(8), wanted]))

    found = _differentiate(state, tokens, wanted)  # type: ignore[arg-type]
    for name in ("embed", "head", "up0", "gate1", "down2"):
        row, step = (int(tokens[2]) if name == "embed" else 9), 1e-5
        before = loss()
        state[name][row, 3] += step
        assert np.isclose((loss() - before) / step, found[name][row, 3], rtol=2e-2, atol=1e-7)
        state[name][row, 3] -= step


def test_networks_trained_apart_are_unrelated() -> None:
    found = measure_null(2, steps=4)
    assert found["pairs"] == 1
    assert found["verdicts"] == {"unrelated": 1}
    assert found["false_related"] == 0
    assert found["as_reported"]["least"] > 1e-3
    assert found["aligned"]["pairs"] == 1
