"""The fields by which models are selected, and how a stored value is compared with what is asked."""

from __future__ import annotations

from tools.catalog.matching import LooseName
from tools.catalog.records import ModelRecord
from tools.search.vocabulary import (
    is_known_license,
    matches_license,
    normalize_language,
    normalize_library,
    normalize_task,
)

# A card that says only this may well speak the language asked for: neither a match nor a failure.
_OPEN_LANGUAGES = frozenset({"multilingual", "multi", "mul", "unknown", "other", "code"})


def list_facets(record: ModelRecord) -> list[tuple[str, str]]:
    """(field, value) pairs of a model, each once, lower-cased as declared."""
    author = record.author or (record.model.partition("/")[0] if "/" in record.model else None)
    pairs = [
        ("task", record.task),
        ("license", record.license),
        ("library", record.library),
        ("author", author),
        *(("language", language) for language in record.languages),
        *(("dataset", dataset) for dataset in record.datasets),
        *(("tag", tag) for tag in record.tags),
    ]
    return list(dict.fromkeys((field, value.strip().lower()) for field, value in pairs if value))


def match_facet(field: str, stored: str, wanted: str) -> bool:
    """Whether a model with the value `stored` is one that `wanted` asks for."""
    match field:
        case "task":
            return normalize_task(stored) == normalize_task(wanted)
        case "license":
            return matches_license(stored, wanted)
        case "language":
            return normalize_language(stored) == normalize_language(wanted)
        case "library":
            return normalize_library(stored) == normalize_library(wanted)
        case "dataset":
            return LooseName(wanted).stands_in(stored)
        case _:
            return stored == wanted.strip().lower()


def is_telling(field: str, stored: str) -> bool:
    """Whether a value that does not match rules a model out; "multilingual" or licence "other" do not."""
    if field == "license":
        return is_known_license(stored)
    return field != "language" or stored not in _OPEN_LANGUAGES
