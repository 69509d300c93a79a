"""Prose of a language model for the slots that evidence fills, taken over sentence by sentence.

A sentence reaches the card only when it marks evidence of its slot and the verifier of `lake ask` finds what
it states there. What the evidence says and no such sentence covers is stated in our own words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from tools.draft.checking import list_known_models
from tools.draft.gathering import Gathered
from tools.draft.sections import list_slots
from tools.draft.types import SectionWriter, SlotDraft, Statement
from tools.errors import ServiceError
from tools.evidence import Evidence, EvidenceLedger
from tools.reading import STOPWORDS, stem_word
from tools.verification import verify_answer
from tools.verification.marks import blank_marks

_MOST_CHARACTERS = 6_000


def _read_words(name: str) -> frozenset[str]:
    text = resources.files("tools.draft").joinpath("words.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)[name].split())


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Words that turn or stretch what a sentence says; they must stand in the evidence themselves.
_LOADED = _read_words("loaded")
# Words that tie facts together and state none.
_NEUTRAL = _read_words("neutral")
# What a sentence of prose is not: a heading, a table's row, code, HTML, a picture, a comment.
_NO_PROSE = re.compile(r"\A\s*(?:#|\||```|~~~|<|!\[|---)|<!--|<\w|!\[|\]\(|https?://|\[\^")


def write_slots(
    slots: Sequence[SlotDraft], gathered: Gathered, writer: SectionWriter
) -> tuple[list[SlotDraft], list[str]]:
    """The slots with `writer`'s verified sentences, and the sentences that failed.

    Labelled lines, code and slots without evidence are never given to it, and quotations of the card stay.
    When its service fails the rest stays as it is composed, and `gathered.notes` says so.
    """
    labels = {form.slot for form in list_slots() if form.label}
    known = list_known_models(gathered)
    dropped: list[str] = []
    written: list[SlotDraft] = []
    failed = False
    for slot in slots:
        own = [said for said in slot.statements if said.values and "\n" not in said.text]
        quoted = [said for said in slot.statements if said.text.startswith(">")]
        if failed or slot.slot in labels or not (own or quoted):
            written.append(slot)
            continue
        try:
            text = writer.write(gathered.subject.record.model, replace(slot, statements=(*own, *quoted)))
        except ServiceError as error:
            failed = True
            gathered.notes.append(f"{error.message} The sections are composed from the evidence instead.")
            written.append(slot)
            continue
        passed, refused = judge_text(text, [*own, *quoted], known)
        dropped += refused
        written.append(replace(slot, statements=_join(slot.statements, own, passed)))
    return written, dropped


def judge_text(
    text: str, own: Sequence[Statement], known: Sequence[str]
) -> tuple[list[Statement], list[str]]:
    """(sentences that may stand, those that may not) of a text about what the statements `own` stand on.

    A sentence that cites nothing, or in which nothing can be checked, may not stand either.
    """
    text = text.strip()[:_MOST_CHARACTERS]
    items = list(dict.fromkeys(item for said in own for item in said.evidence))
    # Our wording of a fact, which was verified, tells the verifier what `"vocab_size": 512` means.
    worded = EvidenceLedger(
        item.model_copy(
            update={"text": "\n".join([item.text, *(one.text for one in own if item in one.evidence)])}
        )
        for item in items
    )
    ledger = EvidenceLedger(items)
    inherited = {item.id: said.inherited_from for said in own for item in said.evidence}
    passed: list[Statement] = []
    refused: list[str] = []
    for judged in verify_answer(text, worded, known_models=known).statements:
        cited = tuple(item for key in dict.fromkeys(judged.marks) if (item := ledger.get(key)))
        plain = " ".join(blank_marks(judged.text).split())
        plain = re.sub(r"\A(?:[-*+]|\d+[.)])\s+", "", plain)
        plain = re.sub(r"\s+([.,;:!?])", r"\1", plain)
        if judged.level not in ("quoted", "facts") or not cited or not plain or _NO_PROSE.search(plain):
            refused.append(judged.text)
            continue
        # A quotation must be one of the file, not of our wording.
        if judged.level == "quoted" and verify_answer(judged.text, ledger, known_models=known).unsupported:
            refused.append(judged.text)
            continue
        ancestors = {inherited[item.id] for item in cited}
        # A sentence that mixes the model's own facts with inherited ones would hide whose they are.
        if len(ancestors) > 1:
            refused.append(judged.text)
            continue
        if find_foreign(plain, cited, own):
            refused.append(judged.text)
            continue
        passed.append(Statement(plain, cited, inherited_from=ancestors.pop(), written=True))
    return passed, refused


def find_foreign(sentence: str, cited: Sequence[Evidence], own: Sequence[Statement]) -> str:
    """A word or number of `sentence` that neither its evidence nor our wording of that evidence holds, or "".

    The verifier of answers lets common words pass, since an answer is read beside its evidence. A card is
    read alone: there, "was not trained" or "is safe" must not slip in between two facts.
    """
    keys = {item.id for item in cited}
    wording = [one.text for one in own if {item.id for item in one.evidence} <= keys]
    held = " ".join([*wording, *(f"{item.text} {item.locator} {item.model}" for item in cited)])
    held_words = {word.lower() for word in _WORD.findall(held)}
    stems = {stem_word(word) for word in _WORD.findall(_split_names(held))}
    for word in _WORD.findall(_split_names(sentence)):
        if word.lower() in _LOADED or "n't" in word.replace("’", "'").lower():
            if word.lower() not in held_words:
                return str(word)
        elif not (word.lower() in STOPWORDS or word.lower() in _NEUTRAL or stem_word(word) in stems):
            return str(word)
    numbers = set(_NUMBER.findall(held))
    return next((str(number) for number in _NUMBER.findall(sentence) if number not in numbers), "")


def _split_names(text: str) -> str:
    """`num_hidden_layers` and `LlamaForCausalLM` as words, beside what they are written as."""
    return text.replace("_", " ") + " " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("_", " "))


def _join(
    statements: Sequence[Statement], own: Sequence[Statement], passed: Sequence[Statement]
) -> tuple[Statement, ...]:
    """The written sentences, then what of the composed ones they leave unsaid, then quotations."""
    said = " ".join(one.text for one in passed).casefold()
    cited = {item.id for one in passed for item in one.evidence}
    unsaid = [
        one
        for one in own
        if not {item.id for item in one.evidence} <= cited
        or not all(value.casefold() in said for value in one.values)
    ]
    return (*passed, *unsaid, *(one for one in statements if one not in own))
