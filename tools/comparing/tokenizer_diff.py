"""What differs between two tokenizers, read from tokenizer.json or vocab.txt.

The layout of tokenizer.json is that of the `tokenizers` library; it is read as data, nothing of it is built.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_BYTES = 64 * 2**20
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer's vocabulary (token to id), its merges, added tokens, and the kind of its model."""

    vocabulary: dict[str, int]
    merges: tuple[str, ...]
    added: tuple[str, ...]
    kind: str


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """The tokenizer in a model's folder; None when there is none that can be read."""
    file = folder / "tokenizer.json"
    try:
        if file.is_file() and file.stat().st_size <= _MOST_BYTES:
            return _parse(json.loads(file.read_text("utf-8")))
        words = folder / "vocab.txt"
        if words.is_file() and words.stat().st_size <= _MOST_BYTES:
            lines = words.read_text("utf-8", errors="replace").splitlines()
            return Tokenizer({token: at for at, token in enumerate(lines)}, (), (), "WordPiece")
    except (OSError, ValueError, RecursionError):
        return None
    return None


def diff_tokenizers(a: Path, b: Path) -> dict[str, Any] | None:
    """Sizes, overlap (Jaccard), tokens of one side, moved ids, added tokens, merges; None without both."""
    one, two = read_tokenizer(a), read_tokenizer(b)
    if one is None or two is None:
        return None
    both = one.vocabulary.keys() & two.vocabulary.keys()
    union = len(one.vocabulary.keys() | two.vocabulary.keys())
    return {
        "same": one == two,
        "kind": {"a": one.kind, "b": two.kind},
        "size": {"a": len(one.vocabulary), "b": len(two.vocabulary)},
        "overlap": round(len(both) / union, 6) if union else 1.0,
        "moved": sum(1 for token in both if one.vocabulary[token] != two.vocabulary[token]),
        "only_a": sorted(one.vocabulary.keys() - both)[:_SHOWN],
        "only_b": sorted(two.vocabulary.keys() - both)[:_SHOWN],
        "added": {"a": sorted(set(one.added) - set(two.added)), "b": sorted(set(two.added) - set(one.added))},
        "merges": {
            "a": len(one.merges),
            "b": len(two.merges),
            "shared": len(set(one.merges) & set(two.merges)),
        },
    }


def _parse(document: Any) -> Tokenizer | None:
    if not isinstance(document, dict) or not isinstance(model := document.get("model"), dict):
        return None
    entries = model.get("vocab")
    vocabulary: dict[str, int] = {}
    if isinstance(entries, dict):
        vocabulary = {str(token): int(at) for token, at in entries.items() if isinstance(at, int)}
    elif isinstance(entries, list):  # Unigram: [token, score]
        vocabulary = {
            str(entry[0]): at for at, entry in enumerate(entries) if isinstance(entry, list) and entry
        }
    added = [entry for entry in document.get("added_tokens") or () if isinstance(entry, dict)]
    for entry in added:
        if isinstance(entry.get("id"), int):
            vocabulary.setdefault(str(entry.get("content")), entry["id"])
    merges = model.get("merges")
    joined = (
        tuple(" ".join(map(str, merge)) if isinstance(merge, list) else str(merge) for merge in merges)
        if isinstance(merges, list)
        else ()
    )
    return Tokenizer(
        vocabulary, joined, tuple(str(entry.get("content")) for entry in added), str(model.get("type", ""))
    )
