"""`lake lineage`: declared and found edges around a model, in the terminal, as JSON and as pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.app import run
from tests.command_line import run_for_json
from tools.sources.place import find_folder

Trace = Callable[..., dict[str, Any]]
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def lake_home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample lake, whose weights are weighed once for all tests here."""
    home = tmp_path_factory.mktemp("lineage") / "home"
    shutil.copytree(sample_home, home)
    return home


@pytest.fixture
def trace(lake_home: Path, capsys: pytest.CaptureFixture[str]) -> Trace:
    def run_lineage(model: str, *options: str, code: int = 0) -> dict[str, Any]:
        found = run_for_json(capsys, "--home", str(lake_home), "lineage", model, *options, code=code)
        return dict(found)

    return run_lineage


def find_edge(document: dict[str, Any], parent: str, child: str) -> dict[str, Any]:
    found = [
        edge
        for edge in document["edges"]
        if (edge["parent"], edge["child"]) == (f"example-lab/{parent}", f"example-lab/{child}")
    ]
    assert len(found) == 1, document["edges"]
    return dict(found[0])


def test_what_is_declared_and_what_the_weights_say_to_it(trace: Trace) -> None:
    document = trace("delta-notes")
    false = find_edge(document, "delta-base", "delta-notes")
    assert (false["declared"], false["weights"], false["confidence"]) == (True, "contradicted", 0)
    assert {item["kind"] for item in false["evidence"]} == {"lineage", "weights"}
    true = find_edge(document, "brook-base", "delta-notes")
    assert (true["declared"], true["weights"], true["relation"]) == (False, "supported", "finetune")
    assert "example-lab/brook-base" in document["ancestors"]
    assert "example-lab/delta-base" not in document["ancestors"]


def test_descendants_to_any_depth_and_to_one(trace: Trace) -> None:
    whole = trace("example-lab/brook-base")
    near = trace("example-lab/brook-base", "--depth", "1")
    assert {"example-lab/brook-chat", "example-lab/brook-blend"} <= set(whole["descendants"])
    assert "example-lab/brook-chat" in near["descendants"]
    assert "example-lab/brook-blend" not in near["descendants"]


def test_a_model_that_is_only_named_has_a_lineage(trace: Trace) -> None:
    document = trace("distilbert-base-uncased")
    named = {model["model"]: model["in_lake"] for model in document["models"]}
    assert named["distilbert-base-uncased"] is False
    assert len(document["descendants"]) >= 2
    assert all(edge["weights"] == "unverifiable" for edge in document["edges"])


def test_pictures(trace: Trace, tmp_path: Path) -> None:
    picture, page = tmp_path / "graph.png", tmp_path / "graph.html"
    trace("brook-chat", "--plot", str(picture))
    trace("brook-chat", "--plot", str(page))
    assert picture.read_bytes().startswith(PNG)
    assert "example-lab/brook-blend" in page.read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_comparison_as_a_picture(
    lake_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "map.png"
    run_for_json(
        capsys, "--home", str(lake_home), "compare", "brook-base", "brook-chat", "--plot", str(target)
    )
    assert target.read_bytes().startswith(PNG)


@pytest.mark.parametrize("name", ["graph.jpg", "graph", "missing/graph.png"])
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(
    trace: Trace, tmp_path: Path, name: str
) -> None:
    document = trace("brook-chat", "--plot", str(tmp_path / name), code=2)
    assert "--plot" in document["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_refused_with_the_nearest_names(trace: Trace) -> None:
    assert "example-lab/brook-chat" in json.dumps(trace("example-lab/brook-chit", code=2))


def test_the_terminal_tells_the_contradiction(lake_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(lake_home), "lineage", "delta-notes"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the weights contradict it" in said
    assert "not declared, found in the weights" in said
    assert "what was made of it: nothing is known" in said


def test_similar_by_weights_says_what_a_comparison_shows(
    lake_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_for_json(
        capsys, "--home", str(lake_home), "similar", "brook-base", "--by", "weights", "-k", "3"
    )
    best = found["hits"][0]
    assert best["verdict"] == "related"
    assert {item["kind"] for item in best["evidence"]} == {"weights"}
    assert "example-lab/brook-base" not in [hit["model"] for hit in found["hits"]]


def test_similar_by_weights_to_a_folder_that_is_in_no_lake(
    lake_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = find_folder("sample:example-lab/brook-chat")
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    options = ("--by", "weights", "-k", "1")
    outside = run_for_json(capsys, "--home", str(lake_home), "similar", str(copy), *options)
    inside = run_for_json(capsys, "--home", str(lake_home), "similar", str(place), *options)
    assert (outside["hits"][0]["model"], outside["hits"][0]["verdict"]) == (
        "example-lab/brook-chat",
        "identical",
    )
    assert inside["hits"][0]["model"] != "example-lab/brook-chat"


@pytest.mark.parametrize("name", ["distilbert-base-uncased", "no-such-model", "."])
def test_similar_by_weights_without_weights_is_an_error(
    lake_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run_for_json(
        capsys, "--home", str(lake_home), "similar", name, "--by", "weights", "-k", "1", code=2
    )
    assert found["error"]["message"]


def test_circles_and_models_that_name_themselves_are_told_and_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, parent in (("a", "lab/b"), ("b", "lab/a"), ("own", "lab/own")):
        folder = tmp_path / "lab" / name
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(f"---\nbase_model: {parent}\n---\n# {name}\n", encoding="utf-8")
        (folder / "config.json").write_text("{}", encoding="utf-8")
    home = ("--home", str(tmp_path / "home"))
    assert run([*home, "ingest", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run_for_json(capsys, *home, "lineage", "own")["cycles"] == [["lab/own", "lab/own"]]
    assert run([*home, "lineage", "lab/a", "--plot", str(tmp_path / "circle.html")]) == 0
    said = capsys.readouterr().out
    assert "in a circle: lab/a → lab/b → lab/a\n" in said
    assert said.count("lab/b") < 12
    assert "has no weights" in said
    page = (tmp_path / "circle.html").read_text("utf-8")
    assert "lab/a → lab/b → lab/a." in page
