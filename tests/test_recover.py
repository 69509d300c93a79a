"""Recovering lineage on the sample's small models, whose weights were really trained."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run_for_json
from tools.weights.recovering.inputs import list_folder_models
from tools.weights.recovering.recover import recover

MODELS = Path(str(files("tools.data") / "sample" / "models" / "example-lab"))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from tools.evidence import EvidenceLedger
    from tools.weights.recovering.report import describe_recovery

    models = list_folder_models(MODELS)
    places = {model.name: model.place for model in models}
    return describe_recovery(recover(models), EvidenceLedger(), places)


def find_edge(document: dict[str, Any], parent: str, child: str) -> str | None:
    found = [edge for edge in document["edges"] if (edge["parent"], edge["child"]) == (parent, child)]
    return found[0]["relation"] if found else None


def test_families_hold_the_kin_and_no_stranger(document: dict[str, Any]) -> None:
    families = [set(family) for family in document["families"]]
    brook = next(family for family in families if "brook-base" in family)
    assert {"brook-chat", "brook-base-int8", "brook-chat-sparse", "quiet-mill", "delta-notes"} <= brook
    assert not {"delta-base", "fern-base", "fern-reviews"} & brook
    assert {"delta-base"} in families


@pytest.mark.parametrize(
    ("parent", "child", "relation"),
    [
        ("brook-base", "brook-chat", "finetune"),
        ("brook-base", "brook-base-int8", "quantization"),
        ("brook-chat", "brook-chat-sparse", "prune"),
        ("brook-base", "quiet-mill", "finetune"),
        ("fern-base", "fern-reviews", "finetune"),
    ],
)
def test_edges(document: dict[str, Any], parent: str, child: str, relation: str) -> None:
    assert find_edge(document, parent, child) == relation


def test_a_reordered_copy_is_a_duplicate(document: dict[str, Any]) -> None:
    found = find_edge(document, "fern-base", "moss-base") or find_edge(document, "moss-base", "fern-base")
    assert found == "duplicate"
    assert not any({"moss-base", "delta-base"} <= set(family) for family in document["families"])


def test_an_adapter_finds_the_family_it_was_trained_on(document: dict[str, Any]) -> None:
    family = next(family for family in document["families"] if "brook-letters-lora" in family)
    assert "brook-base" in family
    assert "delta-base" not in family
    assert find_edge(document, "brook-base", "brook-letters-lora") == "adapter"
    said = next(row for row in document["declared"] if row["child"] == "brook-letters-lora")
    assert said["verdict"] == "supported"
    assert "standard deviations above chance" in said["reason"]


def test_a_merge_has_both_parents(document: dict[str, Any]) -> None:
    parents = {edge["parent"] for edge in document["edges"] if edge["child"] == "brook-blend"}
    assert parents == {"brook-chat", "brook-recipes"}


def test_a_false_claim_is_contradicted_with_evidence(document: dict[str, Any]) -> None:
    found = next(row for row in document["declared"] if row["child"] == "delta-notes")
    assert found["verdict"] == "contradicted"
    assert "delta-base" in found["parent"]
    kinds = {item["kind"] for item in found["evidence"]}
    assert kinds == {"metadata", "weights"}
    assert all(item["sha256"] for item in found["evidence"])


def test_nothing_true_is_contradicted(document: dict[str, Any]) -> None:
    assert [row["child"] for row in document["declared"] if row["verdict"] == "contradicted"] == [
        "delta-notes"
    ]


def test_a_broken_model_is_reported_and_the_rest_recovered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("brook-base", "brook-chat"):
        shutil.copytree(MODELS / name, tmp_path / "lake" / name)
    broken = tmp_path / "lake" / "broken"
    shutil.copytree(MODELS / "brook-base", broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    printed = run_for_json(
        capsys, "--home", str(tmp_path / "home"), "recover", str(tmp_path / "lake"), code=1
    )
    assert [failure["id"] for failure in printed["failed"]] == ["broken"]
    assert ["brook-base", "brook-chat"] in printed["families"]
    assert json.dumps(printed["edges"]).count("finetune") == 1
