"""GGUF files: metadata, tensor table, and block quantisations dequantised with the `gguf` package.

Specification: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Little-endian: magic, version,
counts, key–value pairs, one entry for each tensor, padding, values. The header is read here, by position, so
that it is bounded, works over ranges of a remote file, and takes nothing in it on trust.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tools.weights.dtypes import CODECS, Codec, Floats
from tools.weights.errors import WeightsError
from tools.weights.files import Bytes, WeightsFile, read_bytes
from tools.weights.stored import StoredTensor
from tools.weights.types import TensorInfo

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_HEADER_BYTES = 2**27  # vocabularies with their merges take up to 20 MB
_MAX_NAME_BYTES = 2**16
_MAX_KEPT_ITEMS = 1024  # longer arrays (vocabularies) are passed over
_MAX_DEPTH = 4
_MAX_COUNT = 2**18  # of tensors, of keys
_MAX_DIMENSIONS = 4
_LARGEST = 2**56
_WINDOW_BYTES = 2**18
_REMOTE_WINDOW_BYTES = 2**20
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_PLAIN = {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"}
_HINT = "Fetch the file again; it is damaged or no GGUF file."

# Keys below the architecture's name, and what config.json calls the same.
_CONFIG_KEYS = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.layer_norm_epsilon": "layer_norm_eps",
    "context_length": "max_position_embeddings",
    "rope.freq_base": "rope_theta",
    "expert_count": "num_local_experts",
    "vocab_size": "vocab_size",
}


def read_gguf(file: WeightsFile) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """The tensors of a GGUF file by name, and its metadata without long arrays.

    Shapes are in numpy's order. Raises WeightsError, naming the file, when the header is damaged or does not
    fit the file, or a tensor's type is not known.
    """
    cursor = _Cursor(file)
    if cursor.take(4) != _MAGIC:
        raise _complain(file, "does not begin as a GGUF file does")
    version = cursor.number("I")
    if version not in _VERSIONS:
        kind = "big-endian" if version & 0xFFFF == 0 else f"of version {version}"
        raise _complain(file, f"is a GGUF file {kind}, which is not read", "Convert it with llama.cpp.")
    tensor_count, pair_count = cursor.number("Q"), cursor.number("Q")
    if max(tensor_count, pair_count) > _MAX_COUNT:
        raise _complain(file, f"claims {tensor_count:,} tensors and {pair_count:,} keys, which cannot be")
    metadata = _read_metadata(cursor, pair_count)
    entries = _read_entries(cursor, tensor_count)
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= 2**20 or alignment % 8:
        raise _complain(file, f"has an alignment of {alignment!r}, which cannot be")
    data_start = -(-cursor.place // alignment) * alignment
    return _place_tensors(file, entries, data_start), metadata


def describe_config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What `config.json` would say, from a GGUF file's metadata, under the names used there."""
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        return {}
    config: dict[str, Any] = {"model_type": architecture}
    for key, name in _CONFIG_KEYS.items():
        value = metadata.get(f"{architecture}.{key}")
        if isinstance(value, (int, float, str)):
            config[name] = value
    return config


class _Cursor:
    """A place in a header, read through a window. Raises WeightsError at the end of what may be read."""

    def __init__(self, file: WeightsFile) -> None:
        self.place = 0
        self._file = file
        self._window = b""
        self._window_start = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        self._check(count)
        offset = self.place - self._window_start
        if offset + count > len(self._window):
            wanted = _WINDOW_BYTES if self._file.is_local else _REMOTE_WINDOW_BYTES
            length = min(max(count, wanted), self._file.size - self.place)
            self._window = read_bytes(self._file, self.place, length)
            self._window_start, offset = self.place, 0
        self.place += count
        return self._window[offset : offset + count]

    def skip(self, count: int) -> None:
        self._check(count)
        self.place += count
        if self.place > self._window_start + len(self._window):
            self._window, self._window_start = b"", self.place

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self, what: str) -> str:
        length = self.number("Q")
        if length > _MAX_NAME_BYTES:
            raise _complain(self._file, f"has a {what} of {length:,} bytes, which cannot be")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise _complain(self._file, f"has a {what} that is no UTF-8") from error

    def _check(self, count: int) -> None:
        end = self.place + count
        if end > self._file.size:
            raise _complain(
                self._file,
                f"is cut short: its header goes beyond its {self._file.size:,} bytes",
                "Fetch it again.",
            )
        if end > _MAX_HEADER_BYTES:
            raise _complain(self._file, f"has a header of more than {_MAX_HEADER_BYTES:,} bytes")

    def complain(self, fact: str) -> WeightsError:
        return _complain(self._file, fact)


