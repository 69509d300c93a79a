"""Layers that were dropped, repeated or moved up find their counterparts, also under a disguise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.test_weights_align import (
    LLAMA,
    Model,
    change,
    compare,
    make_llama,
    move_scales,
    permute_heads,
    permute_hidden,
    permute_neurons,
)
from tests.weights_files import draw, save_model
from tools.weights.align_layers import compare_neurons, find_path, match_layers
from tools.weights.hidden_axis import fit_hidden
from tools.weights.independence import scale_rows
from tools.weights.opening import open_weights
from tools.weights.pairing import pair_tensors


def make_deep(seed: int, layers: int = 4) -> Model:
    """A model of four layers: those of two of two layers, one after the other."""
    model = make_llama(seed)
    for name, values in make_llama(seed + 500).items():
        if ".layers." in name:
            number = int(name.split(".")[2])
            model[name.replace(f".{number}.", f".{number + 2}.", 1)] = values
    return choose(model, range(layers))


def choose(model: Model, layers: Sequence[int]) -> Model:
    chosen = {name: values for name, values in model.items() if ".layers." not in name}
    for number, layer in enumerate(layers):
        stem = f"model.layers.{layer}."
        chosen |= {
            name.replace(stem, f"model.layers.{number}.", 1): values.copy()
            for name, values in model.items()
            if name.startswith(stem)
        }
    return chosen


def disguise(model: Model) -> Model:
    moved = dict(model)
    rng = np.random.default_rng(4)
    for how in (permute_neurons, permute_heads, permute_hidden, move_scales):
        how(moved, rng)
    return moved


@pytest.mark.parametrize("is_disguised", [False, True], ids=["plain", "disguised"])
@pytest.mark.parametrize(
    ("layers", "of_b", "repeated"),
    [
        ((0, 1, 3), {0: 0, 1: 1, 2: 3}, {}),
        ((1, 2, 3), {0: 1, 1: 2, 2: 3}, {}),
        ((0, 1, 2, 1, 2, 3), {0: 0, 1: 1, 2: 2, 5: 3}, {3: 1, 4: 2}),
    ],
    ids=["dropped", "moved-up", "repeated"],
)
def test_layers_find_their_counterparts_and_the_relation_is_a_change_of_depth(
    tmp_path: Path,
    layers: tuple[int, ...],
    of_b: dict[int, int],
    repeated: dict[int, int],
    is_disguised: bool,
) -> None:
    base = make_deep(1)
    child = choose(base, layers)
    child = disguise(child) if is_disguised else child
    found = compare(tmp_path, base, child)
    assert (found.verdict, found.relation, found.direction) == ("related", "depth-change", "a_to_b")
    assert max(layer.relative_l2 or 0.0 for layer in found.layers) < 1e-5
    assert compare(tmp_path, child, base).direction == "b_to_a"

    save_model(tmp_path / "a", base, config=LLAMA)
    save_model(tmp_path / "b", child, config=LLAMA)
    with open_weights(tmp_path / "a") as a, open_weights(tmp_path / "b") as b:
        pairing = pair_tensors(a.tensors, b.tensors)
        hidden = fit_hidden(a, b, pairing, small=True)
        assert hidden is not None
        match = match_layers(a, b, pairing, hidden)
    assert {own[1]: other[1] for own, other in match.of_b.items()} == of_b
    assert {own[1]: other[1] for own, other in match.repeated.items()} == repeated
    assert {(pair.a, pair.b) for pair in match.pairing.pairs if pair.role.part == "up"} == {
        (f"model.layers.{other}.mlp.up_proj.weight", f"model.layers.{own}.mlp.up_proj.weight")
        for own, other in of_b.items()
    }
    unpaired = {int(name.split(".")[2]) for name in match.pairing.only_b if ".layers." in name}
    assert unpaired == set(repeated)


def test_repeated_layers_are_named_in_the_reasons(tmp_path: Path) -> None:
    base = make_deep(1)
    found = compare(tmp_path, base, choose(base, (0, 1, 2, 1, 2, 3)))
    assert any("3 (as 1), 4 (as 2)" in reason for reason in found.reasons)


def test_strangers_of_another_depth_share_no_layer_and_stay_strangers(tmp_path: Path) -> None:
    first, second = make_deep(1), choose(make_deep(2), (0, 1, 2))
    found = compare(tmp_path, first, second)
    assert (found.verdict, found.relation) == ("unrelated", None)
    assert not any("repeat" in reason for reason in found.reasons)


def test_embeddings_alone_make_no_relative(tmp_path: Path) -> None:
    first, second = make_deep(1), make_deep(2)
    second["model.embed_tokens.weight"] = first["model.embed_tokens.weight"]
    assert compare(tmp_path, first, second).verdict != "related"
    change(second, "embed_tokens.weight", lambda w: w[:, ::-1])
    assert compare(tmp_path, first, second).verdict != "related"


def test_likeness_of_layers_is_one_for_a_copy_and_none_for_strangers() -> None:
    neurons, others = scale_rows(draw(400, 96, seed=1)), scale_rows(draw(400, 96, seed=2))
    order = np.random.default_rng(0).permutation(400)
    copy, stranger = compare_neurons([neurons[:32], others[:32]], -neurons[order])
    assert copy == pytest.approx(1.0, abs=1e-5)
    assert abs(stranger) < 0.1


def test_a_path_is_monotone_and_leaves_out_what_is_not_alike() -> None:
    alike = np.array([[1.0, 0.0, 0.0], [0.1, 0.1, 0.2], [0.0, 0.9, 1.0]], np.float32)
    assert find_path(alike) == [(0, 0), (2, 2)]
    crossed = np.array([[0.0, 1.0], [0.9, 0.0]], np.float32)
    assert find_path(crossed) == [(0, 1)]
    assert find_path(np.zeros((3, 2), np.float32)) == []
