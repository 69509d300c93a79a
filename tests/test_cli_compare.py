"""`lake compare` on the sample's small models, whose weights were really trained."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.app import run
from tools.comparing.config_diff import diff_configs
from tools.comparing.tokenizer_diff import diff_tokenizers

MODELS = Path(str(files("tools.data") / "sample" / "models" / "example-lab"))


def compare(
    capsys: pytest.CaptureFixture[str], home: Path, a: str | Path, b: str | Path, *options: str
) -> dict[str, Any]:
    code = run(["--home", str(home), "--json", "compare", str(a), str(b), *options])
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    printed["code"] = code
    return printed


@pytest.mark.parametrize(
    ("parent", "child", "relation"),
    [
        ("brook-base", "brook-chat", "finetune"),
        ("brook-base", "brook-base-int8", "quantization"),
        ("brook-chat", "brook-chat-sparse", "prune"),
    ],
)
@pytest.mark.parametrize("forward", [True, False])
def test_relation_and_direction(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, parent: str, child: str, relation: str, forward: bool
) -> None:
    first, second = (parent, child) if forward else (child, parent)
    found = compare(capsys, tmp_path, MODELS / first, MODELS / second)
    assert (found["code"], found["verdict"], found["relation"]) == (0, "related", relation)
    assert found["direction"] == ("a_to_b" if forward else "b_to_a")
    assert found["log10_p"] < -100
    assert 0 < found["bytes_read"] <= found["bytes_total"]
    for item in found["evidence"]:
        assert item["kind"] == "weights"
        assert item["locator"].startswith("model.safetensors#")
        assert len(item["sha256"]) == 64


def test_a_twin_of_the_same_configuration_is_unrelated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = compare(capsys, tmp_path, MODELS / "delta-base", MODELS / "delta-notes")
    assert found["verdict"] == "unrelated"
    assert found["relation"] is None
    assert found["direction"] == "none"
    assert found["p_value"] > 0.01
    assert found["config_diff"] == {}
    assert found["tokenizer_diff"]["same"] is True
    assert found["card_diff"]["fields"]["base_model"] == {"a": None, "b": "example-lab/delta-base"}


def test_a_model_and_its_copy_are_identical(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copytree(MODELS / "moss-base", tmp_path / "copy")
    found = compare(capsys, tmp_path / "home", MODELS / "moss-base", tmp_path / "copy")
    assert (found["verdict"], found["relation"], found["direction"]) == ("identical", "duplicate", "none")


def test_an_adapter_does_not_tell_its_base(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = compare(capsys, tmp_path, MODELS / "brook-base", MODELS / "brook-letters-lora")
    assert found["verdict"] == "incomparable"
    assert found["p_value"] is None
    assert any("fits 'brook-base' in all" in reason for reason in found["reasons"])


def test_models_of_the_lake_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["--home", str(tmp_path), "ingest", str(MODELS.parent)]) in (0, 1)
    capsys.readouterr()
    found = compare(capsys, tmp_path, "example-lab/brook-base", "brook-chat")
    assert (found["a"], found["b"]) == ("example-lab/brook-base", "example-lab/brook-chat")
    assert {item["source"].partition("@")[0] for item in found["evidence"]} == {found["a"], found["b"]}
    assert found["evidence"][0]["source"].count("@") == 1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("truncate", "model.safetensors"),
        ("png", "model.safetensors"),
        ("nothing", "example-lab"),
    ],
)
def test_what_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, damage: str, told: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(MODELS / "moss-base", broken)
    weights = broken / "model.safetensors"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "png":
        weights.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    other: str | Path = broken if damage != "nothing" else "example-lab/no-such-model"
    found = compare(capsys, tmp_path / "home", MODELS / "moss-base", other)
    assert found["code"] == 2
    assert told in found["error"]["message"] or damage == "nothing"
    assert found["error"]["hint"]


def test_the_answer_comes_first_for_a_person(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(["--home", str(tmp_path), "compare", str(MODELS / "brook-base"), str(MODELS / "brook-chat")])
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].endswith("are related.")
    assert "was made from" in printed
    assert "Where they differ most" in printed


def test_configurations_differ_by_key() -> None:
    a = {"hidden_size": 8, "rope": {"theta": 1.0, "kind": "x"}, "transformers_version": "4"}
    b = {"hidden_size": 8, "rope": {"theta": 2.0, "kind": "x"}, "transformers_version": "5", "new": None}
    assert diff_configs(a, b) == {"rope.theta": {"a": 1.0, "b": 2.0}}
    assert diff_configs({}, b) is None


def test_tokenizers_differ_by_token(tmp_path: Path) -> None:
    for name, vocabulary in [("a", {"x": 0, "y": 1}), ("b", {"x": 1, "z": 2})]:
        (tmp_path / name).mkdir()
        model = {"type": "BPE", "vocab": vocabulary, "merges": ["x y"] if name == "a" else [["x", "y"]]}
        added = [{"id": 9, "content": "<new>"}] if name == "b" else []
        document = {"model": model, "added_tokens": added}
        (tmp_path / name / "tokenizer.json").write_text(json.dumps(document))
    found = diff_tokenizers(tmp_path / "a", tmp_path / "b")
    assert found is not None
    assert found["size"] == {"a": 2, "b": 3}
    assert found["overlap"] == 0.25
    assert (found["moved"], found["only_a"], found["only_b"]) == (1, ["y"], ["<new>", "z"])
    assert found["added"]["b"] == ["<new>"]
    assert found["merges"] == {"a": 1, "b": 1, "shared": 1}
    (tmp_path / "b" / "tokenizer.json").write_text("{broken")
    assert diff_tokenizers(tmp_path / "a", tmp_path / "b") is None
