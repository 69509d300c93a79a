"""Which models satisfy a constraint, which fail it, and of which it is not known.

Fields first; where a field says nothing, what the documentation itself mentions (its name, title, tags or
text) may satisfy a language, library, data set or literal. Silence is never a match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from tools.catalog.facets import list_facets, match_facet
from tools.catalog.matching import LooseName
from tools.catalog.records import ModelFilter, ModelRecord
from tools.search.index import LakeIndex
from tools.search.types import Constraint
from tools.search.vocabulary import (
    author_names,
    is_known_license,
    language_names,
    matches_license,
    normalize_language,
    normalize_library,
    normalize_task,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.lake import Lake

# True: satisfies, False: fails, None: not stated.
Verdict = bool | None

_OPEN_LANGUAGES = frozenset({"multilingual", "multi", "mul", "unknown", "other", "code"})
# Full-text search knows plurals, but not that these are one unit.
_UNIT_FORMS = {"dimensions": ("dimension", "dimensions", "dimensional", "dim", "dims", "d")}
_PLAIN_CODES = frozenset({"ml", "nn", "qa", "id", "no", "is", "it", "so", "as", "or", "to", "am", "sm", "lg"})
_EVERY_MODEL = 1_000_000
_SQUASHED = re.compile(r"[^a-z0-9]+")


def judge(lake: Lake, index: LakeIndex, constraint: Constraint) -> NDArray[np.int8]:
    """Per model: 1 satisfies `constraint`, 0 fails it, -1 not stated. Negation is applied."""
    import numpy as np

    decide = _make_judge(lake, index, constraint)
    verdicts = [decide(number, record) for number, record in enumerate(index.records)]
    values = np.asarray([-1 if verdict is None else int(verdict) for verdict in verdicts], dtype=np.int8)
    if not constraint.negated:
        return values
    turned = np.where(values < 0, values, 1 - values).astype(np.int8)
    if constraint.field in ("text", "dataset", "author", "derived_from", "task", "library"):
        # These are refused by what a model says of itself; one that does not mention them is not refused.
        turned[values < 0] = 1
    return turned


def _make_judge(
    lake: Lake, index: LakeIndex, constraint: Constraint
) -> Callable[[int, ModelRecord], Verdict]:
    value = constraint.value
    match constraint.field:
        case "task":
            wanted = normalize_task(value)
            is_task = cache(lambda task: None if task is None else normalize_task(task) == wanted)
            return lambda _, record: is_task(record.task)
        case "license":
            fits = cache(lambda held: matches_license(held, value) if is_known_license(held) else None)
            return lambda _, record: fits(record.license)
        case "downloads":
            return lambda _, record: _compare(record.downloads, constraint)
        case "parameters":
            return lambda _, record: _compare(record.parameters, constraint)
        case "language":
            # Only what was read from words is a pair: the flag `fr-ca` is French of a region.
            if constraint.words and (pair := re.fullmatch(r"([a-z]{2,3})-([a-z]{2,3})", value)):
                return _judge_pair(lake, index, pair[1], pair[2])
            return _judge_language(lake, index, value)
        case "library":
            return _judge_library(lake, index, value)
        case "dataset":
            return _judge_dataset(lake, index, value)
        case "author":
            return _judge_author(value)
        case "derived_from":
            children, _ = lake.catalog.select_models(ModelFilter(derived_from=value))
            return lambda _, record: True if record.model in children else None
        case "text":
            return _judge_text(lake, index, value, negated=constraint.negated)


def _compare(actual: int | None, constraint: Constraint) -> Verdict:
    if actual is None:
        return None
    bound = float(constraint.value)
    return actual >= bound if constraint.op == "min" else actual <= bound


def _mentioning(lake: Lake, index: LakeIndex, phrases: Sequence[str]) -> set[int]:
    """Positions of models whose documentation holds one of the phrases, word forms aside."""
    found = {model for model, _ in lake.catalog.match_models(phrases, limit=_EVERY_MODEL)}
    numbers = {index.position[model] for model in found if model in index.position}
    for passage, _ in lake.catalog.match_passages(phrases, limit=_EVERY_MODEL):
        if passage in index.owner:
            numbers.add(index.owner[passage])
    return numbers


@cache
def _names_of(code: str) -> tuple[str, ...]:
    return tuple(name for name, known in language_names().items() if known == code)


def _judge_language(lake: Lake, index: LakeIndex, value: str) -> Callable[[int, ModelRecord], Verdict]:
    code = normalize_language(value)
    mentioning = _mentioning(lake, index, _names_of(code) or (value,))
    spoken = cache(normalize_language)

    def decide(number: int, record: ModelRecord) -> Verdict:
        declared = {spoken(language) for language in record.languages}
        if code in declared or _ends_in(record.model, code):
            return True
        named = index.named_languages[number]
        if code in named:
            return True
        if declared - _OPEN_LANGUAGES:
            return False
        if named:
            return False
        return True if number in mentioning else None

    return decide


def _ends_in(model: str, code: str) -> bool:
    """Whether a name ends in a language's code: `vqa-pl`, `tiny.en`. Some codes mean other things there."""
    return code not in _PLAIN_CODES and re.search(rf"[-_.]{re.escape(code)}$", model.lower()) is not None


