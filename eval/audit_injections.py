"""Known errors put into real cards, one at a time: metadata, licences, languages, datasets, results, text.

What a card holds is read by patterns of this file's own where that is possible; what stands at which line of
the front matter is told by the parser of cards.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tools.cards import parse_card
from tools.cards.types import Card


@dataclass(frozen=True, slots=True)
class Injection:
    """A card with one error. `line` is 1-based in `card`, 0 where something was taken out; `key` names the
    metadata key, the section or the word concerned; the error covers `length` lines."""

    kind: str
    card: str
    line: int
    key: str
    what: str
    length: int = 1


@dataclass(slots=True)
class Page:
    """A card that errors are put into: its lines (0-based here), its parsed form, chance, its model."""

    lines: list[str]
    card: Card
    chance: random.Random
    model: str

    @property
    def front(self) -> int:
        """Index of the line that closes the front matter, -1 where there is none."""
        return self.card.front_matter.end - 1 if self.card.front_matter else -1

    def put(self, key: str, *fields: str) -> tuple[str, int] | None:
        """The card with a metadata field replaced or added, and its line; None without front matter."""
        if self.front < 1:
            return None
        span = self.card.metadata_lines.get(f"/{key}")
        start, end = (span.start - 1, span.end) if span else (self.front, self.front)
        return "\n".join([*self.lines[:start], *fields, *self.lines[end:]]), start + 1

    def drop(self, key: str) -> str | None:
        """The card without a metadata field, None where it has none."""
        span = self.card.metadata_lines.get(f"/{key}")
        return "\n".join([*self.lines[: span.start - 1], *self.lines[span.end :]]) if span else None

    def insert(self, *text: str, before_heading: bool = False) -> tuple[str, int]:
        """The card with a paragraph more: before some heading of its body, or at its end."""
        heads = [s.lines.start - 1 for s in self.card.sections if s.level and s.lines.start - 1 > self.front]
        place = self.chance.choice(heads) if before_heading and heads else len(self.lines)
        new = [*self.lines[:place], "", *text, "", *self.lines[place:]]
        return "\n".join(new), place + 2

    def change(self, index: int, line: str) -> str:
        """The card with one line (0-based) written anew."""
        return "\n".join([*self.lines[:index], line, *self.lines[index + 1 :]])

    def scalar(self, key: str) -> str:
        """A metadata field that is a word or a list of one, else ""."""
        value = self.card.metadata.get(key)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        return value if isinstance(value, str) else ""


Maker = Callable[[Page], Iterator[Injection]]


def open_page(text: str, seed: int, model: str = "") -> Page:
    """A page of a card's text, line feeds only."""
    text = text.replace("\r\n", "\n")
    return Page(
        text.split("\n"), parse_card(text, model_id=model), random.Random(f"{seed} {text[:300]}"), model
    )


def inject(text: str, seed: int, model: str = "") -> Iterator[Injection]:
    """Every kind of error that applies to a card, one at a time; the same for the same seed."""
    from eval.audit_injections_results import RESULT_MAKERS
    from eval.audit_injections_text import TEXT_MAKERS

    page = open_page(text, seed, model)
    for make in (*_MAKERS, *RESULT_MAKERS, *TEXT_MAKERS):
        yield from make(replace(page, chance=random.Random(f"{seed} {make.__name__} {text[:300]}")))


def _field(page: Page, kind: str, key: str, value: str, what: str) -> Iterator[Injection]:
    if made := page.put(key, *value.split("\n")):
        yield Injection(kind, made[0], made[1], key, what, value.count("\n") + 1)


def _invalid_licence(page: Page) -> Iterator[Injection]:
    value = page.chance.choice(
        ["Apache License 2.0", "apache2", "MIT License", "CC-BY", "gpl3", "free", "BSD 3", "open source",
         "commercial", "creativeml", "apache 2", "Llama 2 Community License", "apche-2.0"]
    )  # fmt: skip
    yield from _field(page, "licence no identifier", "license", f"license: {value}", f"license: {value}")


