"""Small Llama, GPT-2 and BERT networks with the tensor names and shapes of Hugging Face's transformers.

Llama: arXiv 2302.13971 (RMSNorm, rotary positions, SwiGLU) with grouped queries (arXiv 2305.13245). GPT-2:
pre-norm with learned positions; its projections are `Conv1D`, stored transposed, with q, k and v in one.
BERT: arXiv 1810.04805, post-norm, with the head for masked tokens, one for classes, or none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Architecture = Literal["llama", "gpt2", "bert"]
Head = Literal["language", "classes", "none"]
_INIT_STD = 0.02


@dataclass(frozen=True, slots=True)
class Spec:
    """The sizes of a network. `head_size` · `heads` need not be `hidden` after pruning."""

    architecture: Architecture
    vocabulary: int = 1024
    hidden: int = 144
    layers: int = 4
    heads: int = 6
    kv_heads: int = 6
    head_size: int = 24
    neurons: int = 384
    positions: int = 128
    head: Head = "language"
    eps: float = 1e-5

    def write_config(self, dtype: str) -> dict[str, Any]:
        """`config.json` as transformers writes it."""
        return _CONFIGS[self.architecture](self) | {"torch_dtype": dtype, "transformers_version": "4.57.1"}


def build_network(spec: Spec) -> nn.Module:
    """A network with fresh weights, drawn from torch's generator. Called with ids (batch, length), it gives
    logits (batch, length, vocabulary), (batch, 2) for classes, or hidden states without a head."""
    network = _NETWORKS[spec.architecture](spec)
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            # GPT-2 scales what is added to the residual stream by its depth.
            residual = spec.architecture == "gpt2" and name.endswith("c_proj.weight")
            nn.init.normal_(parameter, std=_INIT_STD / (math.sqrt(2 * spec.layers) if residual else 1.0))
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
    return network


class _Branch(nn.Module):
    """A node of the tree of names that has no computation of its own."""

    def __init__(self, **children: nn.Module) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def _attend(q: Tensor, k: Tensor, v: Tensor, spec: Spec, *, causal: bool) -> Tensor:
    """Attention of (batch, length, heads · head_size); k and v may have fewer heads."""
    batch, length, _ = q.shape
    queries = q.view(batch, length, spec.heads, spec.head_size).transpose(1, 2)
    keys = k.view(batch, length, spec.kv_heads, spec.head_size).transpose(1, 2)
    values = v.view(batch, length, spec.kv_heads, spec.head_size).transpose(1, 2)
    if spec.architecture == "llama":
        queries, keys = _rotate(queries), _rotate(keys)
    share = spec.heads // spec.kv_heads
    keys, values = keys.repeat_interleave(share, 1), values.repeat_interleave(share, 1)
    mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=causal)
    return mixed.transpose(1, 2).reshape(batch, length, spec.heads * spec.head_size)


def _rotate(x: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    frequencies = 10000.0 ** (-torch.arange(half) / half)
    angles = torch.arange(x.shape[-2])[:, None] * frequencies
    cosine, sine = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], -1) * sine


# -- Llama ---------------------------------------------------------------------------------------------


class _RMSNorm(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(spec.hidden))
        self._eps = spec.eps

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self._eps)


class _LlamaLayer(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        queries, keys = spec.heads * spec.head_size, spec.kv_heads * spec.head_size
        self.self_attn = _Branch(
            q_proj=nn.Linear(spec.hidden, queries, bias=False),
            k_proj=nn.Linear(spec.hidden, keys, bias=False),
            v_proj=nn.Linear(spec.hidden, keys, bias=False),
            o_proj=nn.Linear(queries, spec.hidden, bias=False),
        )
        self.mlp = _Branch(
            gate_proj=nn.Linear(spec.hidden, spec.neurons, bias=False),
            up_proj=nn.Linear(spec.hidden, spec.neurons, bias=False),
            down_proj=nn.Linear(spec.neurons, spec.hidden, bias=False),
        )
        self.input_layernorm = _RMSNorm(spec)
        self.post_attention_layernorm = _RMSNorm(spec)

    def forward(self, x: Tensor) -> Tensor:
        attention: Any = self.self_attn
        y = self.input_layernorm(x)
        mixed = _attend(
            attention.q_proj(y), attention.k_proj(y), attention.v_proj(y), self._spec, causal=True
        )
        x = x + attention.o_proj(mixed)
        mlp: Any = self.mlp
        y = self.post_attention_layernorm(x)
        return x + mlp.down_proj(functional.silu(mlp.gate_proj(y)) * mlp.up_proj(y))


class _Llama(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.model = _Branch(
            embed_tokens=nn.Embedding(spec.vocabulary, spec.hidden),
            layers=nn.ModuleList(_LlamaLayer(spec) for _ in range(spec.layers)),
            norm=_RMSNorm(spec),
        )
        self.lm_head = nn.Linear(spec.hidden, spec.vocabulary, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        model: Any = self.model
        x = model.embed_tokens(ids)
        for layer in model.layers:
            x = layer(x)
        return self.lm_head(model.norm(x))


# -- GPT-2 ---------------------------------------------------------------------------------------------


class _Conv1D(nn.Module):
    """A projection stored as (inputs, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class _GPT2Layer(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        width = spec.heads * spec.head_size
        self.ln_1 = nn.LayerNorm(spec.hidden, spec.eps)
        self.attn = _Branch(c_attn=_Conv1D(spec.hidden, 3 * width), c_proj=_Conv1D(width, spec.hidden))
        self.ln_2 = nn.LayerNorm(spec.hidden, spec.eps)
        self.mlp = _Branch(c_fc=_Conv1D(spec.hidden, spec.neurons), c_proj=_Conv1D(spec.neurons, spec.hidden))

    def forward(self, x: Tensor) -> Tensor:
        attention: Any = self.attn
        mlp: Any = self.mlp
        q, k, v = attention.c_attn(self.ln_1(x)).chunk(3, -1)
        x = x + attention.c_proj(_attend(q, k, v, self._spec, causal=True))
        inner = functional.gelu(mlp.c_fc(self.ln_2(x)), approximate="tanh")
        return x + mlp.c_proj(inner)


class _GPT2(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.transformer = _Branch(
            wte=nn.Embedding(spec.vocabulary, spec.hidden),
            wpe=nn.Embedding(spec.positions, spec.hidden),
            h=nn.ModuleList(_GPT2Layer(spec) for _ in range(spec.layers)),
            ln_f=nn.LayerNorm(spec.hidden, spec.eps),
        )

    def forward(self, ids: Tensor) -> Tensor:
        model: Any = self.transformer
        x = model.wte(ids) + model.wpe.weight[: ids.shape[1]]
        for layer in model.h:
            x = layer(x)
        return model.ln_f(x) @ model.wte.weight.T


# -- BERT ----------------------------------------------------------------------------------------------


class _BertLayer(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        width = spec.heads * spec.head_size
        parts: Any = {
            "self": _Branch(
                query=nn.Linear(spec.hidden, width),
                key=nn.Linear(spec.hidden, width),
                value=nn.Linear(spec.hidden, width),
            ),
            "output": _Branch(
                dense=nn.Linear(width, spec.hidden), LayerNorm=nn.LayerNorm(spec.hidden, spec.eps)
            ),
        }
        self.attention = nn.ModuleDict(parts)
        self.intermediate = _Branch(dense=nn.Linear(spec.hidden, spec.neurons))
        self.output = _Branch(
            dense=nn.Linear(spec.neurons, spec.hidden), LayerNorm=nn.LayerNorm(spec.hidden, spec.eps)
        )

    def forward(self, x: Tensor) -> Tensor:
        heads: Any = self.attention["self"]
        after: Any = self.attention["output"]
        inner: Any = self.intermediate
        last: Any = self.output
        mixed = _attend(heads.query(x), heads.key(x), heads.value(x), self._spec, causal=False)
        x = after.LayerNorm(x + after.dense(mixed))
        return last.LayerNorm(x + last.dense(functional.gelu(inner.dense(x))))


class _BertEncoder(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.embeddings = _Branch(
            word_embeddings=nn.Embedding(spec.vocabulary, spec.hidden),
            position_embeddings=nn.Embedding(spec.positions, spec.hidden),
            token_type_embeddings=nn.Embedding(2, spec.hidden),
            LayerNorm=nn.LayerNorm(spec.hidden, spec.eps),
        )
        self.encoder = _Branch(layer=nn.ModuleList(_BertLayer(spec) for _ in range(spec.layers)))
        if spec.head != "language":
            self.pooler = _Branch(dense=nn.Linear(spec.hidden, spec.hidden))

    def forward(self, ids: Tensor) -> Tensor:
        tables: Any = self.embeddings
        encoder: Any = self.encoder
        places = tables.position_embeddings.weight[: ids.shape[1]] + tables.token_type_embeddings.weight[0]
        x = tables.LayerNorm(tables.word_embeddings(ids) + places)
        for layer in encoder.layer:
            x = layer(x)
        return x


class _BertForTokens(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.bert = _BertEncoder(spec)
        self.cls = _Branch(predictions=nn.Module())
        predictions: Any = self.cls.predictions
        predictions.bias = nn.Parameter(torch.zeros(spec.vocabulary))
        predictions.transform = _Branch(
            dense=nn.Linear(spec.hidden, spec.hidden), LayerNorm=nn.LayerNorm(spec.hidden, spec.eps)
        )

    def forward(self, ids: Tensor) -> Tensor:
        head: Any = self.cls.predictions
        table: Any = self.bert.embeddings
        x = head.transform.LayerNorm(functional.gelu(head.transform.dense(self.bert(ids))))
        return x @ table.word_embeddings.weight.T + head.bias


class _BertForClasses(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.bert = _BertEncoder(spec)
        self.classifier = nn.Linear(spec.hidden, 2)

    def forward(self, ids: Tensor) -> Tensor:
        pooler: Any = self.bert.pooler
        return self.classifier(torch.tanh(pooler.dense(self.bert(ids)[:, 0])))


def _build_bert(spec: Spec) -> nn.Module:
    kinds = {"language": _BertForTokens, "classes": _BertForClasses, "none": _BertEncoder}
    return kinds[spec.head](spec)


_NETWORKS: dict[str, Any] = {"llama": _Llama, "gpt2": _GPT2, "bert": _build_bert}


# -- config.json ---------------------------------------------------------------------------------------


def _config_llama(spec: Spec) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": spec.vocabulary,
        "hidden_size": spec.hidden,
        "intermediate_size": spec.neurons,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "num_key_value_heads": spec.kv_heads,
        "head_dim": spec.head_size,
        "max_position_embeddings": spec.positions,
        "rms_norm_eps": spec.eps,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
    }


def _config_gpt2(spec: Spec) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": spec.vocabulary,
        "n_embd": spec.hidden,
        "n_inner": spec.neurons,
        "n_layer": spec.layers,
        "n_head": spec.heads,
        "n_positions": spec.positions,
        "n_ctx": spec.positions,
        "layer_norm_epsilon": spec.eps,
        "activation_function": "gelu_new",
        "tie_word_embeddings": True,
    }


def _config_bert(spec: Spec) -> dict[str, Any]:
    names = {"language": "BertForMaskedLM", "classes": "BertForSequenceClassification", "none": "BertModel"}
    return {
        "architectures": [names[spec.head]],
        "model_type": "bert",
        "vocab_size": spec.vocabulary,
        "hidden_size": spec.hidden,
        "intermediate_size": spec.neurons,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "max_position_embeddings": spec.positions,
        "type_vocab_size": 2,
        "layer_norm_eps": spec.eps,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
    }


_CONFIGS = {"llama": _config_llama, "gpt2": _config_gpt2, "bert": _config_bert}
