"""`lake eval lineage`: its figures on made-up truths, and what it says where it cannot measure."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.lineage import run_lineage
from eval.lineage_baseline import recover_by_distance
from eval.lineage_scores import adjusted_rand, score_lineage
from tests.weights_files import draw, save_model
from tools.errors import LakeError, UsageError


def _truth() -> dict[str, Any]:
    """Two families: root → tuned → cast, root = copy, and a lone model that claims the root."""
    names = {"root": "a", "tuned": "a", "cast": "a", "copy": "a", "lone": "b"}
    model = {"disguises": [], "is_student": False}
    models = {name: {"key": name, "family": family, **model} for name, family in names.items()}
    models["lone"]["is_student"] = True
    edges = [
        {"parent": "root", "child": "tuned", "relation": "finetune", "directed": True},
        {"parent": "tuned", "child": "cast", "relation": "quantization", "directed": True},
        {"parent": "root", "child": "copy", "relation": "duplicate", "directed": False},
    ]
    declared = [
        {"child": "tuned", "parent": "root", "kind": "true", "verdict": "supported"},
        {"child": "lone", "parent": "root", "kind": "false", "verdict": "contradicted"},
    ]
    families = [["cast", "copy", "root", "tuned"], ["lone"]]
    return {"models": models, "families": families, "edges": edges, "declared": declared}


def _found(*edges: tuple[str, str, str], families: list[list[str]] | None = None) -> dict[str, Any]:
    rows = [{"parent": a, "child": b, "relation": kind, "confidence": 1.0} for a, b, kind in edges]
    return {"families": families or _truth()["families"], "edges": rows, "declared": []}


def test_the_truth_itself_scores_full_marks() -> None:
    figures = score_lineage(_truth(), _truth())
    assert figures["family_ari"] == figures["same_family"]["f1"] == figures["edges"]["f1"] == 1.0
    assert figures["direction_accuracy"] == figures["relation_accuracy"] == 1.0
    assert figures["declared"]["contradicted"]["f1"] == figures["declared"]["supported"]["f1"] == 1.0
    assert figures["false_parents"] == {"independents": 0.0, "student": 0.0, "from_other_families": 0}
    assert figures["wrong"] == figures["wrong_declared"] == []


def test_a_reversed_edge_is_a_link_and_no_edge() -> None:
    figures = score_lineage(_truth(), _found(("tuned", "root", "finetune"), ("tuned", "cast", "prune")))
    assert figures["links"]["right"] == 2
    assert figures["edges"]["right"] == 1
    assert figures["direction_accuracy"] == 0.5
    assert figures["relation_accuracy"] == 0.5
    assert {row["fault"] for row in figures["wrong"]} == {"reversed", "relation", "missed"}


def test_a_copy_may_be_turned_and_may_stand_for_its_original() -> None:
    figures = score_lineage(_truth(), _found(("copy", "root", "duplicate"), ("copy", "tuned", "finetune")))
    assert figures["edges"]["right"] == 2
    assert figures["edges"]["precision"] == 1.0


def test_the_same_edge_twice_counts_once() -> None:
    figures = score_lineage(_truth(), _found(("root", "tuned", "finetune"), ("copy", "tuned", "finetune")))
    assert figures["edges"]["right"] == 1
    assert figures["edges"]["precision"] == 0.5


def test_a_parent_from_another_family_is_counted_against_root_and_student() -> None:
    figures = score_lineage(_truth(), _found(("root", "lone", "finetune")))
    assert figures["false_parents"] == {"independents": 0.5, "student": 1.0, "from_other_families": 1}
    assert figures["edges"]["right"] == 0


def test_models_that_no_family_names_stand_alone() -> None:
    figures = score_lineage(_truth(), _found(families=[["root", "tuned"]]))
    assert figures["same_family"]["precision"] == 1.0
    assert figures["same_family"]["recall"] == pytest.approx(1 / 6, abs=1e-3)


@pytest.mark.parametrize(
    ("second", "expected"),
    [("aabb", 1.0), ("bbaa", 1.0), ("aaaa", 0.0), ("abab", -0.5), ("abcd", 0.0)],
)
def test_adjusted_rand(second: str, expected: float) -> None:
    first = dict(enumerate("aabb"))
    named = {str(number): group for number, group in first.items()}
    other = {str(number): group for number, group in enumerate(second)}
    assert adjusted_rand(named, other) == pytest.approx(expected)


def test_the_baseline_finds_what_is_plain_and_not_what_is_permuted(tmp_path: Path) -> None:
    base = draw(40, 30, seed=1)
    order = np.random.default_rng(0).permutation(40)
    tensors = {"root": base, "tuned": base + 0.05 * draw(40, 30, seed=2), "other": draw(40, 30, seed=3)}
    for name, values in (tensors | {"hidden": base[order]}).items():
        save_model(tmp_path / name, {"weight": values})
    (tmp_path / "other" / "README.md").write_text("---\nbase_model: root\n---\n")
    found = recover_by_distance(tmp_path, ["root", "tuned", "other", "hidden"])
    assert sorted(found["families"]) == [["hidden"], ["other"], ["root", "tuned"]]
    assert {frozenset((edge["parent"], edge["child"])) for edge in found["edges"]} == {
        frozenset(("root", "tuned"))
    }
    assert found["declared"] == [{"child": "other", "parent": "root", "verdict": "contradicted"}]


def _make_folder(root: Path) -> Path:
    truth = _truth()
    base = draw(24, 20, seed=5)
    for number, name in enumerate(truth["models"]):
        save_model(root / name, {"weight": base + 0.01 * draw(24, 20, seed=number)})
    (root / "truth.json").write_text(json.dumps(truth))
    return root


def test_the_table_stands_ours_beside_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _make_folder(tmp_path / "zoo")
    script = f"print(open({str(root / 'truth.json')!r}).read())"
    monkeypatch.setattr("eval.lineage._COMMAND", (sys.executable, "-c", script))
    document = run_lineage(root)
    rows = {row["figure"]: row for row in document["table"]}
    assert rows["edge F1"] == {
        "figure": "edge F1",
        "ours": 1.0,
        "baseline": rows["edge F1"]["baseline"],
        "wanted": "≥ 0.80",
        "reached": "yes",
    }
    assert rows["same-family F1"]["baseline"] == 0.75  # the lone model is near, too
    assert rows["students given a parent"]["reached"] == "yes"
    assert document["seconds"] >= 0
    assert document["peak_megabytes"] > 0


def test_a_recovery_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _make_folder(tmp_path / "zoo")
    monkeypatch.setattr("eval.lineage._COMMAND", (sys.executable, "-c", "raise SystemExit(2)"))
    with pytest.raises(LakeError, match="exit code 2"):
        run_lineage(root)


def test_a_folder_that_is_no_zoo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no zoo") as caught:
        run_lineage(tmp_path)
    assert "eval.zoo" in caught.value.hint


def test_without_torch_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from eval.zoo import making

    monkeypatch.setattr(making, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="torch") as caught:
        run_lineage()
    assert "make zoo" in caught.value.hint
