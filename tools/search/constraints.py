"""Conditions read from plain words. What is stated is hard; what is only suggested is soft.

A task is always soft: authors publish one kind of model under several tags, so the words of a question never
rule a tag out (a flag does).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tools.search.named import is_negated, read_languages, read_libraries, read_licenses
from tools.search.request import read_request
from tools.search.types import Constraint
from tools.search.vocabulary import (
    known_houses,
    language_names,
    library_words,
    license_words,
    normalize_license,
    task_words,
)

_UNIT = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}
_COUNTS: dict[str, float] = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "five": 5,
    "ten": 10,
    "twenty": 20,
    "fifty": 50,
}
_COUNTS |= {"hundred": 100, "a hundred": 100, "one hundred": 100, "half a": 0.5}
_AMOUNT = (
    r"(?P<number>\d[\d,]*(?:\.\d+)?"
    r"|(?:half an?|(?:an? |one )?hundred|an?|one|two|three|five|ten|twenty|fifty)"
    r"(?=\s+(?:thousand|million|billion)))"
    r"\s*(?:(?P<unit>k|thousand|mn|mio|million|m|bn|billion|b)(?![a-z]))?"
)
_AT_MOST = (
    r"(?:under|below|less than|fewer than|at most|up to|no more than|not more than|smaller than"
    r"|max(?:imum)?(?: of)?|within|<=?|≤|not over|not above|lighter than)"
)
_AT_LEAST = (
    r"(?:at least|over|above|more than|no less than|no fewer than|minimum(?: of)?|min|>=?|≥|larger than"
    r"|bigger than)"
)
_PARAMETERS = re.compile(
    rf"(?:(?P<most>{_AT_MOST})|(?P<least>{_AT_LEAST}))\s+(?:about |around |roughly )?{_AMOUNT}[\s-]*"
    r"(?P<word>param(?:eter)?s?\b|weights\b)?"
    r"|(?P<number2>\d[\d,]*(?:\.\d+)?)\s*(?P<unit2>k|thousand|million|m|billion|b)[\s-]*(?:param(?:eter)?s?)?\s+"
    r"(?P<side2>or (?:less|fewer|smaller|more|larger)|max(?:imum)?|at most|tops)\b",
    re.IGNORECASE,
)
_FILE_SIZE = re.compile(
    rf"(?P<side>{_AT_MOST})\s+(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>GB|GiB|MB|MiB|gigabytes?|megabytes?)\b",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"\b(?:small(?!\s+(?:business|company|shop|firm|team|talk|business|enterprise|town|objects?|pictures?|images?"
    r"|photos?|dataset|amount|number|group|children|businesses))|tiny|lightweight|light-weight|compact|mini"
    r"|resource[- ]constrained|low[- ]resource device|edge devices?"
    r"|on (?:a |the )?(?:phone|mobile|raspberry pi|laptop|cpu)"
    r"|mobile phones?|fits? (?:on|in) \w+(?: \w+)? (?:memory|ram|phone))\b",
    re.IGNORECASE,
)
_SMALL_PARAMETERS = 150_000_000
_BYTES_A_PARAMETER = 4
_DOWNLOADS = re.compile(
    rf"(?:(?P<least>{_AT_LEAST})|(?P<most>{_AT_MOST}))?\s*{_AMOUNT}\+?\s*"
    r"(?:or more\s+|monthly\s+|total\s+)?downloads\b"
    rf"|downloaded\s+(?:(?P<least2>{_AT_LEAST})\s+)?(?P<number2>\d[\d,]*(?:\.\d+)?)\s*"
    r"(?P<unit2>k|thousand|million|m)?\s*times",
    re.IGNORECASE,
)
_POPULAR = re.compile(
    r"\b(?:most (?:popular|downloaded|used)|popular|widely[- ]used|well[- ]known|many downloads"
    r"|frequently downloaded|often downloaded|commonly used|best[- ]known)\b",
    re.IGNORECASE,
)
_POPULAR_DOWNLOADS = 1000
_NAME = r"(?:[A-Z0-9][\w.\-/]*|[a-z]+[_\-/\d][\w.\-/]*)"
_DATASET = re.compile(
    rf"\b(?P<verb>(?:pre-?|re)?trained|fine-?tuned|finetuned|evaluated|tested|benchmarked)\s+(?:only\s+|also\s+)?"
    rf"(?P<link>on|with|using|against)\s+(?:the\s+|a\s+)?"
    rf"(?P<name>{_NAME}(?:[ -](?:{_NAME}|of|the|and(?= [A-Z])))*)"
    r"(?P<noun>\s+(?:data ?sets?|corpus|corpora|data|benchmark|collection|images|reviews|speech))?",
)
_DATASET_NOUN = re.compile(
    rf"\b(?:on|with|using|from|uses?)\s+(?:the\s+)?(?P<name>{_NAME}(?:[ -]{_NAME})*)"
    r"\s+(?:data ?set|corpus|benchmark)\b"
)
_PARENT = re.compile(
    r"\b(?:fine-?tuned (?:version of|from)|finetuned from|derived from|based on|built on(?: top of)?"
    r"|descend\w* (?:of|from)"
    rf"|distilled from|adapted from|initiali[sz]ed from)\s+(?:the\s+)?(?P<name>{_NAME}(?:[ -](?:{_NAME}))*)"
)
_AUTHOR = re.compile(
    r"\b(?:models?|ones?|checkpoints?|networks?|something|anything|published|released|made|trained|developed|built"
    r"|created|uploaded|provided|maintained|shared|comes?|encoders?|classifiers?|detectors?)\s+"
    r"(?:only\s+|directly\s+)?(?P<link>by|from)\s+"
    rf"(?P<name>[A-Z][\w.\-]+(?: (?:AI|Research|Labs?|NLP))?|(?:{'|'.join(known_houses())})\b)"
    r"|(?<!\w)(?P<owner>[A-Z][\w\-]+)['’]s\s+(?:\w+\s+){0,2}(?:models?|checkpoints?)\b"
)
_NO_AUTHOR = frozenset({"I", "We", "It", "This", "The", "That", "Friday", "Monday"})
_VERSIONED = re.compile(
    r"(?<![\w/.-])(?P<name>[A-Za-z]{2,}[A-Za-z\-]*?[\s-]?v(?P<version>\d+(?:\.\d+)?)[a-z]?)(?![\w/])"
)
_NO_NAME = re.compile(r"(?:not|no|and|or|the|version|than|of|with|without|but|from)\b", re.IGNORECASE)
_OTHER_VERSION = re.compile(
    r"(?:,|;|\(|\b(?:and|but))?\s*\b(?:not|no|never|without|rather than|instead of)\s+(?:the\s+|an?\s+)?"
    r"(?:version\s+|v\.?\s*)(?P<version>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\b(?P<number>\d[\d,]*(?:\.\d+)?)[\s-]*(?P<unit>dimension(?:s|al)?|dims?\b|k?hz\b|bit(?!s? of)\b)"
    r"(?:\s+(?:vectors?|embeddings?))?",
    re.IGNORECASE,
)
# A proper name right after a negation: "not Whisper", "no BERT".
_REFUSED = re.compile(
    r"\b(?:not|no|without|except|excluding|anything but|other than|rather than|instead of)\s+"
    r"(?:(?:an?|any|from|on|by|the)\s+)*"
    r"(?P<name>[A-Z][a-z]*[A-Z0-9][\w\-]*|[A-Z]{3,}[\w\-]*|[A-Z][a-z]+)(?![\w/])"
)


def read_constraints(question: str) -> tuple[Constraint, ...]:
    """Conditions in the order they stand; `words` are the words of `question` each was read from."""
    text = read_request(question).text
    if text not in " ".join(question.split()):
        text = question
    found: list[tuple[int, Constraint]] = [
        *read_licenses(text),
        *read_languages(text),
        *read_libraries(text),
        *_read_size(text),
        *_read_popularity(text),
        *_read_parents(text),
        *_read_authors(text),
        *_read_literals(text),
        *_read_tasks(text),
    ]
    named = [
        (start, start + len(c.words))
        for start, c in found
        if c.field in ("derived_from", "license", "language")
    ]
    found += [
        (start, c)
        for start, c in _read_datasets(text)
        if not any(a <= start < b or start <= a < start + len(c.words) for a, b in named)
    ]
    seen: set[tuple[object, ...]] = set()
    constraints = []
    for _, constraint in sorted(found, key=lambda item: item[0]):
        key = (constraint.field, constraint.value.lower(), constraint.op, constraint.negated)
        if key not in seen:
            seen.add(key)
            constraints.append(constraint)
    return tuple(constraints)


def _to_number(number: str, unit: str | None) -> int:
    words = number.lower().replace("half an", "half a")
    count = _COUNTS[words] if words in _COUNTS else float(number.replace(",", ""))
    return int(count * _UNIT.get((unit or "").lower(), 1))


def _read_size(text: str) -> Iterator[tuple[int, Constraint]]:
    stated = False
    for found in _PARAMETERS.finditer(text):
        if found.group("number2"):
            count = _to_number(found.group("number2"), found.group("unit2"))
            least = re.search("more|larger", found.group("side2"), re.IGNORECASE) is not None
        else:
            unit = found.group("unit")
            # "under 5 minutes" is no size: without the word it takes a letter that only sizes have.
            if not found.group("word") and (
                unit is None or unit.lower() not in ("m", "b", "million", "billion", "bn")
            ):
                continue
            if not found.group("word") and re.match(
                r"\s*(?:downloads|hours|images|users|rows|sentences|words|tokens|times|\w*bytes|people|dollars|records)",
                text[found.end() :],
            ):
                continue
            count = _to_number(found.group("number"), unit)
            least = found.group("least") is not None
        stated = True
        yield (
            found.start(),
            Constraint("parameters", str(count), op="min" if least else "max", words=found.group().strip()),
        )
    for found in _FILE_SIZE.finditer(text):
        scale = 1e9 if found.group("unit").lower().startswith("g") else 1e6
        count = int(float(found.group("number")) * scale / _BYTES_A_PARAMETER)
        stated = True
        yield found.start(), Constraint("parameters", str(count), op="max", hard=False, words=found.group())
    if not stated and (found_small := _SMALL.search(text)) and not is_negated(text, found_small.start()):
        yield (
            found_small.start(),
            Constraint("parameters", str(_SMALL_PARAMETERS), op="max", hard=False, words=found_small.group()),
        )


def _read_popularity(text: str) -> Iterator[tuple[int, Constraint]]:
    stated = False
    for found in _DOWNLOADS.finditer(text):
        number, unit = (
            found.group("number") or found.group("number2"),
            found.group("unit") or found.group("unit2"),
        )
        stated = True
        op: str = "max" if found.group("most") else "min"
        yield (
            found.start() + len(found.group()) - len(found.group().lstrip()),
            Constraint(
                "downloads",
                str(_to_number(number, unit)),
                op="max" if op == "max" else "min",
                words=found.group().strip(),
            ),
        )
    if not stated and (popular := _POPULAR.search(text)) and not is_negated(text, popular.start()):
        yield (
            popular.start(),
            Constraint("downloads", str(_POPULAR_DOWNLOADS), op="min", hard=False, words=popular.group()),
        )


def _read_datasets(text: str) -> Iterator[tuple[int, Constraint]]:
    for pattern in (_DATASET, _DATASET_NOUN):
        for found in pattern.finditer(text):
            name = found.group("name").rstrip(".,-")
            noun = found.groupdict().get("noun")
            if name.lower() in language_names() or name.lower() in library_words() or name.isdigit():
                continue
            if found.groupdict().get("link") == "with" and noun is None:
                continue
            looks_named = re.search(r"[A-Z0-9_/]", name) is not None
            yield (
                found.start(),
                Constraint(
                    "dataset",
                    name,
                    negated=is_negated(text, found.start()),
                    hard=looks_named,
                    words=found.group().rstrip(".,- "),
                ),
            )


def _read_parents(text: str) -> Iterator[tuple[int, Constraint]]:
    for found in _PARENT.finditer(text):
        name = found.group("name").rstrip(".,-")
        # "based on AI" names no checkpoint; an id or a name with a number in it does. Without an id it is
        # soft: search makes it hard when the lake holds models that declare it.
        if "/" in name or re.search(r"[A-Za-z]-?[\w.]*\d", name):
            yield (
                found.start(),
                Constraint(
                    "derived_from",
                    name,
                    negated=is_negated(text, found.start()),
                    hard="/" in name,
                    words=found.group().rstrip(".,- "),
                ),
            )


def _read_authors(text: str) -> Iterator[tuple[int, Constraint]]:
    for found in _AUTHOR.finditer(text):
        name = (found.group("name") or found.group("owner")).rstrip(".,-")
        if name.lower() in language_names() or name in _NO_AUTHOR or name.lower() in license_words():
            continue
        start = found.start("name") if found.group("name") else found.start("owner")
        if found.group("link"):
            start = found.start("link")
        yield (
            start,
            Constraint(
                "author", name, negated=is_negated(text, start), words=text[start : found.end()].rstrip(".,")
            ),
        )


def _read_literals(text: str) -> Iterator[tuple[int, Constraint]]:
    """Facts that no field holds: a named version ("YOLOv8, not v5"), a number with its unit."""
    for found in _VERSIONED.finditer(text):
        name, version = found.group("name"), found.group("version")
        if normalize_license(name) in license_words() or _NO_NAME.match(name):
            continue
        negated = is_negated(text, found.start())
        yield found.start(), Constraint("text", name, negated=negated, words=name)
        if not negated and (other := _OTHER_VERSION.match(text, found.end())):
            stem = name[: name.rindex("v" + version)]
            yield (
                other.start(),
                Constraint(
                    "text", f"{stem}v{other.group('version')}", negated=True, words=other.group().strip()
                ),
            )
    for found in _QUANTITY.finditer(text):
        unit = found.group("unit").lower()
        unit = "dimensions" if unit.startswith("dim") else unit.replace("khz", "kHz").replace("hz", "Hz")
        number = found.group("number").replace(",", "")
        yield (
            found.start(),
            Constraint("text", f"{number} {unit}", hard=unit in ("dimensions", "kHz"), words=found.group()),
        )
    for found in _REFUSED.finditer(text):
        name = found.group("name")
        known = (name.lower() in words for words in (language_names(), library_words(), license_words()))
        if not any(known) and normalize_license(name) not in license_words() and not _VERSIONED.match(name):
            yield found.start("name"), Constraint("text", name, negated=True, words=name)


@cache
def _task_pattern() -> re.Pattern[str]:
    phrases = sorted(task_words(), key=len, reverse=True)
    loose = [re.escape(phrase).replace(r"\ ", r"[\s-]").replace(r"\-", r"[\s-]") for phrase in phrases]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(loose)})(?!\w)", re.IGNORECASE)


def _read_tasks(text: str) -> Iterator[tuple[int, Constraint]]:
    words = task_words()
    for found in _task_pattern().finditer(text):
        phrase = " ".join(found.group().lower().split())
        tag = words.get(phrase) or words.get(phrase.replace("-", " ")) or words.get(phrase.replace(" ", "-"))
        if tag is not None:
            negated = is_negated(text, found.start())
            yield found.start(), Constraint("task", tag, hard=False, negated=negated, words=found.group())
