"""How the pairwise comparisons of `lake recover` grow with the number of models."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

_SIZES = (25, 50, 100, 200)
_FAMILY = 8
_HIDDEN, _NEURONS, _VOCABULARY, _LAYERS = 32, 96, 256, 2


def measure_growth(sizes: tuple[int, ...] = _SIZES) -> list[dict[str, Any]]:
    """For each size a lake of families of 8 synthetic models of one architecture, recovered: comparisons
    made, all pairs there are, families found and there, seconds."""
    from tools.weights.recovering.recover import LakeModel, recover

    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="lake-growth-") as place:
            names = _write_lake(Path(place), size)
            began = time.perf_counter()
            found = recover([LakeModel(name, Path(place, name)) for name in names])
            rows.append(
                {
                    "models": size,
                    "comparisons": found.compared,
                    "all_pairs": size * (size - 1) // 2,
                    "families_found": len(found.families),
                    "families": -(-size // _FAMILY),
                    "seconds": round(time.perf_counter() - began, 2),
                }
            )
    return rows


def _write_lake(root: Path, size: int) -> list[str]:
    """Families of models, each a small step away from an earlier one of its family."""
    rng = np.random.default_rng(size)
    names: list[str] = []
    family: list[dict[str, NDArray[np.float32]]] = []
    for number in range(size):
        if number % _FAMILY == 0:
            family = []
        if family:
            parent = family[int(rng.integers(len(family)))]
            state = {
                key: (values + _draw(rng, values.shape) * 0.1).astype(np.float32)
                for key, values in parent.items()
            }
        else:
            state = {name: _draw(rng, shape) for name, shape in _iter_shapes()}
        family.append(state)
        names.append(f"model-{number:03d}")
        (root / names[-1]).mkdir()
        save_file(state, root / names[-1] / "model.safetensors")
    return names


def _draw(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(0.05)


def _iter_shapes() -> list[tuple[str, tuple[int, ...]]]:
    shapes: list[tuple[str, tuple[int, ...]]] = [("model.embed_tokens.weight", (_VOCABULARY, _HIDDEN))]
    for layer in range(_LAYERS):
        prefix = f"model.layers.{layer}."
        shapes += [(f"{prefix}self_attn.{part}_proj.weight", (_HIDDEN, _HIDDEN)) for part in "qkvo"]
        shapes += [(f"{prefix}mlp.{part}_proj.weight", (_NEURONS, _HIDDEN)) for part in ("gate", "up")]
        shapes.append((f"{prefix}mlp.down_proj.weight", (_HIDDEN, _NEURONS)))
    return shapes
