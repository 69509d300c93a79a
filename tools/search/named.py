"""Constraints that are names: licences, languages and libraries as they stand in a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tools.search.types import Constraint
from tools.search.vocabulary import (
    language_names,
    library_words,
    license_words,
    normalize_language,
    normalize_library,
    normalize_license,
)

# What may stand between a negation and the name it negates: "not under the AGPL", "without any GPL code".
_NEGATION = re.compile(
    r"(?:\b(?:not|no|non|never|without|except(?: for)?|excluding|exclude|avoid(?:ing)?|anything but"
    r"|everything but|other than|rather than|instead of|apart from|neither|nor|free of"
    r"|don['’]?t want|ban(?:ned)?)|n['’]t)"
    r"(?:\s+(?:be|be\s+\w+ed|under|in|on|for|with|use|using|an?|any|the|licen[cs]ed|licen[cs]es?|one|it|come|have"
    r"|having|of|is|are|restricted|to|by|based|tied|something))*[\s\-:(\"“']*$",
    re.IGNORECASE,
)
_ALSO_NEGATED = re.compile(r"\s*(?:,|,?\s*(?:or|nor|and)\b|/)\s*(?:an?\b|the\b|any\b)?\s*", re.IGNORECASE)

_LICENSE_WORD = r"(?:licen[cs](?:e[sd]?|ing)|terms)"
# Names that are also plain words or people: they count only beside the word licence, or written as a name.
_PLAIN_WORDS = frozenset(
    {
        "mit",
        "isc",
        "zlib",
        "rail",
        "llama",
        "llama 2",
        "llama2",
        "llama3",
        "llama4",
        "gemma",
        "other",
        "unknown",
    }
    | {"custom", "mozilla", "gnu", "cc", "apache", "mpl", "postgresql", "commercial", "intel-research"}
    | {"open rail", "public-domain", "public domain"}
)
_CAPITALS = frozenset({"MIT", "ISC", "GNU", "MPL", "CC", "Apache", "OpenRAIL", "RAIL"})
_COMMERCIAL = re.compile(
    r"\b(?:for |in |allow(?:s|ed|ing)? |permit(?:s|ted)? )?(?:free )?(?:for )?commercial(?:ly)?"
    r"(?:[- ](?:use|usage|usable|purposes?|applications?|projects?|settings?|deployment|exploitation|friendly"
    r"|products?|licen[cs]\w*|ok(?:ay)?|allowed|permitted|software|rights))"
    r"|\b(?:used?|usable|deploy\w*|exploit\w*) commercially\b|\bcommercially\b"
    r"|\b(?:in|for) (?:a|our|my) (?:paid|commercial) (?:product|service|app|software|tool)\b"
    r"|\b(?:may|can|could|to) (?:legally )?sell (?:it|products?|the results?)\b"
    r"|\b(?:we|i|one) (?:may|can|want to|could) (?:legally )?sell\b",
    re.IGNORECASE,
)
_OPEN_SOURCE = re.compile(r"\bopen[- ]?source(?:d)?\b(?:[- ]licen[cs]\w*)?", re.IGNORECASE)


def is_negated(question: str, start: int) -> bool:
    """Whether what begins at `start` is negated by the words before it."""
    return _NEGATION.search(question[:start]) is not None


@cache
def _license_pattern() -> re.Pattern[str]:
    names = sorted(license_words(), key=len, reverse=True)
    loose = [re.escape(name).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?") for name in names]
    creative = r"(?:creative commons|cc)[\s-]+(?:attribution|by)(?:[\s-]+(?:nc|sa|nd))*(?:[\s-]+\d\.\d)?"
    return re.compile(
        rf"(?<![\w/-])(?P<name>{creative}|{'|'.join(loose)})(?:\+|(?:[\s-]+v?\d(?:\.\d)?)(?![\w.]*\d*\s*(?:%|GB|M\b)))?"
        rf"(?P<word>[\s-]+{_LICENSE_WORD})?(?![\w/])",
        re.IGNORECASE,
    )


def read_licenses(question: str) -> Iterator[tuple[int, Constraint]]:
    """Licences and their families, with where they stand."""
    taken: list[tuple[int, int]] = []
    negated_before = -1
    for found in _COMMERCIAL.finditer(question):
        before = question[: found.start()]
        negated = is_negated(question, found.start())
        taken.append(found.span())
        value = "commercial"
        if negated and (prefix := re.search(r"\bnon[\s-]*$", before, re.IGNORECASE)):
            # "no non-commercial licence" asks for one that allows commerce.
            twice = is_negated(question, prefix.start())
            value, negated = ("commercial", False) if twice else ("non-commercial", True)
        yield (
            found.start(),
            Constraint(
                "license", value, negated=negated and value == "commercial", words=found.group().strip()
            ),
        )
    for found in _OPEN_SOURCE.finditer(question):
        stated = re.search(
            rf"{_LICENSE_WORD}|\bonly\b|\bmust\b",
            question[found.start() - 20 if found.start() > 20 else 0 : found.end() + 20],
            re.I,
        )
        taken.append(found.span())
        yield (
            found.start(),
            Constraint(
                "license",
                "open-source",
                negated=is_negated(question, found.start()),
                hard=stated is not None,
                words=found.group().strip(),
            ),
        )
    for found in _license_pattern().finditer(question):
        if any(start < found.end() and found.start() < end for start, end in taken):
            continue
        name = found.group("name")
        if not _is_license_here(question, found, name):
            continue
        negated = is_negated(question, found.start()) or (
            negated_before >= 0
            and _ALSO_NEGATED.fullmatch(question[negated_before : found.start()]) is not None
        )
        negated_before = found.end() if negated else -1
        whole = re.sub(rf"[\s-]+{_LICENSE_WORD}$", "", found.group(), flags=re.IGNORECASE)
        value = normalize_license(whole)
        if value not in set(license_words().values()) and not value.startswith("cc-"):
            value = normalize_license(name)
        yield (found.start(), Constraint("license", value, negated=negated, words=found.group().strip()))


def _is_license_here(question: str, found: re.Match[str], name: str) -> bool:
    if name.lower() not in _PLAIN_WORDS or found.group("word"):
        return True
    before, after = question[: found.start()], question[found.end() :]
    if re.search(rf"(?:\bunder|{_LICENSE_WORD}(?: is| of|:)?)(?: an?| the)?\s*$", before, re.IGNORECASE):
        return True
    if re.match(rf"[\s-]*(?:or|and|/|,)?[\s-]*[\w.-]*\s*{_LICENSE_WORD}", after, re.IGNORECASE):
        return True
    # "MIT" written as a name, but not "the MIT students" or "researchers at MIT".
    named = name in _CAPITALS and name not in ("CC", "RAIL")
    return (
        named
        and re.search(r"\b(?:at|from|by|of)\s+(?:the\s+)?$", before, re.IGNORECASE) is None
        and re.match(r"['’]s|\s+(?:students?|professors?|researchers?|Kafka|Spark|helicopters?)", after)
        is None
    )


# -- languages --------------------------------------------------------------------------------------

# Nouns after a language that make it the language of what is processed, not somebody's nationality.
_LANGUAGE_NOUN = re.compile(
    r"[\s-]+(?:\w+[\s-]+){0,2}?(?:language|text|texts|speech|audio|recordings?|sentences?|words?|voice|voices"
    r"|tweets?|documents?|articles?|reviews?|comments?|messages?|emails?|e-mails?|corpus|transcri\w+|summar\w+"
    r"|translat\w+|captions?|subtitles?|news|newspapers?|bert|gpt|roberta|t5|asr|tts|ner|llm|models?|embeddings?"
    r"|questions?|answers?|passages?|paragraphs?|contracts?|books?|stories|poems?|poetry|dialog\w*|chat\w*"
    r"|speakers?|speaking|phone|calls?|podcasts?|literature|lyrics|handwriting|ocr|version|wikipedia|sentiment"
    r"|named|entit\w+|punctuation|grammar|classif\w+|recogni\w+|synthesi\w+|question[- ]answering|data"
    r"|manga|comics?|pages?|scans?|letters?|posts?|headlines?|input|output|only)\b",
    re.IGNORECASE,
)
_NOT_LANGUAGE_AFTER = re.compile(
    r"[\s-]+(?:my|the|this|that|up|your|our|America\w*)\b"
    r"|[\s-]+(?:\w+[\s-]+)?(?:customers?|compan\w+|agenc\w+|restaurants?|food|cuisine"
    r"|clients?|startup|bank|market|users?|government|hospital|shepherd|bulldog|airline|tourists?|city|team)\b",
    re.IGNORECASE,
)
_PLAIN_LANGUAGE_WORDS = frozenset(
    {"polish", "lao", "latin", "ganda", "brazilian", "haitian", "shona", "tongan"}
)


@cache
def _language_pattern() -> re.Pattern[str]:
    names = sorted(language_names(), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)


def read_languages(question: str) -> Iterator[tuple[int, Constraint]]:
    """Languages, and ordered pairs such as `en-fr` for translation from English to French.

    Hard where the language is that of the text or speech ("German speech", "in German"); soft where it may be
    a nationality ("a German company"), and for English, which cards leave unsaid.
    """
    covered: list[tuple[int, int]] = []
    negated_before = -1
    for found in _language_pairs(question):
        covered.append(found[0])
        yield found[0][0], found[1]
    for match in _language_pattern().finditer(question):
        if any(start <= match.start() < end for start, end in covered):
            continue
        word = match.group()
        before, after = question[: match.start()], question[match.end() :]
        led = re.search(
            r"\b(?:in|into|for|from|to|of|speaks?|understands?|about)\s+(?:both\s+|the\s+)?$", before
        )
        if (
            (word[0].islower() or word.lower() in _PLAIN_LANGUAGE_WORDS)
            and not led
            and not _LANGUAGE_NOUN.match(after)
        ):
            continue
        if word.lower() in _PLAIN_LANGUAGE_WORDS and re.match(r"\s+(?:my|the|this|up|your|our)\b", after):
            continue
        code = normalize_language(word)
        in_language = re.search(
            r"\b(?:in|into|for|speaks?|understands?|to|and|or|both)\s+(?:fluent\s+|the\s+)?$|[,/]\s*$",
            before,
            re.IGNORECASE,
        )
        stated = bool(in_language or _LANGUAGE_NOUN.match(after)) and not _NOT_LANGUAGE_AFTER.match(after)
        between = question[negated_before : match.start()] if negated_before >= 0 else ""
        negated = is_negated(question, match.start()) or _ALSO_NEGATED.fullmatch(between) is not None
        if negated:
            negated_before = match.end()
        yield (
            match.start(),
            Constraint(
                "language",
                code,
                negated=negated,
                hard=(stated or negated) and code != "en",
                words=word,
            ),
        )


def _language_pairs(question: str) -> Iterator[tuple[tuple[int, int], Constraint]]:
    names = language_names()
    for found in re.finditer(
        rf"(?:\bfrom\s+)?(?P<source>{_language_pattern().pattern})\s*(?:\b(?:in)?to\b|->|→|–|-to-|-)\s*"
        rf"(?P<target>{_language_pattern().pattern})",
        question,
        re.IGNORECASE,
    ):
        source, target = names[found.group("source").lower()], names[found.group("target").lower()]
        yield found.span(), Constraint("language", f"{source}-{target}", words=found.group())


# -- libraries --------------------------------------------------------------------------------------

# Read only where they are led in ("in Keras") or written as the library writes itself.
_PLAIN_LIBRARY_WORDS = frozenset(
    {"transformers", "flair", "stanza", "keras", "paddle", "jax", "torch", "tf", "adapters", "joblib", "nemo"}
    | {"timm", "mlx", "flax", "doctr", "coqui", "gguf"}
)
_LIBRARY_LEAD = re.compile(
    r"\b(?:in|with|for|using|via|on|as|to|through|into|runs? (?:in|on|with)|an?|compatible with)\s+"
    r"(?:the\s+|hugging ?face\s+|my\s+|our\s+)?$",
    re.IGNORECASE,
)
# Nearly every card could be run with these, and few say so.
_COMMON_LIBRARIES = frozenset({"transformers", "pytorch", "tensorflow", "jax"})


@cache
def _library_pattern() -> re.Pattern[str]:
    names = sorted(library_words(), key=len, reverse=True)
    loose = [re.escape(name).replace(r"\ ", r"[\s-]") for name in names]
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(loose)})(?![\w/-])(?!\.\w)", re.IGNORECASE)


def read_libraries(question: str) -> Iterator[tuple[int, Constraint]]:
    """Libraries and formats: "for spaCy", "an ONNX model"."""
    for found in _library_pattern().finditer(question):
        word = found.group()
        led = _LIBRARY_LEAD.search(question[: found.start()]) is not None
        negated = is_negated(question, found.start())
        if word.lower() in _PLAIN_LIBRARY_WORDS and not (led or negated):
            continue
        if word == "transformers" and re.search(
            r"\b(?:vision|decision|sentence)\s$", question[: found.start()]
        ):
            continue
        library = normalize_library(word)
        yield (
            found.start(),
            Constraint(
                "library",
                library,
                negated=negated,
                hard=library not in _COMMON_LIBRARIES,
                words=word,
            ),
        )
