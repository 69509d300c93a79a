"""Errors put into real cards by a second author who had not read the auditor's rules.

The held-out half of `lake eval audit`: the rules were mended against the blind half, so that it is blind no
longer; these are other errors of the issue's kinds, in other wordings, languages, places and forms of
Markdown and HTML. `inject_held` changes a card, `inject_held_folder` the card of a local model whose files
say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from eval.audit_blind import BlindInjection
from eval.audit_blind_page import Error, Maker, Page, open_page
from eval.audit_held_folder import inject_sizes
from eval.audit_held_results import RESULTS
from eval.audit_held_sections import SECTIONS
from eval.audit_held_text import TEXT, misname_example
from eval.audit_held_twins import make_held_twins

__all__ = ["inject_held", "inject_held_folder", "make_held_twins"]

_BASE_WORDS = re.compile(
    r"base[_ -]model|fine-?tun|based on|from_pretrained|adapter|lora|checkpoint|pre-?trained|quanti[sz]|gguf|"
    r"original|distil|initiali",
    re.I,
)


def inject_held(card: str, seed: int, model: str) -> Iterator[BlindInjection]:
    """One error of every kind that the card of `model` can carry, each in its own copy; a seed, a set."""
    makers = _METADATA | TEXT | SECTIONS | RESULTS | {"example-misnamed": misname_example(model)}
    for kind, make in makers.items():
        page = open_page(card, seed, f"held {kind}")
        if (kind in _METADATA and not page.writable) or not page.closed:
            continue
        yield from (BlindInjection(kind, *error) for error in make(page))


def inject_held_folder(
    card: str, config: dict[str, Any], parameters: int, seed: int
) -> Iterator[BlindInjection]:
    """Errors of a local model's card that its `config` (config.json) or count of `parameters` contradicts."""
    for kind, error in inject_sizes(card, config, parameters, seed):
        yield BlindInjection(kind, *error)


def _field(key: str, why: str, *values: str) -> Maker:
    """Writes one of `values` for a metadata field; a value that starts with a line feed is a block."""

    def make(page: Page) -> Iterator[Error]:
        value = page.chance.choice(values)
        rows = f"{key}:{value}" if value.startswith("\n") else f"{key}: {value}"
        made, line = page.set_field(key, *rows.split("\n"))
        yield made, line, key, f"{why}: {rows!r}", rows.count("\n") + 1

    return make


def _drop_one(*keys: str) -> Maker:
    def make(page: Page) -> Iterator[Error]:
        found = [key for key in keys if page.find_field(key)]
        if found:
            key = page.chance.choice(found)
            if made := page.drop_field(key):
                yield made, 0, key, f"the metadata field {key} is left out", 1

    return make


def _break_front_matter(page: Page) -> Iterator[Error]:
    """Metadata that no reader of YAML accepts, each in a way of its own."""
    if not page.head or not page.meta:
        return
    row, what = page.chance.choice(
        [
            ("description: notes: see below: again", "a second colon in a plain value"),
            ("thumbnail: *nowhere", "an alias without an anchor"),
            ('title: "unfinished', "a quotation mark that is never closed"),
            ("widget: {text: [a, b}", "brackets that do not match"),
            ("inference: @default", "a sign that YAML reserves"),
            ("co2_eq_emissions: %12", "a sign that YAML reserves"),
            ("just a line of text", "a line without a key"),
            ("\ttags: [x]", "a tab before a key"),
        ]
    )
    at = page.chance.choice([1, page.head])
    made = page.join([*page.lines[:at], row + page.end, *page.lines[at:]])
    yield made, at + 1, "yaml", f"the metadata is not YAML, {what}: {row!r}", 1


def _displace_front_matter(page: Page) -> Iterator[Error]:
    """A block of metadata that is not read as such."""
    if not page.head or not page.meta.get("license"):
        return
    lines, end = page.lines, page.end
    made, line, what = page.chance.choice(
        [
            ([f"# A model{end}", end, *lines], 1, "a heading stands before the metadata"),
            ([*lines[: page.head], *lines[page.head + 1 :]], 1, "the metadata is never closed"),
            ([f"-----{end}", *lines[1:]], 1, "the metadata opens with five hyphens"),
            (
                [f"```yaml{end}", *lines[1 : page.head], f"```{end}", *lines[page.head + 1 :]],
                1,
                "the metadata stands in a block of code",
            ),
        ]
    )
    yield page.join(made), line, "metadata", what, page.head + 2


def _repeat_key(page: Page) -> Iterator[Error]:
    others = {
        "language": "ga",
        "pipeline_tag": "tabular-regression",
        "library_name": "fastai",
        "tags": "[old]",
    }
    keys = [key for key in others if page.find_field(key) and page.meta.get(key) != others[key]]
    if keys:
        key = page.chance.choice(keys)
        row = f"{key}: {others[key]}{page.end}"
        made = page.join([page.lines[0], row, *page.lines[1:]])
        yield made, 2, key, f"{key} stands twice in the metadata, with two values", 1


