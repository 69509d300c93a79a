"""Copies whose neurons, heads, hidden dimensions or scales were moved are seen through; strangers are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.weights_files import Array, draw, save_model
from tools.weights.align import align_models, match_rows
from tools.weights.aligned import AlignedWeights, AxisMap, TensorMap
from tools.weights.compare import compare_weights
from tools.weights.comparison import WeightComparison
from tools.weights.neurons import check_layers, join_tests
from tools.weights.opening import open_weights
from tools.weights.pairing import pair_tensors

Model = dict[str, Array]
HIDDEN, INNER, HEADS, SHARED, SIZE, WORDS, LAYERS = 48, 96, 4, 2, 12, 400, 2
LLAMA = {"model_type": "llama", "hidden_size": HIDDEN, "num_attention_heads": HEADS,
         "num_key_value_heads": SHARED, "num_hidden_layers": LAYERS}  # fmt: skip
GPT2 = {"model_type": "gpt2", "n_embd": HIDDEN, "n_head": HEADS, "n_layer": LAYERS}


def make_llama(seed: int) -> Model:
    model = {"model.embed_tokens.weight": draw(WORDS, HIDDEN, seed=seed * 1000)}
    shapes = {
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (SHARED * SIZE, HIDDEN),
        "self_attn.v_proj": (SHARED * SIZE, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "mlp.gate_proj": (INNER, HIDDEN),
        "mlp.up_proj": (INNER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INNER),
    }
    for layer in range(LAYERS):
        for at, (part, shape) in enumerate(shapes.items()):
            model[f"model.layers.{layer}.{part}.weight"] = draw(
                *shape, seed=seed * 1000 + 20 * layer + at + 1
            )
        for norm in ("input_layernorm", "post_attention_layernorm"):
            model[f"model.layers.{layer}.{norm}.weight"] = 1 + 0.05 * draw(HIDDEN, seed=seed + layer)
    model["model.norm.weight"] = np.ones(HIDDEN, np.float32)
    return model


def change(model: Model, ending: str, how: Callable[[Array], Array]) -> None:
    for name in model:
        if name.endswith(ending):
            model[name] = np.ascontiguousarray(how(model[name]))


def permute_neurons(model: Model, rng: np.random.Generator) -> None:
    order = rng.permutation(INNER)
    for part in ("gate", "up"):
        change(model, f"{part}_proj.weight", lambda w: w[order])
    change(model, "down_proj.weight", lambda w: w[:, order])


def permute_heads(model: Model, rng: np.random.Generator) -> None:
    groups = rng.permutation(SHARED)
    while (groups == np.arange(SHARED)).all():
        groups = rng.permutation(SHARED)
    share = HEADS // SHARED
    heads = np.concatenate([group * share + rng.permutation(share) for group in groups])
    wide = (heads[:, None] * SIZE + np.arange(SIZE)).ravel()
    narrow = (groups[:, None] * SIZE + np.arange(SIZE)).ravel()
    change(model, "q_proj.weight", lambda w: w[wide])
    change(model, "o_proj.weight", lambda w: w[:, wide])
    for part in ("k", "v"):
        change(model, f"{part}_proj.weight", lambda w: w[narrow])


def permute_hidden(model: Model, rng: np.random.Generator) -> None:
    order, signs = rng.permutation(HIDDEN), rng.choice([-1.0, 1.0], HIDDEN).astype(np.float32)
    for part in ("embed_tokens", "q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"):
        change(model, f"{part}.weight", lambda w: w[:, order] * signs)
    for part in ("o_proj", "down_proj"):
        change(model, f"{part}.weight", lambda w: w[order] * signs[:, None])
    change(model, "norm.weight", lambda w: w[order])


def move_scales(model: Model, rng: np.random.Generator) -> None:
    norms = np.exp(rng.normal(0, 0.4, HIDDEN)).astype(np.float32)
    change(model, "input_layernorm.weight", lambda w: w * norms)
    for part in ("q", "k", "v"):
        change(model, f"{part}_proj.weight", lambda w: w / norms)
    neurons = np.exp(rng.normal(0, 0.4, INNER)).astype(np.float32)
    change(model, "up_proj.weight", lambda w: w * neurons[:, None])
    change(model, "down_proj.weight", lambda w: w / neurons)
    heads = np.exp(rng.normal(0, 0.4, SHARED)).astype(np.float32)
    narrow, wide = np.repeat(heads, SIZE), np.repeat(np.repeat(heads, HEADS // SHARED), SIZE)
    change(model, "v_proj.weight", lambda w: w * narrow[:, None])
    change(model, "o_proj.weight", lambda w: w / wide)
    change(model, "q_proj.weight", lambda w: w * wide[:, None])
    change(model, "k_proj.weight", lambda w: w / narrow[:, None])


Disguise = Callable[[Model, np.random.Generator], None]
DISGUISES: dict[str, tuple[Disguise, ...]] = {
    "neurons": (permute_neurons,),
    "heads": (permute_heads,),
    "hidden": (permute_hidden,),
    "scales": (move_scales,),
    "all": (permute_neurons, permute_heads, permute_hidden, move_scales),
}


def compare(folder: Path, first: Model, second: Model, config: dict[str, Any] = LLAMA) -> WeightComparison:
    save_model(folder / "a", first, config=config)
    save_model(folder / "b", second, config=config)
    with open_weights(folder / "a") as a, open_weights(folder / "b") as b:
        return compare_weights(a, b)


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguised_copy_is_a_duplicate(tmp_path: Path, name: str) -> None:
    base = make_llama(1)
    copy = dict(base)
    for disguise in DISGUISES[name]:
        disguise(copy, np.random.default_rng(5))
    found = compare(tmp_path, base, copy)
    assert (found.verdict, found.relation, found.direction) == ("related", "duplicate", "none")
    assert found.aligned
    assert found.log10_p is not None
    assert found.log10_p < -100
    assert max(layer.relative_l2 or 0.0 for layer in found.layers) < 1e-5


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguised_child_is_a_child(tmp_path: Path, name: str) -> None:
    base = make_llama(1)
    child = {part: values + 0.1 * draw(*values.shape, seed=77) for part, values in base.items()}
    for disguise in DISGUISES[name]:
        disguise(child, np.random.default_rng(5))
    found = compare(tmp_path, base, child)
    assert (found.verdict, found.relation) == ("related", "finetune")
    assert found.direction == "a_to_b"
    distances = sorted(layer.relative_l2 or 0.0 for layer in found.layers)
    assert distances[len(distances) // 2] == pytest.approx(0.1, abs=0.03)


def test_gpt2_is_seen_through_with_its_fused_and_turned_projections(tmp_path: Path) -> None:
    base = {"wte.weight": draw(WORDS, HIDDEN, seed=1), "wpe.weight": draw(64, HIDDEN, seed=2)}
    for layer in range(LAYERS):
        stem = f"h.{layer}"
        base[f"{stem}.attn.c_attn.weight"] = draw(HIDDEN, 3 * HIDDEN, seed=10 * layer + 3)
        base[f"{stem}.attn.c_attn.bias"] = draw(3 * HIDDEN, seed=10 * layer + 4)
        base[f"{stem}.attn.c_proj.weight"] = draw(HIDDEN, HIDDEN, seed=10 * layer + 5)
        base[f"{stem}.mlp.c_fc.weight"] = draw(HIDDEN, INNER, seed=10 * layer + 6)
        base[f"{stem}.mlp.c_fc.bias"] = draw(INNER, seed=10 * layer + 7)
        base[f"{stem}.mlp.c_proj.weight"] = draw(INNER, HIDDEN, seed=10 * layer + 8)
        base[f"{stem}.ln_1.weight"] = 1 + 0.1 * draw(HIDDEN, seed=10 * layer + 9)
    rng = np.random.default_rng(3)
    neurons, hidden = rng.permutation(INNER), rng.permutation(HIDDEN)
    heads = (np.array([2, 0, 3, 1])[:, None] * SIZE + np.arange(SIZE)).ravel()
    fused = np.concatenate([heads + third * HIDDEN for third in range(3)])
    copy = dict(base)
    for ending in ("wte.weight", "wpe.weight"):
        change(copy, ending, lambda w: w[:, hidden])
    change(copy, "c_attn.weight", lambda w: w[hidden][:, fused])
    change(copy, "c_attn.bias", lambda w: w[fused])
    change(copy, "attn.c_proj.weight", lambda w: w[heads][:, hidden])
    change(copy, "c_fc.weight", lambda w: w[hidden][:, neurons])
    change(copy, "c_fc.bias", lambda w: w[neurons])
    change(copy, "mlp.c_proj.weight", lambda w: w[neurons][:, hidden])
    change(copy, "ln_1.weight", lambda w: w[hidden])
    found = compare(tmp_path, base, copy, GPT2)
    assert (found.verdict, found.relation) == ("related", "duplicate")
    assert max(layer.relative_l2 or 0.0 for layer in found.layers) < 1e-5


def test_strangers_stay_strangers_and_are_told_so(tmp_path: Path) -> None:
    logs = []
    for seed in range(2, 14):
        save_model(tmp_path / "a", make_llama(1), config=LLAMA)
        save_model(tmp_path / "b", make_llama(seed), config=LLAMA)
        with open_weights(tmp_path / "a") as a, open_weights(tmp_path / "b") as b:
            pairing = pair_tensors(a.tensors, b.tensors)
            alignment = align_models(a, b, pairing, small=True)
            assert alignment is not None
            logs.append(join_tests(list(check_layers(a, alignment.weights, pairing))))
    assert min(logs) > np.log(1e-4)
    found = compare(tmp_path, make_llama(1), make_llama(2))
    assert (found.verdict, found.relation, found.aligned) == ("unrelated", None, False)
    assert any("no copy in another order either" in reason for reason in found.reasons)


def test_models_without_embeddings_cannot_be_aligned_and_it_is_said(tmp_path: Path) -> None:
    first, second = make_llama(1), make_llama(2)
    for model in (first, second):
        del model["model.embed_tokens.weight"]
    found = compare(tmp_path, first, second)
    assert found.verdict == "unrelated"
    assert any("cannot be excluded" in reason for reason in found.reasons)


def test_the_view_reads_rows_and_blocks_alike(tmp_path: Path) -> None:
    values = draw(10, 6)
    save_model(tmp_path, {"m.weight": values})
    rows = AxisMap(np.random.default_rng(0).permutation(8), np.full(8, 2.0, np.float32))
    columns = AxisMap(np.array([5, 4, 3, 2, 1, 0]), np.array([1, -1, 1, -1, 1, -1], np.float32))
    with open_weights(tmp_path) as weights:
        view = AlignedWeights(weights, {"m.weight": TensorMap(rows, columns)})
        whole = np.concatenate(list(view.blocks("m.weight", 50)))
        assert (view.rows("m.weight", slice(None)) == whole).all()
        assert (view.rows("m.weight", [7, 0, 9]) == whole[[7, 0, 9]]).all()
    expected = 2 * values[np.concatenate([rows.order, [8, 9]])][:, columns.order] * columns.factors
    assert whole == pytest.approx(expected)


def test_rows_find_their_like_whatever_their_sign_and_each_is_taken_once() -> None:
    x = draw(300, 40)
    order = np.random.default_rng(1).permutation(300)
    y = np.empty_like(x)
    y[order] = -3 * x
    assert (match_rows(x, y) == order).all()
    twice = match_rows(np.repeat(x[:5], 2, axis=0), np.repeat(x[:5], 2, axis=0))
    assert sorted(twice.tolist()) == list(range(10))
