"""Files of weights for tests: sound ones by the safetensors library, others byte by byte."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tools.weights.opening import OpenedWeights

Array = NDArray[Any]


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def save_model(
    folder: Path, tensors: dict[str, Array], *, name: str = "model.safetensors", **configs: Any
) -> Path:
    """A model's folder with one file of weights; keywords are JSON files without their suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / name)
    for stem, content in configs.items():
        (folder / f"{stem}.json").write_text(json.dumps(content))
    return folder


def save_shards(folder: Path, shards: dict[str, dict[str, Array]], **index: str) -> Path:
    for name, tensors in shards.items():
        save_model(folder, tensors, name=name)
    owners = {tensor: name for name, tensors in shards.items() for tensor in tensors} | index
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": owners}))
    return folder


def write_raw(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    """A safetensors file with any header at all."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(dtype: str, shape: list[Any], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def read_all(weights: OpenedWeights, name: str, max_bytes: int = 2**24) -> Array:
    return np.concatenate(list(weights.blocks(name, max_bytes)))
