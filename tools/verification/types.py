"""What the verifier says about an answer. Levels and statuses are those of the command line's contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CitationStatus = Literal["exact", "normalized", "misattributed", "fabricated"]
Level = Literal["quoted", "facts", "unchecked", "failed"]


@dataclass(frozen=True, slots=True)
class Citation:
    """One mark `[E1]` in the text, in order, with the span that supports it."""

    evidence: str
    quote: str  # the writer's, else the span the verifier found, else ""
    status: CitationStatus
    found_in: str = ""  # for misattributed: the key under which the quote really stands


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, list item or table row of the answer with its level and, when failed, the reason."""

    text: str
    level: Level
    marks: tuple[str, ...]
    reason: str = ""  # for a person: "the passage says 0.91, not 0.93"
    start: int = 0  # where it stands in the answer
    end: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Texts of the statements that failed."""
        return tuple(s.text for s in self.statements if s.level == "failed")