def _invalid_task(page: Page) -> Iterator[Injection]:
    value = page.chance.choice(
        ["text-classifcation", "Text Generation", "sentiment", "NLP", "summarisation", "ner", "chatbot",
         "image_classification", "asr", "embedding"]
    )  # fmt: skip
    yield from _field(
        page, "task unknown", "pipeline_tag", f"pipeline_tag: {value}", f"pipeline_tag: {value}"
    )


def _invalid_language(page: Page) -> Iterator[Injection]:
    value = page.chance.choice(
        ["English", "german", "Français", "language: en", "Deutsch", "Englisch, Deutsch", "EN/DE", "12"]
    )
    yield from _field(page, "language no code", "language", f'language: "{value}"', f"language: {value}")


def _invalid_dataset(page: Page) -> Iterator[Injection]:
    value = page.chance.choice(
        ["https://huggingface.co/datasets/squad", "our own data set of reviews", "a/b/c",
         "datasets/glue/mrpc/train", "Common Crawl (filtered)", "data/train.csv.gz, data/dev.csv.gz"]
    )  # fmt: skip
    yield from _field(page, "dataset no id", "datasets", f'datasets:\n- "{value}"', f"datasets: {value}")


def _invalid_base(page: Page) -> Iterator[Injection]:
    value = page.chance.choice(
        ["https://huggingface.co/bert-base-uncased", "BERT base (uncased)", "./checkpoints/epoch-3/model",
         "fine-tuned from RoBERTa", "/home/me/models/llama", "google/flan-t5-base + LoRA"]
    )  # fmt: skip
    yield from _field(page, "base no id", "base_model", f'base_model: "{value}"', f"base_model: {value}")


def _lost_licence(page: Page) -> Iterator[Injection]:
    text = page.drop("license")
    if text is not None and str(page.card.metadata.get("license", "")).lower() not in ("unknown", ""):
        yield Injection("licence removed", text, 0, "license", "the metadata's licence is gone")


def _misspelt_key(page: Page) -> Iterator[Injection]:
    """A field under a name that the Hub does not know."""
    names = {"license": ("licence", "licenses", "License"), "datasets": ("dataset", "data-sets", "Datasets"),
             "language": ("languages", "lang", "langauge"), "pipeline_tag": ("pipeline-tag", "task"),
             "library_name": ("library", "library-name"), "base_model": ("base-model", "basemodel"),
             "tags": ("tag",), "metrics": ("metric",), "model-index": ("model_index",)}  # fmt: skip
    for key in page.chance.sample(sorted(names), len(names)):
        span = page.card.metadata_lines.get(f"/{key}")
        if span and page.lines[span.start - 1].startswith(f"{key}:"):
            wrong = page.chance.choice(names[key])
            line = wrong + page.lines[span.start - 1][len(key) :]
            card = page.change(span.start - 1, line)
            yield Injection("metadata key misspelt", card, span.start, key, f"{wrong} for {key}")
            return


def _bare_other(page: Page) -> Iterator[Injection]:
    if not {"license_name", "license_link"} & set(page.card.metadata):
        yield from _field(page, "licence `other`", "license", "license: other", "other without a name")


_LICENCES = {
    "mit": ("MIT", "MIT License"),
    "apache-2.0": ("Apache 2.0", "Apache License, Version 2.0"),
    "cc-by-nc-4.0": ("CC BY-NC 4.0", "Creative Commons Attribution-NonCommercial 4.0"),
    "cc-by-sa-4.0": ("CC BY-SA 4.0", "Creative Commons Attribution-ShareAlike 4.0"),
    "gpl-3.0": ("GPL-3.0", "GNU General Public License v3.0"),
    "bsd-3-clause": ("BSD-3-Clause", "BSD 3-Clause License"),
}


def _licence_against_prose(page: Page) -> Iterator[Injection]:
    declared = page.scalar("license").lower()
    others = [name for name in _LICENCES if name.split("-")[0] != declared.split("-")[0]]
    if not declared or declared in ("other", "unknown") or not others:
        return
    names = _LICENCES[page.chance.choice(others)]
    sentence = page.chance.choice(
        ["This model is released under the {} license.", "The model is licensed under {}.",
         "License: {}", "**License:** {}", "- **License:** {}", "We release the weights under {}.",
         "The weights are available under the terms of the {} licence."]
    ).format(page.chance.choice(names))  # fmt: skip
    text, line = page.insert(sentence, before_heading=page.chance.random() < 0.5)
    yield Injection("licence in prose differs", text, line, "license", f"{declared} against {sentence!r}")


