"""Truth-preserving rewritings of cards: another spelling, unit, order or layout of the same facts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from eval.audit_injections import Page, open_page


@dataclass(frozen=True, slots=True)
class Twin:
    """A card rewritten so that it says the same."""

    kind: str
    card: str
    what: str


TwinMaker = Callable[[Page], Iterator[Twin]]
_LICENCE_SENTENCES = {
    "mit": ("MIT", "MIT License", "the MIT license"),
    "apache-2.0": ("Apache 2.0", "Apache License, Version 2.0", "Apache-2.0", "the Apache 2 license"),
    "cc-by-4.0": ("CC BY 4.0", "Creative Commons Attribution 4.0", "CC-BY-4.0"),
    "cc-by-nc-4.0": ("CC BY-NC 4.0", "Creative Commons Attribution-NonCommercial 4.0", "CC-BY-NC-4.0"),
    "cc-by-sa-4.0": ("CC BY-SA 4.0", "Creative Commons Attribution-ShareAlike 4.0", "CC-BY-SA-4.0"),
    "gpl-3.0": ("GPLv3", "GNU General Public License v3.0", "GPL-3.0"),
    "bsd-3-clause": ("BSD-3-Clause", "the 3-clause BSD license"),
}
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "zh": "Chinese",
              "ja": "Japanese", "ru": "Russian", "it": "Italian", "ar": "Arabic", "nl": "Dutch"}  # fmt: skip
_SIZE = re.compile(r"(?<![\w.,/-])(\d{2,4})(?:M|(?:\s|-)million)(?= param)")


def make_twins(text: str, seed: int, model: str = "") -> Iterator[Twin]:
    """Every rewriting that applies to a card; the same for the same seed."""
    page = open_page(text, seed, model)
    for make in _MAKERS:
        yield from make(replace(page, chance=random.Random(f"{seed} {make.__name__} {text[:300]}")))


def _licence_spelt(page: Page) -> Iterator[Twin]:
    names = _LICENCE_SENTENCES.get(page.scalar("license").lower())
    if names:
        form = page.chance.choice(
            ["This model is released under {}.", "License: {}", "**License:** {}", "Licensed under {}."]
        )
        text, _ = page.insert(form.format(page.chance.choice(names)))
        yield Twin("licence spelt otherwise", text, form)


def _language_spelt(page: Page) -> Iterator[Twin]:
    name = _LANGUAGES.get(page.scalar("language").lower())
    if name:
        form = page.chance.choice(["**Language(s):** {}", "Language: {}", "- **Language(s) (NLP):** {}"])
        text, _ = page.insert(form.format(page.chance.choice([name, page.scalar("language").lower()])))
        yield Twin("language by name", text, form)
        span = page.card.metadata_lines["/language"]
        listed = page.put("language", "language:", f"  - {page.scalar('language')}")
        if listed and span.start == span.end:
            yield Twin("scalar as list", listed[0], "language as a list")


def _dataset_spelt(page: Page) -> Iterator[Twin]:
    value = page.card.metadata.get("datasets")
    names = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    if len(names) == 1 and re.fullmatch(r"[\w.-]+(?:/[\w.-]+)?", names[0]):
        name = names[0]
        short = name.rpartition("/")[2]
        sentence = page.chance.choice(
            [f"The model was fine-tuned on [{short}](https://huggingface.co/datasets/{name}).",
             f"**Training data:** [{short.upper()}](https://huggingface.co/datasets/{name})",
             f"It was trained on the {short.replace('_', ' ')} dataset."]
        )  # fmt: skip
        yield Twin("dataset spelt otherwise", page.insert(sentence)[0], sentence)


def _share_spelt(page: Page) -> Iterator[Twin]:
    """A value of the text in percent, or without its leading nought."""
    pattern = re.compile(
        r"(?P<word>accuracy|f1|precision|recall)\s*(?P<sign>:|of|is|=)\s*0(?P<value>\.\d{2,5})\b", re.I
    )
    for index, line in enumerate(page.lines[page.front + 1 :], page.front + 1):
        if "|" not in line and len(found := list(pattern.finditer(line))) == 1:
            value = found[0]["value"]
            head = (
                f"{found[0]['word']} {found[0]['sign']} "
                if found[0]["sign"] != ":"
                else f"{found[0]['word']}: "
            )
            percent = f"{float(value) * 100:.{max(len(value) - 3, 0)}f}"
            for shown in (f"{percent} %", f"{percent}%", value):
                new = line[: found[0].start()] + head + shown + line[found[0].end() :]
                yield Twin("share as percent", page.change(index, new), f"0{value} as {shown}")
            return


def _size_spelt(page: Page) -> Iterator[Twin]:
    for index, line in enumerate(page.lines[page.front + 1 :], page.front + 1):
        found = _SIZE.search(line)
        if found:
            count = int(found[1])
            for shown in (f"{count / 1000:g}B", f"{count} million", f"{count}M", f"{count},000,000"):
                if shown == found[0]:
                    continue
                new = line[: found.start()] + shown + line[found.end() :]
                yield Twin("parameters in another unit", page.change(index, new), f"{found[0]} as {shown}")
            return


def _reordered(page: Page) -> Iterator[Twin]:
    """Top-level fields of the front matter in another order."""
    if page.front < 2 or any(problem.code.startswith("front") for problem in page.card.problems):
        return
    blocks: list[list[str]] = []
    for line in page.lines[1 : page.front]:
        if re.match(r"[\w-]+\s*:", line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
        else:
            return
    if len(blocks) > 1 and not any(re.search(r"[&*]\w+\s*$", line) for line in page.lines[1 : page.front]):
        page.chance.shuffle(blocks)
        lines = [line for block in blocks for line in block]
        text = "\n".join([page.lines[0], *lines, *page.lines[page.front :]])
        yield Twin("metadata reordered", text, "fields in another order")


def _quoted(page: Page) -> Iterator[Twin]:
    for key in ("license", "pipeline_tag", "library_name"):
        if (value := page.scalar(key)) and re.fullmatch(r"[\w.-]+", value):
            made = page.put(key, f'{key}: "{value}"')
            if made:
                yield Twin("metadata quoted", made[0], f'{key}: "{value}"')
                return


def _retabled(page: Page) -> Iterator[Twin]:
    """Pipe tables with other padding and alignment."""
    lines = list(page.lines)
    touched = False
    for table in page.card.tables:
        span = range(table.lines.start - 1, table.lines.end)
        if all(lines[index].lstrip().startswith("|") and "\\|" not in lines[index] for index in span):
            for index in span:
                cells = [cell.strip() for cell in lines[index].strip().strip("|").split("|")]
                lines[index] = "|   " + "   |   ".join(cells) + "   |"
            touched = True
    if touched:
        yield Twin("table reformatted", "\n".join(lines), "other padding")


def _layout(page: Page) -> Iterator[Twin]:
    text = "\n".join(page.lines)
    if "\r" not in text:
        yield Twin("CRLF", text.replace("\n", "\r\n"), "line ends of Windows")
    yield Twin("blanks at the end", text + "\n\n\n", "blank lines")
    body = [
        *page.lines[: page.front + 1],
        "",
        "<!-- written by hand, 3.14 -->",
        *page.lines[page.front + 1 :],
    ]
    if page.front > 0:
        yield Twin("comment", "\n".join(body), "an HTML comment")
    thanks = page.insert("## Acknowledgements", "", "We thank all who took part. 🎉 The cover has 300 dpi.")[
        0
    ]
    yield Twin("harmless section", thanks, "acknowledgements")
    code = page.insert("```python", "accuracy = 137.0  # of nothing", "price = -3", "```")[0]
    yield Twin("odd numbers in code", code, "accuracy = 137.0 in code")


_MAKERS: tuple[TwinMaker, ...] = (
    _licence_spelt,
    _language_spelt,
    _dataset_spelt,
    _share_spelt,
    _size_spelt,
    _reordered,
    _quoted,
    _retabled,
    _layout,
)
