"""Errors put into real cards by someone who had not read the auditor's rules.

The blind half of `lake eval audit`: each is an error that a hurried or dishonest author makes. The list comes
from what the issue asks for and from what users complain of, never from how the auditor works. `inject_blind`
changes a card, `inject_blind_folder` the card of a local model whose configuration and weights say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eval.audit_blind_folder import inject_sizes
from eval.audit_blind_page import Error, Maker, Page, open_page
from eval.audit_blind_results import RESULTS
from eval.audit_blind_text import TEXT
from eval.audit_blind_twins import BLIND_TWINS, BlindTwin

__all__ = ["BLIND_TWINS", "BlindInjection", "BlindTwin", "inject_blind", "inject_blind_folder"]

_IDS = {
    "mit": "MIT",
    "apache-2.0": "Apache License 2.0",
    "gpl-3.0": "GPL-3.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "bsd-3-clause": "BSD 3-Clause",
}
_LANGUAGES = {
    "en": "English",
    "fr": "French",
    "de": "German",
    "fi": "Finnish",
    "ja": "Japanese",
    "tr": "Turkish",
}


@dataclass(frozen=True)
class BlindInjection:
    """One error. `line` is 1-based in the changed `card`, 0 where something was removed; `key` the metadata
    key, section title or word concerned; `what` a sentence; `length` the lines that carry it."""

    kind: str
    card: str
    line: int
    key: str
    what: str
    length: int = 1


def inject_blind(card: str, seed: int) -> Iterator[BlindInjection]:
    """One error of every kind that this card can carry, each in its own copy; same seed, same errors."""
    for kind, make in (_METADATA | _PROSE | TEXT | RESULTS).items():
        page = open_page(card, seed, kind)
        if (kind in _METADATA and not page.writable) or (kind not in _METADATA and not page.closed):
            continue
        yield from (BlindInjection(kind, *error) for error in make(page))


def _field(key: str, *rows: str, why: str) -> Maker:
    """Writes one of `rows` ("|" separates its lines) for a metadata field."""

    def make(page: Page) -> Iterator[Error]:
        lines = page.chance.choice(rows).split("|")
        if "\n".join(lines) not in page.card:
            made, line = page.set_field(key, *lines)
            yield made, line, key, f"{why}: {' / '.join(lines)}", len(lines)

    return make


def _text(key: str, *forms: str, why: str) -> Maker:
    """Adds one of `forms` ("|" starts a line of a table, "\\n" separates lines) to the body."""

    def make(page: Page) -> Iterator[Error]:
        lines = page.chance.choice(forms).split("\n")
        made, line = page.add(*lines)
        yield made, line, key, f"{why}: {lines[-1]}", len(lines)

    return make


def _misspell_key(page: Page) -> Iterator[Error]:
    wrong = {"license": "licence", "language": "lanugage", "pipeline_tag": "pipeline-tag",
             "datasets": "dataset",
             "library_name": "libary_name", "base_model": "base-model", "tags": "tag", "metrics": "metric",
             "model-index": "model_index"}  # fmt: skip
    keys = [key for key in wrong if page.find_field(key)]
    if keys:
        key = page.chance.choice(keys)
        start, stop = page.find_field(key) or (0, 0)
        renamed = page.lines[start].replace(key, wrong[key], 1)
        made = page.join([*page.lines[:start], renamed, *page.lines[start + 1 :]])
        yield made, start + 1, wrong[key], f"the metadata key {key} is spelt {wrong[key]}", stop - start


def _drop_field(page: Page) -> Iterator[Error]:
    for key in page.chance.sample(["license", "pipeline_tag", "language"], 3):
        if page.find_field(key) and (made := page.drop_field(key)):
            yield made, 0, key, f"the metadata field {key} is left out", 1
            return


def _drop_head(page: Page) -> Iterator[Error]:
    if page.head and "license" in page.meta:
        yield page.join(page.lines[page.head + 1 :]), 0, "metadata", "the metadata block is left out", 1


def _empty_field(page: Page) -> Iterator[Error]:
    key = page.chance.choice(["license", "language", "base_model", "pipeline_tag"])
    row = page.chance.choice([f"{key}:", f"{key}: null", f'{key}: ""', f"{key}: []", f"{key}: TODO"])
    made, line = page.set_field(key, row)
    yield made, line, key, f"the metadata field has no value: {row}", 1


def _break_yaml(page: Page) -> Iterator[Error]:
    if page.head:
        row = page.chance.choice(
            [
                "tags: [nlp, bert",
                'license_name: "my license',
                "datasets:\n\t- squad",
                "metrics: accuracy: 0.9",
                "  - en: ]",
            ]
        )
        rows = row.split("\n")
        made = page.join(
            [*page.lines[: page.head], *(one + page.end for one in rows), *page.lines[page.head :]]
        )
        yield made, page.head + 1, "yaml", f"the metadata is not YAML: {row!r}", len(rows)


def _double_key(page: Page) -> Iterator[Error]:
    if isinstance(page.meta.get("license"), str):
        other = "mit" if page.meta["license"] != "mit" else "apache-2.0"
        made = page.join([*page.lines[: page.head], f"license: {other}{page.end}", *page.lines[page.head :]])
        yield made, page.head + 1, "license", "the licence stands twice in the metadata, with two values", 1


def _peft_alone(page: Page) -> Iterator[Error]:
    words = r"base[_ ]model|fine-?tun|finetun|based on|from_pretrained|adapter|lora"
    if "base_model" not in page.meta and not re.search(words, page.card, re.I):
        made, line = page.set_field("library_name", "library_name: peft")
        yield made, line, "base_model", "an adapter (library peft) without the model that it belongs to", 1


def _licence_prose(*forms: str) -> Maker:
    def make(page: Page) -> Iterator[Error]:
        declared = page.meta.get("license")
        if isinstance(declared, str) and re.fullmatch(r"[a-z][\w.+-]+", declared):
            others = [name for one, name in _IDS.items() if one.split("-")[0] != declared.split("-")[0]]
            form = page.chance.choice(forms).format(page.chance.choice(others)).split("\n")
            made, line = page.add(*form)
            yield made, line, "license", f"the metadata says {declared}, the text: {form[-1]}", len(form)

    return make


def _licence_terms(page: Page) -> Iterator[Error]:
    if str(page.meta.get("license")) in {"mit", "apache-2.0", "bsd-3-clause", "cc0-1.0"}:
        yield from _text(
            "license",
            "Commercial use of this model is strictly prohibited.",
            "This model is for non-commercial research use only.",
            "You may not use the weights in any commercial product.",
            "**License:** free for academic use; commercial use is not allowed.",
            why=f"restrictions that the declared licence {page.meta['license']} does not have",
        )(page)


def _language_prose(page: Page) -> Iterator[Error]:
    declared = page.meta.get("language")
    declared = declared[0] if isinstance(declared, list) and len(declared) == 1 else declared
    others = [name for code, name in _LANGUAGES.items() if code != declared and name not in page.card]
    if isinstance(declared, str) and declared in _LANGUAGES and others:
        form = page.chance.choice(
            ["This is a {} language model.", "- **Language(s) (NLP):** {}",
             "The model was trained on {} text only.",
             "| | |\n| --- | --- |\n| Language | {} |",
             "It understands {} only; no other language is supported."]
        ).format(page.chance.choice(others))  # fmt: skip
        rows = form.split("\n")
        made, line = page.add(*rows)
        yield made, line, "language", f"the metadata says {declared}, the text: {rows[-1]}", len(rows)


def _dataset_prose(page: Page) -> Iterator[Error]:
    declared = page.meta.get("datasets")
    listed = declared if isinstance(declared, list) else [declared] if isinstance(declared, str) else []
    others = [
        one for one in ("imdb", "squad_v2", "xsum", "cifar10") if one.split("_")[0] not in page.card.lower()
    ]
    if listed and others:
        other = page.chance.choice(others)
        yield from _text(
            "datasets",
            f"It was trained exclusively on the [{other}](https://huggingface.co/datasets/{other}) data.",
            f"- **Training data:** [{other}](https://huggingface.co/datasets/{other})",
            f"Training used only the `{other}` dataset, nothing else.",
            why=f"the metadata names the datasets {listed}",
        )(page)


def _base_against_prose(page: Page) -> Iterator[Error]:
    said = re.search(r"fine-?tuned version of \[?([\w.-]+/[\w.-]+|[\w.]+-[\w.-]+)", page.body)
    if said and "base_model" not in page.meta:
        other = page.chance.choice(["google/mt5-small", "albert-base-v2", "openai/whisper-tiny"])
        if other.split("/")[-1].split("-")[0] not in said[1]:
            made, line = page.set_field("base_model", f"base_model: {other}")
            yield (
                made,
                line,
                "base_model",
                f"the text says fine-tuned from {said[1]}, the metadata {other}",
                1,
            )


_METADATA: dict[str, Maker] = {
    "licence-no-id": _field(
        "license", "license: MIT License", "license: Apache License 2.0", "license: CC BY 4.0",
        "license: GPLv3",
        "license: free for everyone", "license:|- Apache 2", "license: Creative Commons (non commercial)",
        why="no identifier of a licence"),
    "language-no-code": _field(
        "language", "language: English", "language:|- German|- French", "language: jp", "language: Deutsch",
        "language: en, fr", "language: [español]", "language: any human language",
        why="no code of a language"),
    "task-invented": _field(
        "pipeline_tag", "pipeline_tag: chatbot", "pipeline_tag: Text Generation", "pipeline_tag: ner",
        "pipeline_tag: image_classifier", "pipeline_tag: text2speech", "pipeline_tag: large language model",
        why="no task of the Hub"),
    "dataset-no-id": _field(
        "datasets", "datasets:|- https://huggingface.co/datasets/squad",
        "datasets: a mix of books and web pages",
        "datasets:|- SQuAD v2.0 (train split)", "datasets:|- our own data, not public",
        "datasets: https://github.com/acme/corpus", why="no id of a dataset"),
    "base-no-id": _field(
        "base_model", "base_model: fine-tuned from BERT base", "base_model: BERT base (uncased)",
        "base_model: https://huggingface.co/bert-base-uncased", "base_model:|- we started from T5 small",
        "base_model: models/checkpoints/final/run3", why="no id of a base model"),
    "tags-string": _field(
        "tags", "tags: nlp, bert, pytorch", "tags: text classification; sentiment", "tags: '#nlp #bert'",
        "tags:|  first: nlp|  second: bert", why="tags that are no list"),
    "library-sentence": _field(
        "library_name", "library_name: Hugging Face Transformers 4.30",
        "library_name: pytorch and transformers",
        "library_name: https://github.com/huggingface/transformers", why="no name of a library"),
    "key-misspelt": _misspell_key,
    "field-dropped": _drop_field,
    "metadata-dropped": _drop_head,
    "field-empty": _empty_field,
    "yaml-broken": _break_yaml,
    "key-twice": _double_key,
    "adapter-without-base": _peft_alone,
    "base-against-prose": _base_against_prose,
}  # fmt: skip

_PROSE: dict[str, Maker] = {
    "licence-prose": _licence_prose(
        "This model is released under the {} license.", "The weights are licensed under {}.",
        "- **License:** {}", "License: {}", "| Property | Value |\n| --- | --- |\n| License | {} |",
        "Everything in this repository, weights included, is available under the terms of {}."),
    "licence-foreign": _licence_prose(
        "**Lizenz:** {}", "Dieses Modell steht unter der Lizenz {}.", "**Licence** : {}", "Licencia: {}",
        "Ce modèle est publié sous licence {}.", "Este modelo se publica bajo la licencia {}."),
    "licence-terms": _licence_terms,
    "language-prose": _language_prose,
    "dataset-prose": _dataset_prose,
    "link-broken": _text(
        "link", "See the [paper](htp://arxiv.org/abs/2005.00001).",
        "Code: [repository] (https://github.com/a/b)",
        "More in the [blog post]().", "[Demo](http//demo.example.org/app)",
        "[Paper](https://arxiv .org/abs/2005.00001)",
        "Read [the report](https://example.org/report.pdf", "- Code: https//github.com/acme/model",
        why="a link that leads nowhere"),
}  # fmt: skip


def inject_blind_folder(
    card: str, config: dict[str, Any], parameters: int, seed: int
) -> Iterator[BlindInjection]:
    """Errors of a local model's card that its `config` (config.json) or count of `parameters` contradicts."""
    for kind, (made, line, key, what, length) in inject_sizes(card, config, parameters, seed):
        yield BlindInjection(kind, made, line, key, what, length)
