"""Language models: connecting to one, keeping it within its limits, and saying why it failed.

Nothing of LangChain or of a provider is imported before a model is connected to.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from assistant.engine import Engine
from assistant.llm.connecting import announce, connect, describe_service, disconnect, uses_service
from assistant.llm.failures import (
    LimitReachedError,
    ModelServiceError,
    TurnStoppedError,
    UnusableModelError,
    explain_failure,
)
from assistant.llm.limits import Limits
from assistant.llm.lock import locked_engine, require_unlocked, set_engine_lock
from assistant.llm.tokens import count_tokens
from assistant.llm.tracing import forbid_tracing
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware

__all__ = [
    "Engine",
    "LimitReachedError",
    "Limits",
    "ModelServiceError",
    "TurnStoppedError",
    "UnusableModelError",
    "announce",
    "connect",
    "count_tokens",
    "describe_service",
    "disconnect",
    "explain_failure",
    "forbid_tracing",
    "locked_engine",
    "make_middleware",
    "require_unlocked",
    "set_engine_lock",
    "uses_service",
]


def make_middleware(
    limits: Limits | Settings, engine: Engine, stopped: threading.Event | None = None
) -> list[AgentMiddleware[Any, Any]]:
    """What watches over one turn of a language model; make it anew for each turn, when it begins.

    Setting `stopped` ends the turn within a tenth of a second. The agent then raises TurnStoppedError; it
    raises LimitReachedError, UnusableModelError or ModelServiceError when the offline engine should answer.
    """
    from assistant.llm.guarding import TurnGuard

    if isinstance(limits, Settings):
        limits = Limits.from_settings(limits)
    return [TurnGuard(limits, engine, stopped)]
