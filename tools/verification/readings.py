"""A text as the verifier reads it: its words, numbers and metrics, each with its place in the folded text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from tools.metrics import METRICS
from tools.verification.folding import Folded, fold_text
from tools.verification.numbers import Number, find_numbers
from tools.verification.words import Word, find_words, split_parts


@dataclass(frozen=True, slots=False)
class Reading:
    """A text with its words, numbers and metrics found."""

    text: str

    @cached_property
    def folded(self) -> Folded:
        return fold_text(self.text)

    @cached_property
    def words(self) -> list[Word]:
        return find_words(self.folded.text)

    @cached_property
    def numbers(self) -> list[Number]:
        return find_numbers(self.folded.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        stems = {word.stem for word in self.words}
        for word in self.words:
            if len(word.parts) > 1 and not word.low.isalpha():
                stems |= {part.stem for part in find_words(" ".join(word.parts))}
        return frozenset(stems)

    @cached_property
    def lows(self) -> frozenset[str]:
        return frozenset(word.low for word in self.words)

    @cached_property
    def squashed(self) -> tuple[str, frozenset[int]]:
        """All letters and digits in a row, and where a run of either begins or ends."""
        parts = split_parts(self.folded.lower)
        edges = {0}
        at = 0
        for part in parts:
            at += len(part)
            edges.add(at)
        return "".join(parts), frozenset(edges)

    @cached_property
    def metrics(self) -> list[tuple[str, int, int]]:
        """(name, start, end) of metrics in the folded text, the more special instead of the general."""
        found: list[tuple[str, int, int]] = []
        text = self.folded.text.replace("_", " ")
        for metric in METRICS:
            for match in metric.pattern.finditer(text):
                if not any(start < match.end() and match.start() < end for _, start, end in found):
                    found.append((metric.name, match.start(), match.end()))
        return sorted(found, key=lambda item: item[1])

    def holds_run(self, squashed: str) -> bool:
        """Whether letters and digits stand here in a row, whatever separates them, at edges of words."""
        if not squashed:
            return False
        text, edges = self.squashed
        at = text.find(squashed)
        while at >= 0:
            if at in edges and at + len(squashed) in edges:
                return True
            at = text.find(squashed, at + 1)
        return False


@lru_cache(maxsize=4096)
def read_text(text: str) -> Reading:
    """The reading of a text; cached, for evidence is read again in every turn of a conversation."""
    return Reading(text)
