"""Models whose weights are like those of another: neighbours in the vector index of fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.vectors import VectorIndex
from tools.weights.recovering.fingerprints import DIMENSION, Fingerprint
from tools.weights.recovering.memory import Memory, recall_fingerprint, stamp_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS = ("order", "tokens")  # the two vectors of a fingerprint, each under an id of its own


def open_fingerprint_index(place: Path | str, lake_id: str) -> VectorIndex:
    """The vectors of fingerprints in a home's Chroma folder or on a Chroma server; close it after use."""
    return VectorIndex(place, collection=f"weights-{lake_id}", dimension=DIMENSION)


def index_fingerprints(index: VectorIndex, prints: Mapping[str, Fingerprint]) -> None:
    """Add the fingerprints (by stamp) that the index lacks."""
    import numpy as np

    wanted = {
        f"{stamp}:{kind}": vector
        for stamp, found in prints.items()
        for kind, vector in _list_vectors(found)
        if float(np.linalg.norm(vector)) > 0
    }
    held = index.existing(list(wanted))
    missing = [key for key in wanted if key not in held]
    if missing:
        index.add(missing, np.array([wanted[key] for key in missing], np.float32))


def find_similar_by_weights(
    model: str, places: Mapping[str, Path], memory: Memory, index: VectorIndex, k: int
) -> list[tuple[str, float]]:
    """The `k` models of `places` whose weights are most like those of `model`, with the likeness (0 to 1).

    Likeness is no proof of a common origin: a comparison of the two is. Raises WeightsError when the model's
    own weights cannot be read; others that cannot be are left out.
    """
    from tools.weights.errors import WeightsError

    stamps: dict[str, list[str]] = {}
    prints: dict[str, Fingerprint] = {}
    own = ""
    for name, place in places.items():
        try:
            stamp = stamp_folder(place)
            prints[stamp] = recall_fingerprint(memory, stamp, place)
        except (WeightsError, OSError):
            if name == model:
                raise
            continue
        stamps.setdefault(stamp, []).append(name)
        own = stamp if name == model else own
    index_fingerprints(index, prints)
    best: dict[str, float] = {}
    for _, vector in _list_vectors(prints[own]):
        if not vector.any():
            continue
        for key, likeness in index.query(vector, 2 * len(_KINDS) * (k + 1)):
            for name in stamps.get(key.partition(":")[0], ()):
                if name != model:
                    best[name] = max(best.get(name, 0.0), likeness)
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:k]


def _list_vectors(found: Fingerprint) -> list[tuple[str, NDArray[np.float32]]]:
    return list(zip(_KINDS, (found.folded, found.tokens), strict=True))
