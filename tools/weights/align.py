"""One model seen in the frame of another: what can be moved without a change of the function is put back.

Moved can be: the order and the signs of the hidden dimensions, the order of a layer's neurons and of its
heads, and scales between a norm and the projections it feeds, between values and the attention's output,
between queries and keys, and between `up` and `down` of a gated MLP. The hidden axis is found from the
embeddings of shared tokens, as AWM does (vocabulary-anchored assignment); neurons and heads from what they
write into it (rows of `down` and of the attention's output), so that a few rows of a large model will do.
What neurons read (`up`, `gate`) takes no part in this: the test of independence looks at it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tools.weights.align_layers import LayerMatch, match_layers
from tools.weights.aligned import AlignedWeights, AxisMap, TensorMap
from tools.weights.hidden_axis import HiddenAxis, complete_match, fit_hidden
from tools.weights.pairing import Pair, Pairing
from tools.weights.roles import Role, read_heads, read_roles
from tools.weights.sampling import sample_rows
from tools.weights.types import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WRITTEN = 96  # hidden dimensions whose rows tell what a neuron writes
# Mean |ln factor| above which scales count as moved; training alone moves norms and neurons by less.
_SCALED = 0.15
_SCALED_HEADS = 0.08  # estimated from many values each
_POST_NORM = frozenset({"bert", "roberta", "distilbert", "electra", "xlm-roberta", "camembert", "albert"})
_SHARE = 0.02  # of all bytes may go into fitting the frame; what follows takes up to 1 % more
_READ_ANYWAY = 2**29  # bytes that may, however small the models
# "anchors": no embeddings of shared tokens; "bytes": it would take more than may be read without `full`.
Obstacle = Literal["anchors", "bytes"]
Progress = Callable[[int, int, str], None]  # done, of how many, what
_LayerKey = tuple[str, int | None]
_NormRatios = dict[tuple[_LayerKey, str], "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """B in A's frame, and in words what was put back; `moved` is empty when nothing was.

    `pairing` is the given one, but for layers whose counterpart has another number; `layers` tells of those.
    `is_anchored`: the embeddings of the two told one order of hidden dimensions, as those of relatives do.
    """

    weights: Weights
    moved: tuple[str, ...]
    pairing: Pairing
    layers: LayerMatch
    is_anchored: bool


@dataclass
class _Layer:
    """The pairs of one layer, and the maps of its own axes."""

    pairs: dict[str, Pair] = field(default_factory=dict)
    neurons: AxisMap | None = None
    up_factors: NDArray[np.float32] | None = None
    queries: AxisMap | None = None
    keys: AxisMap | None = None
    factors: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # of outputs, by part; of o: inputs


def align_models(
    a: Weights, b: Weights, pairing: Pairing, *, small: bool, progress: Progress | None = None
) -> Alignment | None:
    """See B as A would have it; None where `find_obstacle` names one.

    `small`: read whole what a large model is sampled of. `progress` is told of every layer. Of large models
    whose embeddings tell no order of the hidden dimensions nothing else is looked at. Raises WeightsError.
    """
    if find_obstacle(a, b, pairing, small=small) is not None:
        return None
    hidden = fit_hidden(a, b, pairing, small=small)
    if hidden is None:
        return None
    if not (small or hidden.is_found):
        return Alignment(b, (), pairing, LayerMatch(pairing, {}, {}, {}), False)
    layers = match_layers(a, b, pairing, hidden)
    view, moved = _Finder(a, b, layers.pairing, hidden).align(progress)
    return Alignment(view, moved, layers.pairing, layers, hidden.is_found)


def find_obstacle(a: Weights, b: Weights, pairing: Pairing, *, small: bool) -> Obstacle | None:
    """Why B cannot be seen in A's frame; None where it can."""
    pairs = [pair for pair in pairing.of_part("embed") if pair.fit != "other"]
    if not pairs or len(a.tensors[pairs[0].a].shape) != 2:
        return "anchors"
    if small:
        return None
    needed = 0
    for weights in (a, b):
        for name, role in read_roles(weights.tensors).items():
            info = weights.tensors[name]
            if role.part in ("down", "o") and not role.bias and len(info.shape) == 2 and 0 not in info.shape:
                # Where the hidden axis is not the first, a sample of it is strewn over the whole tensor.
                share = 1.0 if role.transposed else min(1.0, _WRITTEN / info.shape[0])
                needed += int(share * info.nbytes)
    allowed = max(_READ_ANYWAY, int(_SHARE * (a.bytes_total + b.bytes_total)))
    return None if needed <= allowed else "bytes"


