"""Texts on common ground: what a reader sees, without markup, case and typography, with the way back.

Every folded character knows the span of the original it came from, so that what is found in the folded
text can be given verbatim. Compatibility forms after Unicode NFKD; decimal digits of any script become ASCII.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

_QUOTES = dict.fromkeys("“”„‟«»″〝〞＂❝❞", '"') | dict.fromkeys("‘’‚‛‹›′`´ʼ＇❛❜", "'")
_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-")
_SINGLE = _QUOTES | _DASHES | {"…": "...", "⁄": "/", "∕": "/", "·": "·", "×": "x", "ı": "i"}
# Letters of other scripts that cannot be told from Latin ones on a screen.
_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕһԁԛԝкмнтвгпАЕОРСУХІЈЅКМНТВαορνικτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijshdqwkmhtbrnAEOPCYXIJSKMHTBaopviktuxABEZHIKMNOPTYX",
        strict=True,
    )
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")

_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)"
_IMAGE = re.compile(rf"!\[(?P<text>[^\[\]]*)\]{_TARGET}")
_LINK = re.compile(rf"!?\[(?P<text>[^\[\]]*|!\[[^\[\]]*\]{_TARGET})\]{_TARGET}")
_PIECE = re.compile(
    r"(?P<entity>&(?:[A-Za-z]{2,31}|\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6});)"
    r"|(?P<tag></?[A-Za-z][^<>]{0,400}>|<!--|-->)"
    r"|(?P<escape>\\(?=[\\`*_{}\[\]()#+\-.!|~<>]))"
    r"|(?P<leader>^[ \t]*(?:(?:[-*+•>]|\#{1,6})[ \t]+)+|^[ \t]*>+[ \t]*$)"
    r"|(?P<emphasis>\*+|~~|`+|(?<![^\W_])_+(?=\S)|(?<=\S)_+(?![^\W_]))"
    r"|(?P<space>[\s|]+)"
    r"|(?P<plain>[a-z0-9]+)"
    r"|(?P<other>.)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=False)
class Folded:
    """`text` with, for each of its characters, `starts` and `ends` in the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original behind `text[start:end]`, which is not empty."""
        return self.starts[start], self.ends[end - 1]

    @cached_property
    def lower(self) -> str:
        """`text` without case, of the same length."""
        return "".join(_lower(character) for character in self.text)


@lru_cache(maxsize=2048)
def _lower(character: str) -> str:
    lowered = character.casefold()
    return lowered if len(lowered) == 1 else character.lower()[:1]


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in _SINGLE:
        return _SINGLE[character]
    if _INVISIBLE.match(character):
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "No" and (value := unicodedata.numeric(character)) % 1:
        return f" {value:.6g}"  # a vulgar fraction
    parts = (_SINGLE.get(part, part) for part in unicodedata.normalize("NFKD", character))
    return "".join(" " if part.isspace() else part for part in parts if not _INVISIBLE.match(part))


@lru_cache(maxsize=1024)
def fold_text(text: str) -> Folded:
    """`text` as a reader sees it: one line, markup gone, case kept (`Folded.lower` has none)."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def emit(written: str, start: int, end: int) -> None:
        for character in written:
            if character == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(character)
            starts.append(start)
            ends.append(end)

    for start, end in _kept(text):
        for match in _PIECE.finditer(text, start, end):
            kind, piece = match.lastgroup, match[0]
            at = match.start()
            if kind == "plain":
                characters.extend(piece)
                starts.extend(range(at, match.end()))
                ends.extend(range(at + 1, match.end() + 1))
            elif kind in ("space", "tag", "leader"):
                emit(" ", at, match.end())
            elif kind == "entity":
                for character in html.unescape(piece):
                    emit(_fold_character(character), at, match.end())
            elif kind == "other":
                emit(_fold_character(piece), at, match.end())
    if characters and characters[-1] == " ":
        del characters[-1], starts[-1], ends[-1]
    return Folded("".join(characters), tuple(starts), tuple(ends))


def _kept(text: str) -> Iterator[tuple[int, int]]:
    """Spans of `text` that are shown: of a link only its words, of an image in a link its own."""
    at = 0
    for link in _LINK.finditer(text) if "](" in text else ():
        yield at, link.start()
        image = _IMAGE.fullmatch(text, *link.span("text"))
        yield (image or link).span("text")
        at = link.end()
    yield at, len(text)


def fold_lookalikes(word: str) -> str:
    """`word` with Cyrillic and Greek look-alikes as Latin letters, if it then is Latin throughout."""
    if word.isascii():
        return word
    latin = "".join(_LOOKALIKES.get(character, character) for character in word)
    return latin if latin.isascii() else word
