"""Whose properties a statement speaks of, and whether its evidence is about the same model."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tools.evidence import LAKE_SOURCE, Evidence, EvidenceLedger
from tools.verification.licences import find_licences
from tools.verification.links import blank_links
from tools.verification.marks import Mark, find_marks
from tools.verification.names import Names, is_subject
from tools.verification.numbers import supports_number
from tools.verification.passages import read_passage
from tools.verification.quotes import Quote
from tools.verification.readings import Reading, read_text
from tools.verification.report import Report
from tools.verification.statements import Piece

_BEFORE_OBJECT = re.compile(r"\b(?:from|of|on|upon|is|was|by|to|than|with|as|using)\W*$", re.IGNORECASE)
# An opening word of conversation ("Yes, it was ...") leaves the pronoun the subject.
_OPENING = r"(?:yes|no|sure|right|well|so|and|but|also|of course|in short|then)\b\W+"
_PRONOUN = re.compile(
    rf"^\W*(?:{_OPENING})*(?:it|its|this|the) ?(?:model|card|checkpoint|one)?\b", re.IGNORECASE
)


class Subjects:
    """Tells subjects apart by the ids of `names` and the text above a statement."""

    def __init__(self, names: Names, ledger: EvidenceLedger) -> None:
        self._names = names
        self._ledger = ledger

    def check_quoted(
        self, piece: Piece, quote: Quote, content: str, marks: Sequence[Mark], report: Report
    ) -> str:
        """Why a quote that was found is not from the documentation of the model it is given for."""
        item = self._ledger.get(report.found[-1][0])
        if item is None or not self._names.is_known(item.model):
            return ""
        start = max((mark.end for mark in marks if mark.end <= quote.start), default=0)
        end = min((mark.start for mark in marks if mark.start >= quote.end), default=len(content))
        beside = content[start : quote.start] + " " + content[quote.end : end]
        named = self._models_in(beside) or self._models_in(content[: quote.start])[-1:]
        named = named or self._models_in(content) or self.find_in_scope(piece)
        if named and item.model.lower() not in named and not self._speaks_of(item, named):
            return f"{item.id} is about {item.model}, not about {named[0]}"
        return ""

    def _models_in(self, text: str) -> list[str]:
        found = self._names.ids(read_text(blank_links(text)))
        return [name.lower() for name, _, _ in found if self._names.is_known(name)]

    def _speaks_of(self, item: Evidence, named: Sequence[str]) -> bool:
        """Whether an evidence of another model speaks of the first of `named` as its subject."""
        return any(is_subject(name, unit.reading) for name in named[:1] for unit in read_passage(item).units)

    # -- facts -------------------------------------------------------------------------------------

    def select_own(self, part: Reading, items: Sequence[Evidence]) -> list[Evidence]:
        """The evidence that may speak for a part that names one model: not the cards of others.

        All of it, where the part names no model or several, or none of the evidence is the model's own.
        """
        named = {name.lower() for name, _, _ in self._names.ids(part) if self._names.is_known(name)}
        own = [item for item in items if item.model.lower() in named]
        if len(named) != 1 or not own:
            return list(items)
        return [
            item
            for item in items
            if item in own
            or item.kind in ("paper", "repo")
            or not self._names.is_known(item.model)
            or self._speaks_of(item, list(named))
        ]

    def check_subject(
        self,
        piece: Piece,
        part: Reading,
        items: Sequence[Evidence],
        statement_ids: Collection[str],
    ) -> str:
        """Why a part of a statement speaks of another model than its evidence; "" when it does not."""
        named = [name.lower() for name, _, _ in self._names.ids(part)] or list(statement_ids)
        named = [name for name in named if self._names.is_model(name) or f"`{name}" in piece.text.lower()]
        if not named or _is_object(part.folded.text, named[0]):
            # "Its base model is ..." goes on with what the text above speaks of.
            named = self.find_in_scope(piece)
            if not named:
                return ""
        models = {item.model.lower() for item in items}
        if not models or set(named) & models:
            return ""
        for item in items:
            if item.source == LAKE_SOURCE:
                if named[0] in {name.lower() for name, _, _ in self._names.ids(read_text(item.text))}:
                    return ""
                continue
            if not self._names.is_known(item.model) or item.kind in ("paper", "repo"):
                return ""
            for unit in read_passage(item).units:
                if any(is_subject(name, unit.reading) for name in named[:1]):
                    return ""
        first = next(iter(items))
        if first.source == LAKE_SOURCE:
            return f"{first.id} does not name {named[0]}"
        return f"{first.id} is about {first.model}, not about {named[0]}"

    def check_pairs(self, part: Reading, items: Sequence[Evidence]) -> str:
        """Why a number of a part about several models is not its own model's; "" when each is."""
        ids = self._names.ids(part)
        if len({item.model for item in items}) < 2 or len({name for name, _, _ in ids}) < 2:
            return ""
        numbers = part.numbers
        for n, number in enumerate(numbers):
            before = [name for name, _, end in ids if end <= number.start]
            nearest = before[-1] if before else ids[0][0]
            owner = ids[n][0] if len(ids) == len(numbers) else nearest
            own = [read_passage(item) for item in items if item.model == owner]
            given = [other for passage in own for unit in passage.units for other in unit.reading.numbers]
            if own and not any(supports_number(number, other, share=True) for other in given):
                return f"{number.written} is not what {own[0].evidence.id} gives for {owner}"
        return ""

    def find_in_scope(self, piece: Piece) -> list[str]:
        """The models that the text above a statement speaks of, nearest first."""
        for text in reversed(piece.scope):
            found = [name.lower() for name, _, _ in self._names.ids(read_text(blank_links(text)))]
            found += [item.model.lower() for mark in find_marks(text) if (item := self._ledger.get(mark.key))]
            if found:
                return found
        return []


def _is_object(text: str, name: str) -> bool:
    """Whether a text begins with a pronoun and names a model only behind a verb or preposition."""
    at = text.lower().find(name)
    return at > 0 and _PRONOUN.match(text) is not None and _BEFORE_OBJECT.search(text[:at]) is not None


def find_other_licence(part: Reading, items: Sequence[Evidence]) -> str:
    """Why a licence does not hold for one of several cited licence fields; "" when it does."""
    stated = find_licences(part.folded.text)
    if not stated:
        return ""
    for item in items:
        given = find_licences(read_text(item.text).folded.text)
        if (
            item.locator.endswith("/license")
            and given
            and not any(a.is_supported_by(b) for a in stated for b in given)
        ):
            return f"{item.id} gives another licence: {given[0]}"
    return ""
