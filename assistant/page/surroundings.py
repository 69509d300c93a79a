"""Where evidence stands, in words and with the lines around it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.cli.render import describe_locator
from assistant.page.escape import hub_page
from tools.catalog.repository import Catalog
from tools.evidence import Evidence

_LINES = re.compile(r"^(?P<file>.+)#L(?P<first>\d+)(?:-L(?P<last>\d+))?$")
_AROUND = 3  # lines of context on either side
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Place:
    """Evidence with its surroundings, as the source holds it today.

    `first` is the number of its first line, None where the source has no lines (a page of a paper, a
    statistic). `before` and `after` are the lines around it. `note` says what is odd about it.
    """

    section: str = ""
    first: int | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    link: str = ""
    link_label: str = ""
    note: str = ""


def describe_place(item: Evidence) -> str:
    """`README.md, lines 12–18`; for a source without lines its locator."""
    return describe_locator(item.locator)


def find_place(item: Evidence, catalog: Catalog) -> Place:
    """Look evidence up in the lake as it is today."""
    record = catalog.get_model(item.model) if "/" in item.model or "@" in item.source else None
    card = catalog.get_card(item.model) if record is not None else None
    link, label, own = "", "", ""
    if record is not None:
        if record.source_kind == "sample" and record.link:
            link, label = record.link, "the page this speaks of"
            own = "From our own summary of that page, not its author's words."
        elif record.source_kind in ("dump", "hub"):
            link, label = hub_page(record.model), "the model's page on the Hub"
            if record.source_kind == "hub" and _COMMIT.fullmatch(record.revision):
                link += f"/blob/{record.revision}/README.md"
    file = item.locator.partition("#")[0]
    if record is None or card is None or not file.startswith("README"):
        text = record.record_json if record is not None and file == "record.json" else ""
        first, before, after = _surround(text, item)
        note = ""
        if record is None and item.kind in ("card", "metadata") and "@" in item.source:
            note = "This model is no longer in the lake; what was read of it is kept with the answer."
        return Place("", first, before, after, link, label, note)
    if card.sha256 != item.sha256:
        note = "The card was replaced since; this is what it said when the answer was written."
        return Place("", None, (), (), link, label, note)
    first, before, after = _surround(card.text, item)
    section = ""
    if first is not None:
        last = max((s for s in card.sections if s.lines.start <= first <= s.lines.end),
                   key=lambda s: s.lines.start, default=None)  # fmt: skip
        if last is not None:
            section = " › ".join(title for title in last.path if title)
        if card.front_matter is not None and first <= card.front_matter.end:
            section = "metadata at the top of the card"
    return Place(section, first, before, after, link, label, own)


def _surround(text: str, item: Evidence) -> tuple[int | None, tuple[str, ...], tuple[str, ...]]:
    """(first line, lines before, lines after) of evidence in its source; its text must stand there."""
    if not text:
        return None, (), ()
    at = -1
    if lines := _LINES.match(item.locator):
        start = sum(len(line) + 1 for line in text.split("\n")[: int(lines["first"]) - 1])
        at = text.find(item.text, start)
    if at < 0:
        at = text.find(item.text)
    if at < 0:
        return None, (), ()
    before = text[:at].split("\n")
    after = text[at + len(item.text) :].split("\n")
    first = len(before)
    return first, tuple(before[:-1][-_AROUND:]), tuple(after[1:][:_AROUND])
