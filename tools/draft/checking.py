"""Every statement of a draft judged before it reaches the card.

What a language model wrote is judged by the verifier of `lake ask`. Sentences of ours are fixed wording with
values in it, so the values decide: each must stand in the evidence, no number may come from elsewhere, and
no evidence may be cited for nothing. Quotations must stand in their evidence word for word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from tools.draft.gathering import Gathered
from tools.draft.types import SlotDraft, Statement
from tools.evidence import Evidence, EvidenceLedger
from tools.verification import verify_answer

_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
_FENCE = re.compile(r"\A```\w*\n(?P<code>.*)\n```\Z", re.DOTALL)


def check_slots(slots: Sequence[SlotDraft], gathered: Gathered) -> tuple[list[SlotDraft], list[str]]:
    """The slots with the statements that verify, and the texts of those that do not."""
    known = list_known_models(gathered)
    dropped: list[str] = []
    kept = []
    for slot in slots:
        passed = []
        for said in slot.statements:
            if find_fault(said, known):
                dropped.append(said.mark())
            else:
                passed.append(said)
        kept.append(replace(slot, statements=tuple(passed)))
    return kept, dropped


def list_known_models(gathered: Gathered) -> list[str]:
    """Ids that a sentence may name."""
    catalog = gathered.subject.catalog
    names = catalog.model_names() if catalog is not None else []
    return [*names, gathered.subject.record.model]


def find_fault(said: Statement, known: Sequence[str] = ()) -> str:
    """Why a statement may not stand, "" where it may. `known`: ids that a written one may name."""
    if not said.evidence:
        return "it cites nothing"
    if said.written:
        return _judge_written(said, known)
    if not said.values:
        quoted = _trim(unquote(said.text))
        found = any(quoted in _trim(item.text) for item in said.evidence)
        return "" if found and quoted.strip() else "it does not stand in the evidence word for word"
    for value in said.values:
        if not any(holds(item, value) for item in said.evidence):
            return f"the evidence does not say {value[:80]!r}"
    for item in said.evidence:
        if not any(holds(item, value) for value in said.values):
            return f"{item.id} is cited for nothing"
    rest = said.text
    for value in sorted(said.values, key=len, reverse=True):
        rest = rest.replace(value, "")
    stray = _NUMBER.search(rest)
    return f"{stray[0]} is no value of the evidence" if stray else ""


def holds(item: Evidence, value: str) -> bool:
    """Whether `value` stands in the evidence: in its text, as JSON writes it there, or as its model's id."""
    if value == item.model:
        return True
    inner = json.dumps(value)[1:-1]
    parts = [value, inner, *([] if "\n" in value else ["\n".join(value.split())])]
    if any(_stands(part, item.text) for part in parts):
        return True
    pieces = [piece for piece in value.split(", ") if piece]
    return len(pieces) > 1 and all(_stands(piece, item.text) for piece in pieces)


def _stands(value: str, text: str) -> bool:
    """Whether `value` stands in `text` and is not a part of a longer word or number there."""
    value, text = _fold(value), _fold(text)
    if not value:
        return False
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 2]
        # The parts of `transformers_version` are words of their own.
        joined = value[0].isalnum() and before.isalnum()
        goes_on = after[:1].isalnum() or (after[:1] in (".", ",") and after[1:].isdecimal())
        if not joined and not (value[-1].isalnum() and goes_on):
            return True
        at = text.find(value, at + 1)
    return False


@lru_cache(maxsize=64)
def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _trim(text: str) -> str:
    """Lines without white space at their ends, which Markdown does not show."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def unquote(text: str) -> str:
    """The words a quotation quotes: a block's lines without `> `, code without its fence."""
    if fenced := _FENCE.match(text):
        return text if text.count("```") > 2 else fenced["code"]
    if text.startswith(">"):
        return "\n".join(line.removeprefix(">").removeprefix(" ") for line in text.split("\n"))
    return text


def _judge_written(said: Statement, known: Sequence[str]) -> str:
    verification = verify_answer(said.mark(), EvidenceLedger(said.evidence), known_models=known)
    faults = [one.reason or "it fails" for one in verification.statements if one.level == "failed"]
    return "; ".join(faults)
