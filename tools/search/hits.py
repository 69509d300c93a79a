"""From ranked models to hits: the passages that speak for each, why it is there, and how sure that is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tools.catalog.records import ModelRecord, PassageRow
from tools.reading import content_words, stem_word
from tools.search.index import LakeIndex
from tools.search.signals import Signals
from tools.search.summary import spell_name
from tools.search.types import Constraint, SearchHit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.lake import Lake

_PASSAGES_A_HIT = 3
# Passages of a hit that are read to choose from, and how much of each.
_SHORTLIST = 5
_READ_CHARACTERS = 600
_LIKELY_TASK = 0.2
_TERM = re.compile(r"[^\W_]+")
# The cosine at which a best hit is as likely off the question as on it, and how fast that changes.
_EVEN_COSINE = 0.32
_COSINE_SPREAD = 0.06


class PassageReader:
    """Chooses for each hit the passages that speak for it, and says why it is there."""

    def __init__(
        self, lake: Lake, index: LakeIndex, signals: Signals, terms: Sequence[str], chosen: Sequence[int]
    ) -> None:
        self._index = index
        self._signals = signals
        self._terms = set(terms)
        wanted = [passage for number in chosen for passage in self._shortlist(number)]
        self._rows: dict[int, list[PassageRow]] = {}
        self._stems: dict[int, set[str]] = {}
        for row in lake.catalog.get_passages(wanted):
            self._rows.setdefault(index.owner[row.id], []).append(row)
            self._stems[row.id] = set(content_words(row.text[:_READ_CHARACTERS]))

    def _shortlist(self, number: int) -> list[int]:
        places = self._index.places.get(number, [])
        cosines, scores = self._signals.passage_cosines, self._signals.passage_scores
        near = [
            (cosines.get(text_hash, 0.0) + scores.get(passage, 0.0), passage) for passage, text_hash in places
        ]
        return [passage for _, passage in sorted(near, key=lambda item: -item[0])[:_SHORTLIST]]

    def make_hit(
        self,
        number: int,
        score: float,
        verdicts: Mapping[Constraint, NDArray[np.int8]],
        unknown: tuple[str, ...],
    ) -> SearchHit:
        """The model at `number` with its best passages."""
        record = self._index.records[number]
        literals = [c.value.lower() for c in verdicts if c.field in ("text", "dataset") and not c.negated]
        rows = sorted(self._rows.get(number, []), key=lambda row: -self._speaks(row, literals))
        chosen = tuple(rows[:_PASSAGES_A_HIT])
        why: list[str] = []
        if record.task and self._signals.tasks.get(record.task, 0.0) >= _LIKELY_TASK:
            why.append(f"task {record.task}")
        for constraint, verdict in verdicts.items():
            if verdict[number] == 1 and constraint.field not in ("task", "text") and not constraint.negated:
                why.append(f"{constraint.field} {_told(constraint, record)}")
        if shared := sorted(self._terms & self.said(number, chosen), key=len, reverse=True)[:4]:
            why.append(f"mentions: {', '.join(_spell(shared, chosen))}")
        return SearchHit(record, score, chosen, tuple(dict.fromkeys(why)), unknown)

    def said(self, number: int, rows: Sequence[PassageRow]) -> set[str]:
        """Stems of the model's name, title and task, and of these passages of it."""
        record = self._index.records[number]
        names = set(content_words(f"{spell_name(record.model)} {record.title} {record.task or ''}"))
        return names.union(*(self._stems[row.id] for row in rows))

    def _speaks(self, row: PassageRow, literals: Sequence[str]) -> float:
        share = len(self._stems[row.id] & self._terms) / max(len(self._terms), 1)
        held = any(literal in row.text.lower() for literal in literals)
        return self._signals.passage_cosines.get(row.text_hash, 0.0) + 0.5 * share + (0.5 if held else 0.0)


def _told(constraint: Constraint, record: ModelRecord) -> str:
    actual = getattr(record, constraint.field, None)
    return str(actual) if isinstance(actual, str | int) else constraint.value


def _spell(stems: Sequence[str], rows: Sequence[PassageRow]) -> list[str]:
    """The words of the passages behind the stems, so that a person reads words."""
    spelled: dict[str, str] = {}
    for row in rows:
        for word in _TERM.findall(row.text[:_READ_CHARACTERS]):
            if (stem := stem_word(word)) in stems:
                spelled.setdefault(stem, word.lower())
    return [spelled.get(stem, stem) for stem in stems]


def estimate_confidence(
    signals: Signals,
    reader: PassageReader,
    chosen: Sequence[int],
    hits: Sequence[SearchHit],
    asked: set[str],
) -> float:
    """0 to 1: how near the best hits are in meaning, and how much of the question's words they hold."""
    if not chosen:
        return 0.0
    near = max(max(float(signals.summary[n]), float(signals.passages[n])) for n in chosen)
    covered = max(
        len(asked & reader.said(number, hit.passages)) / max(len(asked), 1)
        for number, hit in zip(chosen, hits, strict=False)
    )
    if not signals.passage_cosines:
        return covered
    nearness = 1 / (1 + math.exp((_EVEN_COSINE - near) / _COSINE_SPREAD))
    return nearness * (0.6 + 0.4 * min(1.0, 2 * covered))
