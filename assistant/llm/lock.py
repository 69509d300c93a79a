"""A lake can be locked to an engine, so that a key in the environment never sends private cards out."""

from __future__ import annotations

from assistant.engine import OFFLINE
from tools.errors import UsageError
from tools.lake import Lake

_VALUE = "engine_lock"


def locked_engine(lake: Lake) -> str | None:
    """The only engine that may be used with this lake, or None when any may."""
    return lake.catalog.get_value(_VALUE) or None


def set_engine_lock(lake: Lake, value: str | None) -> None:
    """Lock the lake to `value`, None lifts the lock. Raises UsageError for what cannot be locked to."""
    if value not in (None, OFFLINE):
        raise UsageError(f"A lake cannot be locked to {value!r}.", hint=f"It can be to {OFFLINE!r}.")
    lake.catalog.set_values(**{_VALUE: value or ""})


def require_unlocked(lake: Lake, what: str) -> None:
    """Raise UsageError when the lake is locked; `what` begins the message, e.g. "The engine 'openai:m'"."""
    lock = locked_engine(lake)
    if lock is not None:
        raise UsageError(
            f"{what} cannot be used: this lake may only be used with the engine {lock!r}.",
            hint="Whoever keeps the lake can lift that: lake engine --any.",
        )
