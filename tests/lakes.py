"""Small lakes of made-up cards: the catalog is real, and so is the way from a source's columns to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tools.cards import parse_card
from tools.catalog.records import PassageRow
from tools.catalog.sqlite import SqliteCatalog
from tools.hashing import hash_text
from tools.sources.description import build_record, describe_record


def write_card(body: str = "", **head: Any) -> str:
    """A model card with `head` as its front matter."""
    front = f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n" if head else ""
    return f"{front}{body}"


def report(metric: str, value: float | str, dataset: str, **more: Any) -> dict[str, Any]:
    """One result of a model-index; `more`: type, split, config, name, dataset_type, task."""
    data = {"name": dataset, "type": more.get("dataset_type", dataset.lower().replace(" ", "_"))}
    data |= {key: more[key] for key in ("config", "split") if key in more}
    task = more.get("task", "automatic-speech-recognition")
    measured = {"type": more.get("type", metric.lower()), "value": value, "name": metric}
    return {"task": {"type": task}, "dataset": data, "metrics": [measured]}


def write_reports(*results: Mapping[str, Any], body: str = "# A model\n", **head: Any) -> str:
    """A card whose model-index holds `results`."""
    return write_card(body, **head, **{"model-index": [{"name": "this", "results": list(results)}]})


def put_card(catalog: SqliteCatalog, model: str, card: str = "", **columns: Any) -> None:
    """Put a model into the catalog as a dump with these columns would."""
    record = build_record(model, {"modelId": model, **columns}, card, source_kind="dump")
    parsed = parse_card(card, model_id=model)
    catalog.put_models([(describe_record(record, parsed), parsed, ())], source="made-up")


def open_catalog(folder: Path, cards: Mapping[str, str] | None = None) -> SqliteCatalog:
    """A catalog with these cards, by model."""
    catalog = SqliteCatalog(folder / "catalog.sqlite")
    for model, card in (cards or {}).items():
        put_card(catalog, model, card)
    return catalog


def make_passage(
    text: str, *, kind: Any = "prose", locator: str = "README.md#L1", section: Sequence[str] = ()
) -> PassageRow:
    """A passage as the catalog gives it."""
    return PassageRow(
        id=0,
        owner="nimbus/quill",
        owner_kind="model",
        source="nimbus/quill@0",
        kind=kind,
        section=tuple(section),
        locator=locator,
        text=text,
        sha256=hash_text(text),
        text_hash=hash_text(text),
    )
