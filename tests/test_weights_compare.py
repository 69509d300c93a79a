"""Two models held against each other: the verdict, the distances, and the words for them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.weights_files import Array, draw, read_all, save_model
from tools.sources.place import find_folder
from tools.weights.compare import compare_weights
from tools.weights.comparison import WeightComparison
from tools.weights.opening import open_weights
from tools.weights.pairing import pair_tensors
from tools.weights.roles import read_role

LAYER = "model.layers.{}.mlp.{}_proj.weight"


def make_model(seed: int, *, layers: int = 2, hidden: int = 32, inner: int = 48) -> dict[str, Array]:
    tensors = {"model.embed_tokens.weight": draw(60, hidden, seed=seed), "model.norm.weight": draw(hidden)}
    for layer in range(layers):
        for at, part in enumerate(("gate", "up")):
            tensors[LAYER.format(layer, part)] = draw(inner, hidden, seed=100 * seed + 10 * layer + at + 1)
        tensors[LAYER.format(layer, "down")] = draw(hidden, inner, seed=100 * seed + 10 * layer + 3)
    return tensors


def compare(
    tmp_path: Path, first: dict[str, Array], second: dict[str, Array], *, full: bool = False
) -> WeightComparison:
    save_model(tmp_path / "a", first)
    save_model(tmp_path / "b", second)
    with open_weights(tmp_path / "a") as a, open_weights(tmp_path / "b") as b:
        return compare_weights(a, b, full=full)


def test_a_changed_copy_is_related_and_its_distances_are_exact(tmp_path: Path) -> None:
    base = make_model(1)
    tuned = {name: values + 0.1 * draw(*values.shape, seed=9) for name, values in base.items()}

    found = compare(tmp_path, base, tuned)

    assert found.verdict == "related"
    assert found.log10_p is not None
    assert found.log10_p < -50
    assert len(found.layers) == len(base)
    for layer in found.layers:
        x, y = base[layer.name].ravel(), tuned[layer.name].ravel()
        assert layer.relative_l2 == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x), rel=1e-5)
        assert layer.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), rel=1e-5)


def test_two_seeds_of_one_architecture_are_unrelated(tmp_path: Path) -> None:
    found = compare(tmp_path, make_model(1), make_model(2))

    assert (found.verdict, found.relation) == ("unrelated", None)
    assert "no sign of a common origin" in found.reasons[0]


def test_a_copy_is_identical_without_direction(tmp_path: Path) -> None:
    found = compare(tmp_path, make_model(1), make_model(1))

    assert (found.verdict, found.relation, found.direction) == ("identical", "duplicate", "none")


def test_copies_that_differ_in_dtype_or_in_one_value_are_not_identical(tmp_path: Path) -> None:
    base = make_model(1)
    half = {name: values.astype(np.float16) for name, values in base.items()}
    assert compare(tmp_path / "dtype", base, half).verdict == "related"
    changed = {name: values.copy() for name, values in base.items()}
    changed["model.norm.weight"][3] += 1
    assert compare(tmp_path / "value", base, changed).verdict == "related"


def test_a_difference_of_rank_two_is_seen_as_such(tmp_path: Path) -> None:
    base = make_model(1)
    tuned = dict(base)
    name = LAYER.format(0, "up")
    tuned[name] = base[name] + draw(48, 2, seed=7) @ draw(2, 32, seed=8)

    ranks = {layer.name: layer.delta_rank for layer in compare(tmp_path, base, tuned).layers}

    assert ranks[name] == 2
    assert ranks[LAYER.format(1, "up")] == 0


def test_rows_that_both_have_are_compared_where_one_vocabulary_is_longer(tmp_path: Path) -> None:
    base = make_model(1)
    longer = dict(base)
    name = "model.embed_tokens.weight"
    longer[name] = np.concatenate([base[name], draw(5, 32, seed=4)])

    found = compare(tmp_path, base, longer)

    layer = next(layer for layer in found.layers if layer.name == name)
    assert (layer.relative_l2, layer.of_rows) == (0.0, 60)
    assert found.verdict == "related"


def test_heads_and_prefixes_do_not_hinder(tmp_path: Path) -> None:
    base = make_model(1)
    bare = {name.removeprefix("model."): values + 0.01 for name, values in base.items()}
    bare["score.weight"] = draw(2, 32, seed=5)

    found = compare(tmp_path, base, bare)

    assert found.verdict == "related"
    assert {layer.other for layer in found.layers} == set(bare) - {"score.weight"}


def test_what_is_no_number_or_nothing_is_named_and_the_rest_compared(tmp_path: Path) -> None:
    base = make_model(1) | {"empty": np.zeros((0, 4), np.float32), "scalar": np.array(3, np.float32)}
    other = {name: np.asarray(values + np.float32(0.01)) for name, values in base.items()}
    other["model.norm.weight"] = np.full(32, np.nan, np.float32)
    other[LAYER.format(0, "down")] = np.full((32, 48), np.inf, np.float32)
    other[LAYER.format(0, "up")] = np.zeros((48, 32), np.float32)

    found = compare(tmp_path, base, other)

    assert found.verdict == "related"
    layers = {layer.name: layer for layer in found.layers}
    assert layers["model.norm.weight"].relative_l2 is None
    assert layers[LAYER.format(0, "up")].cosine is None
    assert layers[LAYER.format(0, "up")].relative_l2 == 1.0
    assert layers["scalar"].relative_l2 == pytest.approx(0.01 / 3, rel=1e-4)
    assert any("NaN" in problem and "'model.norm.weight'" in problem for problem in found.problems)
    json.dumps([layer.cosine for layer in found.layers], allow_nan=False)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"conv.kernel": draw(16, 16)}, "nothing in common"),
        ({LAYER.format(0, "up"): draw(20, 7)}, "different shapes"),
        ({"model.norm.weight": draw(32)}, "no layer whose neurons could be matched"),
        ({name: values * 0 for name, values in make_model(1).items()}, "no layer whose neurons"),
    ],
)
def test_what_cannot_be_compared_is_said_so(tmp_path: Path, second: dict[str, Array], words: str) -> None:
    found = compare(tmp_path, make_model(1), second)

    assert (found.verdict, found.p_value) == ("incomparable", None)
    assert words in found.reasons[0]


def test_a_first_look_reads_little_and_its_facts_name_the_rows_they_stand_on(tmp_path: Path) -> None:
    base = make_model(1, layers=2, hidden=1024, inner=4096)
    tuned = {name: values + 0.1 * draw(*values.shape, seed=9) for name, values in base.items()}

    found = compare(tmp_path, base, tuned)

    assert found.verdict == "related"
    assert found.bytes_read < 0.06 * found.bytes_total  # two layers only: the test's share is large
    fact = found.facts[0]
    file, _, rest = fact.locator.partition("#")
    name, _, spans = rest.rstrip("]").partition("[")
    rows = [
        row
        for span in spans.split(",")
        for row in range(int(span.split("-")[0]), int(span.split("-")[-1]) + 1)
    ]
    assert file == "model.safetensors"
    assert fact.sha256 == hashlib.sha256(base[name][rows].tobytes()).hexdigest()


def test_a_full_comparison_of_what_is_large_agrees_with_numpy(tmp_path: Path) -> None:
    name = LAYER.format(0, "up")
    base = make_model(1, layers=1, hidden=1024, inner=9000)
    tuned = {key: values + 0.1 * draw(*values.shape, seed=9) for key, values in base.items()}

    found = compare(tmp_path, base, tuned, full=True)

    layer = next(layer for layer in found.layers if layer.name == name)
    expected = np.linalg.norm(tuned[name] - base[name]) / np.linalg.norm(base[name])
    assert (layer.rows, layer.of_rows) == (9000, 9000)
    assert layer.relative_l2 == pytest.approx(expected, rel=1e-5)
    assert found.bytes_read > 0.99 * found.bytes_total


def test_blocks_that_are_overwritten_hold_what_blocks_hold(tmp_path: Path) -> None:
    save_model(tmp_path / "a", {"x": draw(50, 30)})
    with open_weights(tmp_path / "a") as weights:
        kept = np.concatenate([block.copy() for block in weights.stream("x", 30 * 4 * 7)])
        assert np.array_equal(kept, read_all(weights, "x"))


def test_an_adapter_fits_or_does_not_and_proves_nothing(tmp_path: Path) -> None:
    with (
        open_weights(find_folder("sample:example-lab/brook-base")) as base,
        open_weights(find_folder("sample:example-lab/brook-letters-lora")) as adapter,
        open_weights(find_folder("sample:example-lab/fern-base")) as other,
    ):
        fits, misfits = compare_weights(base, adapter), compare_weights(adapter, other)
        again = compare_weights(adapter, adapter)

    assert (fits.verdict, fits.relation, fits.direction) == ("incomparable", "adapter", "a_to_b")
    assert "do not tell" in fits.reasons[0]
    assert (misfits.verdict, misfits.relation) == ("incomparable", None)
    assert "does not fit" in misfits.reasons[0]
    assert again.verdict == "identical"


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("brook-base", "brook-chat", "related"),
        ("brook-base-int8", "brook-base", "related"),
        ("brook-base", "brook-chat-sparse", "related"),
        ("brook-base", "quiet-mill", "related"),
        ("delta-notes", "brook-base", "related"),
        ("delta-notes", "delta-base", "unrelated"),
        ("brook-base", "delta-base", "unrelated"),
    ],
)
def test_trained_models_of_the_sample(first: str, second: str, verdict: str) -> None:
    with (
        open_weights(find_folder(f"sample:example-lab/{first}")) as a,
        open_weights(find_folder(f"sample:example-lab/{second}")) as b,
    ):
        found = compare_weights(a, b)

    assert found.verdict == verdict
    assert (found.log10_p or 0.0) < -100 if verdict == "related" else (found.log10_p or 0.0) > -3


@pytest.mark.parametrize(
    ("name", "part", "layer"),
    [
        ("model.layers.3.mlp.up_proj.weight", "up", 3),
        ("blk.3.ffn_up.weight", "up", 3),
        ("transformer.h.0.mlp.c_fc.weight", "up", 0),
        ("bert.encoder.layer.7.intermediate.dense.weight", "up", 7),
        ("distilbert.transformer.layer.1.ffn.lin1.weight", "up", 1),
        ("gpt_neox.layers.2.mlp.dense_4h_to_h.weight", "down", 2),
        ("decoder.block.1.layer.0.SelfAttention.q.weight", "q", 1),
        ("encoder.layer.2.attention.output.dense.weight", "o", 2),
        ("h.5.attn.c_attn.weight", "qkv", 5),
        ("token_embd.weight", "embed", None),
        ("lm_head.weight", "head", None),
    ],
)
def test_roles_are_the_same_under_every_convention(name: str, part: str, layer: int | None) -> None:
    role = read_role(name)
    assert (role.part, role.layer) == (part, layer)


def test_unknown_names_pair_only_with_their_like(tmp_path: Path) -> None:
    save_model(tmp_path / "a", {"alpha": draw(3, 3), "beta": draw(3, 3)})
    save_model(tmp_path / "b", {"alpha": draw(3, 3), "gamma": draw(3, 3)})
    with open_weights(tmp_path / "a") as a, open_weights(tmp_path / "b") as b:
        pairing = pair_tensors(a.tensors, b.tensors)

    assert [(pair.a, pair.b) for pair in pairing.pairs] == [("alpha", "alpha")]
    assert (pairing.only_a, pairing.only_b) == (("beta",), ("gamma",))