def _judge_pair(
    lake: Lake, index: LakeIndex, source: str, target: str
) -> Callable[[int, ModelRecord], Verdict]:
    """Translation from `source` to `target`: the order counts where a name states one."""
    wanted = re.compile(rf"(?<![a-z]){source}(?:[-_ ]|[-_ ]?(?:to|2)[-_ ]?){target}(?![a-z])")
    any_pair = re.compile(r"(?=(?:^|[-_/])([a-z]{2,3})[-_](?:to[-_])?([a-z]{2,3})(?:$|[-_]))")
    both = _mentioning(lake, index, _names_of(source) or (source,)) & _mentioning(
        lake, index, _names_of(target) or (target,)
    )
    codes = set(language_names().values())

    def decide(number: int, record: ModelRecord) -> Verdict:
        name = record.model.lower()
        if wanted.search(name):
            return True
        # The last pair counts: in "opus-mt-es-en" the first would be Maltese to Spanish.
        stated = [(first, second) for first, second in any_pair.findall(name) if {first, second} <= codes]
        if stated:
            return stated[-1] == (source, target)
        if record.task == "translation" and _ends_in(name, source):
            return False
        declared = {normalize_language(language) for language in record.languages}
        if {source, target} <= declared:
            return True
        if number in both:
            return True
        if declared - _OPEN_LANGUAGES and len(declared) > 1:
            return False
        return None

    return decide


def _judge_library(lake: Lake, index: LakeIndex, value: str) -> Callable[[int, ModelRecord], Verdict]:
    wanted = normalize_library(value)
    squashed = _SQUASHED.sub("", wanted)
    mentioning = _mentioning(lake, index, (value, wanted))

    def decide(number: int, record: ModelRecord) -> Verdict:
        held = {normalize_library(name) for name in (record.library, *record.tags) if name}
        if wanted in held or squashed in _SQUASHED.sub("", index.labels[number]):
            return True
        if number in mentioning:
            return True
        return None if record.library is None else False

    return decide


def _judge_dataset(lake: Lake, index: LakeIndex, value: str) -> Callable[[int, ModelRecord], Verdict]:
    name = LooseName(value)
    spelled = " ".join(name.words)
    mentioning = _mentioning(lake, index, (value, spelled, name.squashed))

    def decide(number: int, record: ModelRecord) -> Verdict:
        if any(name.stands_in(dataset) for dataset in record.datasets) or number in mentioning:
            return True
        return False if record.datasets else None

    return decide


def _judge_author(value: str) -> Callable[[int, ModelRecord], Verdict]:
    wanted = {_SQUASHED.sub("", name) for name in author_names(value)}

    def decide(_: int, record: ModelRecord) -> Verdict:
        authors = {author for field, author in list_facets(record) if field == "author"}
        if any(match_facet("author", author, value) for author in authors):
            return True
        if any(_SQUASHED.sub("", author) in wanted for author in authors):
            return True
        # "google-bert" and "google" are one house; "googly" is another.
        if any(re.split(r"[-_]", author)[0] in wanted for author in authors):
            return True
        return False if authors else None

    return decide


def _judge_text(
    lake: Lake, index: LakeIndex, value: str, *, negated: bool
) -> Callable[[int, ModelRecord], Verdict]:
    """A literal: in the names, or (unless it is refused) anywhere in the documentation."""
    squashed = _SQUASHED.sub("", value.lower())
    mentioning: set[int] = set() if negated else _mentioning(lake, index, _spellings(value))

    def decide(number: int, _: ModelRecord) -> Verdict:
        if squashed and squashed in _SQUASHED.sub("", index.labels[number]):
            return True
        return True if number in mentioning else None

    return decide


def _spellings(value: str) -> tuple[str, ...]:
    """A number and its unit stand in either order and several forms: "384 dimensional", "dimension: 384"."""
    number, _, unit = value.partition(" ")
    if not re.fullmatch(r"[\d.]+", number) or not unit:
        return (value,)
    forms = _UNIT_FORMS.get(unit, (unit,))
    return tuple(
        phrase for form in forms for phrase in (f"{number} {form}", f"{number}{form}", f"{form} {number}")
    )
