"""Facts of one model by field, each with the exact place it stands.

Places are the card's metadata, an adapter's configuration, the record beside the card, and prose.

Several facts for one field are several places; when they disagree, all of them are given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tools.cards.types import Card, LineSpan
from tools.catalog.adapters import read_adapter_base
from tools.catalog.records import ModelRecord
from tools.catalog.repository import Catalog
from tools.evidence import Evidence, EvidenceKind, EvidenceLedger
from tools.hashing import hash_text

FactField = Literal[
    "license", "language", "dataset", "task", "library", "downloads", "likes", "parameters", "base_model",
    "author", "tags", "last_modified",
]  # fmt: skip
FACT_FIELDS: tuple[FactField, ...] = FactField.__args__  # type: ignore[attr-defined]

_METADATA_KEYS: dict[str, tuple[str, ...]] = {
    "license": ("license", "licence"),
    "language": ("language", "languages"),
    "dataset": ("datasets", "dataset"),
    "task": ("pipeline_tag",),
    "library": ("library_name", "library"),
    "base_model": ("base_model", "finetuned_from"),
    "author": ("author", "authors"),
    "tags": ("tags",),
}
_RECORD_KEYS: dict[str, tuple[str, ...]] = {
    "task": ("pipeline_tag",),
    "library": ("library_name",),
    "downloads": ("downloads",),
    "likes": ("likes",),
    "author": ("author",),
    "tags": ("tags",),
    "last_modified": ("last_modified",),
    "parameters": ("parameters",),
}
# "License: Apache 2.0", "- **Language(s) (NLP):** English": labelled lines of a card's body.
_LABELS: dict[str, str] = {
    "license": r"licen[cs]e",
    "language": r"(?:supported\s+)?languages?(?:\(s\))?(?:\s*\(nlp\))?",
    "dataset": r"(?:training\s+|train\s+)?(?:data\s?sets?|training data|corpus)(?:\s+used)?",
    "parameters": r"(?:number of |total )?parameters(?: count)?|model size|params",
    "base_model": r"(?:base model|finetuned from(?: model)?|fine-tuned from(?: model)?|parent model"
    r"|language model)"
    r"(?:\s*\[optional\])?",
    "author": r"(?:developed by|author(?:s|\(s\))?|created by|model creator|developers?)",
    "task": r"(?:downstream[- ]task|task|model type)",
}
_SCALED = r"\d[\d.,]{0,20}[\s-]{0,2}(?:k|m|b|t|thousand|million|billion|trillion)"
_PROSE: dict[str, str] = {
    "license": r"\b(?:licen[cs]ed under|released under|under (?:the|an?) [\w .\-]{2,40}licen[cs]e)\b",
    # A number without a unit is a count only when it is large: functions take "2 parameters" too.
    "parameters": rf"\b(?:{_SCALED}|\d[\d.,]{{2,20}})[\s-]{{0,2}}(?:trainable\s)?param(?:eter)?s?\b"
    rf"|\bparam(?:eter)?s\b[^.\d\n]{{0,24}}{_SCALED}\b",
}
_EMPTY_VALUES = frozenset({"", "n/a", "null", "none", "unknown", "[more information needed]", "-"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of one field at one place. `value` is what a reader would say; `text` is verbatim."""

    field: str
    value: str
    origin: Literal["metadata", "config", "record", "prose"]
    kind: EvidenceKind
    source: str
    locator: str
    text: str
    sha256: str

    def register(self, ledger: EvidenceLedger) -> Evidence:
        """Give this fact its key in a conversation."""
        return ledger.add(self.kind, self.source, self.locator, self.text, self.sha256)


def collect_facts(catalog: Catalog, model: str, fields: Sequence[str] = FACT_FIELDS) -> dict[str, list[Fact]]:
    """All facts of `model` for each of `fields`; a field nothing states maps to an empty list."""
    record, card = catalog.get_model(model), catalog.get_card(model)
    if record is None or card is None:
        return {field: [] for field in fields}
    return read_facts(record, card, fields)


