"""Rewritings of a card that keep its facts, written blind to the rules: nothing new may be found in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eval.audit_blind_page import Page, list_results, open_page

_SPELT = {
    "apache-2.0": ["Apache 2.0", "Apache License, Version 2.0", "Apache-2.0", "Apache License 2.0"],
    "mit": ["MIT", "MIT License", "the MIT licence"],
    "cc-by-4.0": ["CC BY 4.0", "Creative Commons Attribution 4.0"],
    "cc-by-sa-4.0": ["CC BY-SA 4.0", "Creative Commons Attribution-ShareAlike 4.0"],
    "cc-by-nc-4.0": ["CC BY-NC 4.0", "Creative Commons Attribution-NonCommercial 4.0"],
    "gpl-3.0": ["GPL v3", "GNU General Public License v3.0", "GPL-3.0"],
    "bsd-3-clause": ["BSD 3-Clause", "the 3-clause BSD license"],
    "creativeml-openrail-m": ["CreativeML OpenRAIL-M", "the CreativeML Open RAIL-M license"],
}
_NAMES = {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "zh": "Chinese", "ja": "Japanese",
          "ru": "Russian", "it": "Italian", "pt": "Portuguese", "ar": "Arabic", "ko": "Korean"}  # fmt: skip


@dataclass(frozen=True)
class BlindTwin:
    """A card that says the same in another way; `what` tells how."""

    kind: str
    card: str
    what: str


def BLIND_TWINS(card: str, seed: int) -> Iterator[BlindTwin]:  # noqa: N802 - the name that the evaluation asks for
    """Every rewriting that applies to the card, each in its own copy; same seed, same rewritings."""
    for kind, (make, what) in _TWINS.items():
        page = open_page(card, seed, f"twin {kind}")
        if not page.closed or not page.writable:
            continue
        made = make(page)
        if made is not None and made != card:
            yield BlindTwin(kind, made, what)


def _say(page: Page, *forms: str) -> str:
    return page.add(*page.chance.choice(forms).split("\n"))[0]


def _licence(page: Page) -> str | None:
    declared = page.meta.get("license")
    if not isinstance(declared, str) or declared not in _SPELT:
        return None
    name = page.chance.choice(_SPELT[declared])
    return _say(page, f"The weights are released under {name}.", f"**License:** {name}", f"Lizenz: {name}")


def _language(page: Page) -> str | None:
    declared = page.meta.get("language")
    declared = declared[0] if isinstance(declared, list) and len(declared) == 1 else declared
    if not isinstance(declared, str) or declared not in _NAMES:
        return None
    name = _NAMES[declared]
    return _say(page, f"**Language(s):** {name}", f"Language: {name}", f"The model works with {name} text.")


def _datasets(page: Page) -> str | None:
    declared = page.meta.get("datasets")
    if not isinstance(declared, list) or not all(isinstance(one, str) and " " not in one for one in declared):
        return None
    return _say(
        page,
        f"**Datasets:** {', '.join(declared)}",
        f"Trained on: {', '.join(f'`{one}`' for one in declared)}",
    )


def _base(page: Page) -> str | None:
    declared = page.meta.get("base_model")
    if not isinstance(declared, str) or "/" not in declared:
        return None
    return _say(
        page,
        f"This model is based on `{declared}`.",
        f"Base model: [{declared}](https://huggingface.co/{declared})",
    )


def _metric(page: Page) -> str | None:
    results = [one for one in list_results(page.meta) if one[2] in {"accuracy", "f1"} and 0.02 < one[3] < 1]
    same = [one for one in results if sum(one[1:3] == other[1:3] for other in results) == 1]
    if not same:
        return None
    _, dataset, metric, value = page.chance.choice(same)
    return _say(
        page, f"On {dataset}, {metric} is {value * 100:.2f} %.", f"- {metric} on {dataset}: {value:.4f}",
        f"| Dataset | {metric} |\n| --- | --- |\n| {dataset} | {value * 100:.2f} |")  # fmt: skip


def _percent(page: Page) -> str | None:
    """A percentage of the text as a fraction, in its own line: `Accuracy: 91.2%` as `Accuracy: 0.912`."""
    for at in range(page.head + 1, len(page.lines)):
        line = page.lines[at]
        matched = re.search(r"\b(?:accuracy|F1)\W{1,6}(\d\d\.\d+) ?%", line, re.I)
        if matched and line.count("%") == 1 and re.match(r"\s*[-*] ", line):
            digits = len(matched[1].split(".")[1]) + 2
            told = line[: matched.start(1)] + f"{float(matched[1]) / 100:.{digits}f}" + line[matched.end() :]
            return page.join([*page.lines[:at], told, *page.lines[at + 1 :]])
    return None


def _parameters(page: Page) -> str | None:
    """Millions of parameters as billions: `110M parameters` as `0.11B parameters`."""
    for at in range(page.head + 1, len(page.lines)):
        matched = re.search(r"\b(\d{2,3})\s?(?:M|million) (?=param)", page.lines[at])
        if matched:
            billions = f"{int(matched[1]) / 1000:.3f}".rstrip("0")
            told = page.lines[at][: matched.start()] + f"{billions}B " + page.lines[at][matched.end() :]
            return page.join([*page.lines[:at], told, *page.lines[at + 1 :]])
    return None


def _order(page: Page) -> str | None:
    """The fields of the metadata in another order."""
    starts = [
        at
        for at in range(1, page.head)
        if (named := re.match(r"([\w-]+):", page.lines[at])) and named[1] in page.meta
    ]
    if len(starts) < 2 or starts[0] != 1 or "#" in "".join(page.lines[1 : page.head]):
        return None
    blocks = [page.lines[start:stop] for start, stop in zip(starts, [*starts[1:], page.head], strict=True)]
    blocks.reverse()
    return page.join([page.lines[0], *(line for block in blocks for line in block), *page.lines[page.head :]])


def _quote(page: Page) -> str | None:
    for key in ("license", "language", "pipeline_tag", "library_name"):
        value, place = page.meta.get(key), page.find_field(key)
        if isinstance(value, str) and place and place[1] == place[0] + 1:
            mark = page.chance.choice(["'", '"'])
            return page.set_field(key, f"{key}: {mark}{value}{mark}")[0]
    return None


def _listed(page: Page) -> str | None:
    for key in ("language", "datasets", "license"):
        value, place = page.meta.get(key), page.find_field(key)
        if place and isinstance(value, str):
            return page.set_field(key, f"{key}:", f"- {value}")[0]
        if (
            place
            and key == "language"
            and isinstance(value, list)
            and len(value) == 1
            and isinstance(value[0], str)
        ):
            return page.set_field(key, f"{key}: {value[0]}")[0]
    return None


def _crlf(page: Page) -> str | None:
    return None if "\r" in page.card else page.card.replace("\n", "\r\n")


_TWINS: dict[str, tuple[Callable[[Page], str | None], str]] = {
    "licence-spelt": (_licence, "the declared licence by another of its names"),
    "language-named": (_language, "the declared language by its name"),
    "datasets-named": (_datasets, "the declared datasets in a sentence"),
    "base-named": (_base, "the declared base model in a sentence"),
    "metric-restated": (_metric, "a result of the model-index in the text, as percent or fraction"),
    "percent-fraction": (_percent, "a percentage as a fraction"),
    "parameters-unit": (_parameters, "millions of parameters as billions"),
    "fields-reordered": (_order, "the metadata fields in another order"),
    "scalar-quoted": (_quote, "a metadata value in quotes"),
    "list-scalar": (_listed, "one value as a list of one, or the reverse"),
    "section-added": (
        lambda page: _say(page, "## Acknowledgements\n\nWe thank everyone who tested early versions.",
                          "## Danksagung\n\nWir danken allen, die frühe Fassungen ausprobiert haben."),
        "a harmless section"),
    "emoji": (lambda page: _say(page, "Happy modelling! 🎉🦊", "⭐ Enjoy ⭐"), "a line with emoji"),
    "crlf": (_crlf, "line ends of Windows"),
    "comment": (
        lambda page: _say(page, "<!-- reviewed by the documentation team in spring -->",
        "<!-- end of the section -->"),
        "an HTML comment"),
    "example-address": (
        lambda page: _say(page, 'The tokenizer keeps addresses such as "someone@example.com" in one piece.',
                          "Example input: `Please write to jane@example.org today.`"),
        "an address of a reserved example domain"),
    "odd-numbers": (
        lambda page: _say(page, "```text\nstep 137 loss -3.2 lr 1e-05 progress 104%\n```",
                          "```\ncounts = [137, -3, 10400]\n```"),
        "a code block with odd numbers"),
    "times": (
        lambda page: _say(page, "Inference became 137 % faster than in our first version.",
                          "Training took 104 hours, and the room was at -3 °C."),
        "large and negative numbers that are no metric"),
    "link": (
        lambda page: _say(page, "Background: [the model card paper](https://arxiv.org/abs/1810.03993)."),
        "a link in good form"),
    "blank-lines": (lambda page: page.card.rstrip("\n") + "\n\n\n", "blank lines at the end"),
}  # fmt: skip
