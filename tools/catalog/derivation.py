"""What the catalog derives from a record and its card: rows, facets, the texts that get vectors.

Nothing here is a source of truth: all of it can be made again from the stored card and record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table

from tools.cards.types import Card, ResultRow
from tools.catalog import schema
from tools.catalog.adapters import merge_adapter_parent, read_adapter_base
from tools.catalog.facets import list_facets
from tools.catalog.naming import bare_key, model_key, split_name
from tools.catalog.records import FileRow, ModelRecord
from tools.hashing import hash_text
from tools.search.summary import clean_passage, compose_summary, embeddable_passages, is_boilerplate

Row = dict[str, Any]

_BODY_KINDS = frozenset({"prose", "list"})
_BODY_CHARACTERS = 20_000


def model_row(record: ModelRecord, card: Card, *, model_id: int, source: str) -> Row:
    """The row of the `models` table."""
    return {
        "id": model_id,
        "key": record.model,
        "folded": model_key(record.model),
        "bare": bare_key(record.model),
        "model": record.model,
        "revision": record.revision,
        "author": record.author,
        "task": record.task,
        "library": record.library,
        "license": record.license,
        "languages": to_json(record.languages),
        "datasets": to_json(record.datasets),
        "tags": to_json(record.tags),
        "downloads": _storable(record.downloads),
        "likes": _storable(record.likes),
        "parameters": _storable(record.parameters),
        "last_modified": record.last_modified,
        "created_at": record.created_at,
        "title": record.title,
        "summary": record.summary,
        "link": record.link,
        "source_kind": record.source_kind,
        "card_sha256": record.card_sha256,
        "record_json": record.record_json,
        "record_sha256": record.record_sha256,
        "removed": False,
        "source": source,
        "derived_version": schema.DERIVED_VERSION,
        "summary_hash": hash_text(compose_summary(record, card)),
    }


def text_rows(record: ModelRecord, card: Card) -> list[Row]:
    """Rows of the `texts` table: every passage, and the model's summary."""
    wanted = {passage.text for passage in embeddable_passages(card)}
    rows = [_text_row(p.text, embedded=False if p.text in wanted else None) for p in card.passages]
    rows.append(_text_row(compose_summary(record, card), embedded=False))
    return rows


def paper_text_row(text: str) -> Row:
    """The row of the `texts` table for a passage of a paper."""
    return _text_row(text, embedded=None if is_boilerplate(clean_passage(text)) else False)


def child_rows(
    model_id: int, record: ModelRecord, card: Card, files: Sequence[FileRow]
) -> dict[Table, list[Row]]:
    """Rows of the tables that hang on a model, passages excepted."""
    children: dict[Table, Iterable[Row]] = {
        schema.sections: (
            {
                "title": s.title,
                "level": s.level,
                "path": to_json(s.path),
                "first_line": s.lines.start,
                "last_line": s.lines.end,
            }
            for s in card.sections
        ),
        schema.card_metadata: _metadata_rows(card),
        schema.facets: ({"field": field, "value": value} for field, value in list_facets(record)),
        schema.arxiv_ids: ({"arxiv_id": arxiv_id} for arxiv_id in _list_arxiv_ids(record, card)),
        schema.problems: ({"code": p.code, "message": p.message, "line": p.line} for p in card.problems),
        schema.files: ({"path": f.path, "size": f.size, "sha256": f.sha256} for f in files),
        schema.parents: (
            {
                "name": p.name,
                "key": model_key(p.name),
                "bare": bare_key(p.name),
                "relation": p.relation,
                "origin": p.origin,
                "locator": p.locator,
                "text": p.text,
                "confidence": p.confidence,
            }
            for p in merge_adapter_parent(card.parents, read_adapter_base(record.record_json))
        ),
        schema.results: (_result_row(row) for row in card.results),
    }
    return {
        table: [{"model_id": model_id, "position": position, **row} for position, row in enumerate(rows)]
        for table, rows in children.items()
    }


def passage_rows(first_id: int, model_id: int, card: Card) -> list[Row]:
    """Rows of the `passages` table, numbered from `first_id`."""
    return [
        {
            "id": first_id + position,
            "model_id": model_id,
            "paper_id": None,
            "position": position,
            "kind": p.kind,
            "section": to_json(p.section),
            "locator": f"README.md#{p.lines}",
            "text_hash": hash_text(p.text),
        }
        for position, p in enumerate(card.passages)
    ]


def full_text_row(model_id: int, record: ModelRecord, card: Card) -> Row:
    """The row of the models' full-text index."""
    body = "\n".join(p.text for p in card.passages if p.kind in _BODY_KINDS)
    return {
        "rowid": model_id,
        "name": searchable(f"{record.model.replace('/', ' ')} {split_name(record.model)}"),
        "title": searchable(record.title or card.title),
        "tags": searchable(" ".join(record.tags)),
        "task": searchable((record.task or "").replace("-", " ")),
        "datasets": searchable(" ".join(record.datasets)),
        "summary": searchable(record.summary),
        "body": searchable(body[:_BODY_CHARACTERS]),
    }


def searchable(text: str) -> str:
    """`text` as a full-text index takes it: valid UTF-8 without NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ")


def _metadata_rows(card: Card) -> Iterable[Row]:
    for pointer, span in card.metadata_lines.items():
        value = _at_pointer(card.metadata, pointer)
        scalar = not isinstance(value, dict | list)
        yield {
            "pointer": pointer,
            "value": json.dumps(value, ensure_ascii=False) if scalar else None,
            "first_line": span.start,
            "last_line": span.end,
        }


def _at_pointer(node: Any, pointer: str) -> Any:
    """The value a JSON pointer (RFC 6901) leads to, or None where it leads nowhere."""
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node


def _list_arxiv_ids(record: ModelRecord, card: Card) -> list[str]:
    tagged = [tag.partition(":")[2] for tag in record.tags if tag.lower().startswith("arxiv:")]
    return list(dict.fromkeys((*card.arxiv_ids, *tagged)))


def _result_row(row: ResultRow) -> Row:
    # SQLite keeps no NaN; a value that is no finite number is kept as it was written.
    number = None if isinstance(row.value, str) or not math.isfinite(row.value) else float(row.value)
    return {
        "metric": row.metric,
        "number": number,
        "words": str(row.value) if number is None else None,
        "metric_type": row.metric_type,
        "unit": row.unit,
        "task": row.task,
        "dataset": row.dataset,
        "dataset_id": row.dataset_id,
        "config": row.config,
        "split": row.split,
        "verified": row.verified,
        "origin": row.origin,
        "locator": row.locator,
        "text": row.text,
        "subject": row.subject,
        "line": row.line,
        "context": row.context,
        "context_locator": row.context_locator,
    }


def _text_row(text: str, *, embedded: bool | None) -> Row:
    return {"hash": hash_text(text), "text": text, "size": len(text), "embedded": embedded}


def _storable(number: int | None) -> int | None:
    """`number` when SQLite can hold it; what is larger than 64 bits is no count of anything."""
    return number if number is not None and abs(number) < 2**63 else None


def to_json(values: Sequence[str]) -> str:
    """A list of words as the catalog stores it."""
    return json.dumps(list(values), ensure_ascii=False)
