"""Opening weights of this machine: dtypes, rows, hashes, and the layouts of folders."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.weights_files import draw, read_all, save_model, save_shards
from tools.weights.adapters import find_lora_pairs, name_base
from tools.weights.errors import PickledWeightsError, WeightsError
from tools.weights.opening import open_weights


@pytest.mark.parametrize(
    "dtype",
    [
        np.float64, np.float32, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn,
        ml_dtypes.float8_e5m2, np.int64, np.int32, np.int16, np.int8, np.uint16, np.uint8, np.bool_,
    ],
)  # fmt: skip
def test_every_dtype_reads_as_the_float32_it_stands_for(tmp_path: Path, dtype: Any) -> None:
    values = (draw(67, 5) * 40).astype(dtype)
    with open_weights(save_model(tmp_path / "m", {"pad": np.zeros(3, np.uint8), "w": values})) as weights:
        read = read_all(weights, "w", 64)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values.astype(np.float32))


@pytest.mark.parametrize(
    "dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]
)
def test_every_bit_pattern_of_short_floats_is_decoded(tmp_path: Path, dtype: Any) -> None:
    bits = np.dtype(dtype).itemsize * 8
    values = np.arange(1 << bits, dtype=f"u{bits // 8}").view(dtype)
    with open_weights(save_model(tmp_path / "m", {"w": values})) as weights:
        read = weights.rows("w", slice(None))
        assert weights.nonfinite == {"w"}
    np.testing.assert_array_equal(read, values.astype(np.float32))


def test_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    values = draw(50, 3, 2)
    with open_weights(save_model(tmp_path / "m", {"w": values})) as weights:
        for rows in ([7, 3, 3, 49], [], [0, 1, 2], [5, 4]):
            np.testing.assert_array_equal(weights.rows("w", rows), values[rows if len(rows) else slice(0, 0)])
        for cut in (slice(None), slice(10, 20), slice(40, 0, -7), slice(-5, None), slice(60, 70)):
            np.testing.assert_array_equal(weights.rows("w", cut), values[cut])
        with pytest.raises(IndexError, match="50 rows"):
            weights.rows("w", [50])
        with pytest.raises(IndexError):
            weights.rows("w", [-1])
        with pytest.raises(WeightsError, match="no tensor 'v'"):
            weights.rows("v", [0])


def test_scalars_vectors_and_empty_tensors_have_rows(tmp_path: Path) -> None:
    tensors = {
        "scalar": np.array(2.5, np.float32), "vector": draw(9),
        "none": np.zeros((0, 4), np.float32), "thin": np.zeros((4, 0), np.float16),
    }  # fmt: skip
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert weights.rows("scalar", [0]).tolist() == [2.5]
        assert [block.tolist() for block in weights.blocks("scalar")] == [[2.5]]
        assert [len(block) for block in weights.blocks("vector", 16)] == [4, 4, 1]
        assert weights.rows("none", slice(None)).shape == (0, 4)
        assert weights.rows("thin", [0, 3]).shape == (2, 0)
        assert list(weights.blocks("none")) == list(weights.blocks("thin")) == []


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    values = draw(1000, 256)
    with open_weights(save_model(tmp_path / "m", {"w": values})) as weights:
        header = weights.bytes_read
        assert header < 300
        weights.rows("w", [5, 900])
        weights.rows("w", [900])
        assert weights.bytes_read == header + 2 * 1024
        assert weights.bytes_total == header + values.nbytes
        for _ in weights.blocks("w"):
            pass
        assert weights.bytes_read == weights.bytes_total


def test_the_hash_is_of_the_bytes_read_each_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    values = draw(100, 8).astype(np.float16)
    place = save_model(tmp_path / "m", {"v": draw(3), "w": values})
    rows = [values[n].tobytes() for n in range(100)]
    with open_weights(place) as weights:
        assert weights.hash_read("w") == hashlib.sha256(b"").hexdigest()
        weights.rows("w", [40, 7])
        weights.rows("w", [8, 7])
        assert weights.hash_read("w") == hashlib.sha256(rows[7] + rows[8] + rows[40]).hexdigest()
        read_all(weights, "w", 100)
        assert weights.hash_read("w") == hashlib.sha256(values.tobytes()).hexdigest()
        assert weights.hash_read("v") == hashlib.sha256(b"").hexdigest()


def test_nan_and_infinity_are_read_and_flagged(tmp_path: Path) -> None:
    odd = draw(4, 4)
    odd[2, 1], odd[3, 3] = np.nan, np.inf
    with open_weights(save_model(tmp_path / "m", {"odd": odd, "plain": draw(4, 4)})) as weights:
        np.testing.assert_array_equal(weights.rows("odd", slice(None)), odd)
        weights.rows("plain", slice(None))
        assert weights.nonfinite == {"odd"}


# Layouts


def test_a_folder_is_named_and_described(tmp_path: Path) -> None:
    place = save_model(tmp_path / "tiny", {"w": draw(4, 2)}, config={"hidden_size": 2})
    with open_weights(str(place)) as weights:
        assert (weights.name, weights.source) == ("tiny", str(place))
        assert weights.config == {"hidden_size": 2}
        assert weights.adapter is None
        info = weights.tensors["w"]
        assert (info.dtype, info.shape, info.nbytes, info.shard) == ("F32", (4, 2), 32, "model.safetensors")
    with open_weights(place / "model.safetensors") as weights:
        assert weights.source == str(place)
        assert weights.config == {"hidden_size": 2}


def test_shards_are_one_model(tmp_path: Path) -> None:
    first, second = {"a": draw(5, 2)}, {"b": draw(6, 2, seed=1), "c": draw(1)}
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    place = save_shards(tmp_path / "m", dict(zip(names, (first, second), strict=True)))
    with open_weights(place) as weights:
        assert {name: info.shard for name, info in weights.tensors.items()} == {
            "a": names[0], "b": names[1], "c": names[1],
        }  # fmt: skip
        np.testing.assert_array_equal(weights.rows("b", [5]), second["b"][5:])
    (place / "model.safetensors.index.json").unlink()
    with open_weights(place) as weights:
        assert set(weights.tensors) == {"a", "b", "c"}
    (place / names[0]).unlink()
    with pytest.raises(WeightsError, match=r"'model-00001-of-00002.safetensors' is missing from 'm'"):
        open_weights(place)


def test_what_is_left_aside_is_said(tmp_path: Path) -> None:
    place = save_model(tmp_path / "m", {"w": draw(2)})
    save_model(place, {"w": draw(2)}, name="model.fp16.safetensors")
    (place / "config.json").write_text("{not json")
    with open_weights(place) as weights:
        assert weights.tensors["w"].shard == "model.safetensors"
        assert weights.config == {}
        assert any("model.fp16.safetensors" in problem for problem in weights.problems)
        assert any("'config.json' is not JSON" in problem for problem in weights.problems)


def test_a_snapshot_of_the_hubs_cache_is_followed_to_its_blobs(tmp_path: Path) -> None:
    repository = tmp_path / "models--acme--tiny"
    save_model(repository / "blobs", {"w": draw(2)}, name="abc")
    snapshot = repository / "snapshots" / ("f" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    with open_weights(snapshot) as weights:
        assert (weights.name, weights.source) == ("acme/tiny", f"acme/tiny@{'f' * 40}")
        assert weights.rows("w", [1]).shape == (1,)


def test_adapters_carry_their_configuration_and_pairs(tmp_path: Path) -> None:
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {f"{module}.lora_A.weight": draw(4, 16), f"{module}.lora_B.weight": draw(8, 4)}
    config = {"base_model_name_or_path": "acme/base", "r": 4, "lora_alpha": 8, "peft_type": "LORA"}
    place = save_model(tmp_path / "a", tensors, name="adapter_model.safetensors", adapter_config=config)
    with open_weights(place) as weights:
        assert weights.adapter == config
        assert name_base(weights.adapter) == "acme/base"
        pair = find_lora_pairs(weights)["model.layers.0.self_attn.q_proj.weight"]
        assert (pair.rank, pair.scale) == (4, 2.0)
        assert weights.rows(pair.b, slice(None)).shape == (8, 4)


@pytest.mark.parametrize(("extra", "scale"), [
    ({"use_rslora": True}, 4.0), ({"alpha_pattern": {"q_proj": 2}}, 0.5), ({"lora_alpha": None}, 1.0),
])  # fmt: skip
def test_the_scale_of_an_adapter_follows_its_configuration(tmp_path: Path, extra: Any, scale: float) -> None:
    tensors = {
        "base_model.model.h.q_proj.lora_A.weight": draw(4, 16),
        "base_model.model.h.q_proj.lora_B.weight": draw(8, 4),
    }
    config = {"base_model_name_or_path": "acme/base", "lora_alpha": 8} | extra
    place = save_model(tmp_path / "a", tensors, name="adapter_model.safetensors", adapter_config=config)
    with open_weights(place) as weights:
        assert find_lora_pairs(weights)["h.q_proj.weight"].scale == scale


def test_an_adapter_without_configuration_or_base_is_named(tmp_path: Path) -> None:
    place = save_model(tmp_path / "a", {"x.lora_A.weight": draw(4, 16)}, name="adapter_model.safetensors")
    with pytest.raises(WeightsError, match=r"adapter without 'adapter_config.json'") as caught:
        open_weights(place)
    assert caught.value.file == "adapter_model.safetensors"
    (place / "adapter_config.json").write_text(json.dumps({"r": 4, "base_model_name_or_path": None}))
    with open_weights(place) as weights:
        assert weights.adapter is not None
        with pytest.raises(WeightsError, match=r"'adapter_config.json' names no base model") as caught:
            name_base(weights.adapter)
        with pytest.raises(WeightsError, match="lora_B"):
            find_lora_pairs(weights)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth", "v1.ckpt"])
def test_pickle_files_are_never_opened(tmp_path: Path, name: str) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(PickledWeightsError, match="not opened: may run code") as caught:
            open_weights(place)
        assert caught.value.files == (name,)
        assert "safetensors" in caught.value.hint
    assert not (tmp_path / "exploded").exists()


def test_a_place_without_weights_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "training_args.bin").write_bytes(b"\x80")
    with pytest.raises(WeightsError, match="has no weights"):
        open_weights(tmp_path)
    save_model(tmp_path / "unet", {"w": draw(1)}, name="diffusion_pytorch_model.safetensors")
    with pytest.raises(WeightsError, match=r"only in subfolders \('unet'\)"):
        open_weights(tmp_path)
    (tmp_path / "README.md").write_text("# x")
    with pytest.raises(WeightsError, match=r"'README.md' is no file of weights"):
        open_weights(tmp_path / "README.md")
