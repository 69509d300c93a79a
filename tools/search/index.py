"""What search keeps of a lake in memory: its models by position, and which vector or passage is whose.

It is read from the catalog when first needed and again after the catalog was written to; one process owns a
lake, so the count of its writes says whether what was read is current.
"""

from __future__ import annotations

import math
import re
import threading
from functools import cache, cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tools.catalog.records import ModelRecord
from tools.search.summary import spell_name
from tools.search.vocabulary import language_names

if TYPE_CHECKING:
    from tools.lake import Lake

_INDEXES: WeakKeyDictionary[Lake, LakeIndex] = WeakKeyDictionary()
_LOCK = threading.Lock()


@cache
def language_pattern() -> re.Pattern[str]:
    """Names of languages as words of a lower-case text."""
    names = sorted(language_names(), key=len, reverse=True)
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, names))})(?![a-z])")


class LakeIndex:
    """Positions 0…n-1 stand for `records`; every other field is by position or leads to positions."""

    def __init__(self, lake: Lake) -> None:
        catalog = lake.catalog
        self.writes = catalog.writes
        self.records: list[ModelRecord] = catalog.list_models()
        self.position = {record.model: number for number, record in enumerate(self.records)}
        self.by_summary: dict[str, list[int]] = {}
        for model, text_hash in catalog.summary_hashes().items():
            if model in self.position:
                self.by_summary.setdefault(text_hash, []).append(self.position[model])
        self.by_passage: dict[str, list[int]] = {}
        self.owner: dict[int, int] = {}
        # (passage id, text hash) of a model's prose and lists, in the order they stand; else of all it has.
        self.places: dict[int, list[tuple[int, str]]] = {}
        others: dict[int, list[tuple[int, str]]] = {}
        for passage, text_hash, model, kind in catalog.passage_places():
            if model in self.position:
                number = self.position[model]
                self.owner[passage] = number
                self.by_passage.setdefault(text_hash, []).append(number)
                kept = self.places if kind in ("prose", "list") else others
                kept.setdefault(number, []).append((passage, text_hash))
        for number, places in others.items():
            self.places.setdefault(number, places)
        self.tasks = {record.task for record in self.records if record.task}
        self.popularity = [math.log10(1 + (record.downloads or 0)) / 8 for record in self.records]
        # What a model's names say, lower-case: where literal conditions are looked up first.
        self.labels = [
            " ".join(
                [record.model, spell_name(record.model), record.title, record.library or "", *record.tags]
            ).lower()
            for record in self.records
        ]

    @cached_property
    def named_languages(self) -> list[frozenset[str]]:
        """Codes of the languages that a model's names spell out."""
        spelled = language_pattern()
        codes = language_names()
        return [frozenset(codes[word] for word in spelled.findall(label)) for label in self.labels]


def open_index(lake: Lake) -> LakeIndex:
    """The index of `lake`, read anew when the catalog was written to since."""
    with _LOCK:
        index = _INDEXES.get(lake)
        if index is None or index.writes != lake.catalog.writes:
            index = LakeIndex(lake)
            _INDEXES[lake] = index
        return index
