"""Whether evidence still stands where it says, in a lake that may have moved on since it was cited."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache

from tools.cards.types import Card
from tools.catalog.adapters import ADAPTER_CONFIG, read_adapter_base
from tools.catalog.records import ModelRecord, PaperRecord
from tools.catalog.repository import Catalog
from tools.evidence import Evidence
from tools.model_files import HOLDS, ModelFiles, Retell, Standing

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LINES = re.compile(r"(?P<file>[^#]+)#L(?P<first>[1-9]\d{0,8})(?:-L(?P<last>[1-9]\d{0,8}))?")
_CARD_REVISION = re.compile(r"[0-9a-f]{12}")  # what a card without a commit is named by: its own hash
_FORMS: dict[str, tuple[str, ...]] = {
    "card": ("README.md#L",),
    "results": ("README.md#",),
    "lineage": ("README.md#", "record.json#/", f"{ADAPTER_CONFIG}#/"),
    "metadata": ("README.md#/", "record.json#/"),
}
_LAKE = "lake"
Describe = Callable[[str], Collection[str]]


class Places:
    """Looks evidence up in a lake: its source, the source's hash, and the text at its locator."""

    def __init__(
        self, catalog: Catalog, *, described: Describe = lambda _: (), retell: Retell | None = None
    ) -> None:
        """`described` gives the lines that the lake says of itself today at a locator (see the tools
        `describe_lake` and `count_models`).

        `retell` gives what is said today of the files of a model, for evidence that is no bare statistic.
        """
        self._catalog = catalog
        self._described = described
        self._files = ModelFiles(catalog, retell)
        self._papers: dict[str, PaperRecord] | None = None
        # Parsing a card takes milliseconds, and one answer cites the same few again and again.
        self._card = lru_cache(maxsize=32)(catalog.get_card)

    def check(self, item: Evidence, beside: Iterable[Evidence] = ()) -> Standing:
        """Where `item` stands today; `beside` is the evidence it was given with."""
        if not item.text.strip():
            return Standing("failed", "it has no text")
        if not _SHA256.fullmatch(item.sha256):
            return Standing("failed", f"{item.sha256[:80]!r} is no sha256")
        if item.source == _LAKE:
            return self._check_described(item)
        if item.kind == "paper":
            return self._check_paper(item)
        return self._check_model(item, beside)

    # -- models ------------------------------------------------------------------------------------

    def _check_model(self, item: Evidence, beside: Iterable[Evidence]) -> Standing:
        name, _, revision = item.source.partition("@")
        record = self._catalog.get_model(name)
        if record is None or record.model != name:
            return Standing("failed", f"this lake never held {name[:200]!r}")
        of_files = item.kind in ("config", "weights") and not item.locator.startswith("README.md")
        if not (of_files or item.locator.startswith(_FORMS.get(item.kind, ()))):
            return Standing("failed", f"{item.locator[:200]!r} is no place of the kind {item.kind!r}")
        of_card = item.locator.startswith("README.md#")
        if revision not in (record.revision, *self._catalog.revisions_of(name)):
            return Standing("failed", f"this lake never held revision {revision[:100]!r} of {name}")
        if of_card and _CARD_REVISION.fullmatch(revision) and not item.sha256.startswith(revision):
            return Standing("failed", "its hash is not that of the card at this revision")
        if revision != record.revision:
            return Standing("changed", f"the lake now holds revision {record.revision} of {name}")
        if of_card and item.sha256 != record.card_sha256:
            return Standing("failed", "its hash is not that of the card at this revision")
        if record.removed:
            return Standing("changed", f"{name} was removed from this lake")
        if of_card:
            return self._check_card(item)
        if item.kind == "weights":
            return self._files.check_weights(item, beside)
        of_adapter = item.locator.startswith(ADAPTER_CONFIG)
        # What an adapter names as its base is kept with its record, which may have come without files.
        if item.kind == "config" and (self._files.has_files(name) or not of_adapter):
            return self._files.check_member(item)
        return _check_adapter(item, record) if of_adapter else _check_record(item, record)

    def _check_card(self, item: Evidence) -> Standing:
        card = self._card(item.model)
        assert card is not None  # the record is here and not removed
        _, _, place = item.locator.partition("#")
        if place.startswith("/"):
            return _check_node(item, card, place)
        if (span := _read_lines(item.locator)) is None:
            return Standing("failed", f"{item.locator[:200]!r} is no place in a card")
        return _check_span(item.text, card.text.split("\n"), *span)

    # -- papers and the lake itself ----------------------------------------------------------------

    def _check_paper(self, item: Evidence) -> Standing:
        if self._papers is None:
            self._papers = {paper.paper: paper for paper in self._catalog.papers()}
        paper = self._papers.get(item.source)
        if paper is None:
            # A paper leaves no tombstone: whether it ever was here cannot be told.
            return Standing("changed", f"the paper {item.source[:200]!r} is not in this lake")
        if item.sha256 != paper.sha256:
            return Standing("changed", f"the file of {paper.paper} has another hash now")
        span = _read_lines(item.locator)
        for passage in self._catalog.passages_of(paper.paper):
            if passage.locator == item.locator and item.text in passage.text:
                return HOLDS
            held = _read_lines(passage.locator)
            if span and held and held[0] <= span[0] and span[1] <= held[1]:
                lines = [""] * (held[0] - 1) + passage.text.split("\n")
                if passage.locator.partition("#")[0] == item.locator.partition("#")[0] and (
                    _check_span(item.text, lines, *span) == HOLDS
                ):
                    return HOLDS
        return Standing("failed", f"the text does not stand at {item.locator[:200]}")

    def _check_described(self, item: Evidence) -> Standing:
        if item.text in self._described(item.locator):
            return HOLDS
        return Standing("changed", "the lake says something else of itself now")


