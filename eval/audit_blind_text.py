"""Blind errors in the text of a card: examples of use, secrets, personal data, and sections left empty."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.audit_blind_page import Error, Maker, Page

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _snippet(page: Page) -> Iterator[Error]:
    other = page.chance.choice(
        ["jsmith-nlp/toxic-comments-v3", "acme-labs/invoice-reader", "deepcat/cat-gpt-mini"]
    )
    found = [
        (at, matched[2])
        for at, line in enumerate(page.lines)
        if (
            matched := re.search(
                r"(from_pretrained\(|model ?= ?|pipeline\([^)]*, ?)[\"']([\w.-]+/[\w.-]+)[\"']", line
            )
        )
    ]
    if found and page.card.count(found[0][1]):
        at, name = found[0]
        lines = [*page.lines]
        lines[at] = lines[at].replace(name, other)
        yield page.join(lines), at + 1, other, f"the example loads {other} instead of {name}", 1
    elif not found:
        rows = [
            "```python",
            "from transformers import AutoModel",
            f'model = AutoModel.from_pretrained("{other}")',
            "```",
        ]
        made, line = page.add(*rows)
        yield made, line, other, f"an example of use that loads {other}, another model", len(rows)


def _token(page: Page) -> Iterator[Error]:
    def draw(count: int, signs: str = _ALNUM) -> str:
        return "".join(page.chance.choices(signs, k=count))

    token = page.chance.choice(
        [
            "hf" + "_" + draw(34),
            "gh" + "p_" + draw(36),
            "AK" + "IA" + draw(16, _ALNUM[:26]),
            "sk" + "-" + draw(48),
        ]
    )
    form = page.chance.choice(
        ["Use my token {} to download the weights.", "```bash\nexport HF_TOKEN={}\n```",
         '```python\nlogin("{}")\n```',
         "<!-- remember: {} -->", "1. `huggingface-cli login --token {}`"]
    ).format(token)  # fmt: skip
    rows = form.split("\n")
    made, line = page.add(*rows)
    yield made, line, token, "a token that looks live stands in the card", len(rows)


def _email(page: Page) -> Iterator[Error]:
    name = page.chance.choice(["anna.kowalska", "j.okafor88", "pierre_dubois", "mkraft", "lucia.fernandez"])
    address = f"{name}@{page.chance.choice(['gmail.com', 'outlook.com', 'web.de', 'yahoo.fr'])}"
    form = page.chance.choice(
        ["Questions? Write to {}.", "**Contact:** [mail me](mailto:{})",
         "| Author | {} |\n| --- | --- |\n| Since | 2023 |",
         "Kontakt: {}", "Pour toute question : <{}>", "- Contacto: {}"]
    ).format(address)  # fmt: skip
    rows = form.split("\n")
    made, line = page.add(*rows)
    yield made, line, address, "a person's e-mail address", len(rows)


def _phone(page: Page) -> Iterator[Error]:
    digits = "".join(page.chance.choices("23456789", k=8))
    number = page.chance.choice(
        [
            f"+49 151 {digits}",
            f"(212) {digits[:3]}-{digits[3:7]}",
            f"+33 6 {digits[:2]} {digits[2:4]} {digits[4:6]} {digits[6:]}",
        ]
    )
    form = page.chance.choice(
        ["Call me at {}.", "Telefon: {}", "- Phone: {}", "Tél. : {}", "**WhatsApp:** {}"]
    )
    made, line = page.add(form.format(number))
    yield made, line, number, "a person's telephone number", 1


def _template_section(page: Page) -> Iterator[Error]:
    title = page.chance.choice(
        ["Bias, Risks, and Limitations", "Training Data", "Out-of-Scope Use", "Evaluation"]
    )
    if title.lower() not in page.card.lower():
        left = page.chance.choice(
            ["[More Information Needed]", "{{ content | default(\"[More Information Needed]\", true)}}",
             "TODO",
             "<!-- This section is meant to convey both technical and sociotechnical limitations. -->",
             "Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "More information needed",
             "To be added.",
             "[optional]: describe here what the model must not be used for"]
        )  # fmt: skip
        made, line = page.add(f"## {title}", "", left)
        yield made, line, title, f"the section {title!r} is left at {left!r}", 3


def _empty_section(page: Page) -> Iterator[Error]:
    title = page.chance.choice(["Limitations", "Evaluation results", "Training procedure", "Intended uses"])
    if title.lower() not in page.card.lower():
        made, line = page.add_at(len(page.lines), f"## {title}", "")
        yield made, line, title, f"the section {title!r} has no text", 1


def _drop_section(page: Page) -> Iterator[Error]:
    heads = page.list_headings()
    wanted = re.compile(r"(bias|risk|limitation|intended use|evaluation|training data)", re.I)
    found = [one for one in range(len(heads)) if wanted.search(heads[one][1])]
    if found:
        at = page.chance.choice(found)
        start, title = heads[at]
        word = (wanted.search(title) or [""])[0]
        stop = heads[at + 1][0] if at + 1 < len(heads) else len(page.lines)
        made = page.join([*page.lines[:start], *page.lines[stop:]])
        if not re.search(rf"#.*{word}", made, re.I):
            yield made, 0, title, f"the section {title!r} is left out", 1


def _boilerplate(page: Page) -> Iterator[Error]:
    need = "[More Information Needed]"
    sections = ["# Model Card for Model ID", "## Model Details", "## Uses", "## Bias, Risks, and Limitations",
                "## Training Details", "## Evaluation", "## Environmental Impact"]  # fmt: skip
    body = [row for title in sections for row in (title + page.end, page.end, need + page.end, page.end)]
    head = page.lines[: page.head + 1] if page.head else []
    yield (
        page.join([*head, *body]),
        len(head) + 1,
        "boilerplate",
        "the whole text is the empty template",
        len(body),
    )


TEXT: dict[str, Maker] = {
    "snippet-other": _snippet,
    "token": _token,
    "email": _email,
    "phone": _phone,
    "section-template": _template_section,
    "section-empty": _empty_section,
    "section-dropped": _drop_section,
    "boilerplate": _boilerplate,
}
