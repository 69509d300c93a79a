"""Models, cards and embedders for tests of the catalog: small, made up, and real in every part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.cards import parse_card
from tools.cards.types import Card
from tools.catalog.records import FileRow, ModelRecord
from tools.hashing import hash_text

Entry = tuple[ModelRecord, Card, Sequence[FileRow]]


def make_entry(model: str, card: str = "", *, files: Sequence[FileRow] = (), **fields: Any) -> Entry:
    """A model with a parsed card, as ingest hands it to the catalog."""
    record_json = json.dumps({"modelId": model, **fields}, sort_keys=True, default=list)
    record = ModelRecord(
        model=model,
        revision=fields.pop("revision", hash_text(card)[:12]),
        card_sha256=hash_text(card),
        record_json=record_json,
        record_sha256=hash_text(record_json),
        **fields,
    )
    return record, parse_card(card, model_id=model), files


def write_dump(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    """A JSON Lines dump; returns it as a source."""
    columns = ("author", "last_modified", "library_name", "pipeline_tag", "createdAt")
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            whole = {"downloads": 0, "likes": 0, "tags": [], **dict.fromkeys(columns), **row}
            file.write(json.dumps(whole) + "\n")
    return str(path)


@dataclass(frozen=True)
class HashEmbedder:
    """Unit vectors drawn from a text's hash: for tests of storing vectors, where meaning does not matter."""

    name: str = "hash@1"
    dimension: int = 16

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text."""
        rows = [
            np.random.default_rng(
                int.from_bytes(hashlib.sha256(f"{self.name} {text}".encode()).digest()[:8], "big")
            ).standard_normal(self.dimension)
            for text in texts
        ]
        vectors = np.asarray(rows, dtype=np.float32).reshape(len(texts), self.dimension)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
