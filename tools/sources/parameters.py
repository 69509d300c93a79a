"""The number of parameters that a model's name or card states in so many words; never an estimate."""

from __future__ import annotations

import re
from typing import Any

from tools.cards.markup import strip_markup

_SCALES = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6,
    "b": 10**9, "bn": 10**9, "billion": 10**9, "t": 10**12, "trillion": 10**12,
}  # fmt: skip
_LARGEST = 10**14
# "7B", "400M", "1.3b", "7b1" as a token of its own. K is left out: steps, hours and contexts are counted so.
_NAME_SIZE = re.compile(r"^(\d{1,4}(?:\.\d{1,3})?)([bm])(\d?)$", re.IGNORECASE)
# "s34B", "laion2B", "8x7B": numbers of samples, active parameters or experts. The name counts something
# else as well, so no token of it is taken for the model's size. "A3B" alone means active parameters.
_OTHER_COUNT = re.compile(r"^(?!a\d)[a-z]+\d+(?:\.\d+)?[bm]$|^\d+x\d+(?:\.\d+)?[bm]$", re.IGNORECASE)
_NOT_A_SIZE_AFTER = frozenset({"max", "min", "top", "first", "last", "step", "steps", "data", "tokens"})
_STATED = re.compile(
    r"(?<![\w.,$-])(\d{1,3}(?:,\d{3}){1,4}|\d{1,6}(?:\.\d{1,4})?)\s?-?"
    r"(k|mn|m|bn|b|t|thousand|million|billion|trillion)?[\s-]{0,2}"
    r"(?:(?:trainable|total|learnable|model)\s)?param(?:eter)?s?\b",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"^[^\w\n]{0,20}(?:(?:number of|total|trainable)\s)?param(?:eter)?s?(?:\scount)?"
    r"[^\w\n:：=]{0,8}[:：=][^\w\n]{0,8}"
    r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,6}(?:\.\d{1,4})?)\s?(k|mn|m|bn|b|t|thousand|million|billion|trillion)?\b",
    re.IGNORECASE | re.MULTILINE,
)
# The number belongs to something else when these stand before it in its sentence ...
_ABOUT_ANOTHER = re.compile(
    r"\b(?:using|uses|than|teacher|introduc\w+|embeddings?|vocabulary|rang\w+|up to|at least|outputs? of"
    r"|detect\w*|based on|compar\w+|vs|versus|from an?|from the|of an?|other|language model|per|active"
    r"|activated|adds?)\b|\bfrom\s+\d"
    r"|\d\s?(?:k|m|mn|b|bn|t|million|billion)?\s*(?:,|or|and|to|/|-)\s*$",
    re.IGNORECASE,
)
# ... or these right after it.
_PART_ONLY = re.compile(
    r"^\s*(?:in|for|of) (?:the |its )?(?:embedding|vocab|encoder|decoder|backbone|head)", re.IGNORECASE
)
_SENTENCE_BREAK = re.compile(r"(?<=[.!?;])\s+|\n")
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_TABLE_LINE = re.compile(r"^[^\S\n]{0,20}\|.*$", re.MULTILINE)
_MOST_CHARACTERS = 200_000
_NEAR = 120


def find_parameters(model: str, metadata: dict[str, Any], body: str) -> int | None:
    """The parameter count stated for `model` in metadata, its name or a sentence of its card, else None.

    Several different values in the card, or several in the name, count as not stated.
    """
    for key in ("parameters", "num_parameters", "n_parameters", "model_size", "params"):
        if (stated := read_count(metadata.get(key))) is not None:
            return stated
    named = name_parameters(model)
    stated = state_parameters(body)
    if named is None:
        return stated
    if stated is not None and abs(stated - named) <= 0.1 * named:
        return stated  # the same size, told more exactly
    return named


def name_parameters(model: str) -> int | None:
    """The size that stands as a token in a model's name ("opt-1.3b", "m2m100_418M"), else None."""
    tokens = [token for token in re.split(r"[-_/\s]+", model.rpartition("/")[2]) if token]
    pieces = [
        piece for token in tokens for piece in ([token] if _NAME_SIZE.match(token) else token.split("."))
    ]
    if any(_OTHER_COUNT.match(piece) for piece in pieces):
        return None
    found: dict[str, set[int]] = {"b": set(), "m": set()}
    for before, token in zip(["", *tokens], tokens, strict=False):
        matched = _NAME_SIZE.match(token)
        if matched and before.lower() not in _NOT_A_SIZE_AFTER:
            number = float(f"{matched[1]}.{matched[3]}" if matched[3] else matched[1])
            unit = matched[2].lower()
            found[unit].add(round(number * _SCALES[unit]))
    # A name with both ("7B-2M") gives the model in billions and its data in millions.
    sizes = found["b"] or found["m"]
    return sizes.pop() if len(sizes) == 1 else None


def state_parameters(body: str) -> int | None:
    """The one parameter count that sentences of a card state for the model itself, else None."""
    body = body[:_MOST_CHARACTERS]
    if "param" not in body.lower():
        return None
    prose = _TABLE_LINE.sub("", _FENCED.sub("", body))
    found = {_scale(matched[1], matched[2]) for matched in _LABELLED.finditer(prose)}
    for raw in _SENTENCE_BREAK.split(prose):
        if "param" not in raw.lower():
            continue
        sentence = strip_markup(raw)
        for matched in _STATED.finditer(sentence):
            before = sentence[max(0, matched.start() - _NEAR) : matched.start()]
            after = sentence[matched.end() : matched.end() + _NEAR]
            if not _ABOUT_ANOTHER.search(before) and not _PART_ONLY.match(after):
                found.add(_scale(matched[1], matched[2]))
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def read_count(value: Any) -> int | None:
    """A count written as a number, or as "7B" or "110 million"; None when it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 10**3 <= value <= _LARGEST else None
    if isinstance(value, float):
        return int(value) if 10**3 <= value <= _LARGEST else None
    if isinstance(value, str):
        matched = re.fullmatch(
            r"\s*(\d{1,3}(?:,\d{3}){1,4}|\d{1,15}(?:\.\d{1,4})?)\s?([a-z]{1,8})?(?:\s+param(?:eter)?s?)?\s*",
            value,
            re.IGNORECASE,
        )
        return _scale(matched[1], matched[2]) if matched else None
    return None


def _scale(number: str, unit: str | None) -> int | None:
    scale = 1 if not unit else _SCALES.get(unit.lower())
    if scale is None:
        return None
    count = round(float(number.replace(",", "")) * scale)
    # "6 parameters" of a function, "100 parameters" of a search: no model is that small.
    return count if 10**3 <= count <= _LARGEST and (unit or count >= 10**5) else None