def read_facts(record: ModelRecord, card: Card, fields: Sequence[str] = FACT_FIELDS) -> dict[str, list[Fact]]:
    """As `collect_facts`, of a record and its card at hand."""
    return {field: _facts_of(record, card, field) for field in fields}


def show_value(value: object) -> str:
    """A metadata value as a reader would say it."""
    if isinstance(value, list):
        return ", ".join(show_value(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(show_value(item) for item in value.values())
    return str(value).strip()


def _facts_of(record: ModelRecord, card: Card, field: str) -> list[Fact]:
    facts = _metadata_facts(record, card, field)
    if field == "base_model":
        facts += _adapter_facts(record)
    if not facts or field in ("downloads", "likes"):
        facts += _record_facts(record, field)
    if field in _LABELS:
        facts += _prose_facts(record, card, field)
    return facts


def _metadata_facts(record: ModelRecord, card: Card, field: str) -> list[Fact]:
    facts = []
    for key in _METADATA_KEYS.get(field, ()):
        value, span = card.metadata.get(key), card.metadata_lines.get(f"/{key}")
        if value is None or span is None:
            continue
        shown = show_value(value)
        if shown.lower() in _EMPTY_VALUES:
            continue
        facts.append(
            Fact(
                field=field,
                value=shown,
                origin="metadata",
                kind="metadata",
                source=record.source,
                locator=f"README.md#/{key}",
                text=card.lines_text(span),
                sha256=card.sha256,
            )
        )
    return facts


def _record_facts(record: ModelRecord, field: str) -> list[Fact]:
    columns = json.loads(record.record_json)
    for key in _RECORD_KEYS.get(field, ()):
        value = columns.get(key)
        if value in (None, "", []) or (field == "downloads" and not value):
            continue
        shown = f"{value:,}" if isinstance(value, int) else show_value(value)
        return [
            Fact(
                field=field,
                value=shown,
                origin="record",
                kind="metadata",
                source=record.source,
                locator=f"record.json#/{key}",
                text=_record_lines(record.record_json, key),
                sha256=record.record_sha256 or hash_text(record.record_json),
            )
        ]
    return []


def _adapter_facts(record: ModelRecord) -> list[Fact]:
    base = read_adapter_base(record.record_json)
    if base is None:
        return []
    return [
        Fact(
            field="base_model",
            value=base.name,
            origin="config",
            kind="config",
            source=record.source,
            locator=base.locator,
            text=base.text,
            sha256=base.sha256,
        )
    ]


def _record_lines(record_json: str, key: str) -> str:
    """The verbatim lines of one key of the record (one key a line, lists over several)."""
    lines = record_json.split("\n")
    for start, line in enumerate(lines):
        if line.strip().startswith(f'"{key}":'):
            end = start
            if line.rstrip().endswith("["):
                while not lines[end].strip().startswith("]"):
                    end += 1
            return "\n".join(lines[start : end + 1]).strip().rstrip(",")
    return record_json


def _prose_facts(record: ModelRecord, card: Card, field: str) -> list[Fact]:
    label = re.compile(rf"^[\s>*\-+#]*(?:{_LABELS[field]})[\s*]*[:：][\s*]*(?P<value>\S.*)$", re.IGNORECASE)
    sentence = re.compile(_PROSE[field], re.IGNORECASE) if field in _PROSE else None
    facts = []
    for passage in card.passages:
        if passage.kind == "code":
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            matched = label.match(line)
            if matched is None and (sentence is None or not sentence.search(line)):
                continue
            told = sentence.search(line) if sentence else None
            value = matched["value"] if matched else told[0] if told and field == "parameters" else line
            shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", value).strip(" *_`.")
            if shown.lower() in _EMPTY_VALUES:
                continue
            number = passage.lines.start + offset
            facts.append(
                Fact(
                    field=field,
                    value=shown,
                    origin="prose",
                    kind="card",
                    source=record.source,
                    locator=f"README.md#{LineSpan(number, number)}",
                    text=line.strip(),
                    sha256=card.sha256,
                )
            )
    return facts
