"""One line about what a tool found, for the person who watches the assistant work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# (key of a result, singular, plural); counted in this order
_COUNTED = (
    ("passages", "passage", "passages"),
    ("rankings", "ranking", "rankings"),
    ("results", "reported result", "reported results"),
    ("edges", "declared link", "declared links"),
    ("found", "link that weights alone show", "links that weights alone show"),
    ("contradicted", "contradicted link", "contradicted links"),
    ("undeclared", "undeclared link", "undeclared links"),
    ("copies", "pair of copies", "pairs of copies"),
    ("conflicts", "conflict", "conflicts"),
    ("lines", "line", "lines"),
)
_NAMED = 3


def describe_result(result: Mapping[str, Any]) -> str:
    """What stands in a tool's result, counted; the message of an error."""
    if "error" in result:
        return str(result["error"])
    parts = []
    models = [str(m["model"]) if isinstance(m, Mapping) else str(m) for m in result.get("models") or ()]
    if models:
        more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
        parts.append(f"{count_noun(len(models), 'model', 'models')}: {', '.join(models[:_NAMED])}{more}")
    facts = result.get("facts") or result.get("fields")
    if isinstance(facts, Mapping):
        stated = sum(1 for value in facts.values() if value)
        parts.append(count_noun(stated, "field stated", "fields stated"))
    if isinstance(weights := result.get("weights"), Mapping):
        parts.append(f"weights {weights['verdict']}")
    parts += [
        count_noun(len(values), one, many)
        for key, one, many in _COUNTED
        if isinstance(values := result.get(key), Sequence) and values
    ]
    return "; ".join(parts) if parts else "nothing found"


def count_noun(number: int, one: str, many: str) -> str:
    """ "1 model", "2,000 models"."""
    return f"{number:,} {one if number == 1 else many}"
