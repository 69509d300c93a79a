"""The one kind of thing that can be cited, and the ledger that numbers it within a conversation."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

# The source of what the lake says of itself: counts, and what audits and drafts of its cards find. Code makes
# its text from the catalog, and it names the models it is about.
LAKE_SOURCE = "lake"

EvidenceKind = Literal["card", "metadata", "config", "weights", "lineage", "results", "paper", "repo"]


class Evidence(BaseModel):
    """A passage, a field, a result cell or a statistic that a statement can stand on.

    `text` is verbatim what stands at `locator` in `source` (for `weights`: the statistic in words and
    numbers). `sha256` is that of the whole source file; for a card from a dump, of the `card` cell's UTF-8.
    `source` is `org/name@revision`, a paper's id or a path. Locators: `README.md#L12-L18` (1-based,
    inclusive, front matter counted), `README.md#/license`, `record.json#/downloads`, `page 3`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: EvidenceKind
    source: str
    locator: str
    text: str
    sha256: str

    @property
    def model(self) -> str:
        """The bare `org/name` (or paper id) this evidence belongs to."""
        return self.source.partition("@")[0]


class EvidenceLedger:
    """Evidence of one conversation, under keys `E1`, `E2`, … that are never reused.

    Adding the same text of the same place in the same version of the file again returns the key it already
    has. Tools that run side by side may add to one ledger.
    """

    def __init__(self, items: Iterable[Evidence] = (), *, last: int = 0) -> None:
        """`items` keep their keys; `last` is the highest number ever given out, if that is higher."""
        self._items: dict[str, Evidence] = {}
        self._by_place: dict[tuple[str, str, str, str, str], str] = {}
        self._last = last
        self._lock = threading.Lock()
        for item in items:
            self._items[item.id] = item
            self._by_place[item.kind, item.source, item.locator, item.text, item.sha256] = item.id
            self._last = max(self._last, int(item.id[1:]))

    def add(self, kind: EvidenceKind, source: str, locator: str, text: str, sha256: str) -> Evidence:
        """Register evidence and return it with its key."""
        place = (kind, source, locator, text, sha256)
        with self._lock:
            if known := self._by_place.get(place):
                return self._items[known]
            self._last += 1
            item = Evidence(
                id=f"E{self._last}", kind=kind, source=source, locator=locator, text=text, sha256=sha256
            )
            self._items[item.id] = item
            self._by_place[place] = item.id
            return item

    @property
    def last(self) -> int:
        """The highest number ever given out, 0 for none."""
        return self._last

    def get(self, key: str) -> Evidence | None:
        """The evidence under `key`, or None when no such key was ever given out."""
        return self._items.get(key)

    def __iter__(self) -> Iterator[Evidence]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)
