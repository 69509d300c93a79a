"""Sentences on architecture, sizes, training and files, from configurations, headers and logs."""

from __future__ import annotations

from collections.abc import Iterator

from tools.draft.gathering import Gathered
from tools.draft.types import Statement
from tools.evidence import Evidence

# What a configuration's key says, under the names that families give it.
_SIZES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers"), "It has {} layers."),
    (("decoder_layers",), "Its decoder has {} layers."),
    (("hidden_size", "n_embd", "d_model", "dim"), "Its hidden size is {}."),
    (("intermediate_size", "n_inner", "d_ff", "ffn_dim", "encoder_ffn_dim"), "Its feed-forward size is {}."),
    (("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads"), "It has {} attention heads."),
    (("num_key_value_heads",), "It has {} key-value heads."),
    (("num_local_experts", "num_experts", "n_routed_experts"), "It has {} experts."),
    (("vocab_size",), "Its vocabulary has {} entries."),
    (
        ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx"),
        "Its context length is {} positions.",
    ),
    (("sliding_window",), "Its sliding window is {} positions."),
    (("image_size",), "Its image size is {}."),
    (("sampling_rate",), "Its sampling rate is {}."),
    (("hidden_act", "activation_function", "hidden_activation"), "Its activation is {}."),
    (("torch_dtype", "dtype"), "Its configuration names the dtype {}."),
)  # fmt: skip
_ARGUMENTS: tuple[tuple[tuple[str, ...], str], ...] = (
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
_ADAPTER: tuple[tuple[tuple[str, ...], str], ...] = (
    (("peft_type",), "It is an adapter of the type {}."),
    (("r",), "Its rank is {}."),
    (("lora_alpha",), "Its scaling factor alpha is {}."),
    (("lora_dropout",), "Its dropout is {}."),
    (("target_modules",), "It changes the modules {}."),
)


def compose_specs(gathered: Gathered) -> Iterator[Statement]:
    """Architecture and sizes; what the configuration does not say, headers may."""
    yield from _state_config(gathered, gathered, "")
    if (base := gathered.inherited.get("config.json")) is not None:
        yield from _state_config(gathered, base, base.subject.record.model)
    for known in gathered.known.get("header", ()):
        yield Statement(_count(known.value), (known.evidence,))
    for known in gathered.known.get("adapter_header", ()):
        yield Statement(f"The adapter: {_count(known.value)}", (known.evidence,))
    embedding = gathered.first("embedding")
    if (
        embedding is not None
        and gathered.find("config.json", "vocab_size", "hidden_size", "n_embd", "d_model") is None
    ):
        rows, columns = embedding.value
        yield Statement(
            f"Its token embeddings have {rows} rows and {columns} columns.", (embedding.evidence,)
        )
    if not gathered.known.get("header") and not gathered.known.get("adapter_header"):
        for known in gathered.known.get("parameters", ())[:1]:
            yield Statement(f"Parameters, as stated: {known.shown}.", (known.evidence,))


def _count(by_dtype: dict[str, int]) -> str:
    total = sum(by_dtype.values())
    if len(by_dtype) == 1:
        return f"The header of its weights counts {total:,} parameters, all in {next(iter(by_dtype))}."
    parts = ", ".join(f"{count:,} in {dtype}" for dtype, count in by_dtype.items())
    return f"The header of its weights counts {total:,} parameters: {parts}."


def _state_config(gathered: Gathered, holder: Gathered, inherited: str) -> Iterator[Statement]:
    named = [holder.find("config.json", key) for key in ("architectures", "model_type")]
    found = [found for found in named if found is not None]
    if found:
        names = [_show(member.value) for member, _ in found]
        said = f"Its architecture is {names[0]}" + (f", of the type {names[1]}" if len(names) > 1 else "")
        yield Statement(f"{said}.", tuple(item for _, item in found), inherited)
    yield from _state_members(holder, "config.json", _SIZES, inherited)
    if quantized := holder.cite("config.json", "/quantization_config/quant_method"):
        method = holder.files["config.json"].members["/quantization_config/quant_method"].value
        yield Statement(f"Its weights are quantised with {method}.", (quantized,), inherited)


def _state_members(
    holder: Gathered, file: str, sentences: tuple[tuple[tuple[str, ...], str], ...], inherited: str = ""
) -> Iterator[Statement]:
    for keys, sentence in sentences:
        if (found := holder.find(file, *keys)) is not None:
            member, evidence = found
            if isinstance(member.value, (dict, bool)) or member.value == -1:
                continue
            yield Statement(sentence.format(_show(member.value)), (evidence,), inherited)


def compose_procedure(gathered: Gathered) -> Iterator[Statement]:
    """How an adapter is made; how far a training went."""
    yield from _state_members(gathered, "adapter_config.json", _ADAPTER)
    if found := gathered.find("trainer_state.json", "global_step"):
        member, evidence = found
        yield Statement(f"The training log ends at step {_show(member.value)}.", (evidence,))
    if found := gathered.find("trainer_state.json", "epoch"):
        member, evidence = found
        yield Statement(f"The training log ends at epoch {_show(member.value)}.", (evidence,))


def compose_regime(gathered: Gathered) -> Iterator[Statement]:
    """Hyperparameters, from arguments that are text and from the trainer's own state."""
    said = list(_state_members(gathered, "training_args.json", _ARGUMENTS))
    for keys, sentence in _ARGUMENTS:
        if gathered.find("training_args.json", *keys) is None:
            said += _state_members(gathered, "trainer_state.json", ((keys, sentence),))
    for key, name in (("bf16", "bf16"), ("fp16", "fp16")):
        found = gathered.find("training_args.json", key)
        if found is not None and found[0].value is True:
            said.append(Statement(f"Training ran in {name} mixed precision.", (found[1],)))
    yield from said


def compose_times(gathered: Gathered) -> Iterator[Statement]:
    """Run time, throughput and the files with their sizes."""
    for file in ("all_results.json", "train_results.json"):
        found = list(
            _state_members(
                gathered,
                file,
                (
                    (("train_runtime",), "Training took {} seconds."),
                    (("train_samples_per_second",), "Training went at {} samples a second."),
                    (("train_samples",), "It was trained on {} samples."),
                    (("total_flos",), "The trainer counted {} floating-point operations."),
                ),
            )
        )
        yield from found
        if found:
            break
    for known in gathered.known.get("file", ()):
        path, size = known.value
        if path.lower().endswith((".safetensors", ".gguf", ".bin", ".onnx", ".h5", ".msgpack", ".pt")):
            yield Statement(f"The file `{path}` has {size:,} bytes.", (known.evidence,))


def compose_tokenizer(gathered: Gathered) -> Iterator[Statement]:
    """How text becomes tokens."""
    yield from _state_tokenizer(gathered, "")
    for file in ("tokenizer_config.json", "tokenizer.json"):
        if (base := gathered.inherited.get(file)) is not None and not any(
            name in gathered.files for name in ("tokenizer_config.json", "tokenizer.json")
        ):
            yield from _state_tokenizer(base, base.subject.record.model)
            break


def _state_tokenizer(holder: Gathered, inherited: str) -> Iterator[Statement]:
    yield from _state_members(
        holder,
        "tokenizer_config.json",
        (
            (("tokenizer_class",), "Its tokenizer is a {}."),
            (("model_max_length",), "Its tokenizer takes at most {} tokens."),
        ),
        inherited,
    )
    if evidence := holder.cite("tokenizer.json", "/model/type"):
        kind = holder.files["tokenizer.json"].members["/model/type"].value
        yield Statement(f"Its tokenizer's model is {kind}.", (evidence,), inherited)


def compose_software(gathered: Gathered) -> Iterator[Statement]:
    """Libraries and versions."""
    for known in gathered.known.get("library", ())[:1]:
        yield Statement(f"The library is {known.shown}.", (known.evidence,), known.inherited_from)
    if found := gathered.find("config.json", "transformers_version"):
        member, evidence = found
        yield Statement(f"Its configuration was written by transformers {_show(member.value)}.", (evidence,))


def _show(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
