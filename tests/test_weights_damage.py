"""Damaged and hostile weights: a clear error that names the file, and nothing read outside."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tests.weights_files import draw, entry, save_model, save_shards, write_raw
from tools.weights.errors import WeightsError
from tools.weights.opening import open_weights


def test_a_header_that_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    good = entry("F32", [2], 0, 8)
    cases: dict[str, tuple[Any, bytes]] = {
        "overlap": ({"a": good, "b": entry("F32", [2], 4, 12)}, bytes(12)),
        "without owner": ({"a": good, "b": entry("F32", [2], 12, 20)}, bytes(20)),
        "cut short": ({"a": good}, bytes(7)),
        "behind its last tensor": ({"a": good}, bytes(9)),
        "dtype 'F31', which is not known": ({"a": entry("F31", [2], 0, 8)}, bytes(8)),
        r"shape \[-1, 2\]": ({"a": entry("F32", [-1, 2], 0, 8)}, bytes(8)),
        r"shape \[9999999999999999999\]": ({"a": entry("F32", [9999999999999999999], 0, 8)}, bytes(8)),
        r"shape \[True, 2\]": ({"a": entry("F32", [True, 2], 0, 8)}, bytes(8)),
        "takes 16": ({"a": entry("F32", [4], 0, 8)}, bytes(8)),
        r"data_offsets \[8, 0\]": ({"a": entry("F32", [2], 8, 0)}, bytes(8)),
        "names 'a' twice": (b'{"a": 1, "a": 2}', b""),
        "is not JSON": (b'{"a": nope}', b""),
        "too deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b""),
        "no JSON object": (b"[1, 2, 3]", b""),
        "nothing but '3'": ({"a": 3}, b""),
        "holds no tensors": ({}, b""),
    }  # fmt: skip
    for number, (message, (header, data)) in enumerate(cases.items()):
        path = write_raw(tmp_path / str(number) / "model.safetensors", header, data)
        with pytest.raises(WeightsError, match=message) as caught:
            open_weights(path.parent)
        assert caught.value.file == "model.safetensors", message
        assert "'model.safetensors'" in caught.value.message, message


def test_lengths_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_raw(path, {"a": entry("F32", [2], 0, 8)}, bytes(8), length=10_000)
    with pytest.raises(WeightsError, match="header of 10,000 bytes, longer than the file"):
        open_weights(tmp_path)
    with path.open("r+b") as file:  # 100 MB of header, as a hole
        file.truncate(101 * 10**6)
        file.write(struct.pack("<Q", 10**8))
    with pytest.raises(WeightsError, match="header of 100,000,000 bytes; at most"):
        open_weights(tmp_path)
    for content in (b"", b"abc", bytes(8)):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="too short"):
            open_weights(tmp_path)


@pytest.mark.parametrize(("content", "kind"), [
    (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
    (b"PK\x03\x04" + bytes(40), "PyTorch"),
    (b"<!DOCTYPE html><html></html>", "a web page"),
])  # fmt: skip
def test_other_files_are_recognised(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=kind):
        open_weights(tmp_path)


def test_a_file_cut_while_it_is_open_is_an_error(tmp_path: Path) -> None:
    with open_weights(save_model(tmp_path, {"w": draw(1000, 100)})) as weights:
        os.truncate(tmp_path / "model.safetensors", 1000)
        with pytest.raises(WeightsError, match=r"'model.safetensors' ends before"):
            weights.rows("w", [999])


@pytest.mark.parametrize("shard", [
    "../secret.safetensors", "/etc/secret.safetensors", "a/../../secret.safetensors",
    "..\\secret.safetensors", "C:\\secret.safetensors", "~/secret.safetensors", "", "a\nb.safetensors", "..",
])  # fmt: skip
def test_an_index_names_no_file_outside_of_the_folder(tmp_path: Path, shard: str) -> None:
    save_model(tmp_path, {"b": draw(2)}, name="secret.safetensors")
    place = save_shards(tmp_path / "m", {"model-00001-of-00001.safetensors": {"a": draw(2)}}, b=shard)
    with pytest.raises(WeightsError, match="outside of the model's folder") as caught:
        open_weights(place)
    assert caught.value.file == "model.safetensors.index.json"


def test_links_out_and_in_circles_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "elsewhere", {"a": draw(2)})
    place = tmp_path / "m"
    place.mkdir()
    (place / "model.safetensors").symlink_to(tmp_path / "elsewhere" / "model.safetensors")
    with pytest.raises(WeightsError, match="link to a file outside"):
        open_weights(place)
    with open_weights(place, root=tmp_path) as weights:
        assert set(weights.tensors) == {"a"}
    (place / "model.safetensors").unlink()
    (place / "model.safetensors").symlink_to("model.safetensors")
    with pytest.raises(WeightsError, match=r"'model.safetensors' cannot be opened"):
        open_weights(place)
    (place / "loop").symlink_to(".")
    (place / "model.safetensors").unlink()
    save_model(place, {"a": draw(2)})
    with open_weights(place) as weights:
        assert set(weights.tensors) == {"a"}
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")
    with pytest.raises(WeightsError, match="does not exist"):
        open_weights(tmp_path / "x")


def test_an_index_and_its_shards_must_agree(tmp_path: Path) -> None:
    name = "model-00001-of-00001.safetensors"
    place = save_shards(tmp_path / "a", {name: {"a": draw(2)}}, b=name)
    with pytest.raises(
        WeightsError, match=r"tensor 'b' is in 'model-00001-of-00001.safetensors', which does not"
    ):
        open_weights(place)
    place = save_shards(tmp_path / "b", {name: {"a": draw(2)}}, b="model-00002-of-00002.safetensors")
    with pytest.raises(WeightsError, match=r"'model-00002-of-00002.safetensors'.* is missing") as caught:
        open_weights(place)
    assert caught.value.file == "model-00002-of-00002.safetensors"
    place = save_shards(tmp_path / "c", {"x.safetensors": {"a": draw(2)}, "y.safetensors": {"a": draw(2)}})
    index = {"weight_map": {"a": "x.safetensors", "b": "y.safetensors"}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"stands in 'y.safetensors' and in 'x.safetensors'"):
        open_weights(place)
    for content in (
        '{"weight_map": 3}',
        "{}",
        "[]",
        '{"weight_map": {"a": 1}}',
        '{"weight_map": {"a": "x.bin"}}',
    ):
        (place / "model.safetensors.index.json").write_text(content)
        with pytest.raises(WeightsError, match=r"index\.json"):
            open_weights(place)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="not a regular file"):
        open_weights(tmp_path)


def test_bytes_of_a_library_and_ours_agree(tmp_path: Path) -> None:
    tensors = {
        "é.weight": draw(3, 3),
        "a" * 300: draw(2).astype(np.float16),
        "z": np.zeros((0, 2), np.float32),
    }
    (tmp_path / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
    with open_weights(tmp_path) as weights:
        assert set(weights.tensors) == set(tensors)
        for name, values in tensors.items():
            np.testing.assert_array_equal(weights.rows(name, slice(None)), values.astype(np.float32))
