"""Negation: which words of a text stand under one, so that a dropped or added "not" is seen."""

from __future__ import annotations

import re
from collections.abc import Collection

from tools.verification.readings import Reading
from tools.verification.words import is_free, polar_words, stem_word

_NEGATOR = re.compile(
    r"\b(?:not|no|never|cannot|without|neither|nor|none|nothing|nobody|hardly|barely|unable|unsuitable"
    r"|unsuited|except"
    r"|excluding|"
    r"instead of|rather than|fails? to|failed to|forbid\w*|prohibit\w*|disallow\w*|lacks?|lacking|non"
    r"|zero|isnt|"
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
_REACH = 9  # words after a negator that it can govern


def _scan(reading: Reading) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of content words under a negation, and of those under none; a word may stand in both."""
    text = _HARMLESS.sub(lambda match: "-" * len(match[0]), reading.folded.text)
    scopes: list[tuple[int, int]] = []
    subjects: list[tuple[int, int]] = []
    for match in _NEGATOR.finditer(text):
        stop = _STOP.search(text, match.end())
        scopes.append((match.end(), stop.start() if stop else len(text)))
        before = text[: match.start()]
        if match[0].lower() in ("not", "n't", "never") and _AUXILIARY.search(before):
            subjects.append((max((m.end() for m in _STOP.finditer(before)), default=0), match.start()))
    negated: set[str] = set()
    plain: set[str] = set()
    counts = dict.fromkeys(range(len(scopes)), 0)
    for word in reading.words:
        if (is_free(word.low) and word.low not in polar_words()) or word.low == "non":
            continue
        inside = 0
        for n, (start, end) in enumerate(scopes):
            if start <= word.start < end and counts[n] < _REACH:
                counts[n] += 1
                inside += 1
        stems = {word.stem} | (
            {part for part in word.parts if part.isalpha()} if len(word.parts) > 1 else set()
        )
        if word.low.startswith("non") and len(word.low) > 6 and word.parts[0].startswith("non"):
            # "non-English", "noncommercial": the rest of the word is what is denied.
            stems = {stem_word(word.low.removeprefix("non").lstrip("-"))}
            inside += 1
        if inside % 2:
            negated |= stems
        else:
            plain |= stems
            if any(start <= word.start < end for start, end in subjects):
                negated |= stems
    return frozenset(negated), frozenset(plain)


def find_reversed(statement: Reading, passages: Collection[Reading]) -> str:
    """A word that the statement denies and the passages affirm, or the other way round; "" when none."""
    denied, affirmed = _scan(statement)
    source_denied: set[str] = set()
    source_affirmed: set[str] = set()
    for passage in passages:
        negated, plain = _scan(passage)
        source_denied |= negated
        source_affirmed |= plain
    for stem in sorted(denied - affirmed):
        if stem in source_affirmed and stem not in source_denied:
            return stem
    for stem in sorted(affirmed - denied):
        if stem in source_denied and stem not in source_affirmed:
            return stem
    return ""
