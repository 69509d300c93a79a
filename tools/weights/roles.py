"""What a tensor is for, read from its name: the same role whatever the architecture calls it.

Names follow the conventions of transformers' model classes, of GGUF (its tensor naming table) and of the
checkpoints that were made before either. A name that fits no convention has the role "other".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tools.weights.types import TensorInfo

_PREFIX = re.compile(
    r"^(?:module\.|_orig_mod\.|base_model\.|language_model\.|text_model\.|backbone\.|model\.|transformer\."
    r"|bert\.|roberta\.|distilbert\.|electra\.|gpt_neox\.|decoder\.|encoder\.|vit\.|auto_model\.|0\."
    r"|wrapped_model\.)+"
)
_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?|blk|block_list)\.(\d+)\.(.*)$")
_STACK = re.compile(r"(?:^|\.)(encoder|decoder)\.(?:layers?|blocks?|block)\.")

# Inside of a layer: what the rest of the name says. The first that fits counts.
_IN_LAYER: Final = tuple(
    (re.compile(pattern), role)
    for role, pattern in (
        ("qkv", r"(?:c_attn|query_key_value|qkv_proj|attn_qkv|Wqkv|in_proj|attn\.qkv)\b"),
        ("gate_up", r"(?:gate_up_proj|w12)\b"),
        ("q_norm", r"(?:q_norm|attn_q_norm|q_layernorm)\b"),
        ("k_norm", r"(?:k_norm|attn_k_norm|k_layernorm)\b"),
        (
            "norm_attention",
            r"(?:input_layernorm|ln_1|attention\.output\.LayerNorm|sa_layer_norm|attn_norm|layernorm_before"
            r"|self_attn_layer_norm|layer\.0\.layer_norm|norm1|attention_norm)\b",
        ),
        (
            "norm_mlp",
            r"(?:post_attention_layernorm|pre_feedforward_layernorm|ln_2|output_layer_norm|ffn_norm"
            r"|layernorm_after|final_layer_norm|layer\.1\.layer_norm|norm2|^output\.LayerNorm)\b",
        ),
        ("norm", r"(?:[Ll]ayer_?[Nn]orm|post_feedforward_layernorm|\w*norm)\b"),
        ("q", r"(?:q_proj|query|q_lin|attn_q|\.q|wq)\b"),
        ("k", r"(?:k_proj|key|k_lin|attn_k|\.k|wk)\b"),
        ("v", r"(?:v_proj|value|v_lin|attn_v|\.v|wv)\b"),
        (
            "o",
            r"(?:o_proj|out_proj|attention\.output\.dense|attention\.dense|self_attention\.dense|out_lin"
            r"|attn_output|attn\.c_proj|attn\.proj|SelfAttention\.o|wo)\b",
        ),
        ("gate", r"(?:gate_proj|ffn_gate|wi_0|w1)\b"),
        (
            "up",
            r"(?:up_proj|ffn_up|intermediate\.dense|c_fc|dense_h_to_4h|lin1|fc1|wi_1|wi|w3|mlp\.fc_in)\b",
        ),
        (
            "down",
            r"(?:down_proj|ffn_down|mlp\.c_proj|dense_4h_to_h|lin2|fc2|^output\.dense|\.wo|w2|mlp\.fc_out)\b",
        ),
    )
)
_OUTSIDE: Final = tuple(
    (re.compile(pattern), role)
    for role, pattern in (
        ("position", r"(?:wpe|position_embeddings|embed_positions|position_embd|pos_embed)\b"),
        ("token_type", r"token_type_embeddings|token_types\b"),
        (
            "embed_norm",
            r"(?:embeddings\.(?:LayerNorm|layernorm)|token_embd_norm|word_embeddings_layernorm)\b",
        ),
        (
            "embed",
            r"(?:embed_tokens|wte|word_embeddings|tok_embeddings|token_embd|embed_in|shared|embedding)\b",
        ),
        ("norm_final", r"^(?:norm|ln_f|output_norm|final_layer_?norm|layernorm|final_norm)\b"),
        ("head", r"^(?:lm_head|embed_out|output\.weight|cls\.predictions\.decoder)\b"),
    )
)
_CONV1D = re.compile(r"\.(?:c_attn|c_fc|c_proj)\.weight$")


@dataclass(frozen=True, slots=True)
class Role:
    """A tensor's part in its model.

    `part` is one of embed, position, token_type, q, k, v, qkv, o, gate, up, gate_up, down, the norms
    (norm_attention, norm_mlp, norm_final, embed_norm, q_norm, k_norm, norm), head, or "other", which keeps
    the rest of the name in `rest`. `layer` is counted from 0 in its `stack` ("encoder", "decoder" or "").
    `transposed`: stored as (in, out), as GPT-2's Conv1D does; all others are (out, in).
    """

    part: str
    layer: int | None = None
    bias: bool = False
    transposed: bool = False
    stack: str = ""
    rest: str = ""

    def at_layer(self, layer: int) -> Role:
        """The same part of another layer."""
        return replace(self, layer=layer)


def read_role(name: str) -> Role:
    """The role a tensor's name tells. Never fails: what is unknown is "other"."""
    bare = _PREFIX.sub("", name)
    bias = name.endswith((".bias", ".b", ".beta"))
    found = _LAYER.search(name)
    if found:
        stack = _STACK.search(name)
        both = stack[1] if stack and re.search(r"EncDecAttention|encoder_attn|crossattention", name) else ""
        side = (
            stack[1]
            if stack and not name.startswith(("bert.encoder", "roberta.encoder", "encoder.layer."))
            else ""
        )
        rest = found[2]
        if both:
            return Role("other", int(found[1]), bias, stack=side, rest=rest)
        for pattern, part in _IN_LAYER:
            if pattern.search(rest):
                return Role(part, int(found[1]), bias, _CONV1D.search(name) is not None, side)
        return Role("other", int(found[1]), bias, stack=side, rest=rest)
    for pattern, part in _OUTSIDE:
        if pattern.search(bare):
            return Role(part, None, bias)
    return Role("other", None, bias, rest=bare)


def read_roles(tensors: Mapping[str, TensorInfo]) -> dict[str, Role]:
    """The role of every tensor of a model, by its name."""
    return {name: read_role(name) for name in tensors}


@dataclass(frozen=True, slots=True)
class Heads:
    """How attention's rows are divided: `query` heads of `size` rows, `shared` of keys and values."""

    query: int
    shared: int
    size: int


def read_heads(config: Mapping[str, Any]) -> Heads | None:
    """Attention heads by a config.json; None when it does not say."""

    def number(*keys: str) -> int:
        for key in keys:
            value = config.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
        return 0

    query = number("num_attention_heads", "n_head", "n_heads", "num_heads")
    width = number("hidden_size", "n_embd", "d_model", "dim")
    if not query or not (width or config.get("head_dim")):
        return None
    size = number("head_dim", "d_kv") or width // query
    return Heads(query, number("num_key_value_heads", "n_head_kv") or query, size) if size else None
