"""Prose of a language model for the slots that evidence fills, taken over sentence by sentence.

A sentence reaches the card only when it marks evidence of its slot and the verifier of `lake ask` finds what
it states there. What the evidence says and no such sentence covers is stated in our own words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tools.draft.binding import find_fault
from tools.draft.checking import list_known_models
from tools.draft.gathering import Gathered
from tools.draft.sections import list_slots
from tools.draft.types import SectionWriter, SlotDraft, Statement
from tools.errors import ServiceError
from tools.evidence import EvidenceLedger
from tools.verification import verify_answer
from tools.verification.marks import blank_marks

_MOST_CHARACTERS = 6_000


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
        if find_fault(plain, cited, own):
            refused.append(judged.text)
            continue
        passed.append(Statement(plain, cited, inherited_from=ancestors.pop(), written=True))
    return passed, refused


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
