"""What of a model is embedded: one short text that stands for the whole, and its citable prose.

Measured (eval/search.py): name, task and the first prose find the right model best; code, tables, HTML and
the phrases that template cards repeat only dilute a vector.
"""

from __future__ import annotations

import re

from tools.cards.markup import strip_markup
from tools.cards.types import Card, Passage
from tools.catalog.records import ModelRecord

_SUMMARY_CHARACTERS = 700
_PASSAGE_CHARACTERS = 1000
_MIN_PASSAGE_CHARACTERS = 30
_EMBEDDED_KINDS = frozenset({"prose", "list"})

# Phrases of card templates and of the Hub's own pages: the same in thousands of cards, so they say nothing.
_BOILERPLATE = re.compile(
    r"more information needed|entry not found|access to model \S+ is restricted"
    r"|this model card has been generated automatically|did not write a model card"
    r"|the following (?:hyper)?parameters were used"
    r"|the model was trained with the parameters:"
    r"|^(?:results?|dataset|performance): (?:n/?a|null|none|unknown|not (?:provided|specified|given))\.?$"
    r"|^(?:here is how to use|how to use|then you can use|usage|you can use) [^.]{0,40}:?$"
    r"|carbon emissions can be estimated|using the \[?machine learning impact calculator"
    r"|becomes easy when you have .{0,40}sentence-transformers"
    r"|^thanks to |^\W*table of contents|^\||\blearning_rate: ",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
_NAME_BREAK = re.compile(r"[-_/.\s]+")


def spell_name(model: str) -> str:
    """A model's id as words: `org/bert-base_uncased` -> `org bert base uncased`."""
    return _NAME_BREAK.sub(" ", model).strip()


def clean_passage(text: str) -> str:
    """The text of a passage as it is embedded: without markup and addresses, at most 1000 characters."""
    plain = _ADDRESS.sub(" ", strip_markup(text[: 4 * _PASSAGE_CHARACTERS]))
    return " ".join(plain.split())[:_PASSAGE_CHARACTERS]


def is_boilerplate(text: str) -> bool:
    """Whether a passage is a template's phrase, or too short to say anything."""
    return len(text) < _MIN_PASSAGE_CHARACTERS or _BOILERPLATE.search(text) is not None


def embeddable_passages(card: Card) -> list[Passage]:
    """Prose and lists worth a vector, in order. Their vectors are those of `clean_passage(passage.text)`."""
    return [
        passage
        for passage in card.passages
        if passage.kind in _EMBEDDED_KINDS and not is_boilerplate(clean_passage(passage.text))
    ]


def compose_summary(record: ModelRecord, card: Card) -> str:
    """The text whose vector stands for the model: name, task and the beginning of what the card says."""
    parts = [spell_name(record.model)]
    if record.task:
        parts.append(_NAME_BREAK.sub(" ", record.task))
    length = 0
    for passage in card.passages:
        if passage.kind not in _EMBEDDED_KINDS:
            continue
        text = clean_passage(passage.text)
        if not text or _BOILERPLATE.search(text):
            continue
        parts.append(text[: _SUMMARY_CHARACTERS - length])
        length += len(text)
        if length >= _SUMMARY_CHARACTERS:
            break
    return ". ".join(part.rstrip(". ") for part in parts) + "."
