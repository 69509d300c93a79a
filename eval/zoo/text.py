"""Synthetic text as token ids: frequencies after Zipf, and words that prefer few successors.

Every corpus of one size has the same frequencies, as natural text has; independent models so have in common
what models of one language have in common. A domain prefers other successors for part of the words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MASK = SPECIAL.index("[MASK]")
_LANGUAGE_SEED = 20_240
_CHOICES = 4
_ONSETS = ("b", "br", "d", "f", "g", "k", "kl", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_CODAS = ("", "n", "r", "s", "l", "m", "k")


def spell_word(number: int) -> str:
    """A word that can be spoken, another one for every number."""
    parts = []
    while True:
        number, onset = divmod(number, len(_ONSETS))
        number, vowel = divmod(number, len(_VOWELS))
        number, coda = divmod(number, len(_CODAS))
        parts.append(_ONSETS[onset] + _VOWELS[vowel] + _CODAS[coda])
        if number == 0:
            return "".join(parts)
        number -= 1


def list_words(vocabulary: int) -> list[str]:
    """The words of the synthetic language by token id, special tokens first."""
    return [*SPECIAL, *(spell_word(number) for number in range(vocabulary - len(SPECIAL)))]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Text over `vocabulary` tokens. Domain 0 is general; others change `shift` of the words' successors."""

    vocabulary: int
    domain: int = 0
    shift: float = 0.5

    def draw(self, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """`count` texts of `length` tokens each."""
        successors, weights = self._build_language()
        choices = np.array([0.45, 0.25, 0.2, 0.1]).cumsum()
        common = rng.choice(len(weights), size=(count, length), p=weights)
        follow = rng.random((count, length)) < 0.8
        which = np.minimum(np.searchsorted(choices, rng.random((count, length))), _CHOICES - 1)
        texts = np.empty((count, length), np.int64)
        texts[:, 0] = common[:, 0]
        for place in range(1, length):
            preferred = successors[texts[:, place - 1], which[:, place]]
            texts[:, place] = np.where(follow[:, place], preferred, common[:, place])
        return texts

    def _build_language(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The preferred successors of every token, shape (vocabulary, 4), and the frequencies of all."""
        rng = np.random.default_rng(_LANGUAGE_SEED + self.vocabulary)
        weights: NDArray[np.float64] = 1.0 / (np.arange(self.vocabulary, dtype=np.float64) + 3.0)
        weights[: len(SPECIAL)] = 0.0
        weights = weights / float(weights.sum())
        successors = rng.choice(self.vocabulary, size=(self.vocabulary, _CHOICES), p=weights)
        if self.domain:
            own = np.random.default_rng([_LANGUAGE_SEED, self.domain])
            changed = own.random(self.vocabulary) < self.shift
            fresh = own.choice(self.vocabulary, size=successors.shape, p=weights)
            successors[changed] = fresh[changed]
        return successors, weights
