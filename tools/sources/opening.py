"""From what a person names as a source to the reader for it."""

from __future__ import annotations

from tools.errors import UsageError
from tools.sources.types import Source


def open_source(spec: str) -> Source:
    """The source `spec` names. Raises UsageError when there is no such thing."""
    raise UsageError(f"{spec!r} is not a source.")
