"""Training that really happens: next tokens, masked tokens, classes, pairs of texts, a teacher's outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from eval.zoo.networks import Spec, build_network
from eval.zoo.text import MASK, Corpus

State = dict[str, NDArray[np.float32]]
Freeze = Literal["nothing", "embeddings", "all but attention"]
_MASKED = 0.15
_WARM_STEPS = 5


@dataclass(frozen=True, slots=True)
class Course:
    """How a network is trained. `rank` > 0 trains LoRA matrices of that rank instead of the weights."""

    steps: int
    rate: float = 2e-3
    domain: int = 0
    shift: float = 0.5
    decay: float = 0.0
    batch: int = 8
    length: int = 32
    freeze: Freeze = "nothing"
    rank: int = 0
    alpha: float = 8.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave: the weights, the loss at its begin and end, and for LoRA the pairs (A, B)."""

    state: State
    first_loss: float
    last_loss: float
    pairs: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def train_network(
    spec: Spec, course: Course, start: State | None = None, teacher: tuple[Spec, State] | None = None
) -> Trained:
    """Train from `start`, or from fresh weights; with a `teacher`, on its outputs only."""
    torch.manual_seed(course.seed)
    rng = np.random.default_rng([course.seed, 7])
    network = load_network(spec, start) if start is not None else build_network(spec)
    pairs = _attach_lora(network, course) if course.rank else {}
    guide = load_network(*teacher) if teacher else None
    trained = [p for p in network.parameters() if p.requires_grad]
    if not pairs:
        trained = [p for name, p in network.named_parameters() if _is_trained(name, course.freeze)]
    optimiser = torch.optim.AdamW(trained, lr=course.rate, weight_decay=course.decay, betas=(0.9, 0.98))
    corpus = Corpus(spec.vocabulary, course.domain, course.shift)
    texts = corpus.draw(course.steps * course.batch, course.length, rng)
    losses = []
    for step in range(course.steps):
        ids = torch.from_numpy(texts[step * course.batch : (step + 1) * course.batch])
        pace = min(1.0, (step + 1) / _WARM_STEPS) * (0.1 + 0.9 * math.cos(math.pi / 2 * step / course.steps))
        for group in optimiser.param_groups:
            group["lr"] = course.rate * pace
        loss = _measure_loss(network, spec, ids, rng, guide)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    found = {}
    for name, (a, b) in pairs.items():
        found[name] = (a.detach().numpy().copy(), b.detach().numpy().copy())
    window = max(1, len(losses) // 10)
    state = _drop_lora(network, pairs, course)
    return Trained(state, float(np.mean(losses[:window])), float(np.mean(losses[-window:])), found)


def load_network(spec: Spec, state: State) -> nn.Module:
    """A network with the weights `state`; tensors the network has and `state` has not stay fresh."""
    network = build_network(spec)
    tensors = {name: torch.from_numpy(np.array(values, np.float32)) for name, values in state.items()}
    result = network.load_state_dict(tensors, strict=False)
    assert not result.unexpected_keys, result.unexpected_keys
    return network


def read_state(network: nn.Module) -> State:
    """A network's tensors by name, as 32-bit floats."""
    return {name: values.detach().numpy().astype(np.float32) for name, values in network.state_dict().items()}


def _measure_loss(
    network: nn.Module, spec: Spec, ids: Tensor, rng: np.random.Generator, guide: nn.Module | None
) -> Tensor:
    if guide is not None:
        with torch.no_grad():
            wanted = guide(ids).log_softmax(-1)
        return (
            functional.kl_div(network(ids).log_softmax(-1), wanted, log_target=True, reduction="none")
            .sum(-1)
            .mean()
        )
    if spec.head == "classes":
        # Texts whose first word is frequent are the one class: learnable from the text, and of no use.
        return functional.cross_entropy(network(ids), (ids[:, 0] < spec.vocabulary // 16).long())
    if spec.head == "none":
        # Two halves of one text belong together (arXiv 2104.08821 and the sentence-transformers do so).
        half = ids.shape[1] // 2
        left = functional.normalize(network(ids[:, :half]).mean(1), dim=-1)
        right = functional.normalize(network(ids[:, half:]).mean(1), dim=-1)
        return functional.cross_entropy(20.0 * left @ right.T, torch.arange(len(ids)))
    if spec.architecture == "bert":
        hidden = torch.from_numpy(rng.random(ids.shape) < _MASKED)
        hidden[:, 0] = True
        logits = network(ids.masked_fill(hidden, MASK))
        return functional.cross_entropy(logits[hidden], ids[hidden])
    logits = network(ids[:, :-1])
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


def _is_trained(name: str, freeze: Freeze) -> bool:
    if freeze == "embeddings":
        return not any(part in name for part in ("embed", "wte", "wpe", "lm_head"))
    if freeze == "all but attention":
        return "attn" in name or "attention" in name or "classifier" in name
    return True


# -- LoRA ----------------------------------------------------------------------------------------------


class _LoRA(nn.Module):
    """A projection's weight plus (alpha / rank) · B A; arXiv 2106.09685."""

    def __init__(self, outputs: int, inputs: int, course: Course, *, transposed: bool) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(course.rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, course.rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self._scale = course.alpha / course.rank
        self._transposed = transposed

    def forward(self, weight: Tensor) -> Tensor:
        delta = self._scale * self.b @ self.a
        return weight + (delta.T if self._transposed else delta)


_ADAPTED = ("q_proj", "v_proj", "c_attn", "query", "value")


def _attach_lora(network: nn.Module, course: Course) -> dict[str, tuple[Tensor, Tensor]]:
    """LoRA matrices on the attention's projections; everything else is frozen. The pairs by module name."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    pairs = {}
    for name, module in list(network.named_modules()):
        if name.rpartition(".")[2] not in _ADAPTED:
            continue
        weight = module.weight
        assert isinstance(weight, Tensor)
        transposed = not isinstance(module, nn.Linear)
        outputs, inputs = reversed(weight.shape) if transposed else weight.shape
        lora = _LoRA(outputs, inputs, course, transposed=transposed)
        nn.utils.parametrize.register_parametrization(module, "weight", lora)
        pairs[name] = (lora.a, lora.b)
    return pairs


def _drop_lora(network: nn.Module, pairs: dict[str, tuple[Tensor, Tensor]], course: Course) -> State:
    """The weights with what LoRA adds to them."""
    for name in pairs:
        nn.utils.parametrize.remove_parametrizations(network.get_submodule(name), "weight")
    return read_state(network)