def _check_node(item: Evidence, card: Card, pointer: str) -> Standing:
    span = card.metadata_lines.get(pointer)
    if span is None:
        return Standing("failed", f"the card has no field {pointer[:200]}")
    block = card.lines_text(span)
    # A node's span may take in blank lines and comments that follow it.
    if block != item.text and not block.startswith(item.text + "\n"):
        return Standing("failed", f"the text does not stand at {item.locator[:200]}")
    return HOLDS


def _check_record(item: Evidence, record: ModelRecord) -> Standing:
    """`text` is one `"key": value` of the record that the source gave beside the card."""
    if item.sha256 != record.record_sha256:
        # Downloads and the like change while card and revision stay.
        return Standing("changed", f"the record of {record.model} has another hash now")
    key = item.locator.partition("#/")[2]
    columns = json.loads(record.record_json)
    try:
        told = json.loads(f"{{{item.text}}}")
    except ValueError:
        told = None
    if key not in columns or told != {key: columns[key]}:
        return Standing("failed", f"the text does not stand at {item.locator[:200]}")
    return HOLDS


def _check_adapter(item: Evidence, record: ModelRecord) -> Standing:
    base = read_adapter_base(record.record_json)
    if base is None or item.sha256 != base.sha256:
        # A configuration may change while card and revision stay.
        return Standing("changed", f"the {ADAPTER_CONFIG} of {record.model} has another hash now")
    if (item.locator, item.text) != (base.locator, base.text):
        return Standing("failed", f"the text does not stand at {item.locator[:200]}")
    return HOLDS


def _read_lines(locator: str) -> tuple[int, int] | None:
    """First and last line of a locator of lines, else None."""
    found = _LINES.fullmatch(locator)
    return (int(found["first"]), int(found["last"] or found["first"])) if found else None


def _check_span(text: str, lines: Sequence[str], first: int, last: int) -> Standing:
    """Whether `text` begins on line `first` and ends on line `last`, verbatim."""
    block = "\n".join(lines[first - 1 : last])
    at = block.find(text) if first <= last <= len(lines) else -1
    while at >= 0:
        begins, ends = block.count("\n", 0, at), block.count("\n", at + len(text))
        if not begins and not ends:
            return HOLDS
        at = block.find(text, at + 1)
    where = f"lines {first} to {last}" if first != last else f"line {first}"
    return Standing("failed", f"the text does not stand on {where}")
