"""Errors, by who has to act. Every message is the fact with the offending value; `hint` is the next step."""

from __future__ import annotations


class LakeError(Exception):
    """Root of all errors a person may see. `exit_code` is the one the command line documents."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(LakeError):
    """The caller asked for something that cannot be: a wrong value, a missing file, a contradiction."""


class UnknownModelError(LakeError):
    """A named model is not in the lake, or the name fits several. `candidates` are the closest ids."""

    def __init__(self, message: str, *, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class SourceError(LakeError):
    """A source as a whole cannot be read (missing, foreign format, half-written)."""


class HomeError(LakeError):
    """The lake's home cannot be used: read-only, full, from a newer version, or damaged."""


class HomeBusyError(HomeError):
    """Another process owns the home."""


class EmbedderError(LakeError):
    """The embedder's weights are missing, altered, or not the ones this home was made with."""


class ServiceError(LakeError):
    """An outside service (LLM, Hub, Chroma server) failed and nothing could stand in."""

    exit_code = 3
