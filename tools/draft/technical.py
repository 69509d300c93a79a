"""Sentences on architecture, sizes, training and files, from configurations, headers and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.draft.gathering import Gathered
from tools.draft.types import Statement, say

Sentences = tuple[tuple[tuple[str, ...], str], ...]
# A count of parameters in such a sentence may be another model's.
_OF_OTHERS = re.compile(
    r"\b(?:than|compared|versus|vs|larger|smaller|bigger|teacher|respectively|variants?|sizes|family|series)\b",
    re.IGNORECASE,
)
_WEIGHTS = (".safetensors", ".gguf", ".bin", ".onnx", ".h5", ".msgpack", ".pt", ".pth", ".keras")
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler", "events.")
_TOKENIZERS = ("tokenizer_config.json", "tokenizer.json")
# What a configuration's key says, under the names that families give it.
_SIZES: Sentences = (
    (("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers"), "It has {} layers."),
    (("decoder_layers",), "Its decoder has {} layers."),
    (("hidden_size", "n_embd", "d_model", "dim"), "Its hidden size is {}."),
    (("intermediate_size", "n_inner", "d_ff", "ffn_dim", "encoder_ffn_dim"), "Its feed-forward size is {}."),
    (
        ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads"),
        "It has {} attention heads.",
    ),
    (("num_key_value_heads",), "It has {} key-value heads."),
    (("num_local_experts", "num_experts", "n_routed_experts"), "It has {} experts."),
    (("vocab_size",), "Its vocabulary has {} entries."),
    (
        ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "n_ctx"),
        "Its context length is {} positions.",
    ),
    (("sliding_window",), "Its sliding window is {} positions."),
    (("image_size",), "Its image size is {}."),
    (("sampling_rate",), "Its sampling rate is {}."),
    (("hidden_act", "activation_function", "hidden_activation"), "Its activation is {}."),
    (("torch_dtype", "dtype"), "Its configuration names the dtype {}."),
)  # fmt: skip
_ARGUMENTS: Sentences = (
    (("learning_rate",), "The learning rate was {}."),
    (("per_device_train_batch_size", "train_batch_size"), "The batch size was {} for each device."),
    (("gradient_accumulation_steps",), "Gradients were accumulated over {} steps."),
    (("num_train_epochs",), "Training was set to {} epochs."),
    (("max_steps",), "Training was set to {} steps."),
    (("optim", "optimizer"), "The optimizer was {}."),
    (("lr_scheduler_type",), "The learning rate schedule was {}."),
    (("warmup_steps",), "There were {} warm-up steps."),
    (("warmup_ratio",), "The warm-up ratio was {}."),
    (("weight_decay",), "The weight decay was {}."),
    (("seed",), "The seed was {}."),
)
_ADAPTER: Sentences = (
    (("peft_type",), "It is an adapter of the type {}."),
    (("r",), "Its rank is {}."),
    (("lora_alpha",), "Its scaling factor alpha is {}."),
    (("lora_dropout",), "Its dropout is {}."),
    (("target_modules",), "It changes the modules {}."),
)


_PROGRESS: Sentences = (
    (("global_step",), "The training log ends at step {}."),
    (("epoch",), "The training log ends at epoch {}."),
)
_TIMES: Sentences = (
    (("train_runtime",), "Training took {} seconds."),
    (("train_samples_per_second",), "Training went at {} samples a second."),
    (("train_samples",), "It was trained on {} samples."),
    (("total_flos",), "The trainer counted {} floating-point operations."),
)
_TOKENIZING: Sentences = (
    (("tokenizer_class",), "Its tokenizer is a {}."),
    (("model_max_length",), "Its tokenizer takes at most {} tokens."),
)


def compose_specs(gathered: Gathered) -> Iterator[Statement]:
    """Architecture and sizes; what the configuration does not say, headers may."""
    yield from _state_config(gathered, "")
    if (base := gathered.inherited.get("config.json")) is not None:
        yield from _state_config(base, base.subject.record.model)
    for topic, wording in (
        ("header", "The headers of its weights count {} parameters: {}."),
        ("adapter_header", "The header of the adapter counts {} parameters: {}."),
    ):
        for known in gathered.known.get(topic, ()):
            total = f"{sum(known.value.values()):,}"
            parts = ", ".join(f"{dtype} {count:,}" for dtype, count in known.value.items())
            yield say(wording, (total, known.evidence), (parts, known.evidence))
    embedding = gathered.first("embedding")
    if embedding is not None and gathered.find("config.json", "vocab_size") is None:
        rows, columns = map(str, embedding.value)
        yield say(
            "Its token embeddings have {} rows and {} columns.",
            (rows, embedding.evidence),
            (columns, embedding.evidence),
        )
    if not gathered.known.get("header") and not gathered.known.get("adapter_header"):
        stated = [
            one for one in gathered.known.get("parameters", ()) if not _OF_OTHERS.search(one.evidence.text)
        ]
        for known in stated[:1]:
            yield say("Parameters, as stated: {}.", (known.shown, known.evidence))


def compose_description(gathered: Gathered) -> Iterator[Statement]:
    """What its files say of it in a sentence."""
    architecture = gathered.find("config.json", "architectures", "model_type")
    header = gathered.first("header")
    if architecture is not None:
        yield say("It is a model of the architecture {}.", (architecture[0].shown, architecture[1]))
    if header is not None:
        total = f"{sum(header.value.values()):,}"
        yield say("It has {} parameters, by the headers of its weights.", (total, header.evidence))


def _state_config(holder: Gathered, inherited: str) -> Iterator[Statement]:
    architectures = holder.find("config.json", "architectures")
    kind = holder.find("config.json", "model_type")
    if architectures is not None:
        member, evidence = architectures
        yield say("Its architecture is {}.", (member.shown, evidence), inherited_from=inherited)
    if kind is not None:
        member, evidence = kind
        yield say("It is of the type {}.", (member.shown, evidence), inherited_from=inherited)
    yield from _state_members(holder, "config.json", _SIZES, inherited)
    pointer = "/quantization_config/quant_method"
    if quantised := holder.cite("config.json", pointer):
        method = holder.files["config.json"].members[pointer].shown
        yield say("Its weights are quantised with {}.", (method, quantised), inherited_from=inherited)


def _state_members(
    holder: Gathered, file: str, sentences: Sentences, inherited: str = ""
) -> Iterator[Statement]:
    for keys, wording in sentences:
        if (found := holder.find(file, *keys)) is not None:
            member, evidence = found
            if isinstance(member.value, (dict, bool)) or member.value == -1:
                continue
            yield say(wording, (member.shown, evidence), inherited_from=inherited)


def compose_procedure(gathered: Gathered) -> Iterator[Statement]:
    """How an adapter is made; how far a training went."""
    yield from _state_members(gathered, "adapter_config.json", _ADAPTER)
    yield from _state_members(gathered, "trainer_state.json", _PROGRESS)


def compose_regime(gathered: Gathered) -> Iterator[Statement]:
    """Hyperparameters, from arguments that are text and from the trainer's own state."""
    for sentence in _ARGUMENTS:
        for file in ("training_args.json", "trainer_state.json"):
            if said := list(_state_members(gathered, file, (sentence,))):
                yield from said
                break
    for name in ("bf16", "fp16"):
        found = gathered.find("training_args.json", name)
        if found is not None and found[0].value is True:
            yield say("Training ran in {} mixed precision.", (name, found[1]))


