"""Fields of the front matter: missing, or not what the Hub takes.

Specification: https://huggingface.co/docs/hub/model-cards#model-card-metadata
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from tools.audit.licences import list_identifiers, suggest_identifier
from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding
from tools.audit.values import is_placeholder, read_language_codes

_DATASET_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")
_MODEL_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*|multilingual|code", re.IGNORECASE)


def _values(subject: AuditSubject, key: str) -> list[tuple[Any, str]]:
    """The values of a field with their pointers, a single value as a list of one."""
    value = subject.card.metadata.get(key)
    if isinstance(value, list):
        return [(item, f"/{key}/{index}") for index, item in enumerate(value)]
    return [] if value is None or value == "" else [(value, f"/{key}")]


def _line(subject: AuditSubject, pointer: str) -> int:
    return subject.line_of(pointer) or subject.line_of("/" + pointer.split("/")[1])


def _is_silent(subject: AuditSubject, key: str) -> bool:
    has_block = subject.card.front_matter is not None
    return has_block and all(is_placeholder(str(value)) for value, _ in _values(subject, key))


def _missing(subject: AuditSubject, id: str, key: str, example: str) -> Iterator[Finding]:
    if _is_silent(subject, key):
        line = subject.line_of(f"/{key}") or (
            subject.card.front_matter.start if subject.card.front_matter else 0
        )
        said = ", ".join(repr(str(value)[:40]) for value, _ in _values(subject, key)[:3])
        message = f"The {key} is {said}, which names none." if said else f"The metadata names no {key}."
        yield find(subject, id, message, line=line, suggestion=f"Add `{key}: {example}`.")


@rule("license-missing", "warning", "No licence", "Without a licence nobody may use the model.")
def find_missing_license(subject: AuditSubject) -> Iterator[Finding]:
    yield from _missing(subject, "license-missing", "license", subject.record.license or "apache-2.0")


@rule(
    "license-invalid",
    "error",
    "Not a licence identifier of the Hub",
    "The Hub refuses other values; filters by licence miss the model.",
)
def find_invalid_license(subject: AuditSubject) -> Iterator[Finding]:
    known = list_identifiers()
    for value, pointer in _values(subject, "license"):
        text = str(value).strip()
        if is_placeholder(text) or text.lower() in known:
            continue
        better = suggest_identifier(text)
        yield find(
            subject,
            "license-invalid",
            f"{text[:80]!r} is no licence identifier of the Hub.",
            line=_line(subject, pointer),
            suggestion=f"Write `license: {better}`."
            if better
            else "Write `license: other` and license_name.",
        )


@rule(
    "license-other-unnamed",
    "warning",
    "Licence `other` without a name or link",
    "`other` alone tells nothing; license_name and license_link say which terms hold.",
)
def find_unnamed_license(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "license"):
        named = any(subject.card.metadata.get(key) for key in ("license_name", "license_link"))
        if str(value).strip().lower() == "other" and not named:
            yield find(
                subject,
                "license-other-unnamed",
                "The licence is `other`, and neither license_name nor license_link says which.",
                line=_line(subject, pointer),
                suggestion="Add `license_name:` and `license_link: LICENSE`.",
            )


@rule(
    "pipeline-tag-missing", "note", "No pipeline_tag", "The task decides in which searches a model is found."
)
def find_missing_task(subject: AuditSubject) -> Iterator[Finding]:
    yield from _missing(
        subject, "pipeline-tag-missing", "pipeline_tag", subject.record.task or "text-generation"
    )


@cache
def _tasks() -> frozenset[str]:
    text = resources.files("tools.data").joinpath("tasks.json").read_text("utf-8")
    return frozenset(json.loads(text))


@rule(
    "pipeline-tag-invalid",
    "error",
    "pipeline_tag is no task of the Hub",
    "The Hub ignores tasks it does not know.",
)
def find_invalid_task(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "pipeline_tag"):
        text = str(value).strip()
        plain = re.sub(r"[\s_]+", "-", text.lower())
        if (
            is_placeholder(text)
            or text in _tasks()
            or text in ("other", "conversational", "text2text-generation")
        ):
            continue
        yield find(
            subject,
            "pipeline-tag-invalid",
            f"{text[:80]!r} is no task of the Hub.",
            line=_line(subject, pointer),
            suggestion=f"Write `pipeline_tag: {plain}`."
            if plain in _tasks()
            else "See https://huggingface.co/tasks.",
        )


@rule("library-missing", "note", "No library_name", "It decides which code snippet the Hub shows.")
def find_missing_library(subject: AuditSubject) -> Iterator[Finding]:
    yield from _missing(subject, "library-missing", "library_name", subject.record.library or "transformers")


@rule(
    "library-invalid",
    "warning",
    "library_name is no name of a library",
    "The Hub shows code for libraries by their identifiers, in small letters and without a version.",
)
def find_invalid_library(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "library_name"):
        text = str(value).strip()
        if is_placeholder(text) or re.fullmatch(r"[\w.+-]{1,60}", text):
            continue
        yield find(
            subject,
            "library-invalid",
            f"{text[:80]!r} is no name of a library.",
            line=_line(subject, pointer),
            suggestion="Write an identifier, e.g. `library_name: transformers`.",
        )


# Tasks whose models read and write no language.
_WORDLESS = re.compile(
    r"(?:unconditional-)?image-(?!to-text|text)|object-detection|segment|depth|mask-|tabular|reinforcement|robotics"
    r"|time-series|graph|video-class|audio-(?:class|to-audio)|voice-activity|keypoint|3d|image-to-(?!text)|other$"
)


@rule("language-missing", "note", "No language", "Models of language are searched by it.")
def find_missing_language(subject: AuditSubject) -> Iterator[Finding]:
    task = subject.record.task or str(subject.card.metadata.get("pipeline_tag") or "")
    if "language" in subject.card.metadata or not _WORDLESS.match(task):
        yield from _missing(subject, "language-missing", "language", "en")


@rule("field-empty", "note", "A field without a value", "The Hub shows and finds nothing by it.")
def find_empty_field(subject: AuditSubject) -> Iterator[Finding]:
    """Of the fields that a card may well lack; the others have a rule of their own."""
    for key in ("base_model", "base_model_relation", "tags", "metrics", "license_name", "license_link"):
        if key in subject.card.metadata and _is_silent(subject, key):
            yield find(
                subject,
                "field-empty",
                f"The field {key!r} names nothing.",
                line=subject.line_of(f"/{key}"),
                suggestion=f"Give `{key}:` a value, or delete it.",
            )


# https://www.loc.gov/standards/iso639-2/php/code_list.php, with codes that were withdrawn and are still used
_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it
iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo
mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh
si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh
yi yo za zh zu
"""
_ISO_639_1 = frozenset(_CODES.split())


