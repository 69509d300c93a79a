"""The words people use for tasks, languages, licences and libraries, and the identifiers they stand for.

The lists are data (tools/data/*.json). Tasks are the Hub's pipeline tags; languages are ISO 639-1 codes, or
ISO 639-3 where there is no two-letter one; licences are the Hub's identifiers with families over them.

Families, as decided here: `gpl` is all of the GNU family (GPL, LGPL, AGPL), for whoever writes "not GPL"
means all of it, while `gpl-3.0` is that licence alone. `commercial` ("for commercial use") is permissive,
copyleft, RAIL and the Llama and Gemma terms, which allow it under conditions; never `-nc`, nor `other`, whose
terms are not known. `open-source` is what the OSI approved, so neither RAIL nor Creative Commons. `cc` is any
Creative Commons licence; `cc-by` is attribution alone, any version, without -nc, -nd or -sa.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib import resources
from typing import Any

UNKNOWN_LICENSES = frozenset({"other", "unknown", "none", "null", "n/a", ""})
_SEPARATORS = re.compile(r"[\s_]+")
_VERSION = re.compile(r"-\d+(?:\.\d+)*$")
_SCRIPT_OR_REGION = re.compile(r"[-_][a-z0-9]{2,8}$")


@cache
def _load(name: str) -> Any:
    return json.loads(resources.files("tools.data").joinpath(name).read_text("utf-8"))


# -- tasks ------------------------------------------------------------------------------------------


@cache
def task_words() -> dict[str, str]:
    """Lower-case phrase -> pipeline tag, the tag itself and its spaced form included."""
    words: dict[str, str] = {}
    for tag, entry in _load("tasks.json").items():
        for phrase in (tag, tag.replace("-", " "), *entry["words"]):
            words.setdefault(phrase, tag)
    return words


def task_names() -> tuple[str, ...]:
    """All pipeline tags known here."""
    return tuple(_load("tasks.json"))


def normalize_task(value: str) -> str:
    """The pipeline tag for a task as people write it ("ASR" -> automatic-speech-recognition).

    What is not known is returned in tag form, so that a tag newer than this list still compares.
    """
    phrase = _SEPARATORS.sub(" ", value.strip().lower())
    words = task_words()
    return words.get(phrase) or words.get(phrase.replace("-", " ")) or phrase.replace(" ", "-")


def related_tasks(task: str) -> frozenset[str]:
    """Tags under which authors also publish models for `task`; without `task` itself."""
    entry = _load("tasks.json").get(task)
    return frozenset(entry["related"]) if entry else frozenset()


def task_inputs(task: str) -> frozenset[str]:
    """Modalities a task reads: text, image, audio, video, table; empty when the tag is not known."""
    entry = _load("tasks.json").get(task)
    return frozenset(entry["input"]) if entry else frozenset()


# -- languages --------------------------------------------------------------------------------------


@cache
def language_words() -> dict[str, str]:
    """Lower-case names, demonyms and ISO 639-3 codes -> code."""
    words: dict[str, str] = {}
    for entry in _load("languages.json"):
        for word in (entry["code"], *entry["iso3"], *entry["names"]):
            words.setdefault(word.lower(), entry["code"])
    return words


@cache
def language_names() -> dict[str, str]:
    """Lower-case names and demonyms, without codes -> code."""
    return {name.lower(): entry["code"] for entry in _load("languages.json") for name in entry["names"]}


def language_label(code: str) -> str:
    """The English name of a language code, else the code."""
    return next((entry["names"][0] for entry in _load("languages.json") if entry["code"] == code), code)


def normalize_language(value: str) -> str:
    """ISO 639-1 code where there is one, else ISO 639-3, else the lower-cased input ("multilingual").

    Scripts and regions are dropped: `zh-Hans`, `pt_BR` -> zh, pt. "false" is what YAML 1.1 makes of `no`.
    """
    if value.strip().lower() == "false":
        return "no"
    word = _SEPARATORS.sub(" ", value.strip().lower())
    words = language_words()
    if word in words:
        return words[word]
    bare = _SCRIPT_OR_REGION.sub("", value.strip().lower())
    return words.get(bare, word)


# -- licences ---------------------------------------------------------------------------------------


@cache
def license_words() -> dict[str, str]:
    """Lower-case names of licences and families -> identifier or family."""
    data = _load("licenses.json")
    words: dict[str, str] = {}
    for family, members in data["licenses"].items():
        words[family] = family
        for member in members:
            words.setdefault(member, member)
    words.update({"commercial": "commercial", "open-source": "open-source", "cc-by": "cc-by", "cc": "cc"})
    words.update(data["names"])
    del words["custom"]
    return words


def normalize_license(value: str) -> str:
    """The identifier or family for a licence as people write it: "Apache 2.0" -> apache-2.0.

    "Creative Commons BY-NC 4.0" and the like become `cc-by-nc-4.0`; what is not known is returned in
    identifier form.
    """
    word = _SEPARATORS.sub(" ", value.strip().lower()).removeprefix("the ").rstrip(".,;")
    words = license_words()
    for candidate in (word, re.sub(r"\s*licen[cs]ed?$|\s*-?licen[cs]e$", "", word)):
        for form in (candidate, candidate.replace(" ", "-"), candidate.replace("-", " ")):
            if form in words:
                return words[form]
    identifier = re.sub(r"\s*licen[cs]e$", "", word).replace(" ", "-")
    return re.sub(r"^(?:creative-commons|cc)-(?:attribution|by)", "cc-by", identifier).replace("--", "-")


def is_known_license(license_id: str | None) -> bool:
    """False for None, `other` and `unknown`: nothing can be concluded from them."""
    return license_id is not None and license_id.strip().lower() not in UNKNOWN_LICENSES


@lru_cache(maxsize=512)
def license_family(license_id: str) -> frozenset[str]:
    """Families a declared licence belongs to; empty for `other` and for unknown identifiers."""
    data = _load("licenses.json")
    name = normalize_license(license_id)
    if name in UNKNOWN_LICENSES:
        return frozenset()
    families = {
        family for family, members in data["licenses"].items() if name in members and family != "custom"
    }
    if name in data["open-source"]:
        families.add("open-source")
    if name.startswith(("cc-", "cc0")):
        families.add("cc")
        if "-nc" in name:
            families.add("non-commercial")
            families.discard("permissive")
        elif _VERSION.sub("", name) == "cc-by":
            families |= {"cc-by", "permissive"}
        elif _VERSION.sub("", name) == "cc-by-sa":
            families |= {"cc-by-sa", "copyleft"}
    if "openrail" in name or name.endswith("-rail-m"):
        families.add("openrail")
    if "non-commercial" not in families and families & set(data["commercial"]):
        families.add("commercial")
    return frozenset(families)


def matches_license(license_id: str | None, wanted: str) -> bool:
    """Whether a declared licence is `wanted`: an identifier, a name ("Apache 2.0") or a family.

    False when the licence is not known; ask `is_known_license` to tell that apart. A name without its
    version covers all versions ("cc-by-nc" fits cc-by-nc-4.0), never a licence with further terms. Of several
    licences, separated by commas, one must fit; for `commercial` all must.
    """
    if not is_known_license(license_id):
        return False
    assert license_id is not None
    asked = normalize_license(wanted)
    fits = (_fits_license(normalize_license(part), asked) for part in license_id.split(","))
    return all(fits) if asked == "commercial" else any(fits)


def _fits_license(actual: str, asked: str) -> bool:
    return actual == asked or asked in license_family(actual) or _VERSION.sub("", actual) == asked


# -- libraries --------------------------------------------------------------------------------------


@cache
def library_words() -> dict[str, str]:
    """Lower-case names -> library."""
    return {name: library for library, names in _load("libraries.json").items() for name in (library, *names)}


def normalize_library(value: str) -> str:
    """The library as the Hub names it: "Hugging Face Transformers" -> transformers; else lower-cased."""
    word = _SEPARATORS.sub(" ", value.strip().lower())
    words = library_words()
    return words.get(word) or words.get(word.replace(" ", "-")) or word.replace(" ", "-")


# -- modalities -------------------------------------------------------------------------------------


@cache
def modality_words() -> dict[str, str]:
    """Lower-case word -> modality (text, image, audio, video, table)."""
    return {word: modality for modality, words in _load("modalities.json").items() for word in words}


# -- authors ----------------------------------------------------------------------------------------

# Houses whose accounts on the Hub bear another name.
_ACCOUNTS = {
    "meta": ("facebook", "meta-llama", "fair"),
    "facebook": ("facebook", "meta-llama"),
    "hugging face": ("huggingface", "huggingfaceh4", "hf-internal-testing"),
    "openai": ("openai", "openai-community"),
    "google": ("google", "google-bert", "google-t5"),
    "stability": ("stabilityai",),
    "stability ai": ("stabilityai",),
    "allen ai": ("allenai",),
    "ai2": ("allenai",),
    "eleuther": ("eleutherai",),
    "tsinghua": ("thudm",),
    "microsoft": ("microsoft",),
    "nvidia": ("nvidia",),
    "ibm": ("ibm", "ibm-granite"),
    "salesforce": ("salesforce",),
    "apple": ("apple",),
    "amazon": ("amazon",),
    "intel": ("intel",),
    "deepmind": ("deepmind", "google"),
}


def known_houses() -> tuple[str, ...]:
    """Names read as authors even in lower case, longest first."""
    return tuple(sorted(_ACCOUNTS, key=len, reverse=True))


def author_names(author: str) -> tuple[str, ...]:
    """The account names an author as written may stand for, lower-case, itself included."""
    name = _SEPARATORS.sub(" ", author.strip().lower())
    return tuple(dict.fromkeys((name, name.replace(" ", "-"), *_ACCOUNTS.get(name, ()))))
