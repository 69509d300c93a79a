"""Number formats of safetensors files, decoded to float32 without torch.

Names and sizes: https://github.com/huggingface/safetensors#format. bfloat16 is the upper half of a float32;
the 8-bit floats (OCP 8-bit Floating Point Specification, rev. 1.0) and float16 go through tables of all
their values.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.weights.files import Bytes

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Codec:
    """How values lie in bytes: `block_bytes` bytes hold `block_values` values (1 but in block quantisations).

    `decode(raw, out)` turns whole blocks into as many float32 values; `out` is one-dimensional.
    """

    block_bytes: int
    decode: Callable[[Bytes, Floats], None]
    block_values: int = 1
    is_native: bool = False  # the bytes are those of float32 in memory


def _decode_plain(dtype: str) -> Callable[[Bytes, Floats], None]:
    kind = np.dtype(dtype)

    def decode(raw: Bytes, out: Floats) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # a double beyond float32 reads as infinite
            out[:] = raw.view(kind)

    return decode


def _decode_bfloat16(raw: Bytes, out: Floats) -> None:
    wide = out.view(np.uint32)
    wide[:] = raw.view("<u2")  # widened first and shifted in place: quicker than a shift that widens
    np.left_shift(wide, 16, out=wide)


def _decode_table(make_table: Callable[[], Floats], index: str) -> Callable[[Bytes, Floats], None]:
    def decode(raw: Bytes, out: Floats) -> None:
        out[:] = make_table()[raw.view(index)]

    return decode


@functools.cache
def _tabulate_float16() -> Floats:
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def _tabulate_float8(exponent_bits: int, *, has_infinity: bool) -> Floats:
    """All 256 values of a float8 with `exponent_bits` bits of exponent (E5M2 has infinities, E4M3 none)."""
    mantissa_bits = 7 - exponent_bits
    codes = np.arange(256)
    sign = np.where(codes & 0x80, -1.0, 1.0)
    exponent = (codes >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = (codes & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    bias = (1 << (exponent_bits - 1)) - 1
    values = sign * np.where(
        exponent == 0, mantissa * 2.0 ** (1 - bias), (1 + mantissa) * 2.0 ** (exponent - bias)
    )
    if has_infinity:
        top = exponent == (1 << exponent_bits) - 1
        values[top] = np.where(mantissa[top] == 0, sign[top] * np.inf, np.nan)
    else:
        values[(codes & 0x7F) == 0x7F] = np.nan
    return values.astype(np.float32)


@functools.cache
def _tabulate_e4m3() -> Floats:
    return _tabulate_float8(4, has_infinity=False)


@functools.cache
def _tabulate_e5m2() -> Floats:
    return _tabulate_float8(5, has_infinity=True)


CODECS: dict[str, Codec] = {
    "F64": Codec(8, _decode_plain("<f8")),
    "F32": Codec(4, _decode_plain("<f4"), is_native=sys.byteorder == "little"),
    "F16": Codec(2, _decode_table(_tabulate_float16, "<u2")),
    "BF16": Codec(2, _decode_bfloat16),
    "F8_E4M3": Codec(1, _decode_table(_tabulate_e4m3, "|u1")),
    "F8_E5M2": Codec(1, _decode_table(_tabulate_e5m2, "|u1")),
    "I64": Codec(8, _decode_plain("<i8")),
    "I32": Codec(4, _decode_plain("<i4")),
    "I16": Codec(2, _decode_plain("<i2")),
    "I8": Codec(1, _decode_plain("|i1")),
    "U64": Codec(8, _decode_plain("<u8")),
    "U32": Codec(4, _decode_plain("<u4")),
    "U16": Codec(2, _decode_plain("<u2")),
    "U8": Codec(1, _decode_plain("|u1")),
    "BOOL": Codec(1, _decode_plain("|u1")),
}
