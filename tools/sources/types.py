"""What a source yields: models, papers and the rows of it that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tools.cards import parse_card
from tools.cards.types import Card
from tools.catalog.records import FileRow, ModelRecord, PaperRecord
from tools.sources.description import describe_record

# (locator, headings, verbatim text): "page 3" in a PDF, "notes.md#L3-L9" in a text.
PaperPassage = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A model as its source gives it: the record, the card's whole text, the files beside it.

    `record` lacks what only the parsed card tells (title, summary): comparing `card_sha256` and
    `record_sha256` first saves parsing the cards that have not changed.
    """

    record: ModelRecord
    card_text: str
    files: tuple[FileRow, ...] = ()
    place: str = ""  # where `files` lie, as `tools.sources.place.find_folder` reads it; empty without any

    def parse(self) -> tuple[ModelRecord, Card]:
        """The complete record, and the parsed card."""
        card = parse_card(self.card_text, model_id=self.record.model)
        return describe_record(self.record, card), card


@dataclass(frozen=True, slots=True)
class SourcePaper:
    """A paper with its passages in reading order."""

    record: PaperRecord
    passages: tuple[PaperPassage, ...]


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """One row, folder or file that cannot be read; what comes after it is read all the same."""

    id: str
    error: str


SourceItem = SourceModel | SourcePaper | SourceFailure


class Source(Protocol):
    """A stream of models and papers; reading it twice gives the same items in the same order.

    `name` is the specification a person gave. `total` counts the items where that is known without
    reading all of them. Iterating raises SourceError when the source as a whole turns out unreadable.
    """

    name: str
    total: int | None

    def __iter__(self) -> Iterator[SourceItem]: ...
