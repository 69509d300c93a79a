"""What is done to a model's weights without training: disguises, cuts, additions, mergers.

Every disguise leaves the function as it was (up to rounding); a test runs the networks to see that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eval.zoo.axes import close_state, label_axes, open_state, split_layer
from eval.zoo.networks import Spec
from eval.zoo.training import State

Rng = np.random.Generator
Order = NDArray[np.int64]


# -- disguises -----------------------------------------------------------------------------------------


def permute_neurons(spec: Spec, state: State, rng: Rng) -> State:
    """Every layer's neurons in another order."""
    orders = {f"neurons.{layer}": rng.permutation(spec.neurons) for layer in range(spec.layers)}
    return _reorder(spec, state, orders)


def permute_heads(spec: Spec, state: State, rng: Rng) -> State:
    """Every layer's heads in another order; queries stay with the keys they share."""
    orders: dict[str, Order] = {}
    share = spec.heads // spec.kv_heads
    for layer in range(spec.layers):
        groups = rng.permutation(spec.kv_heads)
        heads = np.concatenate([group * share + rng.permutation(share) for group in groups])
        orders[f"queries.{layer}"] = _widen(heads, spec.head_size)
        orders[f"keys.{layer}"] = _widen(groups, spec.head_size)
    return _reorder(spec, state, orders)


def permute_hidden(spec: Spec, state: State, rng: Rng) -> State:
    """The hidden dimensions in another order, everywhere: also in what a model without a head gives."""
    return _reorder(spec, state, {"hidden": rng.permutation(spec.hidden)})


def flip_hidden(spec: Spec, state: State, rng: Rng) -> State:
    """Half of the hidden dimensions with their sign turned: the same function under RMSNorm only."""
    assert spec.architecture == "llama"
    signs = rng.choice(np.array([-1.0, 1.0], np.float32), spec.hidden)
    return {
        name: values if values.ndim == 1 else _scale(spec, name, values, {"hidden": signs})
        for name, values in state.items()
    }


def rescale(spec: Spec, state: State, rng: Rng) -> State:
    """Scales moved from norms into the projections they feed, between values and what follows them, between
    queries and keys, and in Llama between `up_proj` and `down_proj`."""
    moved = open_state(state)
    before, after = _NORMS.get(spec.architecture, ((), ()))
    for layer in range(spec.layers):
        for norm, fed in zip(before, after, strict=True):
            factors = np.exp(rng.normal(0, 0.4, spec.hidden)).astype(np.float32)
            _multiply(spec, moved, layer, norm, "hidden", factors)
            _multiply(spec, moved, layer, fed, "hidden", factors, inverse=True)
        values, out, query, key = _PARTS[spec.architecture]
        per_key = np.exp(rng.normal(0, 0.3, spec.kv_heads)).astype(np.float32)
        share = spec.heads // spec.kv_heads
        narrow = np.repeat(per_key, spec.head_size)
        wide = np.repeat(np.repeat(per_key, share), spec.head_size)
        _multiply(spec, moved, layer, (values,), "keys", narrow)
        _multiply(spec, moved, layer, (out,), "queries", wide, inverse=True)
        _multiply(spec, moved, layer, (query,), "queries", wide)
        _multiply(spec, moved, layer, (key,), "keys", narrow, inverse=True)
        if spec.architecture == "llama":
            each = np.exp(rng.normal(0, 0.4, spec.neurons)).astype(np.float32)
            _multiply(spec, moved, layer, ("up_proj.weight",), "neurons", each)
            _multiply(spec, moved, layer, ("down_proj.weight",), "neurons", each, inverse=True)
    return close_state(moved)


_NORMS: dict[str, tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]] = {
    "llama": (
        (("input_layernorm.weight",), ("post_attention_layernorm.weight",)),
        (("q_proj.weight", "k_proj.weight", "v_proj.weight"), ("gate_proj.weight", "up_proj.weight")),
    ),
    "gpt2": (
        (("ln_1.weight", "ln_1.bias"), ("ln_2.weight", "ln_2.bias")),
        (("c_attn.q.weight", "c_attn.k.weight", "c_attn.v.weight"), ("c_fc.weight",)),
    ),
}
_PARTS = {
    "llama": ("v_proj.weight", "o_proj.weight", "q_proj.weight", "k_proj.weight"),
    "gpt2": ("c_attn.v.", "attn.c_proj.weight", "c_attn.q.", "c_attn.k."),
    "bert": ("self.value.", "attention.output.dense.weight", "self.query.", "self.key."),
}


def _multiply(
    spec: Spec,
    state: State,
    layer: int,
    parts: Sequence[str],
    axis: str,
    factors: NDArray[np.float32],
    *,
    inverse: bool = False,
) -> None:
    """Multiply along `axis` of every tensor of `layer` whose name holds one of `parts`, in place."""
    factors = np.reciprocal(factors) if inverse else factors
    for name in state:
        place = split_layer(name)
        if place and place.number == layer and any(part in name for part in parts):
            labels = {f"{axis}.{layer}": factors, axis: factors}
            if axis == "keys":  # where every query has keys of its own, there is one label for both
                labels[f"queries.{layer}"] = factors
            state[name] = _scale(spec, name, state[name], labels)


