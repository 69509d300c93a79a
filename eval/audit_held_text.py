"""Held-out errors in a card's text: claims that the metadata denies, links, examples, secrets, sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.audit_blind_page import Error, Maker, Page
from eval.audit_held_page import say, tell

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LICENCES = {
    "mit": ["the MIT License", "MIT"],
    "apache-2.0": ["Apache-2.0", "the Apache License, Version 2.0"],
    "gpl-3.0": ["GPLv3", "the GNU General Public License v3"],
    "agpl-3.0": ["AGPL-3.0"],
    "cc-by-sa-4.0": ["CC BY-SA 4.0", "Creative Commons Attribution-ShareAlike 4.0"],
    "cc0-1.0": ["CC0 1.0"],
    "mpl-2.0": ["the Mozilla Public License 2.0", "MPL-2.0"],
}
_PERMISSIVE = {"mit", "apache-2.0", "bsd-3-clause", "bsd-2-clause", "cc0-1.0", "isc", "unlicense"}
_TONGUES = {
    "en": "English",
    "it": "Italian",
    "pl": "Polish",
    "ko": "Korean",
    "sv": "Swedish",
    "hi": "Hindi",
    "de": "German",
    "es": "Spanish",
    "zh": "Chinese",
    "fr": "French",
    "ru": "Russian",
}


def _licence(page: Page) -> Iterator[Error]:
    declared = page.meta.get("license")
    if (
        not isinstance(declared, str)
        or not re.fullmatch(r"[a-z][\w.+-]+", declared)
        or declared in {"other", "unknown"}
    ):
        return
    others = [one for one in _LICENCES if one.split("-")[0] != declared.split("-")[0]]
    name = page.chance.choice(
        _LICENCES[page.chance.choice([one for one in others if not one.startswith("cc")])]
    )
    bare = name.removeprefix("the ")
    badge = bare.replace("-", "--").replace(" ", "%20")
    forms = [
        f"You may use, modify and share these weights as {name} permits.",
        f"<table>\n<tr><th>License</th><td>{bare}</td></tr>\n</table>",
        f"<b>License</b>: {bare}",
        f"### License\n\n{bare}",
        f"License\n-------\n\n{bare}",
        f"* Developed by: three friends\n  * License: {bare}",
        f"Model weights © 2023 the authors, licensed under {name}.",
        f"![license](https://img.shields.io/badge/license-{badge}-blue.svg)",
        f"> **License** — {bare}",
        f"Il modello è distribuito con licenza {bare}.",
        f"模型许可证：{bare}",
        f"ライセンス: {bare}",
        f"The code and the model are {bare} licensed.",
    ]
    yield from tell(page, "license", f"the metadata says {declared}", forms)


def _restrictions(page: Page) -> Iterator[Error]:
    declared = page.meta.get("license")
    if isinstance(declared, str) and declared in _PERMISSIVE:
        yield from tell(
            page,
            "license",
            f"a restriction that {declared} does not have",
            [
                "For research purposes only; do not use commercially.",
                "Companies must buy a license before they use this model.",
                "**Usage restrictions**: non-commercial only.",
                "Redistribution of the weights is forbidden.",
                "Die kommerzielle Nutzung ist untersagt.",
                "<p>Not for commercial use.</p>",
                "> ⚠️ Any commercial use requires our written permission.",
                "L'usage commercial est interdit.",
            ],
        )


def _language(page: Page) -> Iterator[Error]:
    declared = page.meta.get("language")
    codes = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    others = [name for code, name in _TONGUES.items() if code not in codes and name not in page.card]
    if len(codes) == 1 and codes[0] in _TONGUES and others:
        name = page.chance.choice(others)
        yield from tell(
            page,
            "language",
            f"the metadata says {codes[0]}",
            [
                f"The model speaks {name} and nothing else.",
                f"<ul><li>Language: {name}</li></ul>",
                f"**Supported languages:** {name}",
                f"Languages\n---------\n\n{name}",
                f"| Developer | Language | Year |\n|---|---|---|\n| us | {name} | 2022 |",
                f"A monolingual {name} model.",
                f"It was pretrained solely on {name} text.",
                f"1. Language of the training data: {name}",
                f"Input language: {name}. Texts in other languages are not supported.",
                f"<b>Language(s):</b> {name}",
            ],
        )


def _dataset(page: Page) -> Iterator[Error]:
    declared = page.meta.get("datasets")
    listed = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    others = [
        one
        for one in ("ag_news", "librispeech_asr", "conll2003", "food101")
        if one[:5] not in page.card.lower()
    ]
    if listed and all(isinstance(one, str) for one in listed) and others:
        name = page.chance.choice(others)
        yield from tell(
            page,
            "datasets",
            f"the metadata names the datasets {listed}",
            [
                f"We trained on `{name}` alone.",
                f"<table><tr><td>Training dataset</td><td>{name}</td></tr></table>",
                f"Dataset used for training: [{name}](https://huggingface.co/datasets/{name})",
                f"* **Trained on:** {name}",
                f"The only training data is the {name} dataset.",
                f"Trainingsdaten: [{name}](https://huggingface.co/datasets/{name})",
                f"### Training Data\n\nThe model was trained on [{name}](https://huggingface.co/datasets/{name}).",
                f"| Training set | [{name}](https://hf.co/datasets/{name}) |\n|---|---|\n| Epochs | 3 |",
            ],
        )


def _base(page: Page) -> Iterator[Error]:
    """Sentences that name another origin than the metadata, or an origin that the metadata leaves out."""
    declared = page.meta.get("base_model")
    others = ["facebook/xglm-564M", "google/canine-s", "nvidia/mit-b2", "EleutherAI/pythia-70m"]
    if isinstance(declared, str) and "/" in declared:
        others = [one for one in others if one.split("/")[1][:4].lower() not in declared.lower()]
        why = f"the metadata says {declared}"
    elif "base_model" not in page.meta and not re.search(r"fine-?tun|based on|base model", page.card, re.I):
        why = "the metadata declares no base model"
    else:
        return
    name = page.chance.choice(others)
    yield from tell(
        page,
        "base_model",
        why,
        [
            f"We started from the checkpoint `{name}` and trained for three more epochs.",
            f"Base model: {name}",
            f'<li><b>Finetuned from</b>: <a href="https://huggingface.co/{name}">{name}</a></li>',
            f"This is {name} fine-tuned on our own data.",
            f"| Parent model | {name} |\n|---|---|\n| Epochs | 3 |",
            f"Das Modell ist ein Finetuning von [{name}](https://huggingface.co/{name}).",
            f"The weights were initialised from [{name}](https://huggingface.co/{name}).",
            f"Modèle de base : `{name}`",
        ],
    )


def _example(page: Page) -> Iterator[Error]:
    """A whole example of use that loads another model, in one of many frameworks."""
    if re.search(r"from_pretrained|pipeline\(|load_model|SentenceTransformer\(", page.card):
        return
    other = page.chance.choice(["bluebird-ai/polite-email-v2", "nordlab/sami-tagger", "quokka/quokka-3b-it"])
    code = page.chance.choice(
        [
            "python\nfrom sentence_transformers import SentenceTransformer\nm = SentenceTransformer('{}')",
            "py\nfrom diffusers import DiffusionPipeline\npipe = DiffusionPipeline.from_pretrained('{}')",
            'python\nfrom transformers import pipeline\nrun = pipeline(model="{}")\nprint(run("hi"))',
            "bash\ngit lfs install\ngit clone https://huggingface.co/{}",
            "shell\nhuggingface-cli download {} --local-dir weights",
            "bash\nvllm serve {}",
            '\nfrom transformers import AutoTokenizer, AutoModel\n\nname = "{}"\n'
            "tok = AutoTokenizer.from_pretrained(name)\nmodel = AutoModel.from_pretrained(name)",
            "python\nfrom huggingface_hub import hf_hub_download\nhf_hub_download('{}', 'config.json')",
            'bash\ncurl https://api-inference.huggingface.co/models/{} -d \'{{"inputs": "hi"}}\'',
        ]
    )
    yield from tell(
        page,
        other,
        "the example loads another model",
        [f"To use this model:\n\n```{code.format(other)}\n```"],
    )


def misname_example(model: str) -> Maker:
    """The id of the card's own `model` in an existing example, with a slip that makes it another's."""

    def make(page: Page) -> Iterator[Error]:
        owner, _, name = model.rpartition("/")
        for at, line in enumerate(page.lines[page.head :], page.head):
            if owner and re.search(
                rf"(from_pretrained\(|pipeline\(|= ?)[^#]*[\"']{re.escape(model)}[\"']", line
            ):
                slips = [f"{model}-v2", f"{owner}-ai/{name}", f"{owner}/old-{name}", model[:-1]]
                slip = page.chance.choice(slips)
                lines = [*page.lines]
                lines[at] = line.replace(model, slip)
                yield page.join(lines), at + 1, slip, f"the example loads {slip} instead of {model}", 1
                return

    return make


def _secret(page: Page) -> Iterator[Error]:
    def draw(count: int, signs: str = _ALNUM) -> str:
        return "".join(page.chance.choices(signs, k=count))

    digits = _ALNUM[-10:]
    hub = "hf" + "_" + draw(34)
    form = page.chance.choice(
        [
            f"git clone https://jo:{hub}@huggingface.co/acme/model",
            f"```bash\ncurl -H 'Authorization: Bearer {hub}' https://api-inference.huggingface.co/models/a/b\n```",
            f"| Variable | Value |\n|---|---|\n| HUGGING_FACE_HUB_TOKEN | {hub} |",
            f'<code>use_auth_token="{hub}"</code>',
            "`GOOGLE_API_KEY=AI" + f"za{draw(35)}`",
            "Slack bot token: xo" + f"xb-{draw(12, digits)}-{draw(12, digits)}-{draw(24)}",
            "```\n-----BEGIN RSA "
            + f"PRIVATE KEY-----\n{draw(64)}\n{draw(64)}\n-----END RSA PRIVATE KEY-----\n```",
            "    wandb login " + draw(40, "0123456789abcdef"),
            f"aws_secret_access_key = {draw(40)}",
            "postgres://trainer:" + f"{draw(14)}@db.acme-labs.io:5432/runs",
            "1. Set `OPENAI_API_KEY` to `sk-" + f"proj-{draw(48)}`",
            "token: gith" + f"ub_pat_{draw(22)}_{draw(59)}",
            f"Benutzer: admin, Passwort: {draw(6)}!{draw(5)}",
        ]
    )
    yield from tell(page, "secret", "a secret stands in the card", [form])


def _address(page: Page) -> Iterator[Error]:
    name = page.chance.choice(["t.nakamura", "helene.roux", "dkim_92", "o.petrov", "sofia-lindqvist"])
    host = page.chance.choice(["gmail.com", "163.com", "proton.me", "uni-bremen.de", "hotmail.co.uk"])
    spelt = host.replace(".", " [dot] ")
    forms = [
        f'<a href="mailto:{name}@{host}">write me</a>',
        f"```bibtex\n@misc{{m, author = {{Jo}}, note = {{{name}@{host}}}}}\n```",
        f"# Author: Jo ({name}@{host})",
        f"Contact {name} [at] {spelt}",
        f"E-Mail: {name}(at){host}",
        f"联系方式：{name}@{host}",
        f"* Maintainer\n  * <{name}@{host}>",
        f"Bugs to {name}&#64;{host}, please.",
        f"```python\n__author__ = '{name}@{host}'\n```",
        f"| Name | Mail |\n|---|---|\n| Jo | `{name}@{host}` |",
    ]
    yield from tell(page, "mail", "a person's e-mail address", forms)


def _phone(page: Page) -> Iterator[Error]:
    digits = "".join(page.chance.choices("23456789", k=9))
    yield from tell(
        page,
        "phone",
        "a person's telephone number",
        [
            f"Reach me by phone: +44 7{digits[:3]} {digits[3:]}",
            f"Mobil: +43 664 {digits[:7]}",
            f"<li>Tel: +1-415-{digits[:3]}-{digits[3:7]}</li>",
            f"| Contact | +34 6{digits[:2]} {digits[2:5]} {digits[5:8]} |\n|---|---|\n| Hours | 9 to 5 |",
            f"Telefono: +39 3{digits[:2]} {digits[2:]}",
        ],
    )


TEXT: dict[str, Maker] = {
    "licence-otherwise": _licence,
    "licence-restricted": _restrictions,
    "language-otherwise": _language,
    "dataset-otherwise": _dataset,
    "base-otherwise": _base,
    "link-malformed": say(
        "link",
        "a link that leads nowhere",
        "Details in our [report](<>).",
        "[Model zoo](ttps://zoo.acme-labs.io)",
        "![architecture]()",
        '<a href="">Homepage</a>',
        '<a href="htps://acme-labs.io/x">Homepage</a>',
        "[paper][ref-404] has more.",
        "See [the notes](https:/acme-labs.io/notes).",
        "[data](https://acme..labs.io/d)",
        "| Paper | [pdf](hhttps://acme-labs.io/p.pdf) |\n|---|---|\n| Code | none |",
        "Our [blog](https://) tells the story.",
        "[Colab](https//colab.research.google.com/x)",
        "* Web: [site](http:://acme-labs.io)",
        '<img src="">',
        "[Lizenztext](https://acme-labs.io:port/l)",
        "[summary](#no-such-part-of-this-card)",
    ),
    "example-loads-other": _example,
    "secret": _secret,
    "mail-address": _address,
    "phone-number": _phone,
}
