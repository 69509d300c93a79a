"""Values of claims compared as a reader would: another spelling of the same thing is the same thing."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from tools.metrics import METRICS
from tools.search.vocabulary import language_names, language_words
from tools.verification.licences import find_licences
from tools.verification.numbers import find_numbers, supports_number

_PLACEHOLDER = re.compile(
    r"\[?\s*(?:more information needed|needs? more information|optional|to ?do|tbd|n/?a|none|null|unknown"
    r"|your[- _]\w+|\{\{.*\}\}|\?+|-+|)\s*\]?\.?",
    re.IGNORECASE,
)
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9,
           "billion": 1e9, "t": 1e12, "trillion": 1e12}  # fmt: skip
_SIZE = re.compile(
    r"(?<![\w.,])(?P<n>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)[\s-]{0,2}"
    r"(?P<unit>k|mn|m|bn|b|t|thousand|million|billion|trillion)?\b",
    re.IGNORECASE,
)
_SPLIT_WORDS = re.compile(
    r"(?<![a-z])(?:eval|evaluation|test|dev|val|validation)(?:[ _-]?set)?(?![a-z])", re.IGNORECASE
)
_SIZE_SLACK = 0.08  # names and round figures leave out embeddings, heads, or say "7B" for 6.7
_EXTRA_LICENCE = re.compile(
    r"\b(llama[- ]?\d(?:\.\d)?|gemma|openrail(?:\+\+|-m)?|cc[- ]by[\w.-]*|[al]?gpl[- v]*\d?(?:\.\d)?)\b",
    re.IGNORECASE,
)


def is_placeholder(text: str) -> bool:
    """Whether a value says nothing: empty, "N/A", the template's default."""
    return _PLACEHOLDER.fullmatch(text.strip().strip("*_` ")) is not None


@lru_cache(maxsize=1024)
def find_licence_names(text: str) -> frozenset[tuple[str, str]]:
    """(family, version) of the licences a text names; an identifier may stand alone."""
    text = text[:5000]
    found = {(licence.family, licence.version) for licence in find_licences(text)}
    if not found and text.strip().lower() == "mit":
        found.add(("mit", ""))
    if not found:
        found = {(match[1].lower().replace(" ", "-"), "") for match in _EXTRA_LICENCE.finditer(text[:300])}
    return frozenset(found)


def same_licence(declared: str, told: str) -> bool | None:
    """Whether two texts name the same licence; None where one of them names none that is known."""
    first, second = find_licence_names(declared), find_licence_names(told)
    if not first or not second:
        return None
    return any(_is_one_licence(one, other) for one in first for other in second)


