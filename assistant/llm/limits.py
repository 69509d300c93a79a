"""What one turn of a language model may take."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Per turn: model calls, tool calls, tokens sent and received, seconds; `context_tokens` per request.

    `parallel_calls` of one reply are run; a reply of more than `reply_characters` is broken off.
    """

    model_calls: int = 8
    tool_calls: int = 16
    tokens: int = 200_000
    seconds: float = 120.0
    context_tokens: int = 24_000
    parallel_calls: int = 8
    reply_characters: int = 60_000

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """The limits that LAKE_MAX_* and LAKE_CONTEXT_TOKENS set."""
        return cls(
            model_calls=settings.max_model_calls,
            tool_calls=settings.max_tool_calls,
            tokens=settings.max_tokens,
            seconds=settings.max_seconds,
            context_tokens=settings.context_tokens,
        )
