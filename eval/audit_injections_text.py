"""Errors in the text of a card: links, code, personal data, secrets, defaults, sections, the file itself."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from eval.audit_injections import Injection, Maker, Page


def _bad_link(page: Page) -> Iterator[Injection]:
    link = page.chance.choice(
        ["[paper](http:/arxiv.org/abs/1810.04805)", "[demo](https//huggingface.co/spaces)", "[code]()",
         "[data](https://)", "[repo](htps://github.com/org/repo)", "[page](http://https://example.com/page)",
         "[paper](https:// arxiv.org)", "[site](http://localhost..com/x)", "[space]({{ demo }})"]
    )  # fmt: skip
    text, line = page.insert(f"See the {link} for more.", before_heading=page.chance.random() < 0.5)
    yield Injection("link malformed", text, line, "link", link)


def _foreign_snippet(page: Page) -> Iterator[Injection]:
    """Every place where the code loads this very model loads another."""
    pattern = re.compile(rf"([\"']){re.escape(page.model)}\1") if "/" in page.model else None
    code = {
        number - 1
        for passage in page.card.passages
        if passage.kind == "code"
        for number in range(passage.lines.start, passage.lines.end + 1)
    }
    hits = [index for index in sorted(code) if pattern and pattern.search(page.lines[index])]
    if not pattern or not hits:
        return
    other = page.chance.choice(["other-org/some-model-v2", "distilbert/distilgpt2", "me/my-test-run"])
    lines = [
        pattern.sub(f'"{other}"', line) if index in hits else line for index, line in enumerate(page.lines)
    ]
    yield Injection("code loads another model", "\n".join(lines), hits[0] + 1, other, f"loads {other}")


def _email(page: Page) -> Iterator[Injection]:
    user = "".join(page.chance.choices(string.ascii_lowercase, k=6))
    address = page.chance.choice(["{}@gmail.com", "{}.smith@uni-ulm.de", "{}+ml@proton.me", "dr.{}@nhs.uk"])
    sentence = page.chance.choice(["Contact: {}", "Questions? Write to {}.", "[mail](mailto:{})", "<{}>"])
    text, line = page.insert(sentence.format(address.format(user)))
    yield Injection("e-mail address", text, line, "e-mail", sentence)


def _secret(page: Page) -> Iterator[Injection]:
    def draw(count: int, signs: str = string.ascii_letters + string.digits) -> str:
        return "".join(page.chance.choices(signs, k=count))

    token = page.chance.choice(
        ["hf_" + draw(34), "sk-proj-" + draw(40), "ghp_" + draw(36),
         "AKIA" + draw(16, string.ascii_uppercase),
         "AIza" + draw(35), "xoxb-" + draw(12, string.digits) + "-" + draw(24)]
    )  # fmt: skip
    form = page.chance.choice(['login(token="{}")', "export HF_TOKEN={}", "Use my token {} for now.", "`{}`"])
    text, line = page.insert("```python", form.format(token), "```")
    yield Injection("token or key", text, line + 1, "secret", form.format(token[:6] + "…"))


def _default(page: Page) -> Iterator[Injection]:
    title = page.chance.choice(["Bias, Risks, and Limitations", "Training Data", "Environmental Impact"])
    text, line = page.insert(f"## {title}", "", page.chance.choice(["[More Information Needed]",
                             "More information needed", "**[Needs More Information]**"]))  # fmt: skip
    yield Injection("template's default", text, line + 2, title, title)


def _boilerplate(page: Page) -> Iterator[Injection]:
    front = page.lines[: page.front + 1]
    body = ["", "# Model Card for Model ID", "",
            "<!-- Provide a quick summary of what the model is/does. -->", "", "## Model Details", "",
            "### Model Description", "", "- **Developed by:** [More Information Needed]",
            "- **Model type:** [More Information Needed]", "", "## Uses", "", "[More Information Needed]", "",
            "## Training Details", "", "[More Information Needed]", ""]  # fmt: skip
    card = "\n".join([*front, *body])
    yield Injection("boilerplate card", card, len(front) + 1, "template", "the template alone", len(body))


def _lost_section(page: Page) -> Iterator[Injection]:
    """All sections on one theme gone, headings and text."""
    themes = {"Limitations": r"limitation", "Bias": r"bias|risk",
              "Evaluation": r"evaluat|results?\b|performance", "Intended uses": r"intended|uses\b",
              "How to use": r"usage|how to use|example", "Training": r"training"}  # fmt: skip
    for name, words in page.chance.sample(sorted(themes.items()), len(themes)):
        gone: set[int] = set()
        for section in page.card.sections:
            if section.level and any(re.search(rf"\b(?:{words})", part, re.I) for part in section.path):
                gone.update(range(section.lines.start - 1, section.lines.end))
        kept = [line for index, line in enumerate(page.lines) if index not in gone or index <= page.front]
        if len(gone) >= 4 and sum(len(line.split()) for line in kept) > 80:
            what = f"sections on {name} are gone"
            yield Injection("section removed", "\n".join(kept), 0, name, what)
            return


def _broken_front(page: Page) -> Iterator[Injection]:
    if page.front < 2:
        return
    match page.chance.randrange(4):
        case 0:
            lines = [*page.lines[: page.front], *page.lines[page.front + 1 :]]
            if not any(line.strip() == "---" for line in lines[1:]):
                yield Injection("front matter broken", "\n".join(lines), 1, "front matter", "never closed")
        case 1:
            lines = [*page.lines[: page.front], "license: [mit", *page.lines[page.front :]]
            what = "a bracket is never closed"
            yield Injection("front matter broken", "\n".join(lines), page.front + 1, "YAML", what, 2)
        case 2:
            lines = [page.lines[0], "\tlicense: mit", *page.lines[1:]]
            yield Injection("front matter broken", "\n".join(lines), 2, "YAML", "a tab")
        case _:
            if page.card.metadata.get("license"):
                made = [*page.lines[: page.front], "license: bsl-1.0", *page.lines[page.front :]]
                what = "license a second time"
                yield Injection("front matter broken", "\n".join(made), page.front + 1, "license", what)


def _hidden(page: Page) -> Iterator[Injection]:
    sign = page.chance.choice(["\u202e", "\u202d", "\x08", "\U000e0041"])
    text, line = page.insert(f"The model is not{sign} safe for children.")
    yield Injection("hidden character", text, line, "U+", f"U+{ord(sign):04X}")


def _active(page: Page) -> Iterator[Injection]:
    html = page.chance.choice(
        ["<script>alert(1)</script>", '<img src="x" onerror="alert(1)">', "[click](javascript:alert(1))",
         '<iframe src="https://example.com"></iframe>']
    )  # fmt: skip
    text, line = page.insert(html)
    yield Injection("active HTML", text, line, "HTML", html)


TEXT_MAKERS: tuple[Maker, ...] = (
    _bad_link,
    _foreign_snippet,
    _email,
    _secret,
    _default,
    _boilerplate,
    _lost_section,
    _broken_front,
    _hidden,
    _active,
)
