"""GGUF files written by the gguf package: every common quantisation, metadata, and damaged headers."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tests.weights_files import Array, draw, read_all
from tools.weights.errors import WeightsError
from tools.weights.opening import open_weights

Kind = gguf.GGMLQuantizationType


def write_gguf(path: Path, tensors: dict[str, tuple[Array, Any]], *, words: int = 3) -> Path:
    """A GGUF file of float32 values, each quantised to its type, or of raw bytes (uint8) already so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_embedding_length(256)
    writer.add_block_count(2)
    writer.add_head_count(4)
    writer.add_token_list([f"word{number}" for number in range(words)])
    writer.add_array("scores", [0.5] * words)
    writer.add_string("tokenizer.chat_template", "x" * 70_000)
    for name, (values, kind) in tensors.items():
        data = values if values.dtype == np.uint8 else gguf.quants.quantize(values, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def dequantize_q4_k(block: bytes) -> list[float]:
    """One block of 256 values, value by value, from the layout of ggml's block_q4_K."""
    scale, minimum = (float(x) for x in np.frombuffer(block[:4], np.float16))
    packed, codes = block[4:16], block[16:]
    values = []
    for group in range(8):
        if group < 4:
            factor, offset = packed[group] & 63, packed[group + 4] & 63
        else:
            factor = (packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4)
            offset = (packed[group + 4] >> 4) | (packed[group] >> 6 << 4)
        for n in range(32):
            byte = codes[group // 2 * 32 + n]
            code = byte & 15 if group % 2 == 0 else byte >> 4
            values.append(scale * factor * code - minimum * offset)
    return values


@pytest.mark.parametrize(("kind", "error"), [
    (Kind.F32, 0), (Kind.F16, 1e-3), (Kind.BF16, 1e-2), (Kind.Q8_0, 2e-2), (Kind.Q5_1, 0.15),
    (Kind.Q4_0, 0.5),
])  # fmt: skip
def test_values_come_back_within_the_quantisation(tmp_path: Path, kind: Any, error: float) -> None:
    values = draw(10, 256)
    with open_weights(write_gguf(tmp_path / "m.gguf", {"blk.0.attn_q.weight": (values, kind)})) as weights:
        info = weights.tensors["blk.0.attn_q.weight"]
        assert (info.dtype, info.shape, info.shard) == (kind.name, (10, 256), "m.gguf")
        assert info.quantized == (kind.name[0] == "Q")
        read = read_all(weights, info.name, 3000)
        np.testing.assert_allclose(read, values, atol=error, rtol=error)
        np.testing.assert_array_equal(weights.rows(info.name, [9, 2, 2]), read[[9, 2, 2]])
        stored = gguf.quants.quantize(values, kind).tobytes()
        assert weights.hash_read(info.name) == hashlib.sha256(stored).hexdigest()


def test_q4_k_is_what_ggml_says(tmp_path: Path) -> None:
    raw = np.random.default_rng(5).integers(0, 256, (3, 2 * 144), np.uint8)
    raw.reshape(-1, 144)[:, :4] = draw(6, 2).astype(np.float16).view(np.uint8)
    expected = [[v for b in (row[:144], row[144:]) for v in dequantize_q4_k(b.tobytes())] for row in raw]
    with open_weights(write_gguf(tmp_path / "m.gguf", {"w": (raw, Kind.Q4_K)})) as weights:
        assert weights.tensors["w"].shape == (3, 512)
        np.testing.assert_allclose(weights.rows("w", slice(None)), expected, rtol=1e-5, atol=1e-6)


def test_rows_shorter_than_a_block(tmp_path: Path) -> None:
    values = draw(96)
    with open_weights(write_gguf(tmp_path / "m.gguf", {"w": (values, Kind.Q8_0)})) as weights:
        whole = weights.rows("w", slice(None))
        np.testing.assert_allclose(whole, values, atol=0.03)
        np.testing.assert_array_equal(weights.rows("w", [40, 3]), whole[[40, 3]])
        np.testing.assert_array_equal(read_all(weights, "w", 100), whole)


def test_metadata_stands_in_for_a_configuration(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", {"w": (draw(2, 32), Kind.F32)}, words=5000)
    with open_weights(path) as weights:
        assert weights.config == {
            "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
        }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 7}))
    with open_weights(tmp_path) as weights:
        assert weights.config == {"hidden_size": 7}


