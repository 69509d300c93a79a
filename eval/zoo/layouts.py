"""Writing a model's folder as people publish them: safetensors, shards, int8, GGUF, a PEFT adapter."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from eval.zoo.axes import split_layer
from eval.zoo.networks import Spec
from eval.zoo.text import SPECIAL, list_words
from eval.zoo.training import State

Dtype = Literal["float32", "float16", "bfloat16"]
Layout = Literal["plain", "sharded", "bitsandbytes", "compressed-tensors", "gguf"]
Pairs = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
_DATE = 1_700_000_000  # of every file, so that dates tell nothing
_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def round_state(state: State, dtype: Dtype) -> State:
    """The values that are left once `state` was stored as `dtype`."""
    if dtype == "float32":
        return state
    return {
        name: torch.from_numpy(values).to(_DTYPES[dtype]).float().numpy() for name, values in state.items()
    }


def write_model(
    folder: Path, spec: Spec, state: State, *, dtype: Dtype = "float32", layout: Layout = "plain"
) -> None:
    """Weights and `config.json` into `folder`. GGUF has its configuration within."""
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "gguf":
        write_gguf(folder / "model-Q8_0.gguf", spec, state)
        return
    config = spec.write_config(dtype)
    tensors = {name: torch.from_numpy(values).to(_DTYPES[dtype]) for name, values in state.items()}
    if layout == "bitsandbytes":
        tensors = _quantise(state, tensors, ".SCB")
        config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    elif layout == "compressed-tensors":
        tensors = _quantise(state, tensors, ".weight_scale")
        weights = {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}
        config["quantization_config"] = {
            "quant_method": "compressed-tensors",
            "format": "int-quantized",
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
            "ignore": ["lm_head"],
        }
    if layout == "sharded":
        _write_shards(folder, tensors, 3)
    else:
        _save(folder / "model.safetensors", tensors)
    write_json(folder / "config.json", config)


def write_adapter(
    folder: Path, pairs: Pairs, *, alpha: float, base: str, conv1d: bool, dtype: Dtype = "float32"
) -> None:
    """LoRA matrices in PEFT's layout, with `base` as the model they belong to."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors, rank = {}, 0
    for module, (a, b) in pairs.items():
        rank = a.shape[0]
        tensors[f"base_model.model.{module}.lora_A.weight"] = torch.from_numpy(a).to(_DTYPES[dtype])
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.from_numpy(b).to(_DTYPES[dtype])
    _save(folder / "adapter_model.safetensors", tensors)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": conv1d,
        "target_modules": sorted({module.rpartition(".")[2] for module in pairs}),
        "inference_mode": True,
    }
    write_json(folder / "adapter_config.json", config)


def write_tokenizer(folder: Path, vocabulary: int) -> None:
    """`tokenizer.json` of the synthetic language: whole words, parted at blanks."""
    added = [
        {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for number, token in enumerate(SPECIAL)
    ]
    vocabulary_of = {word: number for number, word in enumerate(list_words(vocabulary))}
    write_json(
        folder / "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": vocabulary_of, "unk_token": "[UNK]"},
        },
    )


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def even_dates(root: Path) -> None:
    """Give every file and folder below `root` the same date."""
    for path in sorted(root.rglob("*")):
        os.utime(path, (_DATE, _DATE))


def _save(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({name: values.contiguous() for name, values in tensors.items()}, path, {"format": "pt"})


def _write_shards(folder: Path, tensors: dict[str, torch.Tensor], count: int) -> None:
    names = list(tensors)
    weight_map: dict[str, str] = {}
    for number in range(count):
        file = f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = names[number * len(names) // count : (number + 1) * len(names) // count]
        _save(folder / file, {name: tensors[name] for name in part})
        weight_map |= dict.fromkeys(part, file)
    total = sum(values.nbytes for values in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(folder / "model.safetensors.index.json", index)


def _quantise(
    state: State, tensors: dict[str, torch.Tensor], suffix: Literal[".SCB", ".weight_scale"]
) -> dict[str, torch.Tensor]:
    """The projections inside of the layers as int8 with one scale for each row; the rest as it was."""
    quantised = {}
    for name, values in state.items():
        if values.ndim != 2 or not split_layer(name):
            quantised[name] = tensors[name]
            continue
        most = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-12)
        codes = np.clip(np.round(values / most * 127), -127, 127).astype(np.int8)
        quantised[name] = torch.from_numpy(codes)
        scales = torch.from_numpy(most.astype(np.float32))
        module = name.removesuffix(".weight")
        quantised[module + suffix] = scales[:, 0] if suffix == ".SCB" else scales / 127
        if suffix == ".SCB":
            quantised[f"{module}.weight_format"] = torch.tensor(0, dtype=torch.uint8)
    return quantised


# -- GGUF ----------------------------------------------------------------------------------------------

_GGUF_LLAMA = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_GGUF_GPT2 = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
}
_BLOCK = 32


def write_gguf(path: Path, spec: Spec, state: State) -> None:
    """A GGUF file as llama.cpp's converter writes it: its names, Q8_0 where rows fit whole blocks, F16 where
    they do not, vectors as F32, and Llama's q and k with the halves of each head interleaved."""
    import gguf

    assert spec.architecture in ("llama", "gpt2")
    writer = gguf.GGUFWriter(path, spec.architecture)
    writer.add_name("model")
    writer.add_context_length(spec.positions)
    writer.add_embedding_length(spec.hidden)
    writer.add_block_count(spec.layers)
    writer.add_feed_forward_length(spec.neurons)
    writer.add_head_count(spec.heads)
    if spec.architecture == "llama":
        writer.add_head_count_kv(spec.kv_heads)
        writer.add_rope_dimension_count(spec.head_size)
        writer.add_layer_norm_rms_eps(spec.eps)
        writer.add_rope_freq_base(10000.0)
    else:
        writer.add_layer_norm_eps(spec.eps)
    writer.add_vocab_size(spec.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(list_words(spec.vocabulary))
    for name, values in state.items():
        target = _name_gguf(spec, name)
        if spec.architecture == "gpt2" and values.ndim == 2 and split_layer(name):
            values = values.T
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            values = _interleave(values, values.shape[0] // spec.head_size)
        if values.ndim == 1:
            writer.add_tensor(target, values)
        elif values.shape[1] % _BLOCK:
            writer.add_tensor(target, values.astype(np.float16))
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(target, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _name_gguf(spec: Spec, name: str) -> str:
    table = _GGUF_LLAMA if spec.architecture == "llama" else _GGUF_GPT2
    place = split_layer(name)
    module, _, kind = (place.back.lstrip(".") if place else name).rpartition(".")
    front = f"blk.{place.number}." if place else ""
    return f"{front}{table[module]}.{kind}"


def _interleave(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    rows, columns = values.shape
    halves = values.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))
