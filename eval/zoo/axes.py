"""Which axis of which tensor stands for the hidden dimensions, for a layer's neurons, and for its heads.

What permutes, rescales or cuts a network reads it here. GPT-2's fused projection is taken apart first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from eval.zoo.networks import Spec
from eval.zoo.training import State

Axes = tuple[str, ...]
_FUSED = re.compile(r"\.c_attn\.")
_LAYER = re.compile(r"(?P<front>.*\b(?:layers|h|layer)\.)(?P<number>\d+)(?P<back>\..+)")

# By the last parts of a name: what the tensor's axes are. `neurons`, `queries`, `keys` are a layer's own.
_LLAMA = {
    "embed_tokens.weight": ("vocabulary", "hidden"),
    "lm_head.weight": ("vocabulary", "hidden"),
    "norm.weight": ("hidden",),
    "layernorm.weight": ("hidden",),
    "q_proj.weight": ("queries", "hidden"),
    "k_proj.weight": ("keys", "hidden"),
    "v_proj.weight": ("keys", "hidden"),
    "o_proj.weight": ("hidden", "queries"),
    "gate_proj.weight": ("neurons", "hidden"),
    "up_proj.weight": ("neurons", "hidden"),
    "down_proj.weight": ("hidden", "neurons"),
}
_GPT2 = {
    "wte.weight": ("vocabulary", "hidden"),
    "wpe.weight": ("positions", "hidden"),
    "ln_1.weight": ("hidden",),
    "ln_1.bias": ("hidden",),
    "ln_2.weight": ("hidden",),
    "ln_2.bias": ("hidden",),
    "ln_f.weight": ("hidden",),
    "ln_f.bias": ("hidden",),
    **{f"c_attn.{part}.weight": ("hidden", "queries") for part in "qkv"},
    **{f"c_attn.{part}.bias": ("queries",) for part in "qkv"},
    "c_attn.weight": ("hidden", "fused"),
    "c_attn.bias": ("fused",),
    "attn.c_proj.weight": ("queries", "hidden"),
    "attn.c_proj.bias": ("hidden",),
    "c_fc.weight": ("hidden", "neurons"),
    "c_fc.bias": ("neurons",),
    "mlp.c_proj.weight": ("neurons", "hidden"),
    "mlp.c_proj.bias": ("hidden",),
}
_BERT = {
    "word_embeddings.weight": ("vocabulary", "hidden"),
    "position_embeddings.weight": ("positions", "hidden"),
    "token_type_embeddings.weight": ("types", "hidden"),
    "LayerNorm.weight": ("hidden",),
    "LayerNorm.bias": ("hidden",),
    **{f"self.{part}.weight": ("queries", "hidden") for part in ("query", "key", "value")},
    **{f"self.{part}.bias": ("queries",) for part in ("query", "key", "value")},
    "attention.output.dense.weight": ("hidden", "queries"),
    "attention.output.dense.bias": ("hidden",),
    "intermediate.dense.weight": ("neurons", "hidden"),
    "intermediate.dense.bias": ("neurons",),
    "output.dense.weight": ("hidden", "neurons"),
    "output.dense.bias": ("hidden",),
    "transform.dense.weight": ("head", "hidden"),
    "transform.dense.bias": ("head",),
    "transform.LayerNorm.weight": ("head",),
    "transform.LayerNorm.bias": ("head",),
    "pooler.dense.weight": ("pooled", "hidden"),
    "pooler.dense.bias": ("pooled",),
    "classifier.weight": ("classes", "pooled"),
    "classifier.bias": ("classes",),
    "predictions.bias": ("vocabulary",),
}
_TABLES = {"llama": _LLAMA, "gpt2": _GPT2, "bert": _BERT}


@dataclass(frozen=True, slots=True)
class LayerName:
    """A tensor's name, parted at the number of its layer."""

    front: str
    number: int
    back: str


def split_layer(name: str) -> LayerName | None:
    """The parts of a name inside of a layer; None for a tensor outside of all layers."""
    match = _LAYER.fullmatch(name)
    return LayerName(match["front"], int(match["number"]), match["back"]) if match else None


def label_axes(spec: Spec, name: str) -> Axes:
    """The axes of tensor `name`; `fused` where q, k and v were not taken apart (see `open_state`)."""
    table = _TABLES[spec.architecture]
    # The longest ending decides: `attention.output.dense.weight` before `output.dense.weight`. BERT's head
    # for masked tokens reads the embeddings back, so that its own width is the hidden one.
    labels = next(table[end] for end in sorted(table, key=len, reverse=True) if name.endswith(end))
    labels = tuple("hidden" if label == "head" and spec.architecture == "bert" else label for label in labels)
    layer = split_layer(name)
    return tuple(
        f"{label}.{layer.number}" if layer and label in ("neurons", "queries", "keys") else label
        for label in labels
    )


def open_state(state: State) -> State:
    """The tensors with every fused q, k, v of GPT-2 taken apart; others as they are."""
    opened: State = {}
    for name, values in state.items():
        if _FUSED.search(name):
            for part, third in zip("qkv", np.split(values, 3, axis=-1), strict=True):
                opened[name.replace(".c_attn.", f".c_attn.{part}.")] = third.copy()
        else:
            opened[name] = values.copy()
    return opened


def close_state(state: State) -> State:
    """The inverse of `open_state`."""
    closed: State = {}
    for name, values in state.items():
        if ".c_attn.q." in name:
            thirds = [state[name.replace(".c_attn.q.", f".c_attn.{part}.")] for part in "qkv"]
            closed[name.replace(".c_attn.q.", ".c_attn.")] = np.concatenate(thirds, axis=-1)
        elif ".c_attn." not in name:
            closed[name] = values
    return closed
