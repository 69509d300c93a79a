"""Headers of safetensors files, read as if every file were hostile.

Specification: https://github.com/huggingface/safetensors#format. 8 bytes little-endian length, a JSON object
of that length ({name: {"dtype", "shape", "data_offsets"}}, and `__metadata__`), then the values without gap
or overlap. Values are little-endian, in C order.
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from tools.weights.configs import parse_object
from tools.weights.dtypes import CODECS
from tools.weights.errors import WeightsError
from tools.weights.files import WeightsFile, read_bytes
from tools.weights.stored import StoredTensor
from tools.weights.types import TensorInfo

# The specification allows 100 MB, which parsed would take gigabytes; 100,000 tensors take 12 MB.
MAX_HEADER_BYTES = 2**25
_LENGTH_BYTES = 8
_GUESSED_BYTES = 32
_MOST_DIMENSIONS = 32
_LARGEST = 2**56
_METADATA = "__metadata__"
_MARKS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GGUF": "a GGUF file",
    b"PK\x03\x04": "a zip file, as PyTorch pickles are",
    b"\x80": "a pickle file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
    b"<": "a web page",
}
_HINT = "Fetch the file again, or write it anew with the safetensors library."


def read_tensors(file: WeightsFile) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name, in the order of their bytes.

    Raises WeightsError, naming the file, when the header is damaged, too long, or does not fit the file.
    """
    header, data_start = _read_header(file)
    found = [
        _place_tensor(file, name, entry, data_start) for name, entry in header.items() if name != _METADATA
    ]
    found.sort(key=lambda tensor: (tensor.start, tensor.info.nbytes))
    _check_layout(file, found, data_start)
    return {tensor.info.name: tensor for tensor in found}


def _read_header(file: WeightsFile) -> tuple[dict[str, Any], int]:
    """The header's object and where the values begin."""
    if file.size < _LENGTH_BYTES + 2:
        raise _complain(file, f"has only {file.size} bytes, too short for a safetensors header")
    first = read_bytes(file, 0, min(file.size, _GUESSED_BYTES))
    length = int.from_bytes(first[:_LENGTH_BYTES], "little")
    if length > file.size - _LENGTH_BYTES:
        raise _complain(
            file,
            f"claims a header of {length:,} bytes, longer than the file of {file.size:,}{_guess_kind(first)}",
        )
    if length > MAX_HEADER_BYTES:
        raise _complain(file, f"claims a header of {length:,} bytes; at most {MAX_HEADER_BYTES:,} are read")
    if first[_LENGTH_BYTES : _LENGTH_BYTES + 1] != b"{":
        raise _complain(file, f"has no JSON object for a header{_guess_kind(first)}")
    data = read_bytes(file, _LENGTH_BYTES, length)
    return parse_object(data, file.name, "the header"), _LENGTH_BYTES + length


def _place_tensor(file: WeightsFile, name: str, entry: Any, data_start: int) -> StoredTensor:
    shown = repr(name[:80])
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _complain(file, f"has a tensor whose name {shown} is no text") from error
    if not isinstance(entry, dict):
        raise _complain(file, f"says of tensor {shown} nothing but {str(entry)[:80]!r}")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    codec = CODECS.get(dtype) if isinstance(dtype, str) else None
    if codec is None:
        raise _complain(file, f"gives tensor {shown} the dtype {str(dtype)[:40]!r}, which is not known")
    if not _is_shape(shape):
        raise _complain(file, f"gives tensor {shown} the shape {str(shape)[:80]}, which cannot be")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _complain(file, f"gives tensor {shown} the data_offsets {str(offsets)[:80]}, which cannot be")
    elements = math.prod(shape)
    nbytes = offsets[1] - offsets[0]
    if elements * codec.block_bytes != nbytes:
        raise _complain(
            file,
            f"gives tensor {shown} {nbytes:,} bytes, but shape {shape} in {dtype} takes "
            f"{elements * codec.block_bytes:,}",
        )
    info = TensorInfo(name, str(dtype), tuple(shape), nbytes, file.name)
    return StoredTensor(info, file, data_start + offsets[0], codec)


def _is_shape(value: Any) -> TypeGuard[list[int]]:
    """Counts of no more than numpy can address, also where one of them is 0."""
    if not _are_counts(value) or len(value) > _MOST_DIMENSIONS:
        return False
    return math.prod([size or 1 for size in value]) <= _LARGEST


def _are_counts(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= _LARGEST for item in value)


def _check_layout(file: WeightsFile, found: list[StoredTensor], data_start: int) -> None:
    """Every byte behind the header belongs to exactly one tensor."""
    end = data_start
    for tensor in found:
        name = repr(tensor.info.name[:80])
        if tensor.start < end:
            raise _complain(file, f"has tensor {name} overlap the one before it")
        if tensor.start > end:
            raise _complain(file, f"leaves {tensor.start - end:,} bytes without owner before tensor {name}")
        end = tensor.start + tensor.info.nbytes
    if end > file.size:
        raise _complain(
            file,
            f"is cut short: its tensors take {end:,} bytes, the file has {file.size:,}",
            "Fetch it again.",
        )
    if end < file.size:
        raise _complain(file, f"has {file.size - end:,} bytes behind its last tensor")


def _guess_kind(first: bytes) -> str:
    """What the file seems to be, by its first bytes, as the end of a message."""
    if first.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer, not the weights (git lfs pull fetches them)"
    for mark, kind in _MARKS.items():
        if first.startswith(mark):
            return f": it looks like {kind}"
    return ""


def _complain(file: WeightsFile, fact: str, hint: str = _HINT) -> WeightsError:
    return WeightsError(f"{file.name!r} {fact}.", hint=hint, file=file.name)
