"""From a source's columns and a card's front matter to the record of a model.

Columns speak first, then the front matter, then tags of the Hub's forms (`license:mit`, `dataset:squad`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tools.cards import parse_front_matter
from tools.cards.markup import strip_markup
from tools.cards.types import Card
from tools.catalog.records import ModelRecord, SourceKind
from tools.hashing import hash_text
from tools.sources.fields import RowError, read_count, read_names, read_text, read_time, write_record
from tools.sources.libraries import find_library, name_library
from tools.sources.parameters import find_parameters

MAX_CARD_BYTES = 16 * 2**20
_READ_CHARACTERS = 1_000_000
_REVISION_DIGITS = 12
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CONTROL = re.compile("[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_SUMMARY_CHARACTERS = 280
_SHORTEST_SUMMARY = 40
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")


def check_card(text: str, size: int | None = None) -> str:
    """The card itself. Raises RowError when it is too large or no text; `size` is its UTF-8 length."""
    if size is None:
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise RowError(
                f"the card holds half of a surrogate pair (character {error.start + 1}), which is no text"
            ) from None
    if size > MAX_CARD_BYTES:
        raise RowError(f"the card has {size:,} bytes; at most {MAX_CARD_BYTES:,} are taken")
    if (at := text.find("\x00")) >= 0:
        raise RowError(f"the card holds a NUL character (character {at + 1}): binary data, no text")
    strange = sum(1 for _ in _CONTROL.finditer(text))
    if strange > 8 and strange > len(text) / 100:
        raise RowError(f"the card holds {strange} control characters: binary data, no text")
    return text


def build_record(
    model: str,
    columns: dict[str, Any],
    card_text: str,
    *,
    source_kind: SourceKind,
    parameters: int | None = None,
) -> ModelRecord:
    """The record of `model`, all but what needs the parsed card (`describe_record` adds that).

    `columns` are the source's own, without the card; they go into `record_json` as they are. `parameters`
    is an exact count where the source has one. Raises RowError when a column holds what is no text.
    """
    read = card_text[:_READ_CHARACTERS]
    front = parse_front_matter(read)
    metadata = front.metadata
    body = read.split("\n", front.body_line - 1)[-1] if front.body_line > 1 else read
    tags = tuple(dict.fromkeys((*read_names(columns.get("tags")), *read_names(metadata.get("tags")))))
    library = read_text(columns.get("library_name")) or read_text(metadata.get("library_name"))
    record_json = write_record(columns)
    try:
        record_json.encode()
    except UnicodeEncodeError:
        raise RowError("a column holds half of a surrogate pair, which is no text") from None
    card_sha256 = hash_text(card_text)
    return ModelRecord(
        model=model,
        revision=_find_revision(columns) or card_sha256[:_REVISION_DIGITS],
        author=read_text(columns.get("author")) or (model.partition("/")[0] if "/" in model else None),
        task=_name_task(columns.get("pipeline_tag")) or _name_task(metadata.get("pipeline_tag")),
        library=(name_library(library) if library else None) or find_library(tags),
        license=_find_license(columns, metadata, tags),
        languages=_find_languages(metadata),
        datasets=_find_datasets(metadata, tags),
        tags=tags,
        downloads=read_count(columns.get("downloads")) or None,
        likes=read_count(columns.get("likes")),
        parameters=parameters if parameters is not None else find_parameters(model, metadata, body),
        last_modified=read_time(columns.get("last_modified")),
        created_at=read_time(columns.get("createdAt")),
        link=read_text(columns.get("link")) or "",
        source_kind=source_kind,
        card_sha256=card_sha256,
        record_json=record_json,
        record_sha256=hash_text(record_json),
    )


def describe_record(record: ModelRecord, card: Card) -> ModelRecord:
    """`record` with the title and the summary that its parsed card gives."""
    return replace(record, title=card.title[:200], summary=_summarize(card, link=record.link))


def _summarize(card: Card, *, link: str) -> str:
    """The first prose of the card that says something, as a reader sees it, cut at a sentence.

    A passage that names the model's `link` says where the card comes from, not what the model does.
    """
    for passage in card.passages:
        if passage.kind != "prose" or passage.text.lstrip().startswith(("#", "![", "[![", "<!--")):
            continue
        if link and link in passage.text:
            continue
        text = strip_markup(passage.text)
        if len(text) < _SHORTEST_SUMMARY or sum(c.isalpha() for c in text) < len(text) / 2:
            continue
        return _shorten(text)
    return ""


def _shorten(text: str) -> str:
    if len(text) <= _SUMMARY_CHARACTERS:
        return text
    kept = ""
    for sentence in _SENTENCE_END.split(text):
        longer = f"{kept} {sentence}".strip()
        if len(longer) > _SUMMARY_CHARACTERS:
            break
        kept = longer
    return kept if len(kept) >= _SHORTEST_SUMMARY else text[: _SUMMARY_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def _find_revision(columns: dict[str, Any]) -> str | None:
    commit = columns.get("sha")
    return commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else None


def _name_task(value: Any) -> str | None:
    """A pipeline tag in the Hub's form: "Text Classification" → "text-classification"."""
    names = read_names(value)
    return re.sub(r"[\s_]+", "-", names[0].lower()) if names else None


def _find_license(columns: dict[str, Any], metadata: dict[str, Any], tags: Iterable[str]) -> str | None:
    """As declared, lower case; several joined by ", ". "other" gives way to the licence's name."""
    declared = (
        read_names(columns.get("license"))
        or read_names(metadata.get("license"))
        or read_names(metadata.get("licence"))
        or tuple(_tagged(tags, "license"))
    )
    names = list(dict.fromkeys(name.lower() for name in declared if name.lower() != "unknown"))
    if names == ["other"]:
        names = [name.lower() for name in read_names(metadata.get("license_name"))] or names
    return ", ".join(names) or None


def _find_languages(metadata: dict[str, Any]) -> tuple[str, ...]:
    value = metadata.get("language")
    if value is None:
        value = metadata.get("languages")
    # YAML 1.1 reads Norwegian, `no`, as false; cards written back by such a reader say so.
    items = value if isinstance(value, list) else [value]
    names = read_names(["no" if item is False else item for item in items], keys=("code", "name", "id"))
    split = (part.strip().lower() for name in names for part in re.split(r"[,;/]|\band\b", name))
    return tuple(dict.fromkeys("no" if name == "false" else name for name in split if name))


def _find_datasets(metadata: dict[str, Any], tags: Iterable[str]) -> tuple[str, ...]:
    declared = read_names(metadata.get("datasets")) or read_names(metadata.get("dataset"))
    return declared or tuple(_tagged(tags, "dataset"))


def _tagged(tags: Iterable[str], kind: str) -> list[str]:
    """What stands after `kind:` in tags of the Hub."""
    return [
        tag.partition(":")[2].strip() for tag in tags if tag.lower().startswith(f"{kind}:") and tag[-1] != ":"
    ]
