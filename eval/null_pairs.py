"""The p-values of independent pairs: are they what the test of `compare_weights` promises?

Small gated networks are trained here, with numpy and Adam, on one and the same task from different seeds:
they differ in nothing but their initialisation and the order of their batches. Every pair of them is
compared, as it stands and aligned. The test counts, so that its p-values are discrete: P(p <= t) <= t for
every t, not equal.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_MODELS = 21  # 210 pairs
_HIDDEN, _NEURONS, _VOCABULARY, _LAYERS = 144, 192, 256, 3
_STEPS, _BATCH, _RATE = 60, 256, 3e-3
_LEVELS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)


def measure_null(
    models: int = _MODELS, *, steps: int = _STEPS, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """For all pairs of independently trained models: verdicts, the share of p-values at or below each level,
    and by how much it is above that level at most (one-sided Kolmogorov-Smirnov, with its p-value)."""
    from tools.weights.compare import compare_weights
    from tools.weights.opening import open_weights

    reported: list[float] = []
    aligned: list[float] = []
    verdicts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="lake-null-") as place:
        folders = [_save(Path(place, f"seed-{seed}"), train_network(seed, steps)) for seed in range(models)]
        pairs = list(combinations(folders, 2))
        for at, (first, second) in enumerate(pairs):
            if progress:
                progress(at, len(pairs))
            with open_weights(first) as a, open_weights(second) as b:
                found = compare_weights(a, b)
                aligned += _test_aligned(a, b)
            reported.append(found.log10_p or 0.0)
            verdicts[found.verdict] = verdicts.get(found.verdict, 0) + 1
    return {
        "models": models,
        "pairs": len(reported),
        "as_reported": _describe(reported),
        "aligned": _describe(aligned),
        "verdicts": verdicts,
        "false_related": verdicts.get("related", 0) + verdicts.get("identical", 0),
    }


def _test_aligned(a: Any, b: Any) -> list[float]:
    """log10 of the p-value once B is seen in A's frame; nothing where it cannot be."""
    from tools.weights.align import align_models
    from tools.weights.independence import to_log10
    from tools.weights.neurons import check_layers, join_tests
    from tools.weights.pairing import pair_tensors

    alignment = align_models(a, b, pair_tensors(a.tensors, b.tensors), small=True)
    if alignment is None:
        return []
    tests = list(check_layers(a, alignment.weights, alignment.pairing))
    return [to_log10(join_tests(tests))] if tests else []


def _describe(logs: Sequence[float]) -> dict[str, Any]:
    from scipy.stats import ksone

    values = np.sort([10.0**log for log in logs])
    count = len(values)
    if not count:
        return {"pairs": 0}
    below = {f"p <= {level}": round(float((values <= level).mean()), 4) for level in _LEVELS}
    excess = max(0.0, float((np.arange(1, count + 1) / count - values).max()))
    return {
        "pairs": count,
        **below,
        "least": float(f"{values[0]:.3g}"),
        "median": round(float(np.median(values)), 3),
        "ks_above": round(excess, 4),
        "ks_p": round(float(ksone.sf(excess, count)), 4) if excess > 0 else 1.0,
    }


def train_network(seed: int, steps: int = _STEPS) -> dict[str, Array]:
    """A residual network of gated layers that learns which token follows which, by Adam (arXiv 1412.6980)."""
    task = np.random.default_rng(11)  # the same for all
    follows = task.integers(0, _VOCABULARY, (_VOCABULARY, 4))
    rng = np.random.default_rng([7, seed])

    def draw(*shape: int) -> Array:
        return rng.standard_normal(shape, np.float32) / np.float32(math.sqrt(shape[-1]))

    state = {"embed": draw(_VOCABULARY, _HIDDEN) * np.float32(4), "head": draw(_VOCABULARY, _HIDDEN)}
    for layer in range(_LAYERS):
        state |= {f"{part}{layer}": draw(_NEURONS, _HIDDEN) for part in ("up", "gate")}
        state[f"down{layer}"] = draw(_HIDDEN, _NEURONS)
    first = {name: np.zeros_like(values) for name, values in state.items()}
    second = {name: np.zeros_like(values) for name, values in state.items()}
    for step in range(1, steps + 1):
        tokens = rng.integers(0, _VOCABULARY, _BATCH)
        wanted = follows[tokens, rng.integers(0, 4, _BATCH)]
        for name, gradient in _differentiate(state, tokens, wanted).items():
            first[name] += np.float32(0.1) * (gradient - first[name])
            second[name] += np.float32(0.01) * (gradient * gradient - second[name])
            size = np.sqrt(second[name] / np.float32(1 - 0.99**step)) + np.float32(1e-8)
            state[name] -= np.float32(_RATE / (1 - 0.9**step)) * first[name] / size
    return state


def _differentiate(state: dict[str, Array], tokens: Any, wanted: Any) -> dict[str, Array]:
    """Gradients of the mean cross-entropy."""
    hidden = state["embed"][tokens]
    kept = []
    for layer in range(_LAYERS):
        up, gate = hidden @ state[f"up{layer}"].T, hidden @ state[f"gate{layer}"].T
        open_by = 1 / (1 + np.exp(-gate))
        kept.append((hidden, up, gate, open_by))
        hidden = hidden + (up * gate * open_by) @ state[f"down{layer}"].T
    logits = hidden @ state["head"].T
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    chances[np.arange(len(tokens)), wanted] -= 1
    chances /= len(tokens)
    found = {"head": chances.T @ hidden}
    flow = chances @ state["head"]
    for layer in reversed(range(_LAYERS)):
        below, up, gate, open_by = kept[layer]
        found[f"down{layer}"] = flow.T @ (up * gate * open_by)
        inner = flow @ state[f"down{layer}"]
        for_up = inner * gate * open_by
        for_gate = inner * up * open_by * (1 + gate * (1 - open_by))
        found[f"up{layer}"], found[f"gate{layer}"] = for_up.T @ below, for_gate.T @ below
        flow = flow + for_up @ state[f"up{layer}"] + for_gate @ state[f"gate{layer}"]
    found["embed"] = np.zeros_like(state["embed"])
    np.add.at(found["embed"], tokens, flow)
    return found


def _save(folder: Path, state: dict[str, Array]) -> Path:
    from safetensors.numpy import save_file

    names = {"embed": "model.embed_tokens.weight", "head": "lm_head.weight"}
    for layer in range(_LAYERS):
        for part in ("up", "gate", "down"):
            names[f"{part}{layer}"] = f"model.layers.{layer}.mlp.{part}_proj.weight"
    folder.mkdir()
    save_file({names[name]: values for name, values in state.items()}, folder / "model.safetensors")
    return folder
