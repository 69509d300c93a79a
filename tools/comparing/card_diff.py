"""What two model cards state differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.cards.parsing import parse_card
from tools.sources.description import MAX_CARD_BYTES
from tools.sources.fields import RowError, decode_text


def diff_cards(a: Path, b: Path) -> dict[str, Any] | None:
    """Fields that the cards in two folders state differently, and their reported results; None without both.

    {"fields": {name: {"a", "b"}}, "results": [{"metric", "dataset", "split", "a", "b"}]}
    """
    one, two = _read(a), _read(b)
    if one is None or two is None:
        return None
    fields = {
        name: {"a": one[0].get(name), "b": two[0].get(name)}
        for name in sorted(one[0].keys() | two[0].keys())
        if one[0].get(name) != two[0].get(name)
    }
    results = [
        {"metric": key[0], "dataset": key[1], "split": key[2], "a": one[1].get(key), "b": two[1].get(key)}
        for key in sorted(one[1].keys() | two[1].keys())
        if one[1].get(key) != two[1].get(key)
    ]
    return {"fields": fields, "results": results}


_FIELDS = ("license", "language", "datasets", "base_model", "pipeline_tag", "library_name", "tags")


def _read(folder: Path) -> tuple[dict[str, Any], dict[tuple[str, str, str], float | str]] | None:
    file = folder / "README.md"
    try:
        if not file.is_file() or file.stat().st_size > MAX_CARD_BYTES:
            return None
        text = decode_text(file.read_bytes(), "README.md")
    except (OSError, RowError):
        return None
    if not text.strip():
        return None
    card = parse_card(text)
    fields = {name: card.metadata[name] for name in _FIELDS if name in card.metadata}
    return fields, {(row.metric, row.dataset, row.split): row.value for row in card.results}
