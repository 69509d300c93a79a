"""BERT in an order of its own; scales that were rounded; and what no aligned look can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.test_weights_align import (
    HEADS,
    HIDDEN,
    INNER,
    SIZE,
    WORDS,
    Model,
    change,
    compare,
    make_llama,
    move_scales,
    permute_hidden,
    permute_neurons,
)
from tests.weights_files import Array, draw
from tools.weights import align, sampling

BERT = {"model_type": "bert", "hidden_size": HIDDEN, "num_attention_heads": HEADS, "num_hidden_layers": 2}


def make_bert(seed: int) -> Model:
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    model: Model = {}
    for part, rows in (("word", WORDS), ("position", 64), ("token_type", 2)):
        model[f"bert.embeddings.{part}_embeddings.weight"] = some(rows, HIDDEN)
    model["bert.embeddings.LayerNorm.weight"] = 1 + 0.1 * some(HIDDEN)
    model["bert.embeddings.LayerNorm.bias"] = some(HIDDEN)
    for layer in range(2):
        stem = f"bert.encoder.layer.{layer}"
        shapes = {
            "attention.self.query": (HIDDEN, HIDDEN),
            "attention.self.key": (HIDDEN, HIDDEN),
            "attention.self.value": (HIDDEN, HIDDEN),
            "attention.output.dense": (HIDDEN, HIDDEN),
            "intermediate.dense": (INNER, HIDDEN),
            "output.dense": (HIDDEN, INNER),
        }
        for part, shape in shapes.items():
            model[f"{stem}.{part}.weight"] = some(*shape)
            model[f"{stem}.{part}.bias"] = some(shape[0])
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            model[f"{stem}.{part}.weight"] = 1 + 0.1 * some(HIDDEN)
            model[f"{stem}.{part}.bias"] = some(HIDDEN)
    model["bert.pooler.dense.weight"], model["bert.pooler.dense.bias"] = some(HIDDEN, HIDDEN), some(HIDDEN)
    model["cls.predictions.transform.dense.weight"] = some(HIDDEN, HIDDEN)
    model["cls.predictions.transform.dense.bias"] = some(HIDDEN)
    model["cls.predictions.transform.LayerNorm.weight"] = some(HIDDEN)
    model["cls.predictions.bias"] = some(WORDS)
    return model


def disguise_bert(model: Model) -> Model:
    """The same function: hidden dimensions, heads and neurons in another order."""
    rng = np.random.default_rng(8)
    hidden, neurons = rng.permutation(HIDDEN), rng.permutation(INNER)
    heads = (np.array([3, 1, 0, 2])[:HEADS, None] * SIZE + np.arange(SIZE)).ravel()
    copy = dict(model)
    for part in ("query", "key", "value"):
        change(copy, f"self.{part}.weight", lambda w: w[heads][:, hidden])
        change(copy, f"self.{part}.bias", lambda w: w[heads])
    change(copy, "attention.output.dense.weight", lambda w: w[hidden][:, heads])
    change(copy, "intermediate.dense.weight", lambda w: w[neurons][:, hidden])
    change(copy, "intermediate.dense.bias", lambda w: w[neurons])
    for name in copy:
        if name.endswith("output.dense.weight") and "attention" not in name:
            copy[name] = np.ascontiguousarray(copy[name][hidden][:, neurons])
    change(copy, "output.dense.bias", lambda w: w[hidden])
    change(copy, "LayerNorm.weight", lambda w: w[hidden])
    change(copy, "LayerNorm.bias", lambda w: w[hidden])
    change(copy, "embeddings.weight", lambda w: w[:, hidden])
    change(copy, "pooler.dense.weight", lambda w: w[:, hidden])
    change(copy, "transform.dense.weight", lambda w: w[hidden][:, hidden])
    change(copy, "transform.dense.bias", lambda w: w[hidden])
    return copy


def test_bert_is_seen_through_in_every_tensor(tmp_path: Path) -> None:
    base = make_bert(1)
    found = compare(tmp_path, base, disguise_bert(base), BERT)
    assert (found.verdict, found.relation, found.direction) == ("related", "duplicate", "none")
    assert {layer.name: layer.relative_l2 for layer in found.layers if layer.relative_l2} == {}
    assert len(found.layers) == len(base)


def test_two_seeds_of_bert_are_strangers(tmp_path: Path) -> None:
    assert compare(tmp_path, make_bert(1), make_bert(2), BERT).verdict == "unrelated"


@pytest.mark.parametrize("is_child", [False, True], ids=["copy", "child"])
def test_scales_that_were_rounded_to_half_precision_make_no_child(tmp_path: Path, is_child: bool) -> None:
    base = {name: values.astype(np.float16) for name, values in make_llama(1).items()}
    other: Model = {name: values.astype(np.float32) for name, values in base.items()}
    if is_child:
        other = {name: values + 0.05 * draw(*values.shape, seed=3) for name, values in other.items()}
    for how in (permute_hidden, permute_neurons, move_scales):
        how(other, np.random.default_rng(2))
    found = compare(tmp_path, base, {name: values.astype(np.float16) for name, values in other.items()})
    assert (found.verdict, found.relation) == ("related", "finetune" if is_child else "duplicate")


def test_what_would_read_too_much_is_left_open_and_names_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SMALL_BYTES", 0)
    monkeypatch.setattr(align, "_READ_ANYWAY", 0)
    base = make_llama(1)
    copy = dict(base)
    permute_neurons(copy, np.random.default_rng(1))
    found = compare(tmp_path, base, copy)
    assert (found.verdict, found.relation) == ("incomparable", None)
    assert "--full" in found.reasons[0]


def test_shared_embeddings_without_a_shared_layer_are_told_apart_from_strangers(tmp_path: Path) -> None:
    first, second = make_llama(1), make_llama(2)
    second["model.embed_tokens.weight"] = first["model.embed_tokens.weight"][:, ::-1].copy()
    found = compare(tmp_path, first, second)
    assert (found.verdict, found.relation, found.direction) == ("incomparable", None, "unknown")
    assert "embeddings have a common origin" in found.reasons[0]
