"""What an adapter's own configuration says of its base model, and where it says so.

PEFT writes `adapter_config.json` beside the adapter's weights. `base_model_name_or_path` in it is the id of
the model the adapter was trained on, or a path on the machine it was trained on.
Specification: https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.cards.parents import read_metadata_parents
from tools.cards.types import DeclaredParent
from tools.catalog.naming import model_key
from tools.hashing import hash_bytes

ADAPTER_CONFIG = "adapter_config.json"
BASE_KEY = "base_model_name_or_path"
_MEMBER = re.compile(rf'"{BASE_KEY}"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class AdapterBase:
    """The base an adapter's configuration names. `text` is verbatim; `sha256` that of the whole file."""

    name: str
    locator: str
    text: str
    sha256: str


def quote_adapter_base(data: bytes, text: str) -> dict[str, str] | None:
    """How a record keeps the place: the file's hash and the JSON member, verbatim.

    `data` are the bytes of an adapter's configuration, `text` what they say. None when `text` names no base.
    """
    stated = json.loads(text).get(BASE_KEY)
    for found in _MEMBER.finditer(text):
        if json.loads(found["value"]) == stated:
            return {"sha256": hash_bytes(data), "text": found[0]}
    return None


def read_adapter_base(record_json: str) -> AdapterBase | None:
    """The base that a record's adapter configuration names, or None."""
    place: Any = json.loads(record_json).get("adapter_config")
    if not isinstance(place, dict) or set(place) != {"sha256", "text"}:
        return None
    name = json.loads(f"{{{place['text']}}}")[BASE_KEY]
    return AdapterBase(
        name=" ".join(name.split()),
        locator=f"{ADAPTER_CONFIG}#/{BASE_KEY}",
        text=place["text"],
        sha256=place["sha256"],
    )


def merge_adapter_parent(
    parents: Sequence[DeclaredParent], base: AdapterBase | None
) -> tuple[DeclaredParent, ...]:
    """The card's parents with the adapter's base first; a path of another machine is no parent.

    What the card says of the same model counts once more only where its metadata states another relation.
    """
    # The same reading of names as in a card's metadata: ids and addresses of the Hub, no paths.
    named = read_metadata_parents({"base_model": base.name}, {}, []) if base else []
    if base is None or not named:
        return tuple(parents)
    adapted = replace(named[0], relation="adapter", origin="config", locator=base.locator, text=base.text)
    rest = (
        parent
        for parent in parents
        if model_key(parent.name) != model_key(adapted.name)
        or (parent.origin != "prose" and parent.relation not in ("", "adapter"))
    )
    return (adapted, *rest)
