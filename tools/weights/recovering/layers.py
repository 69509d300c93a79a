"""Which layer of one model is which of another, from their sketches: for models of different depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.weights.recovering.sketches import Sketch, overlap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALIKE = 0.3  # cosine of two layers' matrices below which they are strangers

_Layer = tuple[str, int]  # stack, number


def lay_over(sketch: Sketch, reference: Sketch) -> Sketch:
    """`sketch` with its layers numbered as those of `reference` that they are most alike.

    Of several layers that are alike to one (repeated layers) the most alike is kept. A sketch that has no
    layer like one of the reference stays as it is.
    """
    import numpy as np

    own, theirs = _list_layers(sketch), _list_layers(reference)
    if not own or not theirs or own == theirs:
        return sketch
    alike = np.array([[_compare(sketch, mine, reference, other) for other in theirs] for mine in own])
    if float(alike.max()) < _ALIKE:
        return sketch
    taken: dict[_Layer, _Layer] = {}
    for at, other in enumerate(theirs):
        mine = int(alike[:, at].argmax())
        if alike[mine, at] >= _ALIKE and int(alike[mine].argmax()) == at:
            taken[other] = own[mine]
    moved = {place: patch for place, patch in sketch.items() if _layer_of(place) is None}
    for other, own_layer in taken.items():
        moved |= {
            _move(place, other): patch for place, patch in sketch.items() if _layer_of(place) == own_layer
        }
    return moved


def measure_likeness(sketch: Sketch, reference: Sketch) -> float:
    """The mean cosine of the matrices that both hold in one shape; 0 where there are none."""
    import numpy as np

    found = []
    for place, patch in sketch.items():
        partner = reference.get(place)
        if partner is not None and partner.shape == patch.shape:
            found.append(_cosine(*overlap(patch, partner)))
    return float(np.mean(found)) if found else 0.0


def _list_layers(sketch: Sketch) -> list[_Layer]:
    return sorted({layer for place in sketch if (layer := _layer_of(place)) is not None})


def _layer_of(place: str) -> _Layer | None:
    stack, number, *_ = place.split("/")
    return (stack, int(number)) if number else None


def _move(place: str, layer: _Layer) -> str:
    _, _, rest = place.split("/", 2)
    return f"{layer[0]}/{layer[1]}/{rest}"


def _compare(first: Sketch, layer: _Layer, second: Sketch, other: _Layer) -> float:
    """The mean cosine of the matrices that both layers have in one shape."""
    import numpy as np

    if layer[0] != other[0]:
        return -1.0
    found = []
    for place, patch in first.items():
        partner = second.get(_move(place, other)) if _layer_of(place) == layer else None
        if partner is not None and partner.shape == patch.shape:
            x, y = overlap(patch, partner)
            found.append(_cosine(x, y))
    return float(np.mean(found)) if found else -1.0


def _cosine(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    import numpy as np

    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.vdot(x, y)) / size if size > 0 else 0.0
