"""What can go wrong with a language model, and how a person is told of it in one line."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from assistant.engine import Engine
from tools.errors import LakeError, ServiceError

_MOST_SAID = 200  # characters of a service's own message
_KEYS = re.compile(r"(?i)\b(?:sk|pk|key|bearer|token)[-_ ][\w*.-]{6,}")
_RETRIED = frozenset({408, 409, 425, 429})
_TOOLS_MISSING = re.compile(r"(?i)\btools?\b|tool[_ -](?:choice|call)|function[_ -]?call")


class ModelServiceError(ServiceError):
    """A request to the language model's service failed, finally."""


class LimitReachedError(LakeError):
    """The language model used up what one turn may take."""


class UnusableModelError(LakeError):
    """The language model keeps sending what cannot be used."""


class TurnStoppedError(LakeError):
    """The person stopped the turn."""


def explain_failure(error: Exception, engine: Engine) -> str | None:
    """One line for a person on why the language model gave no answer; None for an error of another kind.

    Never contains a key: what a service says itself is shortened and masked.
    """
    if isinstance(error, (ServiceError, LimitReachedError, UnusableModelError)):
        return error.message
    return describe_failure(error, engine)


def describe_failure(error: BaseException, engine: Engine) -> str | None:
    """As `explain_failure`, for what a provider's client raises."""
    where = f"The language model's service ({engine.service})"
    if (status := read_status(error)) is not None:
        return _describe_status(status, error, engine, where)
    names = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
    if any("Timeout" in name for name in names):
        return f"{where} did not answer in time."
    if names & {"RemoteProtocolError", "ReadError", "StreamError", "IncompleteRead"}:
        return f"{where} broke off in the middle of its reply."
    if names & {"ConnectError", "ConnectionError", "APIConnectionError", "gaierror"}:
        return f"{where} cannot be reached."
    if names & {"APIResponseValidationError", "JSONDecodeError"}:
        return f"{where} sent a reply that cannot be read."
    if "APIError" in names:
        said = read_message(error, engine)
        return f"{where} reported an error{f': {said}' if said else ''}."
    return None


def read_status(error: BaseException) -> int | None:
    """The HTTP status behind an error of a provider's client."""
    for link in _chain(error):
        status = getattr(link, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def read_message(error: BaseException, engine: Engine) -> str:
    """What the service says itself: one line, short, printable, without keys and the final full stop."""
    bodies = (link.body for link in _chain(error) if isinstance(getattr(link, "body", None), dict))
    body: dict[str, Any] = next(bodies, {})
    said = body.get("message") or (body.get("error") or {})
    text = str(said.get("message") or "") if isinstance(said, Mapping) else str(said)
    return clean_message(text, engine)


def clean_message(text: str, engine: Engine) -> str:
    """`text` as one short printable line in which keys are masked."""
    key: Any = getattr(engine.model, "openai_api_key", None)
    secret = key.get_secret_value() if hasattr(key, "get_secret_value") else ""
    if secret:
        text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in _KEYS.sub("***", text)).split())
    return (line[:_MOST_SAID].rstrip() + "…" if len(line) > _MOST_SAID else line).rstrip(".")


def is_transient(error: BaseException) -> bool:
    """Whether the same request may well succeed a little later."""
    status = read_status(error)
    if status is not None:
        quota = getattr(error, "code", None) == "insufficient_quota"
        return not quota and (status in _RETRIED or status >= 500)
    names = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
    return bool(
        names
        & {"APIConnectionError", "ConnectionError", "TransportError", "TimeoutException", "TimeoutError"}
    )


def read_retry_after(error: BaseException) -> float | None:
    """Seconds that the service asks to wait (RFC 9110, 10.2.3: seconds or a date), or None."""
    response = next((r for link in _chain(error) if (r := getattr(link, "response", None)) is not None), None)
    headers = getattr(response, "headers", None)
    if headers is None:
        return None
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name)) / unit
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    dated = email.utils.parsedate_tz(headers.get("retry-after"))
    if dated is None:
        return None
    return max(0.0, email.utils.mktime_tz(dated) - time.time())


def _describe_status(status: int, error: BaseException, engine: Engine, where: str) -> str:
    said = read_message(error, engine)
    quoted = f": {said}" if said else ""
    if status in (400, 404, 405, 422, 500, 501) and _TOOLS_MISSING.search(said):
        return f"{where} does not let the model {engine.model_name!r} call tools ({status}{quoted})."
    if status in (401, 403):
        return f"{where} refused the key ({status})."
    if status in (404, 405):
        return f"{where} knows no model {engine.model_name!r}, or its address is wrong ({status})."
    if status == 429:
        return f"{where} takes no more requests now ({status}: rate limit or quota)."
    if 300 <= status < 400:
        return f"{where} sends its callers elsewhere ({status}), which is not followed."
    if status >= 500:
        return f"{where} failed ({status})."
    return f"{where} rejected the request ({status}{quoted})."


def _chain(error: BaseException | None) -> Iterator[Any]:
    """The error and those that caused it."""
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1