def test_of_several_quantisations_the_largest_is_opened_with_all_its_parts(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m-Q4_0.gguf", {"a": (draw(64, 256), Kind.Q4_0)})
    write_gguf(tmp_path / "mmproj-F32.gguf", {"v": (draw(256, 256), Kind.F32)})
    write_gguf(tmp_path / "m-F16-00001-of-00002.gguf", {"a": (draw(64, 256), Kind.F16)})
    with pytest.raises(WeightsError, match=r"'m-F16-00002-of-00002.gguf' is missing"):
        open_weights(tmp_path)
    write_gguf(tmp_path / "m-F16-00002-of-00002.gguf", {"b": (draw(2, 32), Kind.F16)})
    with open_weights(tmp_path) as weights:
        assert set(weights.tensors) == {"a", "b"}
        assert any("m-Q4_0.gguf" in problem for problem in weights.problems)
    with open_weights(tmp_path / "m-Q4_0.gguf") as weights:
        assert weights.tensors["a"].dtype == "Q4_0"


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def assemble(*tensors: bytes, keys: tuple[bytes, ...] = (), data: int = 64, version: int = 3) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys)) + b"".join(keys + tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


@pytest.mark.parametrize(("content", "message"), [
    (b"PNG!" + bytes(60), "does not begin"),
    (assemble(version=1), "of version 1"),
    (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "tensors and 0 keys, which cannot be"),
    (b"GGUF" + struct.pack("<IQQ", 3, 9, 0), "cut short: its header"),
    (assemble(tensor("a", (8,), 0, 0), data=31), "cut short: tensor 'a'"),
    (assemble(tensor("a", (8,), 0, 0), tensor("b", (8,), 0, 16)), "'b' overlap 'a'"),
    (assemble(tensor("a", (8,), 0, 0), tensor("a", (8,), 0, 32)), "tensor 'a' twice"),
    (assemble(tensor("a", (8,), 999, 0)), "type 999, which is not known"),
    (assemble(tensor("a", (8,), 8, 0)), r"shape \(8,\), which Q8_0 cannot have"),
    (assemble(tensor("a", (2**40, 2**40), 0, 0)), "which cannot be"),
    (assemble(tensor("a", (1,) * 9, 0, 0)), "9 dimensions"),
    (assemble(struct.pack("<Q", 2**62)), "a tensor name of"),
    (assemble(keys=(text("k") + struct.pack("<IB", 0, 1),) * 2), "key 'k' twice"),
    (assemble(keys=(text("k") + struct.pack("<I", 77),)), "of type 77"),
    (assemble(keys=(text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 50,)), "of type 9"),
    (assemble(keys=(text("k") + struct.pack("<IIQ", 9, 12, 2**61),)), "cut short"),
    (assemble(keys=(text("general.alignment") + struct.pack("<II", 4, 0),)), "alignment of 0"),
    (assemble(), "holds no tensors"),
])  # fmt: skip
def test_damaged_files_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        open_weights(tmp_path)
    assert "'m.gguf'" in caught.value.message
    assert caught.value.file == "m.gguf"


def test_a_type_without_a_decoder_is_an_error_when_it_is_read(tmp_path: Path) -> None:
    raw = np.zeros((1, 292), np.uint8)
    with (
        open_weights(write_gguf(tmp_path / "m.gguf", {"w": (raw, Kind.Q8_K)})) as weights,
        pytest.raises(WeightsError, match=r"'m.gguf' holds values of type Q8_K"),
    ):
        weights.rows("w", [0])