def _quantised_alone(page: Page) -> Iterator[Error]:
    """Files of a quantised model or an adapter in a card that says nowhere what they were made from."""
    if "base_model" in page.meta or _BASE_WORDS.search(page.card):
        return
    key, value, what = page.chance.choice(
        [
            ("tags", "\n- gguf\n- llama.cpp", "GGUF files"),
            ("tags", "\n- gptq\n- 4-bit", "a GPTQ model"),
            ("tags", "\n- awq", "an AWQ model"),
            ("library_name", "adapter-transformers", "an adapter"),
            ("tags", "\n- lora", "a LoRA"),
            ("library_name", "gguf", "GGUF files"),
            ("library_name", "peft", "an adapter"),
        ]
    )
    for made, line, _, _, length in _field(key, what, value)(page):
        yield made, line, "base_model", f"{what} without the model that it was made from", length


def _swap_base(page: Page) -> Iterator[Error]:
    """Metadata that names another base model than the sentence of the text does."""
    said = re.search(
        r"(?:fine-?tuned (?:version )?(?:of|from)|based on|initiali[sz]ed from|trained from)"
        r"(?: the)? \[?`?([\w.-]+/[\w.-]+[\d-][\w.-]*)",
        page.body,
        re.I,
    )
    others = [
        one
        for one in (
            "facebook/opt-125m",
            "google/electra-small-discriminator",
            "microsoft/swin-tiny-patch4-window7-224",
        )
        if said and one.split("/")[1][:3] not in said[1].lower()
    ]
    if said and others:
        value = page.chance.choice(others)
        made, line = page.set_field("base_model", f"base_model: {value}")
        yield made, line, "base_model", f"the text says {said[1]}, the metadata {value}", 1


_METADATA: dict[str, Maker] = {
    "license-no-id": _field(
        "license",
        "no identifier of a licence",
        "apache2",
        "cc-by",
        "public domain",
        "GNU AGPLv3",
        "proprietary",
        "CC-BY-SA-4",
        "MIT + Apache-2.0",
        "© all rights reserved",
        "\n- see LICENSE.txt",
        "2.0",
        "\n  name: mit",
        "https://opensource.org/licenses/MIT",
        "Lizenz siehe unten",
    ),
    "language-no-code": _field(
        "language",
        "no code of a language",
        "Klingonese",
        "\n- English (US)",
        "русский",
        "portuguese",
        "中文",
        "\n  primary: en",
        "\n- en\n- spanisch",
        "english/french",
        "zz9",
        "en-de-fr",
        "[1, 2]",
    ),
    "task-unknown": _field(
        "pipeline_tag",
        "no task of the Hub",
        "summarisation",
        "text-clasification",
        "embeddings",
        "\n- text-generation\n- chat",
        "OCR",
        "NLP",
        "Frage-Antwort",
        "translation (en to de)",
        "sentiment-analysis-3-class",
        "text_generation",
        "7",
        "image segmentation",
    ),
    "library-no-name": _field(
        "library_name",
        "no name of a library",
        "pip install transformers",
        "\n- transformers\n- torch",
        "4.31.0",
        "Transformers (PyTorch backend)",
        "true",
        "see requirements.txt",
        "import torch",
        "github.com/acme/trainer",
        "\n  name: keras",
    ),
    "dataset-no-id": _field(
        "datasets",
        "no id of a dataset",
        "\n- kaggle.com/c/titanic",
        "\n- Wikipedia dump of 2021-03",
        "3",
        "\n- ./data/train.jsonl",
        "\n  train: squad",
        "\n- confidential (NDA)",
        "\n- acme/corpus/v2/en",
        "\n- s3://bucket/corpus",
        "\n- /home/jo/data",
        "\n- 10k tweets, scraped",
        '[""]',
        "https://zenodo.org/record/1",
        "\n- Common Voice 11 & FLEURS",
    ),
    "base-no-id": _field(
        "base_model",
        "no id of a model",
        "\n- ./outputs/checkpoint-1500",
        "Llama 2, 7B chat",
        "'C:\\models\\bert'",
        "\n  name: bert-base-uncased",
        "https://arxiv.org/abs/1810.04805",
        "gpt-2 (small) by OpenAI",
        "\n- google/t5-small (encoder only)",
        "hub: t5-small",
        "42",
        "\n- huggingface.co/google/mt5-small",
        "../base",
        "a BERT, pretrained by us",
    ),
    "field-left-out": _drop_one(
        "datasets", "library_name", "language", "license", "pipeline_tag", "base_model"
    ),
    "yaml-unreadable": _break_front_matter,
    "metadata-displaced": _displace_front_matter,
    "key-repeated": _repeat_key,
    "derived-without-base": _quantised_alone,
    "base-swapped": _swap_base,
}
