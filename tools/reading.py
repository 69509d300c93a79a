"""Reading one document for a question: which of its spans speak to it, and how surely.

A span is a sentence, a list item, a table row or a line of code, always verbatim. What counts: the words
of the question that stand in it or in its headings, the words its attribute is stated in, a number where
one is asked for and, when an embedder is there, nearness in meaning.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from tools.attributes import Attribute
from tools.catalog.records import PassageRow
from tools.metrics import Metric

# Closing quotes and brackets belong to the sentence they close. Whether a new one begins after the white
# space is told by its first letter or digit; scripts without spaces need none.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…؟।])(?P<close>[\"”’»)\]*_]*)\s+(?=[\"“‘«„(\[*_`¿¡]*(?P<first>[^\W_]|[\U00010000-\U0010ffff]))"
    r"|(?<=[。！？])(?P<closed>[\"”’」』）)\]*_]*)\s*|\n{2,}"
)
_NOT_AN_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|fig|no|approx|dr|mr|mrs|prof|st|ca|bzw|nr|eq|resp)\.|\b[A-Z]\.)\s*$",
    re.I,
)
# Runs of a script without spaces are words of their own; accents and Indic and Thai vowels belong to words.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff"
_MARKS = r"\u0300-\u036f\u064b-\u0652\u0900-\u0963\u0971-\u0dff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_]|[{_MARKS}])+(?:['’][a-z]+)?")
_NUMBER = re.compile(r"(?<![\w.])[~≈]?\d[\d.,]*\s*(?:%|[kmb]\b|million|billion|thousand)?", re.I)
# The noun a question is about: "which reviews", "how many hours of speech".
_ASKED_NOUN = re.compile(r"\b(?:which|what|how many|number of)\s+((?:[\w-]+\s+){0,1}[\w-]+)", re.IGNORECASE)
# A line of a print-out: "exact": 73.9, f1 = 0.91
_KEY_VALUE = re.compile(r"\s*[\"']?[\w /@.+-]{1,40}[\"']?\s*[:=]\s*[\"']?-?\d[\d.,e%-]*[\"']?,?\s*$")
_NUMBER_WORD = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand)\b", re.I
)

# Written in one, two or hyphenated words by turns.
_ONE_WORD = re.compile(r"\b(?:fine|pre)[- ](?=tun|train)", re.IGNORECASE)
STOPWORDS = frozenset(resources.files("tools.data").joinpath("stopwords.txt").read_text("utf-8").split())
# Endings and what is kept of them, longest first.
_ENDINGS = (
    ("ization", "iz"), ("isation", "iz"), ("ations", "at"), ("ation", "at"), ("sses", "ss"), ("ings", ""),
    ("edly", ""), ("ies", "i"), ("ing", ""), ("ers", "er"), ("ed", ""), ("es", "e"), ("s", ""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A verbatim piece of a passage with how well it answers."""

    passage: PassageRow
    text: str  # verbatim substring of the passage's text
    locator: str
    score: float
    covered: frozenset[str]  # stems of the question found in the span or its headings
    states: bool  # the asked attribute's own words stand in it (or its headings)
    nearness: float = 0.0  # cosine to the question, 0 when it was not measured


@lru_cache(maxsize=65_536)
def stem_word(word: str) -> str:
    """A light stem, enough to meet plurals and verb forms ("pairs", "trained", "layers")."""
    word = word.lower()
    if len(word) > 4:
        for ending, keep in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) + len(keep) >= 3 and not word.endswith("ss"):
                word = word[: -len(ending)] + keep
                break
    elif len(word) == 4 and word[-1] == "s" and word[-2] not in "ais" and word != "news":
        word = word[:-1]
    if len(word) > 3:
        word = word.removesuffix("e")
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    if len(word) > 3 and word[-1] == "y" and word[-2] not in "aeiou":
        word = word[:-1] + "i"
    return word.replace("isation", "ization")


def content_words(text: str, *, drop: Iterable[str] = ()) -> list[str]:
    """Stems of the words of `text` that carry meaning, in order, without those of `drop`."""
    dropped = {stem_word(word) for phrase in drop for word in _WORD.findall(phrase)}
    stems = []
    for word in _WORD.findall(_ONE_WORD.sub(lambda found: found[0].replace("-", "").replace(" ", ""), text)):
        lower = re.sub(r"['’](?:s|t|re|ve|ll|d|m)$", "", word.lower())
        if lower in STOPWORDS or (len(lower) < 2 and not lower.isdigit()):
            continue
        stem = stem_word(lower)
        if stem not in dropped:
            stems.append(stem)
    return stems


def split_spans(passage: PassageRow) -> list[tuple[str, str]]:
    """(verbatim text, locator) of the sentences, items, rows or lines of a passage."""
    lined = re.match(r"(?P<file>.*)#L(?P<start>\d+)", passage.locator)
    pieces: list[tuple[int, int]] = []
    if passage.kind in ("code", "table", "html"):
        pieces = _line_pieces(passage.text)
    else:
        for start, end in _line_groups(passage.text):
            pieces += _sentence_pieces(passage.text, start, end)
    spans = []
    for start, end in pieces:
        text = passage.text[start:end]
        stripped = text.strip()
        if len(stripped) < 3:
            continue
        start += len(text) - len(text.lstrip())
        locator = passage.locator
        if lined:
            first = int(lined["start"]) + passage.text.count("\n", 0, start)
            last = first + stripped.count("\n")
            locator = f"{lined['file']}#L{first}" + (f"-L{last}" if last > first else "")
        spans.append((stripped, locator))
    return spans


