"""Quotes of an answer, and whether they stand in a source: as written, or but for case and typography."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tools.verification.folding import Folded, fold_text

MIN_QUOTE = 12  # characters; shorter quotes are names, checked as facts
_PAIRS = re.compile(
    r"“(?P<a>[^“”]*)[”\"]|„(?P<b>[^„“”]*)[“”]|«(?P<c>[^«»]*)»|»(?P<d>[^«»]*)«|‹(?P<e>[^‹›]*)›"
    r"|「(?P<f>[^」]*)」"
    r"|(?<![\w\"])\"(?P<g>(?:[^\"]|(?<=\d)\"(?=\d))*?)\"(?!\w)"
    r"|(?<![\w'])['‘](?P<h>[^'‘’\n]{12,}?(?:['’](?=\w)[^'‘’\n]*?)*)['’](?!\w)|``(?P<i>[^`']+)''"
    r"|&(?:ldquo|laquo);(?P<j>.*?)&(?:rdquo|raquo);|&quot;(?P<k>.*?)&quot;"
)
_ELLIPSIS = re.compile(r"\s*(?:[\[(]\s*)?(?:…|\.{3,}|\. \. \.)(?:\s*[\])])?\s*")
_NEGATION = re.compile(
    r"(?:\b(?:not|no|never|cannot|without|neither|nor|hardly|unable|except|excluding|rather than"
    r"|instead of|fails? to|"
    r"failed to|prohibit\w*|forbid\w*|forbidden|against|lacks?)\b|n't\b)(?P<rest>[^.;:!?]*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote at `start:end` of a statement, quotation marks included."""

    text: str
    start: int
    end: int


_ITEM = re.compile(r"\n\s*(?:[-*+•]|\d{1,2}[.)])\s|\n\s*\n")  # a list item denies nothing of the next


@dataclass(frozen=True, slots=True)
class Found:
    """Where a quote stands; `span` is the source's verbatim text, `lost` a negation left out before it."""

    status: Literal["exact", "normalized"]
    span: str
    start: int
    end: int
    lost: str = ""


def find_quotes(text: str) -> list[Quote]:
    """Quotes of a statement whose marks are blanked, in order."""
    quotes = []
    for match in _PAIRS.finditer(text):
        inner = next(group for group in match.groups() if group is not None)
        quotes.append(Quote(" ".join(inner.split()) if "\n" in inner else inner.strip(), *match.span()))
    return quotes


def find_unclosed(text: str) -> bool:
    """Whether a quotation mark opens and never closes, so that what is quoted cannot be told."""
    rest = _PAIRS.sub("", text)
    return "“" in rest or "„" in rest or "«" in rest


def locate_quote(quote: str, source: str) -> Found | None:
    """Where `quote` stands in `source`, contiguous; the parts beside an ellipsis in order and near."""
    parts = [part for part in _ELLIPSIS.split(quote) if re.search(r"\w", part)]
    if not parts:
        return None
    whole = _trim(quote)
    if len(parts) == 1:
        whole = _trim(parts[0])
    if whole and _is_bounded(source, whole):
        at = _bounded(source, whole, 0)
        return Found("exact", whole, at, at + len(whole), _lost(source[:at]))
    folded = _without_bullets(fold_text(source))
    text = folded.lower
    spans: list[tuple[int, int]] = []
    at = 0
    lost = ""
    for part in parts:
        wanted = _trim(_without_bullets(fold_text(part)).lower)
        if not wanted:
            return None
        start = _bounded(text, wanted, at)
        if start < 0:
            return None
        if spans and start - spans[-1][1] > 300:
            return None
        preceding = folded.span(spans[-1][1] if spans else 0, start) if start else (0, 0)
        lost = lost or _lost(source[slice(*preceding)].lower())
        spans.append((start, start + len(wanted)))
        at = start + len(wanted)
    first, last = folded.span(spans[0][0], spans[-1][1])
    return Found("normalized", source[first:last], first, last, lost)


def _without_bullets(folded: Folded) -> Folded:
    """The text without dashes that stand alone: of a list run into one line they are the bullets."""
    if " - " not in folded.text:
        return folded
    text = folded.text
    dropped = {n for match in re.finditer(r"(?<= )- ", text) for n in range(*match.span())}
    kept = [n for n in range(len(text)) if n not in dropped]
    return Folded(
        "".join(text[n] for n in kept),
        tuple(folded.starts[n] for n in kept),
        tuple(folded.ends[n] for n in kept),
    )


def is_passage(quote: Quote) -> bool:
    """Whether a quote is long enough to be looked up as one; shorter ones and single words are names."""
    one_word = quote.text.isascii() and not re.search(r"\s", quote.text)
    return count_letters(quote.text) >= MIN_QUOTE and not one_word


def count_letters(quote: str) -> int:
    """Characters of a quote that count towards the least length."""
    return len(_trim(fold_text(quote).text))


def _trim(text: str) -> str:
    return text.strip().strip("\"'").rstrip(".,;:!?…\"' ").lstrip(".,;:…\"' ")


def _is_bounded(source: str, wanted: str) -> bool:
    return _bounded(source, wanted, 0) >= 0


def _bounded(text: str, wanted: str, at: int) -> int:
    """Where `wanted` stands in `text` from `at` on, cutting no word and no number; -1 when nowhere."""
    start = text.find(wanted, at)
    while start >= 0:
        end = start + len(wanted)
        before, after = text[start - 1 : start], text[end : end + 1]
        cuts = (
            (wanted[0].isalnum() and before.isalnum())
            or (wanted[-1].isalnum() and after.isalnum() and not _is_ideograph(after))
            or (wanted[-1].isdigit() and re.match(r"[.,]\d", text[end : end + 2]))
            or (
                wanted[0].isdigit()
                and re.search(r"(?:\d[.,]|(?<![\w)])[-−.])$", text[max(0, start - 2) : start])
            )
        )
        if not cuts or (_is_ideograph(before) and not wanted[0].isdigit()):
            return start
        start = text.find(wanted, start + 1)
    return -1


def _is_ideograph(character: str) -> bool:
    return bool(character) and "぀" <= character <= "鿿"


def _lost(before: str) -> str:
    """The negation that stands right before a quote, in its clause, and so is left out of it."""
    before = _ITEM.split(before)[-1]
    match = _NEGATION.search(before[-60:])
    if match and len(match["rest"].replace(",", " , ").split()) <= 4 and "," not in match["rest"]:
        return match[0][: len(match[0]) - len(match["rest"])].strip()
    return ""
