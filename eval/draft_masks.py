"""Facts of real cards masked where another place still holds them, and masked where none does.

Whether a card's body or record still holds a fact is told by simple patterns of this file's own, which know
nothing of how drafts read prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cards import parse_card
from tools.cards.types import Card
from tools.draft.subject import DraftSubject
from tools.search.vocabulary import language_label
from tools.sources.description import build_record
from tools.sources.dump import KEPT_COLUMNS
from tools.sources.types import SourceModel

_DUMP = "model_cards_with_metadata.parquet"
# Field of the metadata, slot of the card, prefix of the tags that repeat it, column that repeats it.
FIELDS = (
    ("license", "license", "license:", ""),
    ("language", "language", "", ""),
    ("datasets", "training_data", "dataset:", ""),
    ("pipeline_tag", "model_type", "", "pipeline_tag"),
    ("library_name", "software", "", "library_name"),
)
_LICENCE_WORDS = {
    "mit": r"\bMIT\b",
    "apache-2.0": r"apache[ -]?(?:licen[cs]e)?,? ?(?:version )?v?2",
    "cc-by-4.0": r"cc[ -]by[ -]4",
    "cc-by-nc-4.0": r"cc[ -]by[ -]nc[ -]4",
    "cc-by-sa-4.0": r"cc[ -]by[ -]sa[ -]4",
    "gpl-3.0": r"gpl[ -]?v?3",
}


@dataclass(frozen=True, slots=True)
class Masked:
    """A card without one fact. `wanted`: what another place still says, "" where none says anything."""

    subject: DraftSubject
    field: str
    slot: str
    wanted: str


def read_rows(shared: Path) -> list[dict[str, Any]]:
    """All rows of the dump of real cards."""
    import pyarrow.parquet as pq

    return list(pq.read_table(shared / _DUMP).to_pylist())


def make_subject(row: dict[str, Any], text: str, columns: dict[str, Any]) -> DraftSubject:
    """A model of one row with another card and other columns, outside of any lake."""
    kept = {name: columns[name] for name in KEPT_COLUMNS if name in columns}
    item = SourceModel(build_record(row["modelId"], kept, text, source_kind="dump"), text)
    record, card = item.parse()
    return DraftSubject(record, card, (), None, None, False)


def mask_row(row: dict[str, Any]) -> Iterator[Masked]:
    """The row once for each fact that can be masked."""
    text = (row["card"] or "").replace("\r\n", "\n")
    card = parse_card(text, model_id=row["modelId"])
    if any(problem.code.startswith("front-matter") for problem in card.problems):
        return
    body = "\n".join(passage.text for passage in card.passages)
    for field, slot, prefix, column in FIELDS:
        value, span = card.metadata.get(field), card.metadata_lines.get(f"/{field}")
        values = [
            str(one)
            for one in (value if isinstance(value, list) else [value])
            if isinstance(one, (str, bool))
        ]
        if not values or span is None:
            continue
        lines = text.split("\n")
        masked = "\n".join([*lines[: span.start - 1], *lines[span.end :]])
        silent = _silence(row, values, prefix, column)
        wanted = _find_in_body(field, values, card, body)
        if wanted:
            yield Masked(make_subject(row, masked, silent), field, slot, wanted)
        elif _is_silent(field, body):
            yield Masked(make_subject(row, masked, silent), field, slot, "")
        if len(values) == 1 and _repeats(row, values[0], prefix, column):
            yield Masked(make_subject(row, masked, row), f"{field} (record)", slot, values[0])


def mask_results(row: dict[str, Any]) -> Iterator[Masked]:
    """The row without its model-index, once for each value of it that a table of the body holds as well."""
    text = (row["card"] or "").replace("\r\n", "\n")
    card = parse_card(text, model_id=row["modelId"])
    span = card.metadata_lines.get("/model-index")
    if span is None:
        return
    lines = text.split("\n")
    masked = "\n".join([*lines[: span.start - 1], *lines[span.end :]])
    tables = [line for line in lines[span.end :] if line.count("|") > 1]
    seen: set[str] = set()
    for found in re.finditer(r"^\s*-?\s*value: ['\"]?(\d+\.\d{2,6})['\"]?\s*$", card.lines_text(span), re.M):
        value = found[1]
        if value not in seen and any(
            re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", line) for line in tables
        ):
            seen.add(value)
            yield Masked(make_subject(row, masked, row), "results (table)", "results", value)


def _silence(row: dict[str, Any], values: list[str], prefix: str, column: str) -> dict[str, Any]:
    """The row's columns without what repeats the fact."""
    tags = [tag for tag in row["tags"] or [] if tag not in values and not (prefix and tag.startswith(prefix))]
    return {**row, "tags": tags} | ({column: None} if column else {})


def _repeats(row: dict[str, Any], value: str, prefix: str, column: str) -> bool:
    if column:
        return bool(row[column] == value)
    return bool(prefix) and f"{prefix}{value}" in (row["tags"] or [])


def _find_in_body(field: str, values: list[str], card: Card, body: str) -> str:
    """What the body still says of the only value masked, "" when that cannot be told simply."""
    if len(values) != 1:
        return ""
    value = values[0]
    for line in body.split("\n"):
        if field == "license" and re.search(r"licen[cs]e", line, re.I):
            pattern = _LICENCE_WORDS.get(value.lower())
            if pattern and (found := re.search(pattern, line, re.I)):
                return found[0]
        if field == "language":
            name = language_label(value)
            if len(name) > 3 and re.search(
                rf"\b{re.escape(name)} language|language\W{{1,8}}{re.escape(name)}\b", line
            ):
                return name
        if field == "datasets":
            name = value.rpartition("/")[2]
            if len(name) > 3 and re.search(
                rf"(?:trained|tuned) on .{{0,60}}\b{re.escape(name)}\b", line, re.I
            ):
                return name
    if field == "library_name" and value == "transformers":
        code = [passage.text for passage in card.passages if passage.kind == "code"]
        if any(re.search(r"^from transformers import", text, re.M) for text in code):
            return value
    return ""


def _is_silent(field: str, body: str) -> bool:
    """Whether the body says nothing at all that could be taken for the fact."""
    if field == "license":
        return not re.search(r"licen[cs]|(?:released|available|distributed|published) under", body, re.I)
    if field == "language":
        return not re.search(r"\blanguages?\b", body, re.I)
    if field == "datasets":
        return not re.search(r"train|tun(?:ed|ing)|data|corp(?:us|ora)", body, re.I)
    if field == "library_name":
        return not re.search(r"\bimport\b|librar|version", body, re.I)
    return False