def _scale(
    spec: Spec, name: str, values: NDArray[np.float32], factors: dict[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    for number, label in enumerate(label_axes(spec, name)):
        if label in factors:
            shape = [1] * values.ndim
            shape[number] = -1
            values = values * factors[label].reshape(shape)
    return values


def _reorder(spec: Spec, state: State, orders: dict[str, Order]) -> State:
    """The tensors with every axis that `orders` names taken in that order."""
    changed = open_state(state)
    for name in changed:
        for number, label in enumerate(label_axes(spec, name)):
            if label in orders:
                changed[name] = np.take(changed[name], orders[label], axis=number)
    return close_state(changed)


def _widen(heads: Order, size: int) -> Order:
    return (heads[:, None] * size + np.arange(size)).reshape(-1)


# -- cuts and additions --------------------------------------------------------------------------------


def prune_small(state: State, share: float) -> State:
    """The smallest `share` of every matrix inside of the layers set to zero."""
    pruned = dict(state)
    for name, values in state.items():
        if values.ndim == 2 and split_layer(name):
            limit = np.quantile(np.abs(values), share)
            pruned[name] = np.where(np.abs(values) <= limit, np.float32(0), values)
    return pruned


def prune_neurons(spec: Spec, state: State, keep: int) -> tuple[Spec, State]:
    """Every layer without its weakest neurons: narrower matrices, in the old order."""
    strength: dict[str, NDArray[np.float32]] = {}
    for name, values in state.items():
        for number, label in enumerate(label_axes(spec, name) if values.ndim == 2 else ()):
            if label.startswith("neurons"):
                square = np.sum(np.square(values), axis=1 - number)
                strength[label] = strength.get(label, np.zeros_like(square)) + square
    orders = {label: np.sort(np.argsort(-power)[:keep]) for label, power in strength.items()}
    return replace(spec, neurons=keep), _reorder(spec, state, orders)


def prune_heads(spec: Spec, state: State, keep: int) -> tuple[Spec, State]:
    """Every layer without its weakest heads (where every query has keys of its own)."""
    assert spec.kv_heads == spec.heads
    orders: dict[str, Order] = {}
    opened = open_state(state)
    out = _PARTS[spec.architecture][1]
    for name, values in opened.items():
        place = split_layer(name)
        if place and name.endswith(out):
            axis = 0 if spec.architecture == "gpt2" else 1
            power = np.square(values).sum(axis=1 - axis).reshape(spec.heads, -1).sum(axis=1)
            orders[f"queries.{place.number}"] = _widen(np.sort(np.argsort(-power)[:keep]), spec.head_size)
    return replace(spec, heads=keep, kv_heads=keep), _reorder(spec, state, orders)


def extend_vocabulary(spec: Spec, state: State, more: int, rng: Rng) -> tuple[Spec, State]:
    """`more` new tokens, their rows near the mean of the others."""
    longer = dict(state)
    for name, values in state.items():
        if "vocabulary" in label_axes(spec, name):
            mean, spread = values.mean(axis=0), values.std(axis=0)
            rows = mean + 0.1 * spread * rng.standard_normal((more, *values.shape[1:]))
            longer[name] = np.concatenate([values, rows.astype(np.float32)])
    return replace(spec, vocabulary=spec.vocabulary + more), longer


def choose_layers(spec: Spec, state: State, layers: Sequence[int]) -> tuple[Spec, State]:
    """The model of these layers, in this order; repeated ones are copies (arXiv 2312.15166)."""
    chosen: State = {}
    for name, values in state.items():
        place = split_layer(name)
        if place is None:
            chosen[name] = values
            continue
        for number, layer in enumerate(layers):
            if layer == place.number:
                chosen[f"{place.front}{number}{place.back}"] = values.copy()
    return replace(spec, layers=len(layers)), chosen


# -- mergers -------------------------------------------------------------------------------------------


def merge_linear(a: State, b: State, share: float) -> State:
    """(1 - share) A + share B."""
    return _merge(a, b, lambda x, y: (1 - share) * x + share * y)


def merge_spherical(a: State, b: State, share: float) -> State:
    """Every tensor on the arc between A's and B's (SLERP)."""

    def blend(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        cosine = np.clip(np.vdot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y) + 1e-12), -1, 1)
        angle = np.arccos(cosine)
        if angle < 1e-4:
            return np.asarray((1 - share) * x + share * y)
        return np.asarray((np.sin((1 - share) * angle) * x + np.sin(share * angle) * y) / np.sin(angle))

    return _merge(a, b, blend)


def merge_tasks(base: State, children: Sequence[State], weight: float) -> State:
    """The base plus the weighted sum of what every child learned (task arithmetic, arXiv 2212.04089)."""
    merged = {}
    for name, values in base.items():
        learned = sum((child[name] - values for child in children), np.zeros_like(values))
        merged[name] = (values + weight * learned).astype(np.float32)
    return merged


def merge_trimmed(base: State, children: Sequence[State], keep: float) -> State:
    """TIES (arXiv 2306.01708): the largest changes, the sign that prevails, the mean of what agrees."""
    merged = {}
    for name, values in base.items():
        changes = []
        for child in children:
            change = child[name] - values
            limit = np.quantile(np.abs(change), 1 - keep)
            changes.append(np.where(np.abs(change) >= limit, change, 0))
        stack = np.stack(changes)
        agreeing = np.where(np.sign(stack) == np.sign(stack.sum(axis=0)), stack, 0)
        mean = agreeing.sum(axis=0) / np.maximum((agreeing != 0).sum(axis=0), 1)
        merged[name] = (values + mean).astype(np.float32)
    return merged


def _merge(
    a: State, b: State, blend: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
) -> State:
    return {
        name: blend(values.astype(np.float64), b[name].astype(np.float64)).astype(np.float32)
        for name, values in a.items()
    }
