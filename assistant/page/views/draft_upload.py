"""Drafting a card for files that a visitor drops into the page."""

from __future__ import annotations

from dataclasses import replace

from assistant.page.views.uploads import UNNAMED, Given, hide_place, lay_out
from tools.audit.subject import read_card_file
from tools.catalog.repository import Catalog
from tools.draft import Draft, DraftFormat, SectionWriter
from tools.draft.drafting import draft_subject
from tools.draft.subject import open_subject
from tools.errors import LakeError, UsageError

_MOST_PROBLEMS = 10


def draft_files(
    catalog: Catalog, given: Given, *, llm: SectionWriter | None = None, also: tuple[DraftFormat, ...] = ()
) -> Draft:
    """Draft a card for what a visitor gave; no place on this machine is told. Raises UsageError.

    A card is read whatever its encoding is; of weights only the headers are at hand, so nothing is hashed.
    """
    with lay_out(given, given.folder or UNNAMED) as folder:
        notes: list[str] = []
        try:
            if given.card is not None:
                text, problems = read_card_file(given.card)
                (folder / "README.md").write_text(text, encoding="utf-8", newline="")
                notes = [problem.message for problem in problems]
            subject = open_subject(catalog, str(folder))
            notes += [f"Line {one.line}: {one.message}" for one in subject.card.problems[:_MOST_PROBLEMS]]
            draft = draft_subject(replace(subject, headers_only=True), llm=llm, also=also)
        except LakeError as error:
            raise UsageError(hide_place(error.message, folder), hint=hide_place(error.hint, folder)) from None
        return replace(draft, notes=tuple(hide_place(note, folder) for note in (*notes, *draft.notes)))
