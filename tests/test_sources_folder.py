"""Folders of model repositories: names, cards in odd encodings, headers of shards, links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tools.errors import SourceError
from tools.sources import SourceFailure, SourceItem, SourceModel, SourcePaper, open_source
from tools.sources.headers import HeaderError, count_parameters

CARD = "---\nlicense: mit\npipeline_tag: text-classification\n---\n# A title\n\nWhat this model does.\n"


def make_repository(folder: Path, *, card: str | bytes | None = CARD, config: Any = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if card is not None:
        (folder / "README.md").write_bytes(card.encode() if isinstance(card, str) else card)
    if config is not None:
        (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return folder


def save_shard(path: Path, *shapes: tuple[int, ...]) -> None:
    tensors = {f"layer.{n}.weight": np.zeros(shape, np.float16) for n, shape in enumerate(shapes)}
    save_file(tensors, path, metadata={"format": "pt"})


def read(path: Path) -> list[SourceItem]:
    return list(open_source(str(path)))


def models(items: list[SourceItem]) -> list[SourceModel]:
    return [item for item in items if isinstance(item, SourceModel)]


def failures(items: list[SourceItem]) -> list[SourceFailure]:
    return [item for item in items if isinstance(item, SourceFailure)]


def test_names_come_from_the_layout(tmp_path: Path) -> None:
    for place in ("org/two-levels", "acme__flat", "plain", "models--hub--cached--name/snapshots/" + "a" * 40):
        make_repository(tmp_path / place)
    make_repository(tmp_path / ".git" / "no")
    items = read(tmp_path)
    assert [m.record.model for m in models(items)] == [
        "acme/flat",
        "hub/cached--name",
        "org/two-levels",
        "plain",
    ]
    cached = models(items)[1].record
    assert cached.revision == "a" * 40
    assert {m.record.source_kind for m in models(items)} == {"folder"}
    assert not failures(items)


def test_hub_cache_with_links_to_blobs(tmp_path: Path) -> None:
    cache = tmp_path / "models--org--name"
    snapshot = cache / "snapshots" / ("b" * 40)
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    (cache / "blobs" / "1234").write_text(CARD)
    (snapshot / "README.md").symlink_to("../../blobs/1234")
    for place in (tmp_path, cache, snapshot):
        (model,) = models(read(place))
        assert (model.record.model, model.record.revision) == ("org/name", "b" * 40)
        assert model.card_text == CARD


def test_one_repository_and_its_readme(tmp_path: Path) -> None:
    folder = make_repository(
        tmp_path / "acme__small", config={"model_type": "bert", "architectures": ["BertModel"]}
    )
    make_repository(folder / "onnx", card=None, config={})
    for place in (folder, folder / "README.md"):
        (model,) = models(read(place))
        record = model.record
        assert (record.model, record.task, record.license) == ("acme/small", "text-classification", "mit")
        assert record.tags == ("bert", "BertModel")
        assert '"model_type": "bert"' in record.record_json
        assert [file.path for file in model.files] == ["README.md", "config.json", "onnx/config.json"]
        assert model.files[0].size == len(CARD)
        assert model.files[0].sha256 == record.card_sha256


def test_a_readme_above_models_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Our models\n")
    make_repository(tmp_path / "org" / "one")
    (tmp_path / "org" / "README.md").write_text("# The organisation\n")
    make_repository(tmp_path / "org" / "two", config={})
    assert [m.record.model for m in models(read(tmp_path))] == ["org/one", "org/two"]


def test_parameters_are_counted_from_headers(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "org" / "name-7B")
    save_shard(folder / "model-00001-of-00002.safetensors", (10, 20), (5,))
    save_shard(folder / "model-00002-of-00002.safetensors", (3, 3), ())
    (model,) = models(read(tmp_path))
    assert model.record.parameters == 200 + 5 + 9 + 1  # exact, whatever the name says
    assert '"parameters": 215' in model.record.record_json
    weights = [file for file in model.files if file.path.endswith(".safetensors")]
    assert [file.sha256 for file in weights] == [None, None]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "too short"),
        (b"\x02", "too short"),
        ((10**12).to_bytes(8, "little") + b"{}", "claims 1,000,000,000,000 bytes"),
        ((2).to_bytes(8, "little") + b"[]", "no JSON object"),
        ((4).to_bytes(8, "little") + b"{nop", "not JSON"),
        ((2).to_bytes(8, "little") + b"\xff\xff", "not JSON"),
        ((24).to_bytes(8, "little") + b'{"w": {"shape": [1,-2]}}', "'w' has no shape"),
        ((9).to_bytes(8, "little") + b'{"w": 12}', "'w' has no shape"),
    ],
)
def test_broken_headers(tmp_path: Path, data: bytes, said: str) -> None:
    folder = make_repository(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(HeaderError, match=said):
        count_parameters(folder / "model.safetensors")
    items = read(folder)
    (model,) = models(items)  # the count is lost, the model is not
    assert model.record.parameters is None
    assert "Parameters are not counted" in failures(items)[0].error


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "me__adapter")
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "org/base", "peft_type": "LORA"})
    )
    save_shard(folder / "adapter_model.safetensors", (8, 8))
    (model,) = models(read(folder))
    assert '"adapter_base_model": "org/base"' in model.record.record_json
    assert model.record.library == "peft"
    assert "adapter:lora" in model.record.tags
    assert model.record.parameters is None  # an adapter's own are not the model's


@pytest.mark.parametrize(
    ("config", "said"),
    [("{broken", "config.json cannot be read"), ("[1]", "a JSON list"), ("[" * 50_000, "cannot be read")],
)
def test_a_broken_configuration_is_recorded(tmp_path: Path, config: str, said: str) -> None:
    make_repository(tmp_path / "one", config=config)
    items = read(tmp_path)
    assert [m.record.model for m in models(items)] == ["one"]
    assert said in failures(items)[0].error


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_cards_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    text = CARD + "Grüße, 你好.\r\n"
    make_repository(tmp_path / "one", card=text.encode(encoding))
    (model,) = models(read(tmp_path))
    assert model.card_text == text
    assert model.parse()[0].title == "A title"


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (b"caf\xe9", "not UTF-8 text (byte 4)"),
        (b"\xff\xfea", "not UTF-16 text"),
        (b"a\x00b", "NUL"),
        (b"x" * (16 * 2**20 + 1), "at most 16,777,216"),
    ],
)
def test_cards_that_are_no_text(tmp_path: Path, card: bytes, said: str) -> None:
    make_repository(tmp_path / "bad", card=card)
    make_repository(tmp_path / "good")
    items = read(tmp_path)
    assert [m.record.model for m in models(items)] == ["good"]
    (failure,) = failures(items)
    assert failure.id == "bad"
    assert said in failure.error


def test_a_readme_in_any_case_or_none(tmp_path: Path) -> None:
    make_repository(tmp_path / "lower", card=None)
    (tmp_path / "lower" / "readme.MD").write_text(CARD)
    make_repository(tmp_path / "without", card=None, config={"model_type": "t5"})
    lower, without = models(read(tmp_path))
    assert lower.card_text == CARD
    assert without.card_text == ""
    assert without.record.tags == ("t5",)


def test_links_out_of_the_folder_and_loops_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    make_repository(secret / "model")
    lake = tmp_path / "lake"
    folder = make_repository(lake / "org" / "name")
    (lake / "out").symlink_to(secret)
    (lake / "loop").symlink_to(lake)
    (lake / "org" / "up").symlink_to(lake / "org")
    (folder / "loop").symlink_to(folder)
    (folder / "stolen.json").symlink_to(secret / "model" / "README.md")
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    items = read(lake)
    assert [m.record.model for m in models(items)] == ["org/name"]
    assert [file.path for file in models(items)[0].files] == ["README.md"]


def test_an_unsafe_folder_name_is_a_failure(tmp_path: Path) -> None:
    make_repository(tmp_path / "with@mark")
    make_repository(tmp_path / "fine")
    items = read(tmp_path)
    assert [m.record.model for m in models(items)] == ["fine"]
    assert "'@'" in failures(items)[0].error


def test_papers_beside_their_description(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Papers to read\n")
    (tmp_path / "note.md").write_text("# A note\n\nSome finding of this note.\n")
    (paper,) = read(tmp_path)
    assert isinstance(paper, SourcePaper)
    assert paper.record.paper == "note"


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("tools.sources.folder.os.scandir", refuse)
    with pytest.raises(SourceError, match="cannot be listed: Permission denied"):
        open_source(str(tmp_path))