def _read_metadata(cursor: _Cursor, count: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    seen: set[str] = set()
    for _ in range(count):
        key = cursor.text("key")
        if key in seen:
            raise cursor.complain(f"has the key {key[:80]!r} twice")
        seen.add(key)
        value = _read_value(cursor, cursor.number("I"), key, 0)
        if value is not None:
            metadata[key] = value
    return metadata


def _read_value(cursor: _Cursor, kind: int, key: str, depth: int) -> Any:
    """A value of the metadata; None for one that is passed over."""
    if code := _SCALARS.get(kind):
        return cursor.number("B") != 0 if code == "?" else cursor.number(code)
    if kind == _STRING:
        length = cursor.number("Q")
        if length > _MAX_NAME_BYTES:  # a chat template, a licence
            cursor.skip(length)
            return None
        return cursor.take(length).decode(errors="replace")
    if kind != _ARRAY or depth >= _MAX_DEPTH:
        raise cursor.complain(f"has a value of type {kind} under {key[:80]!r}, which is not known")
    inner, count = cursor.number("I"), cursor.number("Q")
    if (code := _SCALARS.get(inner)) and count > _MAX_KEPT_ITEMS:
        cursor.skip(count * struct.calcsize(f"<{code}"))
        return None
    if count <= _MAX_KEPT_ITEMS and depth == 0:
        return [_read_value(cursor, inner, key, depth + 1) for _ in range(count)]
    for _ in range(count):
        if inner == _STRING:
            cursor.skip(cursor.number("Q"))
        else:
            _read_value(cursor, inner, key, depth + 1)
    return None


def _read_entries(cursor: _Cursor, count: int) -> dict[str, tuple[tuple[int, ...], int, int]]:
    """Shape, type and offset of every tensor by name."""
    entries: dict[str, tuple[tuple[int, ...], int, int]] = {}
    for _ in range(count):
        name = cursor.text("tensor name")
        dimensions = cursor.number("I")
        if dimensions > _MAX_DIMENSIONS:
            raise cursor.complain(f"gives tensor {name[:80]!r} {dimensions:,} dimensions, which cannot be")
        shape = tuple(cursor.number("Q") for _ in range(dimensions))[::-1]
        if math.prod(size or 1 for size in shape) > _LARGEST:
            raise cursor.complain(f"gives tensor {name[:80]!r} the shape {shape}, which cannot be")
        kind, offset = cursor.number("I"), cursor.number("Q")
        if name in entries:
            raise cursor.complain(f"has tensor {name[:80]!r} twice")
        entries[name] = (shape, kind, offset)
    return entries


def _place_tensors(
    file: WeightsFile, entries: Mapping[str, tuple[tuple[int, ...], int, int]], data_start: int
) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    end, last = data_start, ""
    for name, (shape, kind, offset) in sorted(entries.items(), key=lambda item: item[1][2]):
        shown = repr(name[:80])
        dtype, codec = _find_codec(file, shown, kind)
        if (shape[-1] if shape else 1) % codec.block_values:
            raise _complain(file, f"gives tensor {shown} the shape {shape}, which {dtype} cannot have")
        nbytes = math.prod(shape) // codec.block_values * codec.block_bytes
        start = data_start + offset
        if start < end:
            raise _complain(file, f"has tensor {shown} overlap {last}")
        end, last = start + nbytes, shown
        if end > file.size:
            raise _complain(
                file,
                f"is cut short: tensor {shown} ends at byte {end:,}, the file has {file.size:,}",
                "Fetch it again.",
            )
        info = TensorInfo(name, dtype, shape, nbytes, file.name, quantized=codec.block_values > 1)
        found[name] = StoredTensor(info, file, start, codec)
    return found


def _find_codec(file: WeightsFile, shown: str, kind: int) -> tuple[str, Codec]:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        known = GGMLQuantizationType(kind)
    except ValueError as error:
        raise _complain(file, f"gives tensor {shown} the type {kind}, which is not known") from error
    if known.name in _PLAIN:
        return known.name, CODECS[known.name]
    block_values, block_bytes = GGML_QUANT_SIZES[known]
    return known.name, Codec(block_bytes, _make_decoder(known, file.name), block_values)


def _make_decoder(kind: Any, file: str) -> Callable[[Bytes, Floats], None]:
    def decode(raw: Bytes, out: Floats) -> None:
        from gguf.quants import dequantize

        try:
            with np.errstate(all="ignore"):  # damaged scales read as infinite or NaN
                out[:] = dequantize(raw, kind).reshape(-1)
        except NotImplementedError as error:
            raise WeightsError(
                f"{file!r} holds values of type {kind.name}, which cannot be dequantised.",
                hint="Use another quantisation of the model.",
                file=file,
            ) from error

    return decode


def _complain(file: WeightsFile, fact: str, hint: str = _HINT) -> WeightsError:
    return WeightsError(f"{file.name!r} {fact}.", hint=hint, file=file.name)
