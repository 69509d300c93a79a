"""NF4 and FP4 tensors of bitsandbytes (QLoRA, arXiv 2305.14314).

A byte holds two codes, the first in its upper half. Beside a packed `weight` of shape (n / 2, 1) stand
`.quant_map` (the value of each of 16 codes), `.absmax` (one for each block of values),
`.quant_state.bitsandbytes__nf4` (JSON: shape, block sizes) and, where the absolute maxima are quantised
themselves, `.nested_absmax` and `.nested_quant_map`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tools.weights.configs import parse_object
from tools.weights.dtypes import Floats
from tools.weights.errors import WeightsError
from tools.weights.stored import StoredTensor

STATE_MARK = ".quant_state.bitsandbytes__"
_MAX_STATE_BYTES = 2**16
_CODES = 16


@dataclass(frozen=True, slots=True)
class FourBitState:
    """What `quant_state` says."""

    shape: tuple[int, ...]
    block: int
    nested_block: int
    nested_offset: float


class FourBitTensor:
    """4-bit codes with an absolute maximum for each block, read as the values they stand for."""

    def __init__(self, name: str, state: FourBitState, parts: Mapping[str, StoredTensor]) -> None:
        """`parts` are the tensors by suffix: "" (the codes), "absmax", "quant_map", and the nested ones.

        Raises WeightsError when they do not fit the shape.
        """
        codes = parts[""]
        self.info = replace(codes.info, name=name, shape=state.shape, quantized=True)
        self._state = state
        self._codes = codes
        self._parts = parts
        total = math.prod(state.shape)
        blocks = -(-total // state.block)
        wanted = {"": -(-total // 2), "absmax": blocks, "quant_map": _CODES}
        if "nested_absmax" in parts:
            wanted |= {"nested_absmax": -(-blocks // state.nested_block), "nested_quant_map": 256}
        for suffix, count in wanted.items():
            if suffix not in parts or math.prod(parts[suffix].info.shape) != count:
                raise _complain(codes, f"does not fit its {suffix or 'shape'}")
        if codes.info.dtype != "U8" or ("nested_absmax" in parts) != (parts["absmax"].info.dtype == "U8"):
            raise _complain(codes, "is of a dtype that cannot be")

    def read_run(self, first: int, out: Floats, *, keep: bool = True) -> None:
        if out.size == 0:
            return
        begin = first * math.prod(self.info.shape[1:])
        end = begin + out.size
        packed = self._codes.read_raw(begin // 2, -(-end // 2), keep=keep)
        codes = np.empty(2 * len(packed), np.uint8)
        codes[0::2] = packed >> 4
        codes[1::2] = packed & 0xF
        codes = codes[begin % 2 : begin % 2 + out.size]
        block = self._state.block
        scales = self._read_scales(begin // block, -(-end // block))
        table = _read_all(self._parts["quant_map"])
        owners = np.arange(begin, end) // block - begin // block
        np.multiply(table[codes], scales[owners], out=out.reshape(-1))

    def prefetch(self, runs: Sequence[range]) -> None:
        row = math.prod(self.info.shape[1:])
        spans = [(run.start * row, run.stop * row) for run in runs]
        self._codes.prefetch_values([(low // 2, -(-high // 2) - low // 2) for low, high in spans])
        block = self._state.block
        self._parts["absmax"].prefetch_values(
            [(low // block, -(-high // block) - low // block) for low, high in spans]
        )

    def hash_read(self) -> str:
        """Of the codes; what was read of the scales is not in it."""
        return self._codes.hash_read()

    def _read_scales(self, first: int, end: int) -> Floats:
        absmax = self._parts["absmax"]
        if "nested_absmax" not in self._parts:
            return _read_some(absmax, first, end)
        size = self._state.nested_block
        codes = absmax.read_raw(first, end)
        outer = _read_some(self._parts["nested_absmax"], first // size, -(-end // size))
        owners = np.arange(first, end) // size - first // size
        table = _read_all(self._parts["nested_quant_map"])
        return table[codes] * outer[owners] + np.float32(self._state.nested_offset)


def join_four_bit(stored: Mapping[str, StoredTensor]) -> tuple[dict[str, FourBitTensor], set[str]]:
    """The 4-bit tensors of a model by name, and the names of all tensors that went into them."""
    found: dict[str, FourBitTensor] = {}
    used: set[str] = set()
    states = {name.partition(STATE_MARK)[0]: tensor for name, tensor in stored.items() if STATE_MARK in name}
    for name, state in states.items():
        parts = {
            suffix: stored[full]
            for suffix in ("", "absmax", "quant_map", "nested_absmax", "nested_quant_map")
            if (full := f"{name}.{suffix}" if suffix else name) in stored
        }
        if "" not in parts:
            raise _complain(state, "belongs to no tensor")
        found[name] = FourBitTensor(name, _read_state(state), parts)
        used |= {part.info.name for part in parts.values()} | {state.info.name}
    return found, used - set(found)


def _read_state(tensor: StoredTensor) -> FourBitState:
    if tensor.info.dtype != "U8" or tensor.info.nbytes > _MAX_STATE_BYTES:
        raise _complain(tensor, "is no quant_state")
    data = tensor.read_raw(0, tensor.info.nbytes).tobytes()
    state = parse_object(data, tensor.info.shard, f"{tensor.info.name[:80]!r}")
    shape: Any = state.get("shape")
    block: Any = state.get("blocksize")
    nested_block: Any = state.get("nested_blocksize", 256)
    offset: Any = state.get("nested_offset", 0.0)
    if not isinstance(shape, list) or not all(map(_is_size, [*shape, block, nested_block])):
        raise _complain(tensor, "holds sizes that cannot be")
    if not isinstance(offset, (int, float)):
        raise _complain(tensor, "holds an offset that cannot be")
    return FourBitState(tuple(shape), block, nested_block, float(offset))


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value < 2**40


def _read_some(tensor: StoredTensor, first: int, end: int) -> Floats:
    out = np.empty(end - first, np.float32)
    tensor.read_values(first, out)
    return out


def _read_all(tensor: StoredTensor) -> Floats:
    return _read_some(tensor, 0, math.prod(tensor.info.shape))


def _complain(tensor: StoredTensor, fact: str) -> WeightsError:
    return WeightsError(
        f"{tensor.info.name[:80]!r} in {tensor.info.shard!r} {fact}.",
        hint="Fetch the files again, all of one revision.",
        file=tensor.info.shard,
    )
