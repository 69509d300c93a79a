"""The parts of a recovery on made-up weights: sketches, groups, trees, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.recover_growth import measure_growth
from tests.weights_files import Array, draw, save_model
from tools.catalog.sqlite import SqliteCatalog
from tools.weights.opening import open_weights
from tools.weights.recovering import confirming, memory
from tools.weights.recovering.fingerprints import (
    DIMENSION,
    pack_fingerprint,
    read_fingerprint,
    unpack_fingerprint,
)
from tools.weights.recovering.geometry import Geometry
from tools.weights.recovering.merging import find_mixtures, find_trimmed
from tools.weights.recovering.recover import LakeModel, recover
from tools.weights.recovering.similar import find_similar_by_weights, open_fingerprint_index
from tools.weights.recovering.sketches import Patch, Sketch, choose_indices, overlap

State = dict[str, Array]
PLACES = [f"model.layers.{layer}.mlp.{part}_proj.weight" for layer in range(2) for part in ("gate", "up")]


def make_state(seed: int) -> State:
    state = {name: draw(96, 48, seed=seed * 100 + at) for at, name in enumerate(PLACES)}
    return state | {"model.embed_tokens.weight": draw(200, 48, seed=seed * 100 + 50)}


def step(state: State, seed: int, size: float = 0.2) -> State:
    return {
        name: values + np.float32(size) * draw(*values.shape, seed=seed * 1000 + at)
        for at, (name, values) in enumerate(state.items())
    }


def save(place: Path, /, **states: State) -> list[LakeModel]:
    return [LakeModel(name, save_model(place / name, state)) for name, state in states.items()]


def sketch(root: Path, *states: State) -> list[Sketch]:
    models = save(root, **{f"m{at}": state for at, state in enumerate(states)})
    found: list[Sketch] = []
    for model in models:
        with open_weights(model.place) as weights:
            found.append(read_fingerprint(weights).sketch)
    return found


def test_a_longer_axis_keeps_most_of_a_shorter_ones_indices() -> None:
    short, long = choose_indices("embed", 1000, 90), choose_indices("embed", 1024, 90)
    assert len(short) == len(long) == 90
    assert len(np.intersect1d(short, long)) >= 80


def test_patches_of_different_lengths_overlap_where_both_were_read() -> None:
    table = draw(1024, 32)
    first, second = (choose_indices("embed", count, 90) for count in (1000, 1024))
    columns = np.arange(32)
    x, y = overlap(
        Patch((1000, 32), first, columns, table[first]), Patch((1024, 32), second, columns, table[second])
    )
    assert len(x) >= 80
    assert np.array_equal(x, y)


def test_a_fingerprint_survives_packing_and_sees_through_a_hidden_order(tmp_path: Path) -> None:
    state = make_state(1)
    order = np.random.default_rng(0).permutation(48)
    hidden = {name: np.ascontiguousarray(values[:, order]) for name, values in state.items()}
    prints = []
    for model in save(tmp_path, plain=state, hidden=hidden, other=make_state(2)):
        with open_weights(model.place) as weights:
            prints.append(unpack_fingerprint(pack_fingerprint(read_fingerprint(weights))))
    plain, moved, other = prints
    assert plain.tokens.shape == (DIMENSION,)
    assert float(plain.tokens @ moved.tokens) > 0.99
    assert abs(float(plain.tokens @ other.tokens)) < 0.3
    assert abs(float(plain.folded @ moved.folded)) < 0.3


def test_ways_and_growth(tmp_path: Path) -> None:
    root = make_state(1)
    child = step(root, 2)
    grandchild = step(child, 3)
    sibling = step(root, 4)
    geometry = Geometry(sketch(tmp_path, root, child, grandchild, sibling))
    assert geometry.is_between(0, 1, 2)
    assert not geometry.is_between(0, 1, 3)
    assert not geometry.is_between(0, 3, 2)
    assert geometry.growth(0, 1)[0] > 0.5
    assert geometry.growth(2, 1)[0] < -0.5
    expected = geometry.distance[0, 1] + geometry.distance[1, 2]
    assert geometry.distance[0, 2] == pytest.approx(expected, rel=0.1)


def test_mixtures_and_nothing_else_are_merges(tmp_path: Path) -> None:
    root = make_state(1)
    first, second = step(root, 2), step(root, 3)
    tuned = step(first, 4)
    mean = {name: 0.6 * first[name] + 0.4 * second[name] for name in root}
    tasks = {name: 0.7 * first[name] + 0.7 * second[name] - 0.4 * root[name] for name in root}
    for mixture in (mean, tasks):
        geometry = Geometry(sketch(tmp_path / str(id(mixture)), root, first, second, tuned, mixture))
        found = find_mixtures(geometry.gram.sum(axis=0), range(5), geometry.is_between)
        assert [(one.child, set(one.parents)) for one in found] == [(4, {1, 2})]
    plain = Geometry(sketch(tmp_path / "plain", root, first, second, tuned))
    assert find_mixtures(plain.gram.sum(axis=0), range(4), plain.is_between) == []


def test_a_trimmed_merge_is_seen_by_its_common_factor(tmp_path: Path) -> None:
    root = make_state(1)
    first, second = step(root, 2), step(root, 3)
    chooser = np.random.default_rng(0)
    trimmed = {
        name: np.choose(chooser.integers(0, 3, values.shape), [first[name], second[name], values])
        for name, values in root.items()
    }
    sketches = sketch(tmp_path, root, first, second, trimmed)
    gram = Geometry(sketches).gram.sum(axis=0)
    found = [(one.child, set(one.parents)) for one in find_trimmed(sketches, gram, range(4), [0, 1])]
    assert (3, {1, 2}) in found
    assert find_trimmed(sketches[:3], gram[:3, :3], range(3), [0]) == []


def test_comparisons_grow_with_models_not_with_pairs() -> None:
    few, many = measure_growth((16, 48))
    assert few["families_found"] == few["families"] == 2
    assert many["families_found"] == many["families"] == 6
    assert many["comparisons"] <= 3 * few["comparisons"] + 6


def test_a_second_run_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_state(1)
    models = save(tmp_path / "lake", root=root, child=step(root, 2), other=make_state(9))
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    first = recover(models, memory=catalog)
    assert [(edge.parent, edge.child) for edge in first.edges] == [("root", "child")]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("weights were opened")

    monkeypatch.setattr(confirming, "open_weights", refuse)
    monkeypatch.setattr(memory, "open_weights", refuse)
    second = recover(models, memory=catalog)
    catalog.close()
    assert second.edges == first.edges
    assert second.families == first.families


def test_what_was_found_before_a_stop_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_state(1)
    models = save(tmp_path / "lake", root=root, child=step(root, 2), other=make_state(9))
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")

    def stop(done: int, of: int, what: str) -> None:
        if what == "fingerprinting" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover(models, memory=catalog, progress=stop)
    read: list[str] = []
    real = open_weights

    def watch(place: Path) -> object:
        read.append(place.name)
        return real(place)

    monkeypatch.setattr(memory, "open_weights", watch)
    recover(models, memory=catalog)
    catalog.close()
    assert read == ["other"]


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    state = make_state(1)
    folder = save_model(tmp_path / "model", state)
    before = memory.stamp_folder(folder)
    save_model(folder, step(state, 2))
    assert memory.stamp_folder(folder) != before


def test_similar_models_come_from_the_index(tmp_path: Path) -> None:
    root = make_state(1)
    models = save(tmp_path / "lake", root=root, child=step(root, 2), other=make_state(9))
    index = open_fingerprint_index(tmp_path / "chroma", "test")
    places = {model.name: model.place for model in models}
    found = find_similar_by_weights("root", places, memory.PassingMemory(), index, 2)
    index.close()
    assert found[0][0] == "child"
    assert found[0][1] > 0.9
    assert all(likeness < 0.4 for name, likeness in found if name == "other")
