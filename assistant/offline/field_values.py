"""Values of structured fields: said in words, and compared, so that places that disagree are seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline.wording import join_words, name_model, shorten_value
from tools.search.vocabulary import language_names, matches_license, normalize_language, normalize_license

Json = Mapping[str, Any]

FIELD_WORDS = {
    "license": "licence", "language": "language", "dataset": "datasets", "task": "task", "library": "library",
    "downloads": "downloads", "likes": "likes", "parameters": "parameters", "base_model": "base model",
    "author": "author", "tags": "tags", "last_modified": "last modified",
}  # fmt: skip


def write_field(model: str, name: str, facts: Sequence[Json]) -> str:
    values = [f"{shorten_value(str(fact['value']))} [{fact['key']}]" for fact in facts]
    return f"{name_model(model)}: {FIELD_WORDS[name]} {join_words(values)}"


def disagreeing_facts(name: str, facts: Sequence[Json]) -> list[Json]:
    """The first fact, and those that say something else about the same field."""
    first = facts[0]
    if name not in ("license", "language"):
        return [first]
    known = normal_values(name, str(first["value"]))
    others = [
        fact
        for fact in facts[1:]
        if (values := normal_values(name, str(fact["value"]))) and known and not agree(name, values, known)
    ]
    return [first, *others[:1]]


def agree(name: str, some: frozenset[str], others: frozenset[str]) -> bool:
    if name == "license":
        return any(matches_license(a, b) or matches_license(b, a) for a in some for b in others)
    return bool(some & others) or "multilingual" in some | others


def normal_values(name: str, value: str, *, codes: bool = True) -> frozenset[str]:
    """Licence families or language codes that a text names; `codes`: two-letter codes count as languages."""
    if name == "license":
        return frozenset(_read_licenses(value))
    known = set(language_names().values())
    words = re.findall(r"[A-Za-z-]{2,}", value) if codes else re.findall(r"\b[A-Z][a-z]{3,}\b", value)
    return frozenset(code for word in words if (code := normalize_language(word)) in known)


def _read_licenses(text: str) -> set[str]:
    """Licence identifiers and families that a text names."""
    names = re.findall(
        r"apache(?:[- ]?(?:license,?)?[- ]?(?:version )?2(?:\.0)?)?|\bmit\b"
        r"|\b[al]?gpl(?:[- ]?v?[23](?:\.0)?)?|\bbsd(?:-\d-clause)?|"
        r"cc[- ]by(?:[- ](?:nc|sa|nd))*(?:[- ]\d\.\d)?|cc0|(?:creativeml-"
        r"|bigscience-)?open ?rail(?:[-+ ]?\+*m)?|\bllama\d?|\bunlicense\b",
        text,
        re.IGNORECASE,
    )
    return {normalize_license(name) for name in names}