def compose_times(gathered: Gathered) -> Iterator[Statement]:
    """Run time, throughput and the files with their sizes."""
    for file in ("all_results.json", "train_results.json"):
        if said := list(_state_members(gathered, file, _TIMES)):
            yield from said
            break
    for known in gathered.known.get("file", ()):
        path, size = known.value
        if is_weights(path):
            yield say("The file {} has {} bytes.", (path, known.evidence), (str(size), known.evidence))


def is_weights(path: str) -> bool:
    """Whether a file is named as weights are; a trainer's own files are not."""
    name = path.lower().rpartition("/")[2]
    return name.endswith(_WEIGHTS) and not name.startswith(_NO_WEIGHTS)


def compose_tokenizer(gathered: Gathered) -> Iterator[Statement]:
    """How text becomes tokens."""
    if any(name in gathered.files for name in _TOKENIZERS):
        yield from _state_tokenizer(gathered, "")
        return
    for name in _TOKENIZERS:
        if (base := gathered.inherited.get(name)) is not None:
            yield from _state_tokenizer(base, base.subject.record.model)
            return


def _state_tokenizer(holder: Gathered, inherited: str) -> Iterator[Statement]:
    yield from _state_members(holder, "tokenizer_config.json", _TOKENIZING, inherited)
    if evidence := holder.cite("tokenizer.json", "/model/type"):
        kind = holder.files["tokenizer.json"].members["/model/type"].shown
        yield say("Its tokenizer's model is {}.", (kind, evidence), inherited_from=inherited)


def compose_software(gathered: Gathered) -> Iterator[Statement]:
    """Libraries and versions."""
    for known in gathered.known.get("library", ())[:1]:
        yield say("The library is {}.", (known.shown, known.evidence), inherited_from=known.inherited_from)
    if found := gathered.find("config.json", "transformers_version"):
        member, evidence = found
        yield say("Its configuration was written by transformers {}.", (member.shown, evidence))
