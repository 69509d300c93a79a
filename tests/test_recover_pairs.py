"""What two models alone show of their relation and of which came first, as `lake compare` says it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.weights_files import Array, draw, save_model
from tools.weights.difference import iter_differences
from tools.weights.direction import DirectionJudgement, judge_direction, repeats_layers
from tools.weights.opening import open_weights
from tools.weights.pairing import pair_tensors
from tools.weights.relation import judge_relation

State = dict[str, Array]
PARTS = {
    "mlp.gate_proj": (96, 48),
    "mlp.up_proj": (96, 48),
    "mlp.down_proj": (48, 96),
    "self_attn.q_proj": (48, 48),
}


def make_state(seed: int = 1, layers: int = 3) -> State:
    return {
        f"model.layers.{layer}.{part}.weight": draw(*shape, seed=seed * 100 + layer * 10 + at)
        for layer in range(layers)
        for at, (part, shape) in enumerate(PARTS.items())
    }


def train(state: State, seed: int, size: float = 0.2, decay: float = 0.0) -> State:
    """A step at right angles, of another size in every kind of matrix, after weights shrank alike."""
    sizes = {part: size * (0.5 + at) for at, part in enumerate(PARTS)}
    return {
        name: np.float32(1 - decay) * values
        + np.float32(next(by for part, by in sizes.items() if part in name))
        * draw(*values.shape, seed=seed * 1000 + at)
        for at, (name, values) in enumerate(state.items())
    }


def renumber(state: State, order: list[int]) -> State:
    return {
        name.replace(f"layers.{old}.", f"layers.{new}."): values
        for new, old in enumerate(order)
        for name, values in state.items()
        if f"layers.{old}." in name
    }


def judge(root: Path, first: State, second: State) -> tuple[str | None, DirectionJudgement]:
    with (
        open_weights(save_model(root / "first", first)) as a,
        open_weights(save_model(root / "second", second)) as b,
    ):
        pairing = pair_tensors(a.tensors, b.tensors)
        differences = list(iter_differences(a, b, pairing, full=True))
        relation = judge_relation(a, b, pairing, differences).relation
        return relation, judge_direction(a, b, pairing, differences, relation)


@pytest.mark.parametrize("size", [0.01, 0.2])
def test_training_makes_the_child(tmp_path: Path, size: float) -> None:
    parent = make_state()
    child = train(parent, 2, size)
    assert judge(tmp_path / "x", parent, child)[1].direction == "a_to_b"
    assert judge(tmp_path / "y", child, parent)[1].direction == "b_to_a"


def test_siblings_have_no_direction(tmp_path: Path) -> None:
    parent = make_state()
    found = judge(tmp_path, train(parent, 2), train(parent, 3))[1]
    assert (found.direction, found.confidence) == ("unknown", 0.0)


def test_strong_decay_turns_no_direction_round(tmp_path: Path) -> None:
    parent = make_state()
    child = train(parent, 2, decay=0.05)
    assert judge(tmp_path / "x", parent, child)[1].direction in ("a_to_b", "unknown")
    assert judge(tmp_path / "y", child, parent)[1].direction in ("b_to_a", "unknown")


def test_what_only_rounding_changed_casts_no_vote(tmp_path: Path) -> None:
    parent = make_state()
    child = {
        name: values + np.float32(0.3) * draw(48, 48, seed=at) if "q_proj" in name else values
        for at, (name, values) in enumerate(parent.items())
    }
    cast = {name: values.astype(np.float16) for name, values in child.items()}
    found = judge(tmp_path, parent, cast)[1]
    assert found.direction == "a_to_b"
    assert "100%" in found.reason


def test_repeated_layers_make_the_deeper_one_the_child(tmp_path: Path) -> None:
    parent = make_state()
    grown = train(renumber(parent, [0, 1, 1, 2]), 3, 0.05)
    relation, found = judge(tmp_path, grown, parent)
    assert (relation, found.direction) == ("depth-change", "b_to_a")
    assert found.confidence >= 0.85


def test_dropped_layers_make_the_shallower_one_the_child(tmp_path: Path) -> None:
    parent = make_state()
    relation, found = judge(tmp_path, parent, renumber(parent, [0, 2]))
    assert (relation, found.direction) == ("depth-change", "a_to_b")


def test_layers_trained_apart_are_no_copies(tmp_path: Path) -> None:
    with open_weights(save_model(tmp_path / "m", make_state())) as weights:
        assert not repeats_layers(weights)
