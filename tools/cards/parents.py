"""The parents a card declares: in metadata (`base_model`, tags) and in sentences of its prose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tools.cards.model_names import model_id_of_url, same_model
from tools.cards.parent_sentences import read_parent_sentence, split_sentences
from tools.cards.types import DeclaredParent, LineSpan, Passage, Section

_RELATIONS = {
    "finetune": "finetune",
    "finetuned": "finetune",
    "fine-tune": "finetune",
    "adapter": "adapter",
    "merge": "merge",
    "quantized": "quantization",
    "quantization": "quantization",
    "distillation": "distillation",
    "distilled": "distillation",
}
_KEYS = ("base_model", "base_models", "finetuned_from", "parent_model", "adapter_base_model")
_TAG = re.compile(r"^base_model:(?:(?P<relation>[a-z]+):)?(?P<name>[^:\s]+)$")
_MODEL_ID = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?$")
_QUANTIZED = re.compile(r"^(?:gguf|ggml|gptq|awq|exl2|\d-?bit|int[48]|quanti[sz]ed)$", re.IGNORECASE)
_ADAPTER = re.compile(r"^(?:lora|qlora|peft|adapter)$", re.IGNORECASE)


def read_metadata_parents(
    metadata: dict[str, Any], metadata_lines: dict[str, LineSpan], lines: list[str]
) -> list[DeclaredParent]:
    """Parents named by `base_model` and its like, and by `base_model:…` tags; confidence 1.

    The relation is `base_model_relation`, else what the Hub infers: several bases are a merge, a PEFT library
    an adapter, a quantization tag a quantization; "" when nothing says it.
    """
    tags = [str(tag) for tag in _listed(metadata.get("tags")) if isinstance(tag, str)]
    found: dict[str, DeclaredParent] = {}

    def add(name: str, relation: str, origin: Any, pointer: str) -> None:
        name = model_id_of_url(name) or name.strip()
        if (
            not _MODEL_ID.match(name)
            or name.isdigit()
            or name.lower() in ("none", "null", "n/a", "unknown", "scratch")
        ):
            return
        known = found.get(name.lower())
        if known is not None and (known.relation or not relation):
            return
        span = metadata_lines.get(pointer)
        text = "\n".join(lines[span.start - 1 : span.end]).rstrip() if span else name
        found[name.lower()] = DeclaredParent(name, relation, origin, f"README.md#{pointer}", text, 1.0)

    for key in _KEYS:
        value = metadata.get(key)
        several = isinstance(value, list)
        names = [(index, _name_of(item)) for index, item in enumerate(_listed(value))]
        names = [(index, name) for index, name in names if name]
        relation = _relation(metadata, tags, several=len(names) > 1)
        if key == "finetuned_from" and not relation:
            relation = "finetune"
        for index, name in names:
            add(name, relation, "metadata", f"/{key}/{index}" if several else f"/{key}")
    for index, tag in enumerate(tags):
        if matched := _TAG.match(tag):
            relation = _RELATIONS.get(matched["relation"] or "", "")
            pointer = f"/tags/{index}" if isinstance(metadata.get("tags"), list) else "/tags"
            add(matched["name"], relation, "tags", pointer)
    return list(found.values())


def read_prose_parents(
    passages: Iterable[Passage], sections: Iterable[Section], lines: list[str], *, model_id: str | None
) -> list[DeclaredParent]:
    """Parents named by sentences of prose, lists, HTML and headings; each name once, its surest sentence."""
    found: dict[str, DeclaredParent] = {}

    def add(text: str, start: int, end: int) -> None:
        for claim in read_parent_sentence(text, model_id=model_id):
            if model_id and same_model(claim.name, model_id):
                continue
            key = claim.name.lower()
            known = found.get(key)
            if known is not None and known.confidence >= claim.confidence:
                continue
            span = LineSpan(start, end)
            found[key] = DeclaredParent(
                claim.name, claim.relation, "prose", f"README.md#{span}", text, claim.confidence
            )

    for section in sections:
        if section.level:
            add(lines[section.lines.start - 1].strip(), section.lines.start, section.lines.start)
    for passage in passages:
        if passage.kind in ("prose", "list", "html"):
            for sentence, start, end in split_sentences(passage.text):
                first = passage.lines.start + passage.text.count("\n", 0, start)
                last = passage.lines.start + passage.text.count("\n", 0, end)
                add(sentence, first, last)
    return sorted(found.values(), key=lambda parent: -parent.confidence)


def merge_parents(declared: list[DeclaredParent], prose: list[DeclaredParent]) -> tuple[DeclaredParent, ...]:
    """Metadata first, then prose; one model written in several ways counts once, by its fullest name."""
    kept: dict[str, DeclaredParent] = {_bare_key(parent.name): parent for parent in declared}
    stated = set(kept)
    for parent in prose:
        key = _bare_key(parent.name)
        known = kept.get(key)
        if known is None:
            kept[key] = parent
        elif key not in stated:
            surer = known if known.confidence >= parent.confidence else parent
            fuller = max(known, parent, key=lambda one: ("/" in one.name, "-" in one.name, one.confidence))
            kept[key] = fuller if "/" in fuller.name else replace(surer, name=fuller.name)
    return tuple(kept.values())


def _bare_key(name: str) -> str:
    """The same for "org/Some-Model", "Some Model" and "some_model"."""
    return re.sub(r"[^a-z0-9]", "", name.lower().rpartition("/")[2])


def _relation(metadata: dict[str, Any], tags: list[str], *, several: bool) -> str:
    stated = metadata.get("base_model_relation")
    if isinstance(stated, str):
        return _RELATIONS.get(stated.strip().lower(), stated.strip().lower())
    if several:
        return "merge"
    if str(metadata.get("library_name", "")).lower() == "peft" or any(_ADAPTER.match(tag) for tag in tags):
        return "adapter"
    if any(_QUANTIZED.match(tag) for tag in tags):
        return "quantization"
    return ""


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _name_of(item: Any) -> str:
    if isinstance(item, dict):
        item = item.get("name") or item.get("model") or item.get("id")
    return item if isinstance(item, str) else ""
