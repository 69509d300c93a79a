"""What the composer hands back: text with marks, and what the next turn should know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is verified."""

    text: str
    models: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    abstained: bool = False
    memo: dict[str, Any] = field(default_factory=dict)
    framing: tuple[str, ...] = ()  # lines that repeat the question's own conditions; they claim nothing
