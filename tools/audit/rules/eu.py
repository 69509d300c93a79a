"""Fields of the EU's Model Documentation Form (Annex XI of the AI Act) that the card leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding

# Article of Annex XI -> (what it asks for, words under which a card tells it).
_FIELDS = {
    "1.1": (
        "the provider's legal name",
        r"developed by|provider|created by"
        r"|authors?\b|organi[sz]ation",
    ),
    "1.4": (
        "the date of release",
        r"release[d ]|published (?:on|in)|\bversion\b.{0,40}\b20\d\d",
    ),
    "1.6": (
        "models it was made from, or that there are none",
        r"base[_ ]model|fine-?tuned"
        r"|from scratch|distilled",
    ),
    "2.1": (
        "the architecture",
        r"architecture|transformer|\bbert\b"
        r"|\bcnn\b|encoder|decoder|layers",
    ),
    "2.3": (
        "input and output modalities with their sizes",
        r"\binputs?\b.{0,200}\boutputs?\b|max(?:imum)?[_ ](?:length"
        r"|seq)|context (?:length|window)",
    ),
    "2.4": (
        "the total number of parameters",
        r"\d\s?[bmk]?(?:illion)?[ -]?param|parameters",
    ),
    "4": (
        "an acceptable-use policy, intended and prohibited uses",
        r"intended use|out[- ]of[- ]scope|acceptable use"
        r"|direct use|prohibited",
    ),
    "2(b)": (
        "the training process, methods and key choices",
        r"training (?:procedure|process|details|hyper)"
        r"|learning[_ ]rate|hyperparameters|epochs",
    ),
    "2(c)": (
        "type, provenance and curation of the data",
        r"training data|data ?sets?:"
        r"|\bcorpus\b|trained on",
    ),
    "2(d)": (
        "compute and training time",
        r"gpu|tpu|flops?\b|hours|compute infrastructure",
    ),
    "2(e)": (
        "energy used, measured or estimated",
        r"\bkwh\b|carbon|co2|energy|emission",
    ),
}
_OPEN = re.compile(r".*\[?more information needed\]?.*", re.IGNORECASE)


@rule(
    "eu-field-open",
    "warning",
    "A field of the EU's documentation form is open",
    "Providers of general-purpose models owe it (Annex XI); free and open-source ones are in part exempt.",
    profiles=("eu",),
)
def find_open_field(subject: AuditSubject) -> Iterator[Finding]:
    text = _OPEN.sub("", subject.card.text[:400_000])
    for number, (what, words) in _FIELDS.items():
        if not re.search(words, text, re.IGNORECASE | re.DOTALL):
            yield find(
                subject,
                "eu-field-open",
                f"Form field {number} is open: {what}.",
                suggestion="See: lake draft --format eu",
            )
