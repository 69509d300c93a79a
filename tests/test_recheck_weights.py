"""Looking evidence of weights and configurations up again, and after files were changed or deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from assistant.agent import Assistant
from assistant.export import export_json
from assistant.exported import check_answers, read_answers
from assistant.retelling import Retelling
from assistant.settings import Settings
from assistant.toolbox import ToolContext
from assistant.toolbox.arguments import CompareModels, FindSimilarByWeights, TraceLineage
from assistant.toolbox.weighing import compare_models, find_similar_by_weights, trace_lineage
from tests.command_line import run_for_json
from tools.evidence import Evidence, EvidenceLedger
from tools.hashing import hash_bytes
from tools.ingest import ingest
from tools.lake import Lake
from tools.lineage import trace_lineage as trace_joined
from tools.places import Places
from tools.sources.place import find_folder

CHOSEN = ("brook-base", "brook-chat", "delta-base", "delta-notes", "brook-letters-lora")
CARD = "---\nlicense: mit\nbase_model: lab/root\n---\n# A model\n\nMade for a test.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small models that were really trained, in a folder that may be damaged copy by copy."""
    place = tmp_path_factory.mktemp("weighed") / "example-lab"
    for name in CHOSEN:
        shutil.copytree(find_folder(f"sample:example-lab/{name}"), place / name)
        if not (place / name / "README.md").exists():
            (place / name / "README.md").write_text(CARD, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def lake(folder: Path) -> Iterator[Lake]:
    with Lake.open(folder.parent / "home", embedder=None) as opened:
        ingest(opened, [str(folder)])
        yield opened


@pytest.fixture(scope="module")
def cited(lake: Lake) -> list[Evidence]:
    """What the tools that look at weights give out of these models."""
    context = ToolContext(lake=lake, ledger=EvidenceLedger())
    names = sorted(lake.catalog.weight_places())
    base, chat = (next(name for name in names if name.endswith(end)) for end in ("brook-base", "brook-chat"))
    trace_lineage(context, TraceLineage(model=base, depth=5))
    compare_models(context, CompareModels(a=base, b=chat))
    compare_models(context, CompareModels(a=next(n for n in names if n.endswith("delta-base")), b=base))
    find_similar_by_weights(context, FindSimilarByWeights(model=chat, limit=2))
    return list(context.ledger)


def test_what_the_tools_cite_of_files_holds(lake: Lake, cited: list[Evidence]) -> None:
    places = Places(lake.catalog, retell=Retelling(lake).tell)
    standings = {item.id: places.check(item, cited) for item in cited}
    assert {item.kind for item in cited} >= {"weights", "config", "lineage"}
    assert [(item, standings[item.id]) for item in cited if standings[item.id].verdict != "holds"] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("relative L2 0.", "relative L2 1."), (" match the", " do not match the"), ("p = 10^-", "p = 10^-9")],
)
def test_a_statistic_that_was_altered_does_not_hold(
    lake: Lake, cited: list[Evidence], old: str, new: str
) -> None:
    places = Places(lake.catalog, retell=Retelling(lake).tell)
    altered = [item for item in cited if item.kind == "weights" and old in item.text][:3]
    assert altered
    for item in altered:
        lie = item.model_copy(update={"text": item.text.replace(old, new)})
        assert places.check(lie, cited).verdict == "failed", lie


def test_what_is_said_of_two_models_is_found_anew(lake: Lake, cited: list[Evidence]) -> None:
    places = Places(lake.catalog, retell=Retelling(lake).tell)
    told = [
        item for item in cited if item.text.startswith("By their weights") and "was made from" in item.text
    ]
    assert told
    first = told[0].text.removeprefix("By their weights, ").split(" ")[0]
    second = told[0].text.split("was made from ")[1].split(" ")[0].rstrip(":.")
    turned = told[0].text.replace(first, "\0").replace(second, first).replace("\0", second)
    assert turned != told[0].text
    lie = told[0].model_copy(update={"text": turned})
    assert places.check(lie, cited).verdict == "failed"


@pytest.mark.parametrize("locator", ["[0-9999999]", "[5-2]", "[0-1]"])
def test_other_rows_are_other_bytes(lake: Lake, cited: list[Evidence], locator: str) -> None:
    item = next(item for item in cited if item.kind == "weights" and item.locator.endswith("weight"))
    moved = item.model_copy(update={"locator": item.locator + locator})
    assert Places(lake.catalog).check(moved, cited).verdict != "holds"


