"""Headers of safetensors files: the number of parameters without reading a weight.

Specification: https://github.com/huggingface/safetensors#format (8 bytes little-endian length, then JSON).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MAX_HEADER_BYTES = 100 * 2**20
MAX_VALUES = 3_000_000  # each some 100 bytes once read; a tensor takes about ten
_LENGTH_BYTES = 8


class HeaderError(ValueError):
    """The header of a safetensors file is damaged; the message says how."""


def count_parameters(path: Path) -> int:
    """The number of elements of all tensors in a safetensors file. Raises HeaderError."""
    total = 0
    for name, tensor in read_header(path).items():
        if name == "__metadata__":
            continue
        shape = tensor.get("shape") if isinstance(tensor, dict) else None
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise HeaderError(f"tensor {name[:80]!r} has no shape")
        total += math.prod(shape)
    return total


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file. Raises HeaderError when it is damaged or too large."""
    try:
        text = _read_bytes(path).decode()
        if sum(map(text.count, "[{,")) > MAX_VALUES:
            raise HeaderError(f"its header holds more than {MAX_VALUES:,} values")
        header = json.loads(text)
    except OSError as error:
        raise HeaderError(f"cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise HeaderError(f"its header is not JSON ({str(error).splitlines()[0][:100]})") from error
    if not isinstance(header, dict):
        raise HeaderError("its header is no JSON object")
    return header


def _read_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size < _LENGTH_BYTES + 2:
        raise HeaderError(f"only {size} bytes, too short for a header")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
            raise HeaderError(f"its header claims {length:,} bytes of a file of {size:,}")
        return file.read(length)
