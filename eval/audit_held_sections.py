"""Held-out errors of sections: left at a placeholder, hollow, cut, or never written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.audit_blind_page import Error, Maker, Page
from eval.audit_held_page import tell


def _placeholder(page: Page) -> Iterator[Error]:
    """A section, titled in one of many ways, that is left at a placeholder."""
    title = page.chance.choice(
        [
            "Limitations",
            "Intended use",
            "Training procedure",
            "Evaluation results",
            "Ethical considerations",
            "Training data",
            "How to use",
            "Einschränkungen",
            "Risks and biases",
        ]
    )
    if title.lower()[:8] in page.card.lower():
        return
    left = page.chance.choice(
        [
            "coming soon",
            "N/A",
            "tbd",
            "???",
            "...",
            "WIP 🚧",
            "_Fill in later._",
            "[Needs More Information]",
            "(add details here)",
            "xxx",
            "Folgt noch.",
            "<!-- write this -->",
            "À compléter",
            "**TODO:** describe",
            "-",
            "*[your text here]*",
            "Under construction",
            "More info needed",
        ]
    )
    form = page.chance.choice(
        [
            "### {}\n\n{}",
            "{}\n=========\n\n{}",
            "<h2>{}</h2>\n\n<p>{}</p>",
            "#### **{}**\n{}",
            "## {}:\n\n* {}",
        ]
    ).format(title, left)
    yield from tell(page, title, "a section is left at a placeholder", [form])


def _hollow(page: Page) -> Iterator[Error]:
    """Sections whose text is gone while the heading stays."""
    heads = page.list_headings()
    level = [re.match(r"#+", page.lines[at]) for at, _ in heads]
    wanted = re.compile(r"limitation|bias|intended|training|evaluation|usage|how to use|results", re.I)
    found = [
        one
        for one in range(len(heads))
        if wanted.search(heads[one][1])
        and (one + 1 == len(heads) or len((level[one + 1] or " ")[0]) <= len((level[one] or " ")[0]))
        and any(
            line.strip()
            for line in page.lines[
                heads[one][0] + 1 : heads[one + 1][0] if one + 1 < len(heads) else len(page.lines)
            ]
        )
    ]
    if found:
        one = page.chance.choice(found)
        at, title = heads[one]
        stop = heads[one + 1][0] if one + 1 < len(heads) else len(page.lines)
        made = page.join([*page.lines[: at + 1], page.end, *page.lines[stop:]])
        yield made, at + 1, title, f"the text of the section {title!r} is gone", 1


def _prose_gone(page: Page) -> Iterator[Error]:
    """A card of metadata and a title, or the sentences of a template that nobody replaced."""
    if not page.head or len(page.body) < 900:
        return
    rows = page.chance.choice(
        [
            ["# My model"],
            [],
            [
                "# {{ model_id | default('Model ID', true) }}",
                "",
                "{{ model_summary }}",
                "",
                "## Uses",
                "",
                "{{ direct_use }}",
                "",
                "## Bias, Risks, and Limitations",
                "",
                "{{ bias_risks_limitations }}",
            ],
            [
                "# Model name",
                "",
                "## Model description",
                "",
                "More information needed",
                "",
                "## Intended uses & limitations",
                "",
                "More information needed",
                "",
                "## Training and evaluation data",
                "",
                "More information needed",
            ],
            [
                "# Model Card for Model ID",
                "",
                "<!-- Provide a quick summary of what the model is/does. -->",
                "",
                "## Model Details",
                "",
                "- **Developed by:** [More Information Needed]",
                "- **Model type:** [More Information Needed]",
                "- **License:** [More Information Needed]",
            ],
        ]
    )
    body = [row + page.end for row in rows]
    made = page.join([*page.lines[: page.head + 1], page.end, *body, page.end])
    yield made, page.head + 2, "section", f"the text is gone but for {rows[:1]}", len(body) + 2


def _section_gone(page: Page) -> Iterator[Error]:
    """A section that readers look for, cut with its subsections."""
    wanted = re.compile(
        r"^\W*(how to use|usage|intended use\w*|limitations?.*|training data|evaluation.*|uses)\W*$", re.I
    )
    heads = page.list_headings()
    levels = [len((re.match(r"\s*(#+)", page.lines[at]) or ["", "#"])[1]) for at, _ in heads]
    found = [one for one in range(len(heads)) if wanted.match(heads[one][1])]
    if found:
        one = page.chance.choice(found)
        at, title = heads[one]
        stop = next(
            (heads[more][0] for more in range(one + 1, len(heads)) if levels[more] <= levels[one]),
            len(page.lines),
        )
        made = page.join([*page.lines[:at], *page.lines[stop:]])
        word = next(one for one in ("limit", "eval", "data", "use", "usage") if one in title.lower())
        if not re.search(rf"^\s*(#.*|\*\*.*){word}", made, re.I | re.M):
            key = {"limit": "limitation", "eval": "evaluation", "usage": "use"}.get(word, word)
            yield made, 0, key, f"the section {title!r} is left out", 1


SECTIONS: dict[str, Maker] = {
    "section-placeholder": _placeholder,
    "section-hollow": _hollow,
    "section-gone": _section_gone,
    "text-gone": _prose_gone,
}