# -- files that change ---------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Lake, Path, list[Evidence]]]:
    """Two related models of half a dozen tensors, which a test may damage."""
    for name in ("brook-base", "brook-chat"):
        place = tmp_path / "models" / name
        shutil.copytree(find_folder(f"sample:example-lab/{name}"), place)
        (place / "README.md").write_text(CARD, encoding="utf-8")
    with Lake.open(tmp_path / "home", embedder=None) as opened:
        ingest(opened, [str(tmp_path / "models")])
        ledger = EvidenceLedger()
        name = next(name for name in opened.catalog.model_names() if name.endswith("chat"))
        trace_joined(opened.catalog, name, ledger=ledger)
        data = (tmp_path / "models" / "brook-chat" / "config.json").read_bytes()
        size = json.loads(data)["hidden_size"]
        record = opened.catalog.get_model(name)
        assert record is not None
        text, at = f'"hidden_size": {size}', "config.json#/hidden_size"
        ledger.add("config", record.source, at, text, hash_bytes(data))
        yield opened, tmp_path / "models" / "brook-chat", list(ledger)


def check(lake: Lake, items: list[Evidence], model: str = "chat") -> dict[str, set[Any]]:
    places = Places(lake.catalog)
    found: dict[str, set[Any]] = {}
    for item in items:
        if item.model.endswith(model) and item.kind in ("weights", "config"):
            found.setdefault(item.kind, set()).add(places.check(item, items))
    return found


def test_untouched_files_hold(pair: tuple[Lake, Path, list[Evidence]]) -> None:
    lake, _, items = pair
    assert {s.verdict for kind in check(lake, items).values() for s in kind} == {"holds"}


def test_changed_weights_are_said_so(pair: tuple[Lake, Path, list[Evidence]]) -> None:
    lake, place, items = pair
    tensors = load_file(place / "model.safetensors")
    save_file({name: np.nextafter(t, t + 1) for name, t in tensors.items()}, place / "model.safetensors")
    found = check(lake, items)
    assert {s.verdict for s in found["config"]} == {"holds"}
    assert {s.verdict for s in found["weights"]} == {"changed"}
    assert all("are others now" in s.reason for s in found["weights"])


@pytest.mark.parametrize("damage", ["deleted", "cut", "folder"])
def test_lost_weights_are_said_so(pair: tuple[Lake, Path, list[Evidence]], damage: str) -> None:
    lake, place, items = pair
    file = place / "model.safetensors"
    if damage == "deleted":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-1000])
    else:
        shutil.rmtree(place)
    assert {s.verdict for s in check(lake, items)["weights"]} == {"changed"}
    # The other side's bytes are as they were; what they were compared with is gone.
    assert {s.verdict for s in check(lake, items, "base")["weights"]} == {"changed"}


def test_a_configuration_that_changed_or_went_is_said_so(pair: tuple[Lake, Path, list[Evidence]]) -> None:
    lake, place, items = pair
    config = place / "config.json"
    item = next(item for item in items if item.kind == "config")
    lie = item.model_copy(update={"text": '"hidden_size": 1'})
    assert Places(lake.catalog).check(lie).verdict == "failed"
    away = item.model_copy(update={"locator": "../config.json#/hidden_size"})
    assert Places(lake.catalog).check(away).verdict == "failed"
    config.write_text(config.read_text("utf-8") + "\n", encoding="utf-8")
    (standing,) = check(lake, items)["config"]
    assert standing.verdict == "changed"
    assert "another hash" in standing.reason
    config.unlink()
    (standing,) = check(lake, items)["config"]
    assert "there is no config.json any more" in standing.reason
    config.symlink_to("/etc/hostname")
    (standing,) = check(lake, items)["config"]
    assert standing.verdict == "changed"


def test_a_saved_answer_about_weights_is_checked_by_the_command(
    pair: tuple[Lake, Path, list[Evidence]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, place, items = pair
    child = next(item.model for item in items if item.model.endswith("chat"))
    parent = next(item.model for item in items if item.model.endswith("base"))
    settings = Settings(home=tmp_path / "home", llm="offline")
    with closing(Assistant(lake, settings)) as assistant:
        thread = assistant.new_thread("")
        assistant.ask(f"Is {child} really fine-tuned from {parent}?", thread)
        turns = assistant.turns(thread)
        saved = tmp_path / "answer.json"
        saved.write_text(export_json(turns, lake), encoding="utf-8")
    found = check_answers(read_answers(saved.read_text("utf-8"), "export"), lake)
    assert found["failed"] == found["changed"] == []
    kinds = {item.kind for turn in turns for item in (*turn.answer.evidence, *turn.answer.retrieved)}
    assert "weights" in kinds
    lake.close()
    (place / "model.safetensors").write_bytes(b"")
    found = run_for_json(capsys, "--home", str(tmp_path / "home"), "verify", str(saved), code=1)
    assert any("cannot be read any more" in item["reason"] for item in found["changed"])