def _line_pieces(text: str) -> list[tuple[int, int]]:
    pieces, at = [], 0
    for line in text.split("\n"):
        pieces.append((at, at + len(line)))
        at += len(line) + 1
    return pieces


def _line_groups(text: str) -> list[tuple[int, int]]:
    """Runs of lines that belong together; items, labelled lines and hard breaks start a new one."""
    starts = [0]
    at = 0
    previous = ""
    for line in text.split("\n"):
        if at and (
            re.match(r"\s*(?:[-*+•]|\d+[.)])\s+", line)
            or previous.endswith(("  ", "\\", "<br>", "<br/>", "<br />"))
            or _KEY_VALUE.match(line)
            or re.match(r"\s*\**[A-Z][\w ()/-]{2,40}\**\s*[:：]\**\s", line)
        ):
            starts.append(at)
        previous = line
        at += len(line) + 1
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _sentence_pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces, at = [], start
    for found in _SENTENCE_END.finditer(text, start, end):
        first = found["first"]
        if first and (first.islower() or _NOT_AN_END.search(text, at, found.start() + 1)):
            continue
        pieces.append((at, max(found.start(), found.end("close"), found.end("closed"))))
        at = found.end()
    pieces.append((at, end))
    return pieces


def rank_spans(
    question: str,
    passages: Sequence[PassageRow],
    *,
    attributes: Sequence[Attribute] = (),
    metrics: Sequence[Metric] = (),
    drop: Sequence[str] = (),
    similarity: Callable[[str, Sequence[str]], Sequence[float]] | None = None,
    limit: int = 8,
) -> list[Span]:
    """Spans of `passages` that speak to `question`, best first.

    `drop` are words that name the subject (the model) and so say nothing about where in its card to look.
    `similarity(question, texts)` gives cosines in [-1, 1]; without it words alone decide.
    """
    terms = list(dict.fromkeys(content_words(question, drop=drop)))
    wants_number = bool(
        re.search(
            r"\b(how (many|much|big|large|long|old|fast)|number of|numbers?|what (size|length|rate))\b",
            question,
            re.I,
        )
    ) or any(attribute.numeric for attribute in attributes[:1])
    candidates: list[tuple[PassageRow, str, str, str]] = []
    previous = ""
    section: tuple[str, ...] = ()
    for passage in passages:
        heading = " ".join(passage.section)
        # What introduces a list, a table or a block of code often stands in the paragraph before it.
        if passage.kind == "prose" or passage.section != section:
            previous, section = "", passage.section
        for text, locator in split_spans(passage):
            candidates.append(
                (passage, text, locator, f"{heading}\n{previous if len(previous) < 400 else ''}")
            )
            # Rows of a print-out keep what introduces them.
            if passage.kind not in ("code", "table") and not _KEY_VALUE.match(text):
                previous = text
    if not candidates:
        return []
    frequency = Counter(stem for _, text, _, _ in candidates for stem in set(content_words(text)))
    weight = {term: math.log(1 + len(candidates) / (1 + frequency[term])) + 0.3 for term in terms}
    if head := _ASKED_NOUN.search(question):
        for stem in content_words(head[1], drop=drop):
            weight[stem] = 2.0 * weight.get(stem, 0.0)
    total = sum(weight.values()) or 1.0
    spans = []
    for passage, text, locator, context in candidates:
        own, around = set(content_words(text)), set(content_words(context))
        covered = {term for term in terms if term in own or term in around}
        score = sum(weight[term] * (1.0 if term in own else 0.45) for term in covered) / total
        states = True
        if attributes:
            in_text = attributes[0].stated.search(_without_names(text, drop)) is not None
            in_context = attributes[0].stated.search(_without_names(context, drop)) is not None
            states = in_text or (in_context and not attributes[0].numeric)
            score += 0.5 if in_text else 0.25 if states else 0.0
        if metrics and any(metric.pattern.search(text) for metric in metrics) and _NUMBER.search(text):
            score += 0.6
        if wants_number:
            has_number = _NUMBER.search(text) is not None or _NUMBER_WORD.search(text) is not None
            score += 0.35 if has_number else -0.35
        if passage.kind == "code":
            score -= 0.15
        if len(text) > 400:
            score -= 0.1
        spans.append(Span(passage, text, locator, score, frozenset(covered), states))
    spans.sort(key=lambda span: -span.score)
    if similarity is not None and spans:
        spans = _rerank(question, spans[:32], similarity) + spans[32:]
    return _distinct(spans, limit)


def _without_names(text: str, names: Sequence[str]) -> str:
    """`text` without the subject's own name: "license-plate" in an id states no licence."""
    for name in names:
        if name:
            text = text.replace(name, " ").replace(name.rpartition("/")[2], " ")
    return text


def _rerank(
    question: str, spans: list[Span], similarity: Callable[[str, Sequence[str]], Sequence[float]]
) -> list[Span]:
    cosines = similarity(question, [_embeddable(span) for span in spans])
    scored = [
        replace(s, score=s.score + 0.8 * float(c), nearness=float(c))
        for s, c in zip(spans, cosines, strict=True)
    ]
    return sorted(scored, key=lambda span: -span.score)


def _embeddable(span: Span) -> str:
    return f"{span.passage.section[-1]}: {span.text}" if span.passage.section else span.text


def _distinct(spans: list[Span], limit: int) -> list[Span]:
    seen: set[str] = set()
    kept: list[Span] = []
    for span in spans:
        folded = " ".join(span.text.split()).lower()
        if len(kept) >= limit:
            break
        if folded not in seen:
            seen.add(folded)
            kept.append(span)
    return kept
