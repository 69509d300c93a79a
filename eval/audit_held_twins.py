"""Held-out rewritings that keep a card's facts: other spellings, units, names, places and forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from eval.audit_blind_page import Page, list_results, open_page
from eval.audit_blind_twins import BlindTwin
from eval.audit_held_page import put

_LICENCES = {
    "apache-2.0": ["Apache&nbsp;2.0", "the Apache 2 license", "Apache v2.0", "ASL 2.0"],
    "mit": ["MIT/X11", "the M.I.T. License", "the Expat (MIT) license", "<b>MIT</b>"],
    "cc-by-4.0": ["CC-BY 4.0 International", "Creative Commons BY 4.0"],
    "cc-by-nc-4.0": ["Creative Commons BY-NC 4.0", "CC&nbsp;BY&#8209;NC 4.0"],
    "cc-by-sa-3.0": ["Creative Commons BY-SA 3.0 Unported"],
    "cc-by-sa-4.0": ["Creative Commons BY-SA 4.0"],
    "gpl-3.0": ["GNU GPL 3", "GPL version 3"],
    "afl-3.0": ["Academic Free License 3.0"],
    "openrail": ["OpenRAIL"],
}
_TONGUES = {
    "en": ["Englisch", "anglais", "EN", "American and British English", "eng"],
    "fr": ["Französisch", "français", "French (fr)"],
    "de": ["Deutsch", "allemand", "German (de)"],
    "es": ["español", "Spanisch", "Castilian Spanish"],
    "zh": ["Mandarin Chinese", "中文"],
    "ja": ["日本語", "japonais"],
    "ru": ["русский", "Russisch"],
    "pt": ["português", "Brazilian Portuguese"],
    "it": ["italiano", "Italienisch"],
    "ko": ["한국어"],
}
_TITLES = {
    "Usage": "How to get started",
    "How to use": "Getting started",
    "Limitations": "Known limitations",
    "Training procedure": "How it was trained",
    "Evaluation": "Evaluation results",
    "Citation": "How to cite",
    "Training data": "Data it was trained on",
    "Intended uses & limitations": "Uses and limits",
    "Model description": "About the model",
}


def make_held_twins(card: str, seed: int) -> Iterator[BlindTwin]:
    """Every rewriting that applies to the card, each in its own copy; same seed, same rewritings."""
    for kind, make in _TWINS.items():
        page = open_page(card, seed, f"held twin {kind}")
        made = make(page) if page.closed and page.writable else None
        if made is not None and made[0] != card:
            yield BlindTwin(kind, *made)


Twin = tuple[str, str]  # changed card, what was done


def _say(page: Page, *forms: str) -> Twin:
    form = page.chance.choice(forms)
    return put(page, form)[0], form


def _only(value: object) -> str:
    """The value of a field that has just one."""
    found = value[0] if isinstance(value, list) and len(value) == 1 else value
    return found if isinstance(found, str) else ""


def _licence(page: Page) -> Twin | None:
    names = _LICENCES.get(_only(page.meta.get("license")))
    name = page.chance.choice(names) if names else ""
    return (
        _say(
            page,
            f"Released under {name}.",
            f"<li>License: {name}</li>",
            f"| License | {name} |\n|---|---|\n| Year | 2022 |",
            f"Ce modèle est sous licence {name}.",
        )
        if name
        else None
    )


def _language(page: Page) -> Twin | None:
    names = _TONGUES.get(_only(page.meta.get("language")))
    name = page.chance.choice(names) if names else ""
    return (
        _say(page, f"* Language: {name}", f"<b>Language:</b> {name}", f"Sprache: {name}", f"Langue : {name}")
        if name
        else None
    )


def _dataset(page: Page) -> Twin | None:
    name = _only(page.meta.get("datasets"))
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        return None
    last = name.rpartition("/")[2]
    return _say(
        page,
        f'<li>Training data: <a href="https://huggingface.co/datasets/{name}">{last}</a></li>',
        f"We trained on {last.replace('_', ' ')}.",
        f"Trainingsdaten: `{name}`",
    )


def _base(page: Page) -> Twin | None:
    name = _only(page.meta.get("base_model"))
    if "/" not in name or " " in name or "." in name.split("/")[0]:
        return None
    return _say(
        page,
        f"Fine-tuned from {name.split('/')[1]}.",
        f"| Parent | {name} |\n|---|---|\n| Epochs | 3 |",
        f'Grundlage: <a href="https://huggingface.co/{name}">{name}</a>',
    )


def _result(page: Page) -> Twin | None:
    results = list_results(page.meta)
    same = [
        one
        for one in results
        if one[2] in {"accuracy", "f1", "precision", "recall"}
        and 0.05 < one[3] < 1
        and sum(one[1:3] == other[1:3] for other in results) == 1
    ]
    if not same:
        return None
    _, dataset, metric, value = page.chance.choice(same)
    return _say(
        page,
        f"<table><tr><th>Dataset</th><th>{metric}</th></tr>\n"
        f"<tr><td>{dataset}</td><td>{value * 100:.1f}%</td></tr></table>",
        f"{metric} on {dataset}: {value * 100:.2f}&nbsp;%",
        f"{dataset}: {metric} = {f'{value:.3f}'.replace('.', ',')}",
        f"The {metric} is {value:.2f} (on {dataset}).",
    )


def _deviation(page: Page) -> Twin | None:
    """A result with its deviation, as `huggingface_hub` allows a value to be written."""
    if not page.head or not page.meta or "model-index" in page.meta:
        return None
    rows = [
        "model-index:",
        "- name: fine-model",
        "  results:",
        "  - task:",
        "      type: text-generation",
        "    dataset:",
        "      name: heron-letters",
        "      type: acme/heron-letters",
        "    metrics:",
        "    - type: cer",
        '      value: "20.0 ± 1.2"',
    ]
    return page.set_field("model-index", *rows)[0], "a value with its deviation"


def _retitle(page: Page) -> Twin | None:
    """A heading by a synonym."""
    found = [(at, title) for at, title in page.list_headings() if title in _TITLES]
    if not found:
        return None
    at, title = page.chance.choice(found)
    lines = [*page.lines]
    lines[at] = lines[at].replace(title, _TITLES[title])
    return page.join(lines), f"{title} is titled {_TITLES[title]}"


def _underline(page: Page) -> Twin | None:
    """A heading of the second level, underlined instead of marked."""
    found = [(at, title) for at, title in page.list_headings() if page.lines[at].startswith("## ")]
    if not found:
        return None
    at, title = page.chance.choice(found)
    before = [page.end] if page.lines[at - 1].strip() else []
    made = [*page.lines[:at], *before, title + page.end, "-" * 12 + page.end, *page.lines[at + 1 :]]
    return page.join(made), f"{title} is underlined"


def _move(page: Page) -> Twin | None:
    """The last section of the second level moved before the one before it."""
    starts = [at for at, _ in page.list_headings() if page.lines[at].startswith("## ")]
    same = all(
        page.lines[at].startswith(("## ", "### ", "#### "))
        for at, _ in page.list_headings()
        if starts and at > starts[0]
    )
    if len(starts) < 3 or not same or "\r" in page.card:
        return None
    last = [*page.lines[starts[-1] :], ""]
    return page.join(
        [*page.lines[: starts[-2]], *last, *page.lines[starts[-2] : starts[-1]]]
    ), "a section moved"


def _unlist(page: Page) -> Twin | None:
    """Lists of the metadata in brackets on one line."""
    for key in ("tags", "datasets", "language", "metrics"):
        value = page.meta.get(key)
        if (
            isinstance(value, list)
            and value
            and all(
                isinstance(one, str)
                and re.fullmatch(r"[a-zA-Z][\w/.-]*", one)
                and one not in {"no", "yes", "on", "off", "y", "n"}
                for one in value
            )
        ):
            return page.set_field(key, f"{key}: [{', '.join(value)}]")[0], f"{key} on one line"
    return None


def _comment(page: Page) -> Twin | None:
    if not page.head or not page.meta:
        return None
    at = page.find_field(next(iter(page.meta)))
    if at is None:
        return None
    return page.join(
        [*page.lines[: at[0]], f"# checked in spring{page.end}", *page.lines[at[0] :]]
    ), "a comment of YAML"


def _parameters(page: Page) -> Twin | None:
    """Millions of parameters as thousands, as a full count, or written out."""
    for at in range(page.head + 1, len(page.lines)):
        found = re.search(r"\b(\d{2,3})\s?(?:M|million) (?=param)", page.lines[at])
        if found:
            told = page.chance.choice(
                [f"{found[1]},000,000 ", f"{int(found[1]) / 1000:g} billion ", f"~{found[1]} mn "]
            )
            lines = [*page.lines]
            lines[at] = lines[at][: found.start()] + told + lines[at][found.end() :]
            return page.join(lines), f"{found[0]} as {told}"
    return None


def _fixed(*forms: str) -> Callable[[Page], Twin]:
    return lambda page: _say(page, *forms)


_TWINS: dict[str, Callable[[Page], Twin | None]] = {
    "licence-named": _licence,
    "language-said": _language,
    "dataset-said": _dataset,
    "base-said": _base,
    "result-said": _result,
    "result-deviation": _deviation,
    "heading-synonym": _retitle,
    "heading-underlined": _underline,
    "section-moved": _move,
    "list-inline": _unlist,
    "yaml-comment": _comment,
    "parameters-spelt": _parameters,
    "entities": _fixed("Fast &amp; small &mdash; that&rsquo;s all.", "Accuracy &gt; 90&nbsp;% was our goal."),
    "other-models": _fixed(
        "The base paper reports larger models with 7B and 13B parameters.",
        "A competing system is licensed under the GPL; ours is not.",
        "GPT-4 reads up to 128k tokens; small models read less.",
    ),
    "signed-numbers": _fixed(
        "Temperature dropped by -12.5 degrees during the run.",
        "Accuracy improved by 3.2 points, and loss fell by 104 %.",
        "The accuracy gain over the baseline is -0.4 points.",
        "Log-likelihood: -137.2",
        "Word counts range from 5 to 137 words.",
    ),
    "training-log": _fixed(
        "| Epoch | Training loss | Dev loss |\n|---|---|---|\n| 1 | 2.31 | 2.40 |\n| 2 | 1.97 | 2.11 |",
        "It was trained on the train split of the data and evaluated on the test split.",
    ),
    "public-mail": _fixed(
        "Write to `name@example.org` style addresses only in tests.",
        "The decorator @torch.no_grad keeps memory low.",
        "Ask @everyone on the forum.",
    ),
    "dummy-token": _fixed(
        "```bash\nexport HF_TOKEN=<your token>\n```",
        "Replace `hf_xxxxxxxxxxxxxxxx` by your own token.",
        '```python\napi_key = os.environ["API_KEY"]\n```',
    ),
    "other-datasets": _fixed(
        "Similar models were trained on [squad](https://huggingface.co/datasets/squad) by others.",
        "We also tried ImageNet, and dropped it.",
    ),
    "good-links": _fixed(
        "[mail](https://example.org/a_(b)) and <https://example.org>",
        "![logo](./logo.png)",
        "[top](#)",
        "[paper][1]\n\n[1]: https://arxiv.org/abs/1810.03993",
    ),
    "nested-list": _fixed(
        "* Notes\n  * first\n    * deeper\n      * deepest", "1. one\n   - a\n   - b\n2. two"
    ),
    "html-block": _fixed(
        "<details><summary>More</summary>\n\nNothing to add.\n\n</details>",
        '<p align="center"><i>A small fox.</i></p>',
    ),
}
