"""A sketch of a model's matrices: the same few rows and columns of every matrix, whatever the model.

Which rows and columns are taken depends on the matrix's role alone, and a longer axis keeps what a shorter
one has, so that the sketches of any two models can be held against each other without opening them again.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tools.weights.relation import precision_of
from tools.weights.roles import Role, read_roles
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VALUES = 2**18  # of all matrices together
_SIDE = (8, 128)  # rows and columns of one matrix, at least and at most


@dataclass(frozen=True, slots=True)
class Patch:
    """What a sketch keeps of one matrix: `values` at `rows` x `columns`, as (outputs, inputs).

    `shape` is that of the whole matrix, (outputs, inputs); `zeros` the share of exact zeros in it, `bits`
    those of its mantissa.
    """

    shape: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    zeros: float = 0.0
    bits: int = 24


Sketch = Mapping[str, Patch]  # by the matrix's place, see `name_place`


def name_place(role: Role) -> str:
    """A matrix's place in its model as one word, the same in every naming convention."""
    return f"{role.stack}/{'' if role.layer is None else role.layer}/{role.part}/{role.rest}"


def list_matrices(weights: Weights, roles: Mapping[str, Role] | None = None) -> dict[str, tuple[str, Role]]:
    """The matrices of a model by place: (name, role). Convolutions count as (out channels, the rest).

    `roles` by name stand for what the names say, where the tensors are shown in another model's order.
    """
    found: dict[str, tuple[str, Role]] = {}
    for name, role in (read_roles(weights.tensors) | dict(roles or {})).items():
        shape = weights.tensors[name].shape
        if len(shape) >= 2 and 0 not in shape and not role.bias:
            found.setdefault(name_place(role), (name, role))
    return found


def sketch_model(weights: Weights, roles: Mapping[str, Role] | None = None) -> dict[str, Patch]:
    """The sketch of a model as it stands. What is no number counts as 0. `roles` as in `list_matrices`.

    Raises WeightsError.
    """
    matrices = list_matrices(weights, roles)
    side = int(math.sqrt(_VALUES / max(1, len(matrices))))
    side = min(max(side, _SIDE[0]), _SIDE[1])
    return {place: _cut(weights, name, role, side) for place, (name, role) in matrices.items()}


def _cut(weights: Weights, name: str, role: Role, side: int) -> Patch:
    import numpy as np

    shape = weights.tensors[name].shape
    first, rest = shape[0], math.prod(shape[1:])
    outputs, inputs = (rest, first) if role.transposed else (first, rest)
    # Drawn by the part alone, so that one model's layers can be held against another's in any order.
    part = f"{role.part}/{role.rest}"
    rows, columns = choose_indices(part + "/out", outputs, side), choose_indices(part + "/in", inputs, side)
    read = columns if role.transposed else rows
    values = weights.rows(name, read.tolist()).reshape(len(read), -1)
    values = values[:, rows].T if role.transposed else values[:, columns]
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    return Patch(
        (outputs, inputs),
        rows,
        columns,
        np.ascontiguousarray(finite),
        float((finite == 0).mean()),
        precision_of(weights.tensors[name]),
    )


@lru_cache(maxsize=4096)
def choose_indices(seed: str, count: int, wanted: int) -> NDArray[np.int64]:
    """`wanted` of `count` indices, ascending, drawn so that a longer axis keeps most of a shorter one's."""
    import numpy as np

    if count <= wanted:
        return np.arange(count)
    drawn = np.random.default_rng(_seed(seed)).random(count)
    return np.sort(np.argpartition(drawn, wanted)[:wanted])


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def overlap(a: Patch, b: Patch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The values that both patches hold, as two arrays of one shape."""
    import numpy as np

    if a.shape == b.shape and a.values.shape == b.values.shape:
        return a.values, b.values
    _, rows_a, rows_b = np.intersect1d(a.rows, b.rows, assume_unique=True, return_indices=True)
    _, columns_a, columns_b = np.intersect1d(a.columns, b.columns, assume_unique=True, return_indices=True)
    return a.values[np.ix_(rows_a, columns_a)], b.values[np.ix_(rows_b, columns_b)]


def fold_sketch(sketch: Sketch, dimension: int) -> NDArray[np.float32]:
    """A unit vector whose dot product with another model's is about the mean cosine of their matrices.

    A count sketch (Charikar et al. 2002) of all values, each matrix at length 1; the error of a dot product
    is about 1/sqrt(dimension).
    """
    import numpy as np

    folded = np.zeros(dimension)
    for place, patch in sketch.items():
        length = float(np.linalg.norm(patch.values))
        if length == 0.0:
            continue
        seed = np.uint64(_seed(place))
        mixed = _mix(patch.rows.astype(np.uint64)[:, None] ^ seed) + patch.columns.astype(np.uint64)[None, :]
        mixed = _mix(mixed)
        signs = np.where(mixed & np.uint64(1), 1.0, -1.0)
        buckets = ((mixed >> np.uint64(8)) % np.uint64(dimension)).astype(np.int64)
        folded += np.bincount(buckets.ravel(), (signs * patch.values).ravel() / length, dimension)
    norm = float(np.linalg.norm(folded))
    return (folded / norm if norm > 0 else folded).astype(np.float32)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser (Steele et al. 2014)."""
    import numpy as np

    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed


def pack_sketch(sketch: Sketch) -> bytes:
    """A sketch as bytes, without pickle."""
    import numpy as np

    heads = [
        {
            "place": place,
            "shape": patch.shape,
            "side": patch.values.shape,
            "zeros": patch.zeros,
            "bits": patch.bits,
        }
        for place, patch in sketch.items()
    ]
    parts = [
        part
        for patch in sketch.values()
        for part in (patch.rows.astype("<i8"), patch.columns.astype("<i8"), patch.values.astype("<f4"))
    ]
    head = json.dumps(heads).encode()
    room = io.BytesIO()
    room.write(len(head).to_bytes(8, "little") + head)
    for part in parts:
        room.write(np.ascontiguousarray(part).tobytes())
    return room.getvalue()


def unpack_sketch(packed: bytes) -> dict[str, Patch]:
    """The sketch that `pack_sketch` packed."""
    import numpy as np

    at = 8 + int.from_bytes(packed[:8], "little")
    sketch: dict[str, Patch] = {}

    def take(dtype: str, count: int) -> NDArray[np.generic]:
        nonlocal at
        taken = np.frombuffer(packed, dtype, count, at)
        at += taken.nbytes
        return taken

    for head in json.loads(packed[8:at]):
        height, width = head["side"]
        rows, columns = take("<i8", height).astype(np.int64), take("<i8", width).astype(np.int64)
        values = take("<f4", height * width).astype(np.float32).reshape(height, width)
        outputs, inputs = head["shape"]
        sketch[head["place"]] = Patch((outputs, inputs), rows, columns, values, head["zeros"], head["bits"])
    return sketch
