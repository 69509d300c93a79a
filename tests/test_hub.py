"""Models that stay on the Hub, read in parts from a loopback server that speaks its routes and fails."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants

from tests.command_line import run_for_json
from tests.fakes.hub_server import TOKEN, FakeHub, FakeModel, Fault, Sparse, iter_files, read_folder
from tools.errors import UsageError
from tools.hub import HubClient, HubName, HubServiceError, parse_hub_name
from tools.sources.hub import HubModels
from tools.sources.types import SourceFailure, SourceModel
from tools.weights.compare import compare_weights
from tools.weights.errors import HubError, PickledWeightsError, WeightsError
from tools.weights.opening import open_weights

MODELS = Path(str(files("tools.data") / "sample" / "models" / "example-lab"))
BASE, CHAT = "example-lab/brook-base", "example-lab/brook-chat"


def load(name: str, **info: Any) -> FakeModel:
    return FakeModel(read_folder(MODELS / name), info)


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is without HF_HUB_OFFLINE, which the other tests have."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture(params=[False, True], ids=["direct", "redirected"])
def hub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    models = {BASE: load("brook-base", pipeline_tag="text-generation"), CHAT: load("brook-chat")}
    with FakeHub(models, redirect=request.param) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def plain_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({BASE: load("brook-base")}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def quick() -> tuple[HubClient, list[float]]:
    """A client that does not sleep, and what it would have slept."""
    waits: list[float] = []
    return HubClient(sleep=waits.append), waits


def test_weights_on_the_hub_are_those_of_the_folder(hub: FakeHub) -> None:
    name = "model.layers.0.mlp.gate_proj.weight"
    with open_weights(f"hub:{BASE}") as afar, open_weights(MODELS / "brook-base") as near:
        assert (afar.rows(name, [5, 3]) == near.rows(name, [5, 3])).all()
        assert afar.hash_read(name) == near.hash_read(name)
        assert afar.source == f"{BASE}@{hub.models[BASE].sha}"
        assert afar.config == near.config


def test_two_models_of_the_hub_are_compared_from_the_command_line(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = run_for_json(capsys, "--home", str(tmp_path), "compare", f"hub:{BASE}", f"hub:{CHAT}")
    assert (document["verdict"], document["relation"], document["direction"]) == (
        "related", "finetune", "a_to_b",
    )  # fmt: skip
    assert (document["a"], document["b"]) == (BASE, CHAT)
    assert {item["source"] for item in document["evidence"]} == {
        f"{name}@{hub.models[name].sha}" for name in (BASE, CHAT)
    }
    assert document["tokenizer_diff"]["same"] is True
    assert document["card_diff"]["fields"]["base_model"]["b"] == BASE
    assert 0 < document["bytes_read"] <= document["bytes_total"]


def make_large(seed: int, *, changed: float = 0.0) -> FakeModel:
    """A checkpoint of 2.4 GB in bfloat16 that is never held: values are made from their positions."""
    hidden, inner, layers, words = 2048, 8192, 24, 32000
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (words, hidden)}
    for layer in range(layers):
        for part in ("gate", "up"):
            shapes[f"model.layers.{layer}.mlp.{part}_proj.weight"] = (inner, hidden)
        shapes[f"model.layers.{layer}.mlp.down_proj.weight"] = (hidden, inner)
        shapes[f"model.layers.{layer}.input_layernorm.weight"] = (hidden,)
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    head = struct.pack("<Q", len(text)) + text

    def draw(first: int, count: int, salt: int) -> Any:
        mixed = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(salt)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        return ((mixed >> np.uint64(40)).astype(np.float32) / 2**24 - 0.5) * 0.05

    def read(start: int, stop: int) -> bytes:
        first, last = max(0, start - len(head)) // 2, (max(0, stop - len(head)) + 1) // 2
        values = draw(first, last - first, seed * 2**40)
        if changed:
            values = values + changed * draw(first, last - first, 77 * 2**40)
        body = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        whole = head[start:] if start < len(head) else b""
        skip = max(0, start - len(head)) - 2 * first
        return bytes((whole + body[skip:])[: stop - start])

    config = json.dumps({"model_type": "llama", "hidden_size": hidden, "num_attention_heads": 16}).encode()
    return FakeModel({"model.safetensors": Sparse(len(head) + end, read), "config.json": config})


def test_a_first_look_at_large_models_reads_little(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub({"big/base": make_large(1), "big/tuned": make_large(1, changed=0.1)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        with open_weights("hub:big/base") as a, open_weights("hub:big/tuned") as b:
            found = compare_weights(a, b)
            read = a.bytes_read + b.bytes_read
    assert found.verdict == "related"
    assert found.bytes_total > 4e9
    assert read < 0.02 * found.bytes_total  # 1 % at the size of 7B models
    assert server.sent <= read + 1000  # the configurations


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Fault("model.safetensors", "status", 2, 429, {"Retry-After": "3"}), 3.0),
        (Fault("model.safetensors", "status", 1, 503), 0.5),
        (Fault("model.safetensors", "cut"), 0.5),
        (Fault("model.safetensors", "wrong-range"), 0.5),
        (Fault("model.safetensors", "drop"), 0.5),
        (Fault("api/models", "status", 1, 500), 0.5),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_what_passes_is_waited_for(plain_hub: FakeHub, fault: Fault, wait: float) -> None:
    plain_hub.faults.append(fault)
    client, waits = quick()
    model = client.describe(HubName(BASE, None))
    assert client.read_range(model, "model.safetensors", 8, 1) == b"{"
    assert waits[0] == wait
    assert fault.times == 0


def test_what_does_not_pass_ends_and_says_so(plain_hub: FakeHub) -> None:
    plain_hub.faults.append(Fault("model.safetensors", "status", 99, 503))
    client, waits = quick()
    model = client.describe(HubName(BASE, None))
    with pytest.raises(HubServiceError, match=r"could not be read.*503") as caught:
        client.read_range(model, "model.safetensors", 0, 8)
    assert caught.value.exit_code == 3
    assert len(waits) == 4


def test_another_size_than_listed_is_refused(plain_hub: FakeHub) -> None:
    plain_hub.faults.append(Fault("model.safetensors", "longer"))
    client, _ = quick()
    with pytest.raises(HubServiceError, match=r"not the .* that its repository lists"):
        client.read_range(client.describe(HubName(BASE, None)), "model.safetensors", 0, 8)


def test_a_server_without_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = {"a.json": b"x" * 1000}, {"b.bin": Sparse(2**40, lambda start, end: b"")}
    with FakeHub({"o/small": FakeModel(small), "o/large": FakeModel(large)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        client, _ = quick()
        server.faults.append(Fault("a.json", "whole"))
        assert client.read_range(client.describe(HubName("o/small", None)), "a.json", 990, 5) == b"xxxxx"
        server.faults.append(Fault("b.bin", "whole"))
        with pytest.raises(HubServiceError, match="no parts of files"):
            client.read_range(client.describe(HubName("o/large", None)), "b.bin", 2**39, 5)


def test_the_token_stays_with_the_hub(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.models[BASE].gated = True
    with open_weights(f"hub:{BASE}") as weights:
        assert weights.tensors
    for seen in iter_files(hub):
        assert seen.authorized == (seen.host != hub.files_host)


def test_a_gated_model_says_what_to_do(plain_hub: FakeHub) -> None:
    plain_hub.models[BASE].gated = True
    with pytest.raises(HubError, match="gated, private, or does not exist") as caught:
        open_weights(f"hub:{BASE}")
    assert "HF_TOKEN" in caught.value.hint


def test_what_the_hub_does_not_have(plain_hub: FakeHub) -> None:
    with pytest.raises(HubError, match="no 'example-lab/nobody'"):
        open_weights("hub:example-lab/nobody")
    index = json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}}).encode()
    plain_hub.models["o/shard"] = FakeModel({"model.safetensors.index.json": index})
    with pytest.raises(WeightsError, match="model-00001-of-00001"):
        open_weights("hub:o/shard")
    plain_hub.models["o/pickle"] = FakeModel({"pytorch_model.bin": b"\x80\x02"})
    with pytest.raises(PickledWeightsError, match="may run code"):
        open_weights("hub:o/pickle")
    assert not [seen for seen in iter_files(plain_hub) if seen.path.endswith(".bin")]


def test_a_shard_that_is_listed_and_gone_is_named(plain_hub: FakeHub) -> None:
    plain_hub.faults.append(Fault("model.safetensors", "status", 1, 404))
    with pytest.raises(HubError, match=r"no 'model\.safetensors'"):
        open_weights(f"hub:{BASE}")


def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE"):
        open_weights("hub:a/b")


@pytest.mark.parametrize("spec", ["hub:", "hub:a/b/c", "hub:../x", "hub:a b", "hub:a/b@", "hub:a/b@x y"])
def test_names_that_are_none(spec: str) -> None:
    with pytest.raises(UsageError, match="no model of the Hub"):
        parse_hub_name(spec)


def read_source(spec: str) -> tuple[list[SourceModel], list[SourceFailure]]:
    items = list(HubModels(spec))
    found = [item for item in items if isinstance(item, SourceModel)]
    return found, [item for item in items if isinstance(item, SourceFailure)]


def test_a_model_of_the_hub_as_a_source(hub: FakeHub) -> None:
    found, failed = read_source(f"hub:{BASE}")
    assert failed == []
    record = found[0].record
    assert (record.model, record.source_kind, record.task) == (BASE, "hub", "text-generation")
    assert record.source == f"{BASE}@{hub.models[BASE].sha}"
    with open_weights(MODELS / "brook-base") as weights:
        assert record.parameters == sum(int(np.prod(info.shape)) for info in weights.tensors.values())
    assert found[0].card_text == (MODELS / "brook-base" / "README.md").read_text("utf-8")
    assert "model.safetensors" in {row.path for row in found[0].files}


def test_an_adapter_of_the_hub_names_its_base(plain_hub: FakeHub) -> None:
    plain_hub.models["example-lab/brook-letters-lora"] = load("brook-letters-lora")
    record = read_source("hub:example-lab/brook-letters-lora")[0][0].record
    assert record.library == "peft"
    assert BASE in record.record_json


def test_a_search_of_the_hub_goes_on_behind_a_failure(hub: FakeHub) -> None:
    found, failed = read_source("hub:?author=example-lab&limit=10")
    assert {item.record.model for item in found} == {BASE, CHAT}
    assert failed == []
    assert len(read_source("hub:?search=brook&task=text-generation")[0]) == 1
    hub.models[CHAT].gated = True
    found, failed = read_source("hub:?author=example-lab")
    assert [item.record.model for item in found] == [BASE]
    assert [item.id for item in failed] == [CHAT]


@pytest.mark.parametrize("spec", ["hub:?", "hub:?color=red", "hub:?search=x&limit=0", "hub:?limit=5"])
def test_searches_that_are_none(plain_hub: FakeHub, spec: str) -> None:
    with pytest.raises(UsageError, match="no search of the Hub"):
        HubModels(spec)
    assert plain_hub.requests == []


def test_ingest_from_the_hub_is_idempotent(
    plain_hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest: Callable[..., Any] = lambda: run_for_json(  # noqa: E731
        capsys, "--home", str(tmp_path / "home"), "ingest", f"hub:{BASE}"
    )
    assert ingest()["added"] == 1
    assert ingest()["unchanged"] == 1
    missing = run_for_json(capsys, "--home", str(tmp_path / "home"), "ingest", "hub:a/nobody", code=2)
    assert "a/nobody" in missing["error"]["message"]