class _Finder:
    def __init__(self, a: Weights, b: Weights, pairing: Pairing, hidden: HiddenAxis) -> None:
        self._a, self._b, self._pairing = a, b, pairing
        self._hidden = AxisMap(hidden.order, hidden.signs)
        self._width = len(hidden.order)
        self._layers: dict[_LayerKey, _Layer] = {}
        for pair in pairing.pairs:
            if pair.fit == "same" and pair.role.layer is not None and not pair.role.bias:
                layer = self._layers.setdefault((pair.role.stack, pair.role.layer), _Layer())
                layer.pairs.setdefault(pair.role.part, pair)

    def align(self, progress: Progress | None) -> tuple[Weights, tuple[str, ...]]:
        moved = [] if self._hidden.is_identity else ["hidden dimensions"]
        norms = self._fit_norms()
        for at, layer in enumerate(self._layers.values()):
            if progress is not None:
                progress(at, len(self._layers), "layers put in one order")
            self._fit_neurons(layer)
            self._fit_heads(layer)
        layers = self._layers.values()
        if any(layer.neurons is not None and _is_moved(layer.neurons) for layer in layers):
            moved.append("neurons")
        if any(layer.queries is not None and _is_moved(layer.queries) for layer in layers):
            moved.append("heads")
        if norms:
            moved.append("scales of norms")
        if any(layer.up_factors is not None for layer in layers):
            moved.append("scales of neurons")
        view = self._view(norms)
        for layer in layers:
            self._fit_head_scales(layer, view)
        if any(layer.factors for layer in layers):
            moved.append("scales of heads")
            view = self._view(norms)
        return view, tuple(moved)

    def _view(self, norms: _NormRatios) -> Weights:
        shown = {
            pair.b: found
            for pair in self._pairing.pairs
            if pair.fit != "other" and (found := self._map_tensor(pair, norms)) is not None
        }
        return AlignedWeights(self._b, shown) if shown else self._b

    # -- norms -------------------------------------------------------------------------------------

    def _fit_norms(self) -> _NormRatios:
        """By layer and norm what B's weight is of A's, where scales were moved into the projections."""
        import numpy as np

        if str(self._b.config.get("model_type", "")) in _POST_NORM:
            return {}  # what such a norm gives goes on in the residual stream as well
        found: _NormRatios = {}
        for key, layer in self._layers.items():
            for part in ("norm_attention", "norm_mlp"):
                if (pair := layer.pairs.get(part)) is None or len(self._a.tensors[pair.a].shape) != 1:
                    continue
                x = self._a.rows(pair.a, slice(None))
                y = self._b.rows(pair.b, slice(None))[self._hidden.order]
                usable = (np.abs(x) > 1e-6) & (np.abs(y) > 1e-6) & np.isfinite(x) & np.isfinite(y)
                ratio = np.where(usable, y / np.where(usable, x, 1.0), 1.0).astype(np.float32)
                if float(np.abs(np.log(np.abs(ratio))).mean()) > _SCALED:
                    found[key, part] = ratio
        return found

    # -- neurons -----------------------------------------------------------------------------------

    def _fit_neurons(self, layer: _Layer) -> None:
        import numpy as np

        down = layer.pairs.get("down")
        if down is None or down.fit != "same":
            return
        x, y = self._read_written(down)
        order = match_rows(x, y)
        factors = np.ones(len(order), np.float32)
        if "up" in layer.pairs and "gate" in layer.pairs:
            ratio = _ratios(x, y[order])
            if float(np.abs(np.log(np.abs(ratio))).mean()) > _SCALED or (ratio < 0).mean() > 0.2:
                factors = (1.0 / ratio).astype(np.float32)
                layer.up_factors = ratio.astype(np.float32)
        layer.neurons = AxisMap(order, factors)

    def _read_written(self, pair: Pair) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the inputs of a matrix write into the hidden axis: (inputs, dimensions) of both."""
        import numpy as np

        dims = np.array(sample_rows(self._width, _WRITTEN))
        stored = self._hidden.order[dims]
        signs = self._hidden.factors[dims]
        if pair.role.transposed:
            x = self._a.rows(pair.a, slice(None))[:, dims]
            y = self._b.rows(pair.b, slice(None))[:, stored] * signs
        else:
            ascending = np.argsort(stored)
            rows = self._b.rows(pair.b, stored[ascending].tolist())
            x = self._a.rows(pair.a, dims.tolist()).T
            y = (rows[np.argsort(ascending)] * signs[:, None]).T
        return np.nan_to_num(x), np.nan_to_num(y)

    # -- heads -------------------------------------------------------------------------------------

    def _fit_heads(self, layer: _Layer) -> None:
        import numpy as np
        from scipy.optimize import linear_sum_assignment

        out = layer.pairs.get("o")
        heads = read_heads(self._a.config)
        if out is None or heads is None:
            return
        x, y = self._read_written(out)
        if len(x) != len(y) or len(x) % heads.size or heads.query * heads.size != len(x):
            return
        count, size = heads.query, heads.size
        share = count // heads.shared if count % heads.shared == 0 else 1
        # Per channel, so that a scale of its own for every channel does no harm.
        x, y = _unit(x).reshape(count, size, -1), _unit(y).reshape(count, size, -1)
        alike = np.abs(np.einsum("hcd,gcd->hgc", x, y)).mean(axis=2)
        groups = alike.reshape(heads.shared, share, heads.shared, share).max(axis=3).mean(axis=1)
        _, of_group = linear_sum_assignment(-groups)
        order = np.empty(count, np.int64)
        for group, other in enumerate(of_group):
            block = alike[group * share : (group + 1) * share, other * share : (other + 1) * share]
            _, within = linear_sum_assignment(-block)
            order[group * share : (group + 1) * share] = other * share + within
        if float(alike[np.arange(count), order].mean()) <= 1.02 * float(np.diagonal(alike).mean()):
            return  # as good as they stand
        layer.queries = _spread(order, size)
        layer.keys = _spread(np.asarray(of_group, np.int64), size)

    def _fit_head_scales(self, layer: _Layer, view: Weights) -> None:
        """Scales that stand in one of two matrices whose product is what counts: v and o, q and k."""
        import numpy as np

        heads = read_heads(self._a.config)
        out = layer.pairs.get("o")
        if heads is None or out is None or heads.query % heads.shared:
            return
        share = heads.query // heads.shared
        x, y = self._read_inputs(self._a, out.a, out), self._read_inputs(view, out.b, out)
        if len(x) == heads.query * heads.size == len(y):
            each = _ratios(x.reshape(heads.query, -1), y.reshape(heads.query, -1))
            narrow = _mean_factor(each, heads.shared)
            if float(np.abs(np.log(np.abs(narrow))).mean()) > _SCALED_HEADS:
                layer.factors["o"] = np.repeat(np.repeat(1.0 / narrow, share), heads.size)
                layer.factors["v"] = np.repeat(narrow, heads.size)
        pair = layer.pairs.get("q") or layer.pairs.get("qkv")
        if pair is not None:
            chosen = [
                head * heads.size + at for head in range(heads.query) for at in range(min(4, heads.size))
            ]
            x, y = _read_outputs(self._a, pair.a, pair, chosen), _read_outputs(view, pair.b, pair, chosen)
            each = _ratios(x.reshape(heads.query, -1), y.reshape(heads.query, -1))
            narrow = _mean_factor(each, heads.shared)
            if float(np.abs(np.log(np.abs(narrow))).mean()) > _SCALED_HEADS:
                layer.factors["q"] = np.repeat(np.repeat(1.0 / narrow, share), heads.size)
                layer.factors["k"] = np.repeat(narrow, heads.size)

    def _read_inputs(self, weights: Weights, name: str, pair: Pair) -> NDArray[np.float32]:
        """(inputs, sampled hidden dimensions) of a matrix that writes into the hidden axis."""
        import numpy as np

        dims = sample_rows(self._width, _WRITTEN)
        if pair.role.transposed:
            return np.nan_to_num(weights.rows(name, slice(None))[:, dims])
        return np.nan_to_num(weights.rows(name, dims).T)

    # -- tensors -----------------------------------------------------------------------------------

    def _map_tensor(self, pair: Pair, norms: _NormRatios) -> TensorMap | None:
        import numpy as np

        role = pair.role
        key = (role.stack, role.layer)
        layer = self._layers.get(key, _Layer())
        shape = self._b.tensors[pair.b].shape
        outputs, inputs = self._name_axes(role, layer, shape)
        if outputs is not None and not role.bias and "norm" in role.part:
            # A norm's own weight has no sign; its bias has.
            outputs = AxisMap(outputs.order, np.ones_like(outputs.factors))
        outputs, inputs = self._scale_heads(role, layer, outputs, inputs)
        if (ratio := norms.get((key, role.part))) is not None and outputs is not None:
            outputs = outputs.then((1.0 / ratio).astype(np.float32))
        fed = "norm_mlp" if role.part in ("up", "gate", "gate_up") else "norm_attention"
        reads = role.part in ("q", "k", "v", "qkv", "up", "gate", "gate_up")
        if reads and inputs is not None and (ratio := norms.get((key, fed))) is not None:
            inputs = inputs.then(ratio)
        first, last = (inputs, outputs) if role.transposed and len(shape) > 1 else (outputs, inputs)
        first = None if first is None or first.is_identity else first
        last = None if last is None or last.is_identity or len(shape) < 2 else last
        return TensorMap(first, last) if first or last else None

    def _scale_heads(
        self, role: Role, layer: _Layer, outputs: AxisMap | None, inputs: AxisMap | None
    ) -> tuple[AxisMap | None, AxisMap | None]:
        import numpy as np

        def multiply(axis: AxisMap | None, factors: NDArray[np.float32]) -> AxisMap:
            plain = AxisMap(np.arange(len(factors)), np.ones(len(factors), np.float32))
            return (axis or plain).then(factors.astype(np.float32))

        if role.part == "o" and "o" in layer.factors and not role.bias:
            inputs = multiply(inputs, layer.factors["o"])
        elif role.part in ("q", "k", "v") and role.part in layer.factors:
            outputs = multiply(outputs, layer.factors[role.part])
        elif role.part == "qkv" and layer.factors:
            known = next(iter(layer.factors.values()))
            parts = [layer.factors.get(part, np.ones_like(known)) for part in "qkv"]
            outputs = multiply(outputs, np.concatenate(parts))
        return outputs, inputs

    def _name_axes(
        self, role: Role, layer: _Layer, shape: tuple[int, ...]
    ) -> tuple[AxisMap | None, AxisMap | None]:
        """The maps of a tensor's outputs and inputs; of a bias only the first counts."""
        import numpy as np

        part, hidden = role.part, self._hidden
        if part in ("embed", "position", "token_type", "head"):
            return None, hidden if shape[-1] == self._width and not role.bias else None
        if part.startswith("norm") or part == "embed_norm":
            return (hidden if shape == (self._width,) else None), None
        if part in ("q", "k", "v"):
            return (layer.queries if part == "q" else layer.keys), hidden
        if part == "qkv":
            parts = [layer.queries, layer.keys, layer.keys]
            return (_join(parts) if layer.queries is not None else None), hidden
        if part == "o":
            return hidden, layer.queries
        if part == "down":
            return hidden, layer.neurons
        if part in ("up", "gate", "gate_up"):
            if layer.neurons is None:
                return None, hidden
            plain = AxisMap(layer.neurons.order, np.ones_like(layer.neurons.factors))
            if part == "gate_up":
                return _join([plain, plain]), hidden
            if part == "up" and layer.up_factors is not None:
                return plain.then(layer.up_factors), hidden
            return plain, hidden
        if role.rest and "transform" in role.rest and shape and shape[0] == self._width:
            return hidden, hidden if len(shape) > 1 else None  # BERT's head for masked tokens
        return None, hidden if len(shape) == 2 and shape[1] == self._width else None


