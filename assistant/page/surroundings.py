"""Where evidence stands, in words and with the lines around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.cli.render import describe_locator
from assistant.page.escape import hub_page
from tools.cards.types import Card
from tools.catalog.records import ModelRecord
from tools.catalog.repository import Catalog
from tools.evidence import Evidence

_LINES = re.compile(r"^(?P<file>.+)#L(?P<first>\d+)(?:-L(?P<last>\d+))?$")
_AROUND = 3  # lines of context on either side
_GONE = "This model is no longer in the lake; what was read of it is kept with the answer."
_REPLACED = "The card was replaced since; this is what it said when the answer was written."
_OURS = "From our own summary of that page, not its author's words."
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


def find_place(item: Evidence, catalog: Catalog, attached: Mapping[str, str]) -> Place:
    """Look evidence up in the lake as it is today.

    `attached` holds the texts of the conversation's own documents by their ids; a paper's is "".
    """
    if item.model in attached:
        first, before, after = _surround(attached[item.model], item)
        return Place(first=first, before=before, after=after, note="From a document you added to this chat.")
    record = catalog.get_model(item.model) if "@" in item.source else None
    if record is None or record.removed:
        gone = "@" in item.source and item.kind != "paper"
        return Place(note=_GONE if gone else "")
    link, label = _find_link(record)
    card = catalog.get_card(item.model)
    file = item.locator.partition("#")[0]
    if card is None or not file.startswith("README"):
        first, before, after = _surround(record.record_json if file == "record.json" else "", item)
        return Place(first=first, before=before, after=after, link=link, link_label=label)
    if card.sha256 != item.sha256:
        return Place(link=link, link_label=label, note=_REPLACED)
    first, before, after = _surround(card.text, item)
    section = _find_section(card, first) if first is not None else ""
    note = _OURS if record.source_kind == "sample" and record.link else ""
    return Place(section, first, before, after, link, label, note)


def _find_link(record: ModelRecord) -> tuple[str, str]:
    """(address, what it is) of the page a model has elsewhere, ("", "") when none is known."""
    if record.source_kind == "sample" and record.link:
        return record.link, "the page this speaks of"
    if record.source_kind == "hub" and _COMMIT.fullmatch(record.revision):
        return f"{hub_page(record.model)}/blob/{record.revision}/README.md", "this card on the Hub"
    if record.source_kind in ("dump", "hub"):
        return hub_page(record.model), "the model's page on the Hub"
    return "", ""


def _find_section(card: Card, line: int) -> str:
    """The headings above a line, outermost first."""
    if card.front_matter is not None and line <= card.front_matter.end:
        return "metadata at the top of the card"
    above = [section for section in card.sections if section.lines.start <= line <= section.lines.end]
    innermost = max(above, key=lambda section: section.lines.start, default=None)
    return " › ".join(title for title in innermost.path if title) if innermost is not None else ""


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
