"""A claim taken apart into clauses that may each stand in a unit of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.verification.anchors import ROLES, right_noun
from tools.verification.needs import read_need
from tools.verification.readings import Reading, read_text

_CLAUSE = re.compile(
    r"[;,()]|:\s|\s-\s|\b(?:and|but|while|whereas|which|plus|as well as|though|although|against)\b", re.I
)
_VERBAL = re.compile(r"\w(?:ed|ing)\b|\btune\b", re.IGNORECASE)  # "(test)" goes with what stands before it
_ON = re.compile(r"\b(?:on|for)\s+(?:the\s+)?(?=[\w-]*[A-Z\d])[^;,()]*", re.IGNORECASE)


def split_clauses(
    reading: Reading, explained: Sequence[tuple[int, int]]
) -> list[tuple[Reading, list[tuple[int, int]]]]:
    """Clauses of a claim, each with what it takes over from the one before.

    A number alone stays with the clause before; a bare name goes on with its verb ("trained on A and B"); a
    number without a noun or metric takes over both, and what they were measured on.
    """
    text = reading.folded.text
    settled = sorted({text[start:stop] for start, stop in explained}, key=len, reverse=True)
    pieces: list[str] = []
    at = 0
    role = measure = on = ""
    for match in [*_CLAUSE.finditer(text), None]:
        if match and re.search(r"\d,$", text[: match.end()]) and re.match(r"\d", text[match.end() :]):
            continue
        if match and any(start < match.end() and match.start() < stop for start, stop in explained):
            continue
        piece, at = text[at : match.start() if match else None], match.end() if match else len(text)
        part = read_text(piece)
        spans = find_spans(part.folded.text, settled)
        need = read_need(part, spans)
        if not need:
            if pieces:
                pieces[-1] += f" {piece}"
            continue
        roles = [word.low for word in need.names if word.stem in ROLES]
        names = [word for word in need.names if word.stem not in ROLES]
        if (
            pieces
            and not spans
            and not names
            and not need.words
            and not need.metrics
            and not need.licences
            and (not roles or (not need.numbers and not _VERBAL.search(piece)))
        ):
            pieces[-1] += f" {piece}"
            continue
        if pieces and not need.numbers and not need.words and not roles and role:
            piece = f"{role} {piece}"
        bare = need.numbers and not need.metrics and not need.words
        if pieces and bare and not right_noun(part, need.numbers[0]):
            piece = f"{piece} {measure}" + ("" if _ON.search(piece) else f" {on}")
        pieces.append(piece)
        role = roles[-1] if roles else role
        if need.metrics:
            measure = " ".join(part.folded.text[start:end] for _, start, end in need.metrics[:1])
        elif need.numbers and (noun := right_noun(part, need.numbers[0])):
            measure = " ".join(word.text for word in noun)
        if phrase := _ON.search(piece):
            on = phrase[0]
    parts = [read_text(piece) for piece in pieces]
    return [(part, find_spans(part.folded.text, settled)) for part in parts]


def find_spans(text: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    """Where the phrases stand in a text."""
    return [match.span() for phrase in phrases for match in re.finditer(re.escape(phrase), text)]
