"""Quantised tensors of safetensors files, read as the values they stand for.

Layouts: LLM.int8 of bitsandbytes (`SCB` beside `weight`, one absolute maximum for each row, arXiv
2208.07339); NF4 and FP4 of bitsandbytes (arXiv 2305.14314, `quant_state` beside a packed `weight`); int8, fp8
and packed integers of compressed-tensors (`weight_scale`, `weight_zero_point`, `weight_packed`); fp8 in
blocks (`weight_scale_inv`, as DeepSeek-V3 stores it). Scales are folded in, and are no tensors of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tools.weights.dtypes import Floats
from tools.weights.errors import WeightsError
from tools.weights.four_bit import join_four_bit
from tools.weights.stored import ReadableTensor, StoredTensor, count_rows, read_rows
from tools.weights.types import TensorInfo

_QUANTIZED = frozenset({"I8", "F8_E4M3", "F8_E5M2"})
_WEIGHT = ".weight"
_PACKED = ".weight_packed"
_FP8_BLOCK = 128
_FOREIGN = (".qweight", ".qzeros", ".g_idx")  # GPTQ and AWQ


def join_scales(
    stored: Mapping[str, StoredTensor], config: Mapping[str, Any], problems: list[str]
) -> dict[str, ReadableTensor]:
    """The tensors of a model with every quantised one joined to its scales, under its plain name.

    Tensors in layouts that are not read are left out and named in `problems`. Raises WeightsError when
    scales do not fit their tensor.
    """
    joined: dict[str, ReadableTensor] = {}
    found, used = join_four_bit(stored)
    joined.update(found)
    bits = _find_bits(config)
    for name, tensor in stored.items():
        if name.endswith(_PACKED):
            packed, parts = _join_packed(stored, name, bits)
            joined[packed.info.name] = packed
            used |= parts
        elif tensor.info.dtype in _QUANTIZED and (scaled := _join_scaled(stored, name, config)):
            joined[name] = scaled[0]
            used |= scaled[1]
    foreign = {name.rpartition(".")[0] for name in stored if name.endswith(_FOREIGN)}
    if foreign:
        used |= {name for name in stored if name.rpartition(".")[0] in foreign and not name.endswith(".bias")}
        problems.append(
            f"{len(foreign)} tensors in the layout of GPTQ or AWQ are left out, as {min(foreign)[:80]!r}."
        )
    plain = {name: tensor for name, tensor in stored.items() if name not in used and name not in joined}
    return joined | plain


class ScaledTensor:
    """Integers or 8-bit floats times a scale: for all, for each row, for groups of a row, or for blocks."""

    def __init__(
        self,
        weight: StoredTensor,
        scale: StoredTensor,
        *,
        factor: float = 1.0,
        zero: StoredTensor | None = None,
        block_rows: int = 1,
    ) -> None:
        """Values are (weight - zero) · scale · factor; so many rows of `weight` share a row of `scale`."""
        self.info = replace(weight.info, quantized=True)
        self._weight = weight
        self._scale = scale
        self._zero = zero
        self._factor = factor
        self._block_rows = block_rows

    def read_run(self, first: int, out: Floats, *, keep: bool = True) -> None:
        self._weight.read_run(first, out, keep=keep)
        flat = out.reshape(len(out), -1)
        if self._zero is not None:
            _apply(np.subtract, flat, self._read_beside(self._zero, first, len(out)), self._spread)
        scale = self._read_beside(self._scale, first, len(out)) * np.float32(self._factor)
        _apply(np.multiply, flat, scale, self._spread)

    @property
    def _spread(self) -> int:
        """How many neighbours in a row share a scale where that number is fixed; 0 where it follows."""
        return _FP8_BLOCK if self._block_rows > 1 else 0

    def prefetch(self, runs: Sequence[range]) -> None:
        self._weight.prefetch(runs)
        if count_rows(self._scale.info.shape) == count_rows(self._weight.info.shape):
            self._scale.prefetch(runs)

    def hash_read(self) -> str:
        """Of the quantised values; what was read of the scales is not in it."""
        return self._weight.hash_read()

    def _read_beside(self, tensor: StoredTensor, first: int, count: int) -> Floats:
        """The scales (or zero points) of `count` rows from `first` on, shape (count or 1, groups)."""
        rows = count_rows(tensor.info.shape)
        if rows == 1:
            return read_rows(tensor, slice(0, 1)).reshape(1, -1)
        low, high = first // self._block_rows, (first + count - 1) // self._block_rows + 1
        values = read_rows(tensor, slice(low, high)).reshape(high - low, -1)
        if self._block_rows == 1:
            return values
        return values[np.arange(first, first + count) // self._block_rows - low]


class PackedTensor:
    """Integers of 4 or 8 bits packed into int32, the first in the lowest bits, with a scale a group."""

    def __init__(self, packed: StoredTensor, scale: StoredTensor, name: str, bits: int) -> None:
        """The tensor called `name`, of shape (rows of `packed`, columns · 32 / `bits`)."""
        rows, words = packed.info.shape
        self.info = replace(packed.info, name=name, shape=(rows, words * 32 // bits), quantized=True)
        self._packed = packed
        self._scale = scale
        self._bits = bits

    def read_run(self, first: int, out: Floats, *, keep: bool = True) -> None:
        width = self._packed.info.shape[1]
        words = self._packed.read_raw(first * width, (first + len(out)) * width, keep=keep).view("<u4")
        shifts = np.arange(0, 32, self._bits, dtype=np.uint32)
        codes = (words.reshape(len(out), -1, 1) >> shifts) & np.uint32((1 << self._bits) - 1)
        np.subtract(codes.reshape(len(out), -1), 2.0 ** (self._bits - 1), out=out, casting="unsafe")
        rows = slice(0, 1) if count_rows(self._scale.info.shape) == 1 else slice(first, first + len(out))
        scale = read_rows(self._scale, rows)
        _apply(np.multiply, out, scale.reshape(len(scale), -1), 0)

    def prefetch(self, runs: Sequence[range]) -> None:
        self._packed.prefetch(runs)

    def hash_read(self) -> str:
        """Of the packed integers; what was read of the scales is not in it."""
        return self._packed.hash_read()


def _apply(operation: np.ufunc, flat: Floats, beside: Floats, spread: int) -> None:
    """`operation` in place on rows `flat` (n, columns) with values (n or 1, groups) that neighbours share."""
    groups = beside.shape[1]
    columns = flat.shape[1]
    with np.errstate(all="ignore"):  # damaged scales read as infinite or NaN
        if groups in (1, columns):
            operation(flat, beside, out=flat)
        elif spread == 0 and columns % groups == 0:
            view = flat.reshape(len(flat), groups, columns // groups)
            operation(view, beside[:, :, None], out=view)
        else:
            operation(flat, beside[:, np.arange(columns) // spread], out=flat)


def _join_scaled(
    stored: Mapping[str, StoredTensor], name: str, config: Mapping[str, Any]
) -> tuple[ScaledTensor, set[str]] | None:
    """The tensor with its scales, and the names of what was folded in; None when it has no scales."""
    weight = stored[name]
    module = name.removesuffix(_WEIGHT)
    for scale_name in (
        f"{module}.SCB", f"{name}.SCB", f"{name}_scale", f"{name}_scale_inv",
        f"{name}.scale", f"{module}.scale", f"{name}.scales", f"{module}.scales",
    ):  # fmt: skip
        scale = stored.get(scale_name)
        if scale is None or scale_name == name:
            continue
        block = _find_block(config) if scale_name.endswith("_inv") else 1
        zero = stored.get(f"{name}_zero_point")
        for beside in (scale, zero):
            if beside is not None:
                _check_fit(beside, weight.info, block)
        factor = 1 / 127 if scale_name.endswith(".SCB") else 1.0
        joined = ScaledTensor(weight, scale, factor=factor, zero=zero, block_rows=block)
        return joined, {scale_name, f"{name}_zero_point", f"{name}_format"}
    return None


def _find_block(config: Mapping[str, Any]) -> int:
    """Rows of a block of fp8 values. Only square blocks of 128 are known to be in use."""
    size = _find_quantization(config).get("weight_block_size")
    if size not in (None, [_FP8_BLOCK, _FP8_BLOCK]):
        raise WeightsError(
            f"'config.json' gives the weight_block_size {str(size)[:40]}; only [128, 128] can be read.",
            hint="Use another quantisation of the model.",
            file="config.json",
        )
    return _FP8_BLOCK


def _join_packed(stored: Mapping[str, StoredTensor], name: str, bits: int) -> tuple[PackedTensor, set[str]]:
    module = name.removesuffix(_PACKED)
    packed, scale = stored[name], stored.get(f"{module}.weight_scale")
    unread = {f"{module}.weight_zero_point", f"{module}.weight_g_idx"} & set(stored)
    if (
        scale is None
        or unread
        or bits not in (4, 8)
        or len(packed.info.shape) != 2
        or packed.info.dtype != "I32"
    ):
        raise WeightsError(
            f"{name!r} in {packed.info.shard!r} is packed in a way that cannot be read.",
            hint="Use another quantisation of the model.",
            file=packed.info.shard,
        )
    tensor = PackedTensor(packed, scale, f"{module}{_WEIGHT}", bits)
    _check_fit(scale, tensor.info, 1)
    return tensor, {name, f"{module}.weight_scale", f"{module}.weight_shape"}


def _find_bits(config: Mapping[str, Any]) -> int:
    """The width that compressed-tensors gives for packed weights; 4 where it gives none."""
    groups = _find_quantization(config).get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        bits = weights.get("num_bits") if isinstance(weights, dict) else None
        if isinstance(bits, int):
            return bits
    return 4


def _find_quantization(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = config.get("quantization_config") or config.get("compression_config")
    return found if isinstance(found, dict) else {}


def _check_fit(scale: StoredTensor, info: TensorInfo, block: int) -> None:
    """Raise WeightsError unless every value of the tensor `info` has a scale (or zero point)."""
    rows = count_rows(info.shape)
    columns = math.prod(info.shape[1:])
    scale_rows = count_rows(scale.info.shape)
    groups = math.prod(scale.info.shape[1:])
    if block > 1:
        fits = (scale_rows, groups) == (-(-rows // block), -(-columns // block))
    else:
        fits = scale_rows in (1, rows) and groups > 0 and columns % groups == 0
    if not fits:
        raise WeightsError(
            f"{scale.info.name!r} of shape {scale.info.shape} in {scale.info.shard!r} does not fit "
            f"{info.name!r} of shape {info.shape}.",
            hint="Fetch the files again, all of one revision.",
            file=scale.info.shard,
        )
