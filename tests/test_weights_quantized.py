"""Quantised weights read as the values they stand for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.weights_files import Array, draw, read_all, save_model
from tools.weights.errors import WeightsError
from tools.weights.opening import open_weights


def quantize_rows(values: Array) -> tuple[Array, Array]:
    """int8 codes and the absolute maximum of each row, as LLM.int8 stores them."""
    absmax = np.abs(values).max(1)
    return np.round(values / absmax[:, None] * 127).astype(np.int8), absmax.astype(np.float32)


def test_int8_of_bitsandbytes(tmp_path: Path) -> None:
    values = draw(12, 32)
    codes, absmax = quantize_rows(values)
    tensors = {
        "h.weight": codes,
        "h.SCB": absmax,
        "h.weight_format": np.array(0, np.uint8),
        "h.bias": draw(12),
    }
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert set(weights.tensors) == {"h.weight", "h.bias"}
        assert weights.tensors["h.weight"].quantized
        assert weights.tensors["h.weight"].dtype == "I8"
        expected = codes.astype(np.float32) * absmax[:, None] / 127
        np.testing.assert_allclose(read_all(weights, "h.weight", 300), expected, rtol=1e-6)
        np.testing.assert_allclose(weights.rows("h.weight", [11, 0]), expected[[11, 0]], rtol=1e-6)
        assert np.abs(expected - values).max() < 0.05
        assert weights.hash_read("h.weight") == hashlib.sha256(codes.tobytes()).hexdigest()


@pytest.mark.parametrize("shape", [(1,), (12, 1), (12, 4), ()])
@pytest.mark.parametrize("zero", [False, True])
def test_int8_of_compressed_tensors(tmp_path: Path, shape: tuple[int, ...], zero: bool) -> None:
    codes = np.random.default_rng(1).integers(-128, 128, (12, 32), np.int8)
    scale = np.abs(draw(*shape)).astype(ml_dtypes.bfloat16) if shape else np.array(0.5, ml_dtypes.bfloat16)
    points = np.full(shape, 3, np.int8)
    tensors = {"h.weight": codes, "h.weight_scale": scale} | ({"h.weight_zero_point": points} if zero else {})
    spread = scale.astype(np.float32)
    if len(shape) == 2:
        spread = np.repeat(spread, 32 // shape[1], axis=1)
    expected = (codes.astype(np.float32) - 3 * zero) * spread
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert set(weights.tensors) == {"h.weight"}
        np.testing.assert_allclose(read_all(weights, "h.weight", 500), expected, rtol=1e-6)
        np.testing.assert_allclose(weights.rows("h.weight", [3, 1]), expected[[3, 1]], rtol=1e-6)


def test_packed_integers_of_compressed_tensors(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 16, (6, 32), np.uint32)
    packed = sum(codes[:, n::8] << np.uint32(4 * n) for n in range(8))
    scale = np.abs(draw(6, 2)).astype(np.float16)
    tensors: dict[str, Array] = {
        "h.weight_packed": np.asarray(packed, np.uint32).view(np.int32), "h.weight_scale": scale,
        "h.weight_shape": np.array([6, 32], np.int64),
    }  # fmt: skip
    expected = (codes.astype(np.float32) - 8) * np.repeat(scale.astype(np.float32), 16, axis=1)
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert {name: info.shape for name, info in weights.tensors.items()} == {"h.weight": (6, 32)}
        np.testing.assert_allclose(weights.rows("h.weight", [5, 2, 3]), expected[[5, 2, 3]], rtol=1e-6)
        np.testing.assert_allclose(read_all(weights, "h.weight", 128), expected, rtol=1e-6)


def test_fp8_in_blocks(tmp_path: Path) -> None:
    codes = draw(200, 300).astype(ml_dtypes.float8_e4m3fn)
    scale = np.abs(draw(2, 3)).astype(np.float32)
    expected = codes.astype(np.float32) * np.repeat(np.repeat(scale, 128, 0), 128, 1)[:200, :300]
    place = save_model(tmp_path / "m", {"h.weight": codes, "h.weight_scale_inv": scale})
    with open_weights(place) as weights:
        np.testing.assert_allclose(read_all(weights, "h.weight", 2**16), expected, rtol=1e-6)
        np.testing.assert_allclose(
            weights.rows("h.weight", [199, 127, 128]), expected[[199, 127, 128]], rtol=1e-6
        )


@pytest.mark.parametrize("nested", [False, True])
def test_four_bit_of_bitsandbytes(tmp_path: Path, nested: bool) -> None:
    rng = np.random.default_rng(2)
    shape, block = (7, 65), 64
    total = 7 * 65
    codes = rng.integers(0, 16, total + total % 2, np.uint8)
    table = np.sort(draw(16))
    blocks = -(-total // block)
    state: dict[str, Any] = {
        "quant_type": "nf4",
        "blocksize": block,
        "dtype": "bfloat16",
        "shape": list(shape),
    }
    tensors = {"h.weight": (codes[0::2] << 4 | codes[1::2]).reshape(-1, 1), "h.weight.quant_map": table}
    if nested:
        inner, inner_table = rng.integers(0, 256, blocks, np.uint8), draw(256, seed=3)
        outer = np.array([0.7], np.float32)
        state |= {"nested_blocksize": 256, "nested_offset": 0.25}
        absmax = inner_table[inner] * outer[0] + np.float32(0.25)
        tensors |= {
            "h.weight.absmax": inner,
            "h.weight.nested_absmax": outer,
            "h.weight.nested_quant_map": inner_table,
        }
    else:
        absmax = np.abs(draw(blocks))
        tensors["h.weight.absmax"] = absmax
    tensors["h.weight.quant_state.bitsandbytes__nf4"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    expected = (table[codes[:total]] * np.repeat(absmax, block)[:total]).reshape(shape)
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert {name: info.shape for name, info in weights.tensors.items()} == {"h.weight": shape}
        np.testing.assert_allclose(read_all(weights, "h.weight", 600), expected, rtol=1e-5)
        np.testing.assert_allclose(weights.rows("h.weight", [5, 1]), expected[[5, 1]], rtol=1e-5)


def test_layouts_that_are_not_read_are_named(tmp_path: Path) -> None:
    tensors = {
        "h.qweight": np.zeros((4, 8), np.int32),
        "h.qzeros": np.zeros((1, 1), np.int32),
        "n.weight": draw(8),
    }
    with open_weights(save_model(tmp_path / "m", tensors)) as weights:
        assert set(weights.tensors) == {"n.weight"}
        assert any("GPTQ or AWQ" in problem for problem in weights.problems)
    misfit = {"h.weight": np.zeros((4, 8), np.int8), "h.weight_scale": draw(3, 1)}
    with pytest.raises(WeightsError, match=r"'h.weight_scale' of shape \(3, 1\).*does not fit"):
        open_weights(save_model(tmp_path / "n", misfit))