def _is_one_licence(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two (family, version) may be one: a version or a RAIL's owner left out fits any."""
    (first, version), (second, wanted) = _split_llama(one), _split_llama(other)
    if version and wanted and version.removesuffix(".0") != wanted.removesuffix(".0"):
        return False
    rails = first.endswith("openrail") and second.endswith("openrail")
    return first == second or (rails and "openrail" in (first, second))


def _split_llama(licence: tuple[str, str]) -> tuple[str, str]:
    """`llama3` and the "Llama 3 Community License" alike as ("llama", "3")."""
    family, version = licence
    matched = re.fullmatch(r"(llama|gemma)(?:-community)?-?(\d(?:\.\d)?)?", family)
    return (matched[1], version or matched[2] or "") if matched else licence


@lru_cache(maxsize=1)
def _language_names() -> tuple[dict[str, str], re.Pattern[str]]:
    names = {name.lower(): code for name, code in language_names().items()}
    longest = sorted((re.escape(name) for name in names if len(name) > 3), key=len, reverse=True)
    return names, re.compile(rf"(?<![^\W_])({'|'.join(longest)})(?![^\W_])", re.IGNORECASE)


@lru_cache(maxsize=1024)
def find_languages(text: str) -> frozenset[str]:
    """Codes of the languages a line names by name or, where it holds nothing else, by code."""
    names, pattern = _language_names()
    found = {names[match[1].lower()] for match in pattern.finditer(text[:2000])}
    parts = [part.strip(" `*_[]()\"'.").lower() for part in re.split(r"[,/;&]| and ", text[:500])]
    codes = language_words()
    if parts and all(part in codes for part in parts):
        found |= {codes[part] for part in parts}
    return frozenset(found)


def read_language_codes(value: Any) -> set[str]:
    """Codes of a metadata value, names and ISO 639-3 codes included."""
    names, _ = _language_names()
    codes = language_words()
    found = set()
    for part in re.split(r"[,\s]+", str(value).lower()) if isinstance(value, str) else []:
        plain = part.strip("[]'\"")
        base = plain.partition("-")[0].partition("_")[0]
        if plain in names:
            found.add(names[plain])
        elif plain in codes or base in codes:
            found.add(codes.get(plain) or codes[base])
        elif plain in ("multilingual", "multi", "mul"):
            found.add("multilingual")
    return found


# Names of one dataset, and the parts of a collection; all folded to letters and digits.
_ONE_DATASET = (
    {"ade20k", "sceneparse150", "sceneparsing", "mitsceneparsing"},
    {"mnli", "multinli", "multigenrenli"},
    {"cnndailymail", "cnndm", "cnn"},
    {"coco", "mscoco", "coco2017", "detectiondatasetscoco"},
    {"voc", "pascalvoc", "voc2007", "voc2012", "pascalvoc2012"},
    {"imagenet", "imagenet1k", "ilsvrc2012", "ilsvrc"},
    {"ptb", "penntreebank", "ptbtextonly"},
    {"conll2003", "conll03"},
    {"agnews", "agnewsdataset"},
    {"speechcommands", "speechcommandsv2"},
)
_PARTS = {
    "glue": {"mnli", "multinli", "sst2", "sst", "mrpc", "qqp", "qnli", "rte", "wnli", "cola", "stsb"},
    "superglue": {"boolq", "copa", "rte", "wic", "multirc", "record", "cb"},
}


def same_dataset(first: str, second: str) -> bool:
    """Whether two folded names may mean one dataset: one inside the other, begun alike, or known so."""
    if first in second or second in first or (min(len(first), len(second)) > 4 and first[:5] == second[:5]):
        return True
    if first in _PARTS.get(second, ()) or second in _PARTS.get(first, ()):
        return True
    return any(first in names and second in names for names in _ONE_DATASET)


@lru_cache(maxsize=1024)
def fold_model(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.rpartition("/")[2].lower())


def same_model(first: str, second: str) -> bool:
    """Whether two names may mean one model: owner left out, other hyphens."""
    if first.count("/") == 1 and second.count("/") == 1 and first.lower() == second.lower():
        return True
    one, other = fold_model(first), fold_model(second)
    return bool(one and other) and (
        one == other or (min(len(one), len(other)) > 6 and (one in other or other in one))
    )


def scale_number(text: str) -> float | None:
    """The count that "110M", "0.11B parameters" or "7 billion" gives."""
    matched = _SIZE.search(text)
    if matched is None:
        return None
    scale = _SCALES.get((matched["unit"] or "").lower(), 1.0)
    value = float(matched["n"].replace(",", "")) * scale
    return value if value >= 1000 else None


def agrees_in_size(text: str, exact: int) -> bool:
    """Whether a stated count is the exact one, rounded as people round it: to the digits that are written."""
    matched, value = _SIZE.search(text), scale_number(text)
    if matched is None or value is None:
        return False
    digits = len(matched["n"].partition(".")[2])
    unit = _SCALES.get((matched["unit"] or "").lower(), 1.0)
    rounding = 0.5 * unit / 10**digits if unit > 1 else 0.5
    return abs(value - exact) <= max(_SIZE_SLACK * exact, rounding)


@lru_cache(maxsize=1024)
def fold_metric(name: str) -> str:
    """One key for a metric however it is written, the split that stands beside it left out ("Test WER")."""
    plain = _SPLIT_WORDS.sub(" ", name).strip(" -_:()[]")
    for text in (name.strip(), plain):
        for metric in METRICS:
            if metric.pattern.fullmatch(text):
                return metric.name
    return re.sub(r"[\W_]+", " ", plain.lower()).strip()


def same_score(first: Any, second: Any, metric: str) -> bool | None:
    """Whether two written scores are one value: rounded, or in percent. None where one is no number."""
    one, other = _read_score(first), _read_score(second)
    if one is None or other is None:
        return None
    share = next((m.bounded for m in METRICS if m.name == metric), True)
    if supports_number(one, other, share=share) or supports_number(other, one, share=share):
        return True
    return share and _is_rounded_percent(str(first), str(second))


def _is_rounded_percent(first: str, second: str) -> bool:
    """Whether one is the other in whole percent: 80 for 0.801."""
    try:
        values = [float(text.strip().rstrip("%")) for text in (first, second)]
    except ValueError:
        return False
    if not all(map(math.isfinite, values)):
        return False
    percent = [value * 100 if abs(value) <= 1 and "%" not in text else value
               for value, text in zip(values, (first, second), strict=True)]  # fmt: skip
    whole = any(value == round(value) and abs(value) > 1 for value in values)
    return whole and abs(percent[0] - percent[1]) <= 0.5


def _read_score(value: Any) -> Any:
    numbers = find_numbers(str(value))
    return numbers[0] if len(numbers) == 1 else None