def match_rows(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each row of `x` the row of `y` that points the same way, up to its sign; each is taken once."""
    import numpy as np

    x, y = _unit(x), _unit(y)
    count = len(x)
    best, strength = np.empty(count, np.int64), np.empty(count, np.float32)
    back, back_strength = np.zeros(len(y), np.int64), np.full(len(y), -1.0, np.float32)
    step = max(1, 2**24 // max(1, len(y)))
    for first in range(0, count, step):  # never the whole matrix of a wide layer
        alike = np.abs(x[first : first + step] @ y.T)
        best[first : first + step] = alike.argmax(axis=1)
        strength[first : first + step] = alike.max(axis=1)
        columns = alike.argmax(axis=0)
        strongest = alike[columns, np.arange(len(y))]
        newer = strongest > back_strength
        back[newer], back_strength[newer] = columns[newer] + first, strongest[newer]
    matched = np.where(back[best] == np.arange(count), best, -1)
    if count * len(y) <= 2**26:
        matched = complete_match(np.abs(x @ y.T), matched)
    left, free = np.flatnonzero(matched < 0), np.setdiff1d(np.arange(len(y)), matched)
    matched[left] = free[: len(left)]
    return matched


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return scaled


def _ratios(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row the factor that makes `y` of `x`, by least squares; 1 where it cannot be told."""
    import numpy as np

    own, both = (x * x).sum(axis=1), (x * y).sum(axis=1)
    usable = (own > 0) & (np.abs(both) > 1e-3 * own)
    found: NDArray[np.float32] = np.where(usable, both / np.where(own > 0, own, 1.0), 1.0).astype(np.float32)
    return found


def _mean_factor(each: NDArray[np.float32], groups: int) -> NDArray[np.float32]:
    """One factor for each group of heads: the geometric mean, with the sign of the first."""
    import numpy as np

    grouped = each.reshape(groups, -1)
    sizes = np.exp(np.log(np.abs(grouped)).mean(axis=1))
    found: NDArray[np.float32] = (np.sign(grouped[:, 0]) * sizes).astype(np.float32)
    return found


def _read_outputs(weights: Weights, name: str, pair: Pair, outputs: list[int]) -> NDArray[np.float32]:
    """The given outputs of a matrix as rows, perhaps over sampled inputs."""
    import numpy as np

    if pair.role.transposed:
        rows = sample_rows(weights.tensors[name].shape[0], _WRITTEN)
        return np.nan_to_num(weights.rows(name, rows)[:, outputs].T)
    return np.nan_to_num(weights.rows(name, outputs))


def _is_moved(axis: AxisMap) -> bool:
    import numpy as np

    return bool((axis.order != np.arange(len(axis.order))).mean() > 0.05)


def _spread(heads: NDArray[np.int64], size: int) -> AxisMap:
    import numpy as np

    order = (heads[:, None] * size + np.arange(size)[None, :]).ravel()
    return AxisMap(order, np.ones(len(order), np.float32))


def _join(parts: list[AxisMap | None]) -> AxisMap | None:
    """The maps of several projections that lie one after another in one matrix."""
    import numpy as np

    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    starts = np.cumsum([0, *(len(part.order) for part in known[:-1])])
    orders = [part.order + start for part, start in zip(known, starts, strict=True)]
    return AxisMap(np.concatenate(orders), np.concatenate([part.factors for part in known]))
