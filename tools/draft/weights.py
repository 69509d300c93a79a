"""What the headers of a model's safetensors files tell: tensors, parameters by dtype, sizes of embeddings.

No weight is read. Specification: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tools.draft.gathering import Gathered, Known
from tools.hashing import hash_bytes
from tools.sources.headers import HeaderError, read_header

_EMBEDDINGS = (
    "embed_tokens.weight",
    "word_embeddings.weight",
    "wte.weight",
    "shared.weight",
    "tok_embeddings.weight",
)
_LENGTH_BYTES = 8
_MOST_PER_BYTE = 8


def gather_weights(gathered: Gathered) -> None:
    """Add what the headers of the top folder's safetensors files say.

    Topics: "header" (parameters by dtype, a mapping), "adapter_header" (the same of an adapter's own
    weights), "embedding" (shape of the token embeddings).
    """
    folder = gathered.subject.folder
    if folder is None:
        return
    names = [file.path for file in gathered.subject.files if file.path.lower().endswith(".safetensors")]
    shards = [name for name in names if "/" not in name]
    consolidated = [name for name in shards if name.startswith("consolidated")]
    if len(consolidated) < len(shards):  # the same weights once more, in another layout
        shards = [name for name in shards if name not in consolidated]
    adapters = [name for name in shards if name.startswith("adapter_")]
    own = [name for name in shards if name not in adapters]
    for topic, chosen in (("header", own), ("adapter_header", adapters)):
        if chosen:
            try:
                _require_all_shards(chosen)
                _add_headers(gathered, folder, topic, chosen)
            except HeaderError as error:
                gathered.faults[chosen[0]] = f"Parameters are not counted: {chosen[0]}: {error}."


_SHARD = re.compile(r"-\d{5}-of-(\d{5})\.safetensors$")


def _require_all_shards(names: list[str]) -> None:
    """Raises HeaderError where a name (`model-00001-of-00003.safetensors`) says that others are missing."""
    for total in {int(matched[1]) for name in names if (matched := _SHARD.search(name))}:
        there = sum(name.endswith(f"-of-{total:05d}.safetensors") for name in names)
        if there < total:
            raise HeaderError(f"only {there} of {total} shards are there")


def _add_headers(gathered: Gathered, folder: Path, topic: str, names: list[str]) -> None:
    counts: Counter[str] = Counter()
    tensors = 0
    read = b""
    embedding: tuple[str, str, list[int], str] | None = None
    for name in names:
        header = read_header(folder / name)
        own = _read_bytes(folder / name)
        size = (folder / name).stat().st_size
        read += own
        for tensor, info in header.items():
            if tensor == "__metadata__":
                continue
            shape, dtype = _read_shape(tensor, info)
            _check_span(tensor, info, math.prod(shape), size - len(own))
            counts[dtype] += math.prod(shape)
            tensors += 1
            if embedding is None and tensor.endswith(_EMBEDDINGS) and len(shape) == 2:
                embedding = (f"{name}#{tensor}", dtype, shape, hash_bytes(own))
    if not counts:
        return
    source = gathered.subject.record.source
    by_dtype = dict(counts.most_common())
    parts = ", ".join(f"{dtype} {count:,}" for dtype, count in by_dtype.items())
    files = names[0] if len(names) == 1 else f"{names[0]}, …, {names[-1]}"
    text = f"{tensors:,} tensors with {sum(counts.values()):,} parameters in all: {parts}"
    evidence = gathered.ledger.add("weights", source, f"{files}#header", text, hash_bytes(read))
    gathered.add(Known(topic, by_dtype, "weights", evidence))
    if embedding is not None:
        locator, dtype, shape, digest = embedding
        text = f"token embeddings of {shape[0]} rows and {shape[1]} columns, {dtype}"
        seen = gathered.ledger.add("weights", source, locator, text, digest)
        gathered.add(Known("embedding", shape, "weights", seen))


def _read_shape(tensor: str, info: Any) -> tuple[list[int], str]:
    shape = info.get("shape") if isinstance(info, dict) else None
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise HeaderError(f"tensor {tensor[:80]!r} has no shape")
    return shape, str(info.get("dtype"))


def _check_span(tensor: str, info: dict[str, Any], elements: int, room: int) -> None:
    """Raises HeaderError for values that lie beyond the end of the file, or cannot be in so few bytes."""
    span = info.get("data_offsets")
    if not isinstance(span, list) or len(span) != 2 or not all(type(end) is int for end in span):
        raise HeaderError(f"tensor {tensor[:80]!r} has no place")
    begin, end = span
    if not 0 <= begin <= end <= room:
        raise HeaderError(f"it is cut short: tensor {tensor[:80]!r} ends at byte {end:,} of {room:,}")
    if elements > _MOST_PER_BYTE * (end - begin):
        raise HeaderError(f"tensor {tensor[:80]!r} cannot lie in {end - begin:,} bytes")


def _read_bytes(path: Path) -> bytes:
    """The bytes of the header with its length, for the hash; `read_header` has found them sound."""
    with path.open("rb") as file:
        length = file.read(_LENGTH_BYTES)
        return length + file.read(int.from_bytes(length, "little"))