@rule(
    "language-invalid", "warning", "Not a language code", "The Hub takes ISO 639 codes; names are not found."
)
def find_invalid_language(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "language"):
        text = str(value).strip()
        if value is False:  # what YAML 1.1 makes of `no`
            text = "no"
        unknown = len(text) == 2 and text.isascii() and text.lower() not in _ISO_639_1
        if is_placeholder(text) or (_LANGUAGE.fullmatch(text) and not unknown):
            continue
        codes = sorted(read_language_codes(text))
        yield find(
            subject,
            "language-invalid",
            f"{text[:80]!r} is no language code.",
            line=_line(subject, pointer),
            suggestion=f"Write {', '.join(codes)}." if codes else "Write ISO 639-1 codes, e.g. `en`.",
        )


@rule("dataset-invalid", "warning", "Not a dataset id", "What is no id links to nothing on the Hub.")
def find_invalid_dataset(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "datasets"):
        text = str(value).strip()
        if is_placeholder(text) or (isinstance(value, str) and _DATASET_ID.fullmatch(text)):
            continue
        yield find(
            subject,
            "dataset-invalid",
            f"{text[:80]!r} is no dataset id.",
            line=_line(subject, pointer),
            suggestion="Write ids as on https://huggingface.co/datasets, e.g. `org/name`.",
        )


@rule("base-model-invalid", "error", "Not a model id", "A parent that is no id breaks the model tree.")
def find_invalid_base(subject: AuditSubject) -> Iterator[Finding]:
    for value, pointer in _values(subject, "base_model"):
        text = str(value).strip()
        if is_placeholder(text) or (isinstance(value, str) and _MODEL_ID.fullmatch(text)):
            continue
        yield find(
            subject,
            "base-model-invalid",
            f"{text[:80]!r} is no model id.",
            line=_line(subject, pointer),
            suggestion="Write `base_model: org/name`, without address or path.",
        )


