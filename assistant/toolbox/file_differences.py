"""Differences of two models' configurations and tokenizers as evidence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from assistant.toolbox.context import ToolContext
from tools.comparing.places import ModelPlace

Json = dict[str, Any]

_SHOWN_KEYS = 6
_MOST_BYTES = 64 * 2**20
# What a person asks for first; other keys follow in the order of the file.
_TELLING = (
    "architectures", "model_type", "num_hidden_layers", "hidden_size", "vocab_size", "intermediate_size",
    "num_attention_heads", "max_position_embeddings", "torch_dtype", "dtype", "quantization_config",
)  # fmt: skip


def cite_config_differences(
    context: ToolContext, a: ModelPlace, b: ModelPlace, differences: Mapping[str, Any] | None
) -> list[Json]:
    """The keys whose values differ, each side with the lines of its config.json."""
    shown: list[Json] = []
    told = sorted(
        differences or (), key=lambda key: _TELLING.index(key) if key in _TELLING else len(_TELLING)
    )
    for name in told[:_SHOWN_KEYS]:
        sides = []
        for place, value in ((a, differences[name]["a"]), (b, differences[name]["b"])):  # type: ignore[index]
            cited = _cite_key(context, place, name) if value is not None else None
            sides.append({"model": place.model, "value": value, "key": cited})
        shown.append({"field": name, "sides": sides})
    return shown


def cite_same_config(context: ToolContext, a: ModelPlace, b: ModelPlace) -> Json:
    """That two configurations say the same, as one passage."""
    text = f"The configurations of {a.model} and {b.model} say the same."
    cited = context.cite("config", a.source, "config.json", text, _hash_file(a, "config.json"))
    return {"key": cited.id, "text": text}


def cite_tokenizers(
    context: ToolContext, a: ModelPlace, b: ModelPlace, difference: Mapping[str, Any] | None
) -> Json | None:
    """How the tokenizers of two models differ, as one passage."""
    if difference is None:
        return None
    file = next((name for name in ("tokenizer.json", "vocab.txt") if (a.folder / name).is_file()), None)
    if file is None:
        return None
    size = difference["size"]
    if difference["same"]:
        text = f"The tokenizers of {a.model} and {b.model} are the same: {size['a']:,} tokens."
    else:
        text = (
            f"The tokenizers of {a.model} and {b.model} differ: {size['a']:,} tokens against {size['b']:,}, "
            f"{difference['overlap']:.1%} of all tokens shared, {difference['moved']:,} with another id."
        )
    cited = context.cite("config", a.source, file, text, _hash_file(a, file))
    return {"same": difference["same"], "key": cited.id, "text": text}


def _cite_key(context: ToolContext, place: ModelPlace, name: str) -> str | None:
    """The key of the evidence for one key of a config.json: its lines as they stand there."""
    file = place.folder / "config.json"
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        return None
    leaf = name.rpartition(".")[2]
    found = re.search(rf'^[ \t]*("{re.escape(leaf)}"\s*:\s*)', text, re.MULTILINE)
    if found is None:
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text, found.end(1))
    except ValueError:
        return None
    verbatim = text[found.start(1) : end]
    pointer = "/".join(name.split("."))
    cited = context.cite(
        "config", place.source, f"config.json#/{pointer}", verbatim, _hash_file(place, "config.json")
    )
    return cited.id


def _hash_file(place: ModelPlace, name: str) -> str:
    file = place.folder / name
    if file.stat().st_size > _MOST_BYTES:
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()
