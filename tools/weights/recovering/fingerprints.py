"""A model's fingerprint: what is read of it once, so that it can be held against any other model later.

It holds a sketch of the matrices in the order they stand, and the likeness of sampled tokens' embeddings to
one another, which no reordering, turning or change of sign of the hidden axis changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tools.weights.recovering.sketches import (
    Patch,
    fold_sketch,
    list_matrices,
    pack_sketch,
    sketch_model,
    unpack_sketch,
)
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSION = 512  # of each of the two vectors
_TOKENS_PER_OCTAVE = 24
_OCTAVES = range(6, 18)  # token numbers 64 to 262,144
_MOST_TOKENS = 192
_SEED = 20403
_TASK_HEAD = re.compile(r"^(?:\w+\.)?(?:classifier|score|qa_outputs|classification_head|pre_classifier)\.")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of a model's weights without opening them again.

    `folded` and `tokens` are unit vectors (zero where there is nothing to take them from): the first holds
    the matrices in the order they stand, the second the embeddings whatever the order of the hidden axis.
    `zeros` is the share of exact zeros, `vocabulary` the rows of the embeddings, `has_task_head` whether
    there is a head for classes or spans, `content` the sha256 of names, shapes and of the bytes read.
    """

    content: str
    sketch: dict[str, Patch]
    folded: NDArray[np.float32]
    tokens: NDArray[np.float32]
    zeros: float
    layers: int
    vocabulary: int
    bytes_total: int
    is_adapter: bool = False
    is_gguf: bool = False
    has_task_head: bool = False
    kind: str = ""  # the configuration's model_type

    @property
    def signature(self) -> str:
        """The shapes of all matrices but the vocabulary's rows: equal for models of one architecture."""
        shapes = sorted(
            (place, patch.shape[1:] if place.split("/")[2] in ("embed", "head") else patch.shape)
            for place, patch in self.sketch.items()
            if place.split("/")[2] != "head"
        )
        return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()[:16]

    @property
    def bits(self) -> float:
        """Bits of the mantissa, on average over the values."""
        held = sum(patch.bits * patch.shape[0] * patch.shape[1] for patch in self.sketch.values())
        return held / self.size if self.size else 24.0

    @property
    def size(self) -> int:
        """Values of all matrices."""
        return sum(patch.shape[0] * patch.shape[1] for patch in self.sketch.values())


def read_fingerprint(weights: Weights) -> Fingerprint:
    """Read a model's fingerprint: a few rows of every matrix. Raises WeightsError."""
    sketch = sketch_model(weights)
    matrices = list_matrices(weights)
    digest = hashlib.sha256()
    for name, info in sorted(weights.tensors.items()):
        digest.update(f"{name} {info.dtype} {info.shape}\n".encode())
    for name, _ in sorted(matrices.values()):
        digest.update(weights.hash_read(name).encode())
    tokens, vocabulary = _read_tokens(weights)
    count = sum(patch.values.size for patch in sketch.values())
    zeros = sum(patch.zeros * patch.values.size for patch in sketch.values()) / count if count else 0.0
    layers = {(role.stack, role.layer) for _, role in matrices.values() if role.layer is not None}
    return Fingerprint(
        content=digest.hexdigest(),
        sketch=sketch,
        folded=fold_sketch(sketch, DIMENSION),
        tokens=tokens,
        zeros=zeros,
        layers=len(layers),
        vocabulary=vocabulary,
        bytes_total=weights.bytes_total,
        is_adapter=weights.adapter is not None,
        has_task_head=any(_TASK_HEAD.search(name) for name in weights.tensors),
        kind=str(weights.config.get("model_type") or ""),
        is_gguf=any(info.shard.lower().endswith(".gguf") for info in weights.tensors.values()),
    )


def _read_tokens(weights: Weights) -> tuple[NDArray[np.float32], int]:
    """Cosines among the embeddings of sampled tokens, folded to a unit vector, and the vocabulary's size."""
    import numpy as np

    named = [
        name
        for name, role in list_matrices(weights).values()
        if role.part == "embed" and role.layer is None and len(weights.tensors[name].shape) == 2
    ]
    if not named:
        return np.zeros(DIMENSION, np.float32), 0
    name = max(named, key=lambda name: weights.tensors[name].nbytes)
    vocabulary = weights.tensors[name].shape[0]
    ids = [token for token in _choose_tokens() if token < vocabulary][:_MOST_TOKENS]
    if len(ids) < 8:
        return np.zeros(DIMENSION, np.float32), vocabulary
    rows = np.nan_to_num(weights.rows(name, sorted(ids)), nan=0.0, posinf=0.0, neginf=0.0)
    ordered = rows[np.argsort(np.argsort(ids))].astype(np.float64)
    ordered -= ordered.mean(axis=0)
    lengths = np.linalg.norm(ordered, axis=1, keepdims=True)
    scaled = ordered / np.where(lengths > 0, lengths, 1.0)
    first, second = np.triu_indices(len(ids), 1)
    alike = (scaled @ scaled.T)[first, second]
    buckets, signs = _choose_buckets()
    folded = np.bincount(buckets[first, second], signs[first, second] * alike, DIMENSION)
    length = float(np.linalg.norm(folded))
    return (folded / length if length > 0 else folded).astype(np.float32), vocabulary


@lru_cache(maxsize=1)
def _choose_tokens() -> tuple[int, ...]:
    """Token numbers of every order of magnitude, in a fixed order; models take those they have."""
    import numpy as np

    rng = np.random.default_rng(_SEED)
    drawn = [rng.choice(2**octave, _TOKENS_PER_OCTAVE, replace=False) + 2**octave for octave in _OCTAVES]
    return tuple(int(token) for octave in drawn for token in octave)


@lru_cache(maxsize=1)
def _choose_buckets() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    import numpy as np

    rng = np.random.default_rng(_SEED + 1)
    side = (_MOST_TOKENS, _MOST_TOKENS)
    return rng.integers(0, DIMENSION, side), rng.choice(np.array([-1.0, 1.0]), side)


def pack_fingerprint(fingerprint: Fingerprint) -> bytes:
    """A fingerprint as bytes, without pickle."""
    head = {
        "content": fingerprint.content,
        "zeros": fingerprint.zeros,
        "layers": fingerprint.layers,
        "vocabulary": fingerprint.vocabulary,
        "bytes_total": fingerprint.bytes_total,
        "is_adapter": fingerprint.is_adapter,
        "is_gguf": fingerprint.is_gguf,
        "has_task_head": fingerprint.has_task_head,
        "kind": fingerprint.kind,
    }
    packed = json.dumps(head).encode()
    vectors = fingerprint.folded.astype("<f4").tobytes() + fingerprint.tokens.astype("<f4").tobytes()
    return len(packed).to_bytes(8, "little") + packed + vectors + pack_sketch(fingerprint.sketch)


def unpack_fingerprint(packed: bytes) -> Fingerprint:
    """The fingerprint that `pack_fingerprint` packed."""
    import numpy as np

    at = 8 + int.from_bytes(packed[:8], "little")
    head = json.loads(packed[8:at])
    folded = np.frombuffer(packed, "<f4", DIMENSION, at)
    tokens = np.frombuffer(packed, "<f4", DIMENSION, at + folded.nbytes)
    sketch = unpack_sketch(packed[at + folded.nbytes + tokens.nbytes :])
    return Fingerprint(sketch=sketch, folded=folded, tokens=tokens, **head)