@rule(
    "datasets-missing",
    "note",
    "No training data named",
    "Data decides what a model knows and may not be used for.",
)
def find_missing_datasets(subject: AuditSubject) -> Iterator[Finding]:
    yield from _missing(subject, "datasets-missing", "datasets", "org/name")


# Fields that the Hub or its tools read; whatever else a project needs may stand beside them.
_FIELDS = (
    "license", "license_name", "license_link", "language", "library_name", "pipeline_tag", "tags", "datasets",
    "metrics", "base_model", "base_model_relation", "model-index", "model_name", "co2_eq_emissions",
    "thumbnail", "inference", "widget", "new_version", "eval_results", "model_type", "quantized_by",
    "model_creator",
)  # fmt: skip
_ALIASES = {
    "licence": "license", "licences": "license", "licenses": "license", "lizenz": "license",
    "licencia": "license", "lang": "language", "langs": "language", "languageid": "language",
    "dataset": "datasets", "trainingdata": "datasets", "traindatasets": "datasets", "library": "library_name",
    "framework": "library_name", "task": "pipeline_tag", "tasks": "pipeline_tag", "pipeline": "pipeline_tag",
    "pipelinetype": "pipeline_tag", "tasktag": "pipeline_tag", "base": "base_model",
    "parentmodel": "base_model", "finetunedfrom": "base_model", "keywords": "tags", "results": "model-index",
    "evaluation": "model-index", "index": "model-index",
}  # fmt: skip
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "tags": ((list,), "a list"),
    "pipeline_tag": ((str,), "one word"),
    "library_name": ((str,), "one word"),
    "license": ((str, list), "an identifier"),
    "license_name": ((str,), "a name"),
    "license_link": ((str,), "a link"),
    "language": ((str, list, bool), "a code or a list of codes"),
    "datasets": ((str, list), "an id or a list of ids"),
    "metrics": ((str, list), "an id or a list of ids"),
    "base_model": ((str, list), "an id or a list of ids"),
}


@rule(
    "field-misspelt",
    "warning",
    "A field under a name that nobody reads",
    "The Hub takes no notice of it: what it says is neither shown nor found.",
)
def find_misspelt_field(subject: AuditSubject) -> Iterator[Finding]:
    known = {_fold_key(name): name for name in _FIELDS}
    for key in list(subject.card.metadata)[:200]:
        folded = _fold_key(key)
        if key in _FIELDS or len(folded) < 3:
            continue
        near = known.get(folded) or _ALIASES.get(folded)
        if near is None and (close := get_close_matches(folded, known, n=1, cutoff=0.84)):
            near = known[close[0]]
        # A second spelling beside the right field is somebody's own affair.
        if near is not None and (near not in subject.card.metadata or folded not in _ALIASES):
            yield find(
                subject,
                "field-misspelt",
                f"{key[:60]!r} is no field of the Hub; {near!r} is.",
                line=_line(subject, "/" + key.replace("~", "~0").replace("/", "~1")),
                suggestion=f"Write `{near}:`.",
            )


def _fold_key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


@rule(
    "field-type",
    "warning",
    "A field of the wrong kind",
    "The Hub refuses lists where it takes a word, and the other way round.",
)
def find_mistyped_field(subject: AuditSubject) -> Iterator[Finding]:
    for key, (kinds, wanted) in _KINDS.items():
        value = subject.card.metadata.get(key)
        if value is None or value == "":
            continue
        odd = isinstance(value, list) and any(not isinstance(item, str | bool) for item in value)
        if isinstance(value, kinds) and not odd:
            continue
        yield find(
            subject,
            "field-type",
            f"{key!r} is {'a list of other things' if odd else _name_kind(value)}; the Hub takes {wanted}.",
            line=_line(subject, f"/{key}"),
            suggestion=f"Write `{key}:` with {wanted}.",
        )


def _name_kind(value: object) -> str:
    names = {list: "a list", dict: "a mapping", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "a text")
