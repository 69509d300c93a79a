"""What a text asserts: its numbers, licences, metrics, names, and the words that claim something."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.search.vocabulary import language_names
from tools.verification.anchors import ROLES
from tools.verification.licences import Licence, find_licences
from tools.verification.numbers import Number
from tools.verification.readings import Reading
from tools.verification.words import Word, is_free

# "Macro F1" is another figure than "micro F1".
_QUALIFIER = re.compile(r"^(?:macro|micro|weighted|average)(?=[- _])|^(?:sacre)(?=bleu)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Need:
    """What a claim needs from one unit."""

    numbers: tuple[Number, ...]
    licences: tuple[Licence, ...]
    metrics: tuple[tuple[str, int, int], ...]
    names: tuple[Word, ...]
    words: tuple[Word, ...]

    def __bool__(self) -> bool:
        return bool(self.numbers or self.licences or self.metrics or self.names or self.words)


def read_need(reading: Reading, explained: Sequence[tuple[int, int]] = ()) -> Need:
    """What the text of a claim asserts; spans of `explained` (of its folded text) are settled elsewhere."""
    text = reading.folded.text
    licences = tuple(item for item in find_licences(text) if not is_within(item.start, item.end, explained))
    taken = [*explained, *((item.start, item.end) for item in licences)]
    numbers = tuple(number for number in reading.numbers if not is_within(number.start, number.end, taken))
    metrics = tuple(metric for metric in reading.metrics if not is_within(metric[1], metric[2], taken))
    taken += [(number.lead, number.end) for number in numbers]
    # "Macro F1" is another figure than "micro F1": the qualifier has to stand in the source as a word.
    taken += [
        (start, end)
        if not (qualified := _QUALIFIER.search(text[start:end]))
        else (start + qualified.end(), end)
        for _, start, end in metrics
    ]
    names: list[Word] = []
    words: list[Word] = []
    for word in reading.words:
        if is_within(word.start, word.end, taken) or (is_free(word.low) and not _is_shouted(word)):
            continue
        if (
            all(is_free(part) or not part.isalpha() for part in word.parts)
            and word.low.replace("-", "").isalpha()
        ):
            continue
        (names if word.is_name or word.stem in ROLES or word.low in language_names() else words).append(word)
    return Need(numbers, licences, metrics, tuple(names), tuple(words))


def is_within(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether `start:end` lies inside one of the spans."""
    return any(first <= start and end <= last for first, last in spans)


def _is_shouted(word: Word) -> bool:
    return word.text.isupper() and len(word.text) > 1 and not word.initial and word.low in ("it", "us", "who")


def squash_name(low: str) -> str:
    """Letters and digits only, lower case: how names are compared."""
    return re.sub(r"[\W_]+", "", low.lower())
