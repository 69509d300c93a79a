"""Negation: which words of a text stand under one, so that a dropped or added "not" is seen."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from tools.verification.readings import Reading, read_text
from tools.verification.words import is_free, polar_words, stem_word

_NEGATOR = re.compile(
    r"\b(?:not|no|never|cannot|without|neither|nor|none|nothing|nobody|hardly|barely|unable|unsuitable"
    r"|unsuited|except"
    r"|excluding|"
    r"instead of|rather than|fails? to|failed to|forbid\w*|prohibit\w*|disallow\w*|lacks?|lacking|non"
    r"|zero(?![- ]?shot)|isnt|"
    r"doesnt|cant|dont|wont|unlike|other than|ohne|nicht)\b|n't\b|\bnon(?=-)",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"[;:!?]|(?<!\be\.g)(?<!\bi\.e)\.(?=\s|$)|,\s*(?=but\b|however\b|and (?:is|it|can|has)\b)"
    r"|\b(?:but|however|although|while)\b",
    re.I,
)
# "not only X but also Y" denies nothing; "no more than 3" is a bound; "not just".
_HARMLESS = re.compile(
    r"\b(?:not|n't) (?:only|just|merely)\b|\bno (?:more|less|fewer|later|doubt)\b|\bno\.\s*\d"
    r"|^\W*no\s*[,;:!]",
    re.I,
)
# "German is not supported": the subject of a denied verb is denied as much as affirmed.
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|might|must|should|will|would)\s*$",
    re.I,
)
_RELATIVE = re.compile(r"\b(?:who|whom|whose|which)\b", re.IGNORECASE)
_ID = re.compile(r"/.*[-_\d]|[-_\d].*/")  # the words of a model's id say nothing
_REACH = 9  # words after a negator that it can govern


@dataclass(frozen=True, slots=True)
class Polarity:
    """Stems of content words: under a negation, under none, and of the subjects of denied verbs."""

    denied: frozenset[str]
    plain: frozenset[str]
    subject: frozenset[str]


def is_denied(reading: Reading, start: int) -> bool:
    """Whether what stands at `start` of the folded text is under a negation."""
    return sum(first <= start < last for first, last, _ in _find_scopes(reading)) % 2 == 1


def find_reversed(statement: Reading, passages: Collection[Reading]) -> str:
    """A word that the statement denies and the passages affirm, or the other way round; "" when none."""
    own = read_polarity(statement.text)
    sources = [read_polarity(passage.text) for passage in passages]
    denied = frozenset[str]().union(*(source.denied | source.subject for source in sources))
    plain = frozenset[str]().union(*(source.plain for source in sources))
    for stem in sorted((own.denied | own.subject) - own.plain):
        if stem in plain and stem not in denied:
            return stem
    for stem in sorted(own.plain - own.denied - own.subject):
        if stem in denied and stem not in plain:
            return stem
    # "It works with accents", of "Accents are not recognised": only the subject of what is denied.
    said = {
        word.stem
        for word in statement.words
        if "/" not in word.low and not is_free(word.low) and word.low not in polar_words()
    }
    if said and not own.denied and any(said <= source.subject for source in sources):
        return sorted(said)[0]
    return ""


@lru_cache(maxsize=4096)
def read_polarity(text: str) -> Polarity:
    """What a text denies and what it does not."""
    reading = read_text(text)
    scopes = _find_scopes(reading)
    denied: set[str] = set()
    plain: set[str] = set()
    subject: set[str] = set()
    counts = dict.fromkeys(range(len(scopes)), 0)
    for word in reading.words:
        if (is_free(word.low) and word.low not in polar_words()) or word.low == "non":
            continue
        inside = 0
        for n, (start, end, _) in enumerate(scopes):
            if start <= word.start < end and counts[n] < _REACH:
                counts[n] += 1
                inside += 1
        stems = {word.stem}
        if len(word.parts) > 1 and not _ID.search(word.low):
            stems |= {part for part in word.parts if part.isalpha()}
        if word.low.startswith("non") and len(word.low) > 6 and word.parts[0].startswith("non"):
            # "non-English", "noncommercial": the rest of the word is what is denied.
            stems = {stem_word(word.low.removeprefix("non").lstrip("-"))}
            inside += 1
        if inside % 2:
            denied |= stems
        else:
            plain |= stems
            if any(first >= 0 and first <= word.start < start for start, _, first in scopes):
                subject |= stems
    return Polarity(frozenset(denied), frozenset(plain), frozenset(subject))


def _find_scopes(reading: Reading) -> list[tuple[int, int, int]]:
    """(start, end, subject) of what each negation governs; `subject`: where its verb's begins, or -1."""
    text = _HARMLESS.sub(lambda match: "-" * len(match[0]), reading.folded.text)
    scopes = []
    for match in _NEGATOR.finditer(text):
        stop = _STOP.search(text, match.end())
        before = text[: match.start()]
        subject = -1
        if match[0].lower() in ("not", "n't", "never") and _AUXILIARY.search(before):
            stops = [m.end() for m in _STOP.finditer(before)]
            # "plain words for people who are not lawyers": denied of the people, of nothing before them.
            subject = max([0, *stops, *(m.end() for m in _RELATIVE.finditer(before))])
        scopes.append((match.end(), stop.start() if stop else len(text), subject))
    return scopes
