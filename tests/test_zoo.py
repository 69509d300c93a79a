"""The zoo that lineage is measured on: models are trained, disguises change no function, the truth fits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.zoo.truth import read_truth
from tools.weights.opening import open_weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed (make zoo)"),
]
_SAMPLE = Path(__file__).parent.parent / "tools" / "data" / "sample" / "models" / "example-lab"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from eval.zoo.making import make_zoo

    root = tmp_path_factory.mktemp("zoo")
    make_zoo(root, "small", 0, lambda _: None)
    return root


def _tiny(architecture: str, **sizes: Any) -> Any:
    from eval.zoo.networks import Spec

    shape = {"vocabulary": 64, "hidden": 24, "layers": 2, "heads": 4, "kv_heads": 4, "head_size": 6}
    return Spec(architecture, **{**shape, "neurons": 40, "positions": 16, **sizes})  # type: ignore[arg-type]


_NETWORKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("llama", {"kv_heads": 2}),
    ("gpt2", {}),
    ("bert", {}),
    ("bert", {"head": "classes"}),
)
_DISGUISES = ("permute_neurons", "permute_heads", "permute_hidden", "rescale")


@pytest.mark.parametrize(
    ("architecture", "sizes", "name"),
    # LayerNorm takes the mean, which signs change; RMSNorm does not.
    [(*network, name) for network in _NETWORKS for name in _DISGUISES]
    + [("llama", {"kv_heads": 2}, "flip_hidden")],
)
def test_a_disguise_moves_weights_and_leaves_the_function(
    architecture: str, sizes: dict[str, Any], name: str
) -> None:
    import torch

    from eval.zoo import changes
    from eval.zoo.training import Course, load_network, train_network

    spec = _tiny(architecture, **sizes)
    state = train_network(spec, Course(3, length=12)).state
    hidden = getattr(changes, name)(spec, state, np.random.default_rng(1))
    ids = torch.arange(18).reshape(2, 9) + 5
    with torch.no_grad():
        before, after = (load_network(spec, values)(ids).numpy() for values in (state, hidden))
    assert hidden.keys() == state.keys()
    assert max(np.abs(hidden[key] - state[key]).max() for key in state) > 0.01
    np.testing.assert_allclose(after, before, atol=2e-5)


def test_what_is_cut_or_added_still_runs() -> None:
    import torch

    from eval.zoo import changes
    from eval.zoo.networks import build_network
    from eval.zoo.training import load_network, read_state

    spec = _tiny("gpt2")
    torch.manual_seed(0)
    state = read_state(build_network(spec))
    rng = np.random.default_rng(0)
    ids = torch.arange(9)[None] + 5
    for smaller, tensors in (
        changes.prune_neurons(spec, state, 30),
        changes.prune_heads(spec, state, 3),
        changes.choose_layers(spec, state, (1,)),
        changes.choose_layers(spec, state, (0, 1, 0, 1)),
        changes.extend_vocabulary(spec, state, 7, rng),
    ):
        assert load_network(smaller, tensors)(ids).shape == (1, 9, smaller.vocabulary)
    zeros = changes.prune_small(state, 0.4)["transformer.h.0.mlp.c_fc.weight"] == 0
    assert zeros.mean() == pytest.approx(0.4, abs=0.01)


def test_every_root_was_trained_and_has_no_kin_among_the_others(zoo: Path) -> None:
    truth = read_truth(zoo)
    children = {edge["child"] for edge in truth["edges"]}
    roots = [name for name in truth["models"] if name not in children]
    assert len(roots) == len(truth["families"]) == 5
    for name in roots:
        first, last = truth["models"][name]["loss"]
        assert last < 0.95 * first, name
    ids = {model["key"]: name for name, model in truth["models"].items()}
    key = "model.layers.0.mlp.up_proj.weight"
    values = {}
    for model in ("llama-a", "llama-b", "student", "llama-a+finetune"):
        with open_weights(str(zoo / ids[model])) as weights:
            values[model] = weights.rows(key, slice(None)).ravel()
    cosines = {model: float(np.corrcoef(values["llama-a"], rest)[0, 1]) for model, rest in values.items()}
    assert cosines["llama-a+finetune"] > 0.9
    assert max(abs(cosines["llama-b"]), abs(cosines["student"])) < 0.1


def test_names_dates_and_files_give_nothing_away(zoo: Path) -> None:
    truth = read_truth(zoo)
    assert len({path.stat().st_mtime for path in zoo.glob("*/*")}) == 1
    for name, model in truth["models"].items():
        assert not set(name.split("-")) & set(model["key"].split("-"))
        with open_weights(str(zoo / name)) as weights:
            assert weights.tensors
            assert not weights.problems
    kinds = {row["kind"] for row in truth["declared"]}
    assert kinds == {"true", "false", "grandparent", "reversed"}
    cards = [json.dumps((zoo / name / "README.md").read_text("utf-8")) for name in truth["models"]]
    assert sum("base_model" in card for card in cards) == len({row["child"] for row in truth["declared"]})


def test_the_sample_weights_are_what_the_script_trains() -> None:
    """Other processors round otherwise, and training carries that on, so near is enough."""
    from eval.zoo.families import Zoo
    from eval.zoo.sample import found_family

    zoo = Zoo(4, lambda _: None)
    state = zoo.animals[found_family(zoo)].state
    with open_weights(str(_SAMPLE / "brook-base")) as weights:
        assert weights.tensors.keys() == state.keys()
        for name in state:
            stored = weights.rows(name, slice(None))
            assert np.linalg.norm(stored - state[name]) < 0.05 * np.linalg.norm(stored), name
