"""Words of a folded text with their stems, and which of them claim nothing by themselves."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from tools.verification.folding import fold_lookalikes

# A word keeps what glues names together: gpt-2, squad_v2, v1.5, c++, facebook/bart-base, f1-score.
_WORD = re.compile(r"[^\W_](?:[\w+]|[-.'/:@&](?=\w))*(?:\+\+|#)?|[^\W]+")
_PART = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word at `start:end` of a folded text. `parts` are its letter and digit runs, lower case."""

    text: str
    low: str
    stem: str
    parts: tuple[str, ...]
    start: int
    end: int
    initial: bool  # first of its sentence, so that a capital says nothing

    @property
    def is_name(self) -> bool:
        """Capitalised inside a sentence, capitals or digits inside the word, or glued as identifiers are."""
        text = self.text
        if any(character.isdigit() for character in text) or "_" in text or "/" in text or "@" in text:
            return True
        if re.search(r"[^\W\d_][A-Z]", text) or (len(text) > 1 and text.isupper()):
            return True
        if text[0].isupper() and not self.initial:
            return True
        return (
            not text.isascii()
            and text[0].isalpha()
            and not "à" <= text[0].lower() <= "ɏ"
            and not text.isalpha()
        )


@lru_cache(maxsize=65536)
def stem_word(low: str) -> str:
    """A stem under which the forms of a word meet: classif-ies, summar-isation; never across prefixes."""
    low = low.removesuffix("'s").removesuffix("'")
    if same := _same().get(low):
        return same
    if not low.isalpha():
        return low
    for suffix in _suffixes():
        rest = len(low) - len(suffix)
        if low.endswith(suffix) and rest >= (3 if suffix in ("s", "es", "ed", "ing") else 4):
            if suffix == "s" and low.endswith(("ss", "us", "is")):
                continue
            stem = low[:rest]
            if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
                stem = stem[:-1]
            return _same().get(stem, stem)
    return low


def find_words(text: str) -> list[Word]:
    """Words of a folded text in order."""
    words = []
    fresh = True
    at = 0
    for match in _WORD.finditer(text):
        gap = text[at : match.start()]
        if re.search(r"[.!?:;•]\s|[\"(\[]$|^\W*$", gap) and (at == 0 or re.search(r"[.!?:;•\"(\[]", gap)):
            fresh = True
        written = fold_lookalikes(match[0])
        low = written.casefold()
        words.append(
            Word(
                text=written,
                low=low,
                stem=stem_word(low),
                parts=split_parts(low),
                start=match.start(),
                end=match.end(),
                initial=fresh,
            )
        )
        fresh = False
        at = match.end()
    return words


@lru_cache(maxsize=65536)
def split_parts(low: str) -> tuple[str, ...]:
    """Letter and digit runs: "gpt-j-6b" -> gpt, j, 6, b."""
    return tuple(_PART.findall(low))


@cache
def _load() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("tools.verification").joinpath("words.toml").read_text("utf-8"))


@cache
def _suffixes() -> tuple[str, ...]:
    return tuple(sorted(_load()["stems"]["suffixes"].split(), key=len, reverse=True))


@cache
def _same() -> dict[str, str]:
    """Form of a word -> the first word of its line."""
    lines = (line.split() for line in _load()["stems"]["same"].strip().splitlines())
    return {word: line[0] for line in lines for word in line}


@cache
def free_words() -> frozenset[str]:
    """Words that need no support."""
    return frozenset(word for group in _load()["free"].values() for word in group.split())


@cache
def label_words() -> frozenset[str]:
    """Words of headings and column headers: names of fields, which claim nothing without a value."""
    return frozenset(_load()["labels"]["fields"].split())


@cache
def polar_words() -> frozenset[str]:
    """Words that need no support, but whose negation does."""
    return frozenset(_load()["polarity"]["verbs"].split())


@cache
def alternatives(group: str, key: str) -> str:
    """The phrases of a list of words.toml as a group of a regular expression, longest first."""
    phrases = re.split(r"\s*\|\s*|\n", _load()[group][key].strip())
    return "(?:" + "|".join(sorted(filter(None, phrases), key=len, reverse=True)) + ")"


@cache
def talk_words(key: str) -> frozenset[str]:
    """Single words of talk: `counted`, `told`, `degrees` or `writer`."""
    return frozenset(_load()["talk"][key].split())


@cache
def is_free(low: str) -> bool:
    """Whether a word claims nothing by itself."""
    words = free_words()
    bare = re.sub(r"(?:n't|'(?:s|m|re|ve|ll|d))$", "", low)
    return low in words or bare in words
