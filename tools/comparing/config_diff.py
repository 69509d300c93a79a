"""What differs between two config.json files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Written by whatever saved the file; they say nothing of the model.
_BOOKKEEPING = frozenset({"transformers_version", "_name_or_path", "_commit_hash", "use_cache"})


def diff_configs(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Keys (nested ones joined by dots) whose values differ, as {key: {"a": ..., "b": ...}}.

    A key that one side lacks is null there. None when either model has no configuration.
    """
    if not a or not b:
        return None
    flat_a, flat_b = _flatten(a), _flatten(b)
    return {
        key: {"a": flat_a.get(key), "b": flat_b.get(key)}
        for key in sorted(flat_a.keys() | flat_b.keys())
        if key.rpartition(".")[2] not in _BOOKKEEPING and flat_a.get(key) != flat_b.get(key)
    }


def _flatten(config: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and depth < 8:
            found.update(_flatten(value, f"{name}.", depth + 1))
        else:
            found[name] = value
    return found
