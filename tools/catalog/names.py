"""Names of models as people write them: checked, and resolved to an id of the lake."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass

from tools.catalog.naming import bare_key, model_key
from tools.catalog.repository import Catalog
from tools.errors import UnknownModelError, UsageError

MAX_ID_LENGTH = 200
_CLOSEST = 5
_SHORTLIST = 60
_SIMILAR = 0.55
# Shorter words that differ in a letter ("bert", "bart") are other names, not misspelt ones.
_SHORTEST_MISSPELT = 5
_TOKENS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class ModelName:
    """`org/name` or a bare name, with the revision asked for, if any."""

    model: str
    revision: str | None = None


def parse_model_id(name: str) -> ModelName:
    """Check and split `org/name`, `name` and either with `@revision`.

    Raises UsageError with the reason: an id never holds a path step, a backslash, white space within, control
    characters, more than one slash, or more than 200 characters.
    """
    model, _, revision = name.strip().partition("@")
    if reason := _find_fault(model, name):
        raise UsageError(
            f"{name[:MAX_ID_LENGTH]!r} is not a model id: {reason}.", hint="Write it as org/name."
        )
    if "@" in name and not re.fullmatch(r"[\w.\-]{1,100}", revision):
        raise UsageError(
            f"{revision[:MAX_ID_LENGTH]!r} is not a revision.",
            hint="Write org/name@revision, or org/name alone.",
        )
    return ModelName(model, revision or None)


def resolve_model(catalog: Catalog, name: str) -> str:
    """The id in the lake that `name` means, in upstream's case.

    Accepts an id in any case, an id at a revision that was ingested (or the beginning of one), a bare name,
    and a misspelt one where only one id is meant. Raises UnknownModelError with the closest ids otherwise.
    """
    asked = parse_model_id(name)
    known = catalog.get_model(asked.model)
    if known is not None and known.removed:
        raise UnknownModelError(
            f"The model {known.model!r} was removed from this lake.",
            hint="Ingest its source again to bring it back.",
        )
    model = known.model if known is not None else _find_unique(catalog, asked.model)
    if asked.revision:
        _check_revision(catalog, model, asked.revision)
    return model


def closest_names(catalog: Catalog, name: str, *, limit: int = _CLOSEST) -> list[str]:
    """Ids of the lake that look most like `name`, best first; none when nothing does."""
    wanted = _spell(name)
    pairs = _pairs_of(wanted)
    # difflib over ten thousand names takes seconds: shared letter pairs choose which it looks at.
    shared = []
    for model in catalog.model_names():
        spelt = _spell(model if "/" in name else model.rpartition("/")[2])
        shared.append((_overlap(pairs, _pairs_of(spelt)), model, spelt))
    shared.sort(key=lambda entry: (-entry[0], entry[1]))
    rated = [
        (difflib.SequenceMatcher(None, wanted, spelt).ratio(), model)
        for _, model, spelt in shared[:_SHORTLIST]
    ]
    rated.sort(key=lambda entry: (-entry[0], entry[1]))
    return [model for ratio, model in rated[:limit] if ratio >= _SIMILAR]


def _find_fault(model: str, name: str) -> str | None:
    if not model:
        return "it is empty"
    if len(name) > MAX_ID_LENGTH:
        return f"it has {len(name)} characters, more than {MAX_ID_LENGTH}"
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in model):
        return "it holds control characters"
    if any(character.isspace() for character in model):
        return "it holds white space"
    if "\\" in model or model.startswith(("/", "~")) or re.match(r"[A-Za-z]:", model):
        return "it is a path"
    parts = model.split("/")
    if any(part in {".", "..", ""} for part in parts):
        return "it holds an empty or relative path step"
    if len(parts) > 2:
        return "it holds more than one slash"
    return None


def _find_unique(catalog: Catalog, name: str) -> str:
    same = catalog.names_like(bare_key(name)) if "/" not in name else []
    if len(same) == 1:
        return same[0]
    if len(same) > 1:
        raise UnknownModelError(
            f"{name!r} fits {len(same)} models of this lake.",
            hint=f"Say which: {', '.join(same[:_CLOSEST])}.",
            candidates=tuple(same[:_CLOSEST]),
        )
    candidates = closest_names(catalog, name)
    misspelt = [model for model in candidates if _is_misspelt(name, model)]
    if len(misspelt) == 1:
        return misspelt[0]
    hint = (
        f"The closest are: {', '.join(candidates)}."
        if candidates
        else "`lake list` shows the models it holds."
    )
    raise UnknownModelError(
        f"There is no model {name!r} in this lake.", hint=hint, candidates=tuple(candidates)
    )


def _check_revision(catalog: Catalog, model: str, revision: str) -> None:
    held = catalog.revisions_of(model)
    if not any(known.lower().startswith(revision.lower()) for known in held):
        raise UnknownModelError(
            f"The lake holds no revision {revision!r} of {model!r}.",
            hint=f"It holds {', '.join(held[:_CLOSEST])}.",
            candidates=(model,),
        )


def _is_misspelt(name: str, model: str) -> bool:
    """Whether `name` is `model` with a slip of the fingers, and surely not the name of another model."""
    model = model if "/" in name else model.rpartition("/")[2]
    if model_key(name).replace("/", "") == model_key(model).replace("/", ""):
        return True
    written, meant = _TOKENS.findall(name.lower()), _TOKENS.findall(model.lower())
    if "".join(written) == "".join(meant):
        return True
    if len(written) != len(meant):
        return False
    slips = [(a, b) for a, b in zip(written, meant, strict=True) if a != b]
    return len(slips) == 1 and _is_slip(*slips[0])


def _is_slip(written: str, meant: str) -> bool:
    """One letter left out, doubled, replaced or exchanged with its neighbour, in a word long enough."""
    if min(len(written), len(meant)) < _SHORTEST_MISSPELT or written.isdigit() or meant.isdigit():
        return False
    start = 0
    while start < min(len(written), len(meant)) and written[start] == meant[start]:
        start += 1
    a, b = written[start:], meant[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _spell(name: str) -> str:
    return " ".join(_TOKENS.findall(name.partition("@")[0].lower()))


def _pairs_of(text: str) -> frozenset[str]:
    return frozenset(text[index : index + 2] for index in range(len(text) - 1))


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0