def _licence_changed(page: Page) -> Iterator[Injection]:
    declared = page.scalar("license").lower()
    for index, line in enumerate(page.lines[page.front + 1 :], page.front + 1):
        if re.search(r"\bmodel\b.*\blicen[cs]ed?\b|^\W*licen[cs]e\W", line, re.I) and any(
            re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", line) for name in _LICENCES.get(declared, ())
        ):
            other = page.chance.choice([name for name in _LICENCES if name != declared])
            made = page.put("license", f"license: {other}")
            if made and index:
                yield Injection("licence changed", made[0], made[1], "license", f"{declared} made {other}")
            return


_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "zh": "Chinese",
              "ja": "Japanese", "ru": "Russian", "fi": "Finnish", "sw": "Swahili"}  # fmt: skip


def _language_against_prose(page: Page) -> Iterator[Injection]:
    declared = page.scalar("language").lower()
    if declared not in _LANGUAGES:
        return
    other = page.chance.choice([code for code in _LANGUAGES if code != declared])
    sentence = page.chance.choice(
        ["**Language(s):** {}", "- **Language(s) (NLP):** {}", "Language: {}", "* Language: {}",
         "The language of this model is {}.", "The model was trained on {} text only."]
    ).format(_LANGUAGES[other])  # fmt: skip
    text, line = page.insert(sentence, before_heading=page.chance.random() < 0.5)
    yield Injection("language in prose differs", text, line, "language", f"{declared} against {sentence!r}")


def _dataset_against_prose(page: Page) -> Iterator[Injection]:
    declared: Any = page.card.metadata.get("datasets")
    names = [str(one).rpartition("/")[2].lower() for one in declared] if isinstance(declared, list) else []
    other = page.chance.choice(["stanfordnlp/sst2", "allenai/c4", "rajpurkar/squad_v2", "ylecun/mnist"])
    if not names or any(name in other for name in names):
        return
    sentence = page.chance.choice(
        ["The model was fine-tuned on the [{0}](https://huggingface.co/datasets/{0}) dataset.",
         "This model was trained on `{0}`.", "**Training data:** [{0}](https://huggingface.co/datasets/{0})"]
    ).format(other)  # fmt: skip
    text, line = page.insert(sentence, before_heading=page.chance.random() < 0.5)
    yield Injection("dataset in prose differs", text, line, "dataset", f"{names} against {sentence!r}")


def _base_against_prose(page: Page) -> Iterator[Injection]:
    named = [parent for parent in page.card.parents if parent.origin == "prose" and "/" in parent.name]
    if not named or page.card.metadata.get("base_model"):
        return
    text = page.put("base_model", "base_model: albert/albert-xxlarge-v2")
    if text and "albert" not in "\n".join(page.lines).lower():
        yield Injection("base in prose differs", *text, "base_model", f"albert against {named[0].name}")


def _orphan(page: Page) -> Iterator[Injection]:
    if page.front < 1 or page.card.parents or "base_model" in page.card.metadata:
        return
    tags = page.card.metadata.get("tags")
    listed = [str(tag) for tag in tags] if isinstance(tags, list) else []
    if {"lora", "peft", "adapter", "gptq", "gguf"} & set(listed):
        return
    mark = page.chance.choice(["lora", "peft", "adapter", "gguf", "gptq", "awq"])
    made = page.put("tags", "tags:", *(f'- "{tag}"' for tag in (*listed, mark)))
    if made:
        yield Injection("derived without base", made[0], 0, "base_model", f"tag {mark}, no base")


_MAKERS: tuple[Maker, ...] = (
    _invalid_licence,
    _invalid_task,
    _invalid_language,
    _invalid_dataset,
    _invalid_base,
    _lost_licence,
    _misspelt_key,
    _bare_other,
    _licence_against_prose,
    _licence_changed,
    _language_against_prose,
    _dataset_against_prose,
    _base_against_prose,
    _orphan,
)
