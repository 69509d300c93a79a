"""From settings to a chat model: which service, which model there, and nothing else contacted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from assistant.engine import OFFLINE, Engine
from assistant.llm.tracing import forbid_tracing
from assistant.settings import Settings
from tools.errors import LakeError, ServiceError, UsageError
from tools.network import is_loopback

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.outputs import ChatGenerationChunk
    from langchain_openai import ChatOpenAI
    from openai import DefaultHttpxClient, Timeout

OPENAI_URL = "https://api.openai.com/v1"
_CONNECT_SECONDS = 10.0
_LISTED = 12
# Servers on one's own machine mostly want no key, but the client insists on one.
NO_KEY = "none"


def connect(settings: Settings, notify: Callable[[str], None] | None = None) -> Engine | None:
    """The engine with a language model that `settings` ask for, or None for the offline one.

    `auto` means the OpenAI-compatible service when a key or an address is set. Nothing is sent but, when no
    model is named, the question which models there are; `notify` is told of it before. Raises UsageError for
    settings that do not suffice, ServiceError when the service does not list its models.
    """
    if not uses_service(settings):
        return None
    forbid_tracing()
    provider, _, name = settings.llm.partition(":") if settings.llm != "auto" else ("openai", "", "")
    if provider == "openai":
        return _connect_openai(settings, name or settings.model or "", notify)
    return _connect_other(settings, provider, name)


def uses_service(settings: Settings) -> bool:
    """Whether these settings ask for a language model."""
    if settings.llm == "auto":
        return bool(settings.openai_api_key or settings.openai_base_url)
    return settings.llm != OFFLINE


def disconnect(engine: Engine) -> None:
    """Close the connections to an engine's service; it cannot be used afterwards."""
    client = getattr(engine.model, "root_client", None)
    if client is not None:
        client.close()


def announce(engine: Engine) -> str:
    """Where questions go, for the person, before the first one is sent."""
    return f"Questions and the passages found are sent to {engine.service}, model {engine.model_name}."


def describe_service(settings: Settings) -> str:
    """The service that `settings` ask for, before anything was sent to it."""
    if settings.llm != "auto" and not settings.llm.startswith("openai:"):
        return settings.llm
    return show_address(settings.openai_base_url or OPENAI_URL)


def show_address(url: str) -> str:
    """An address without user, password, query and fragment, which may hold secrets."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))


def make_client(settings: Settings, url: str) -> DefaultHttpxClient:
    """The HTTP client for a service: bounded waits, no redirects, no proxy on the way to this machine."""
    return _client_class()(
        timeout=make_timeout(settings),
        follow_redirects=False,
        trust_env=not is_loopback(urlsplit(url).hostname or ""),
    )


@cache
def _client_class() -> type[DefaultHttpxClient]:
    import openai

    class Client(openai.DefaultHttpxClient):
        """Closes its connections when nobody uses it any more, for those who forget to `disconnect`."""

        def __del__(self) -> None:
            if not self.is_closed:
                self.close()

    return Client


@cache
def _model_class() -> type[ChatOpenAI]:
    from langchain_openai import ChatOpenAI

    class ChatModel(ChatOpenAI):
        """ChatOpenAI, which drops refusals from streams; they are kept in `additional_kwargs`."""

        def _convert_chunk_to_generation_chunk(
            self,
            chunk: dict[str, Any],
            default_chunk_class: type,
            base_generation_info: dict[str, Any] | None,
        ) -> ChatGenerationChunk | None:
            made = super()._convert_chunk_to_generation_chunk(
                chunk, default_chunk_class, base_generation_info
            )
            choices = chunk.get("choices") or [{}]
            refusal = (choices[0].get("delta") or {}).get("refusal")
            if made is not None and refusal:
                made.message.additional_kwargs["refusal"] = refusal
            return made

    return ChatModel


def make_timeout(settings: Settings) -> Timeout:
    """Until the next byte; how long a reply may take in all is the turn's limit."""
    import openai

    return openai.Timeout(settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout))


def _connect_openai(settings: Settings, name: str, notify: Callable[[str], None] | None) -> Engine:
    from pydantic import SecretStr

    url = settings.openai_base_url or OPENAI_URL
    if settings.openai_base_url is None and settings.openai_api_key is None:
        raise UsageError(
            f"There is no key for {show_address(url)}.", hint="Set OPENAI_API_KEY, or use --llm offline."
        )
    key = settings.openai_api_key or SecretStr(NO_KEY)
    client = make_client(settings, url)
    try:
        name = name or _find_model(client, url, key.get_secret_value(), notify)
    except LakeError:
        client.close()
        raise
    # Everything that could be read from the environment instead is said here. Retries are the middleware's,
    # which knows how much time is left.
    model = _model_class()(
        model=name,
        base_url=url,
        api_key=key,
        http_client=client,
        timeout=make_timeout(settings),
        openai_proxy="",
        use_responses_api=False,
        stream_usage=True,
        max_retries=0,
        temperature=settings.temperature,
    )
    return Engine(name=f"openai:{name}", model=model, service=show_address(url), model_name=name)


def _find_model(client: DefaultHttpxClient, url: str, key: str, notify: Callable[[str], None] | None) -> str:
    """The only model of the service."""
    where = show_address(url)
    if notify is not None:
        notify(f"Asking {where} which models it has.")
    try:
        reply = client.get(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})
    except Exception as error:  # the client's boundary: whatever it raises, the service was not reached
        from assistant.llm.failures import describe_failure

        asked = Engine(name="", model=None, service=where)  # type: ignore[arg-type]
        raise ServiceError(
            describe_failure(error, asked) or f"The service {where} cannot be asked for its models.",
            hint="Check OPENAI_BASE_URL, or use --llm offline.",
        ) from error
    if reply.status_code in (401, 403):
        raise ServiceError(
            f"The language model's service ({where}) refused the key ({reply.status_code}).",
            hint="Check OPENAI_API_KEY, or use --llm offline.",
        )
    names = _read_names(reply)
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    fact = (
        f"{where} has {len(names)} models and none is chosen: {shown}."
        if names
        else f"No model is chosen, and {where} does not list its own ({reply.status_code})."
    )
    raise UsageError(fact, hint="Set LAKE_MODEL to the name of one.")


def _read_names(reply: Any) -> list[str]:
    try:
        data = reply.json()["data"] if reply.status_code == 200 else []
        return sorted({str(entry["id"]) for entry in data})
    except (ValueError, TypeError, KeyError):
        return []


def _connect_other(settings: Settings, provider: str, name: str) -> Engine:
    """Any other provider LangChain knows, through its own package and the variables that it reads."""
    from langchain.chat_models import init_chat_model

    options = {} if settings.temperature is None else {"temperature": settings.temperature}
    try:
        model: BaseChatModel = init_chat_model(name, model_provider=provider, **options)  # type: ignore[call-overload]
    except ImportError:
        package = f"langchain-{provider.replace('_', '-')}"
        raise UsageError(
            f"The models of {provider!r} need a package that is not installed.",
            hint=f"Run: pip install {package}",
        ) from None
    except ValueError as error:  # an unknown provider, or a missing key (pydantic's errors are ValueErrors)
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UsageError(
            f"{f'{provider}:{name}'!r} cannot be set up: {reason}.",
            hint="Use openai:MODEL, or a provider LangChain knows, with its key set.",
        ) from None
    return Engine(
        name=f"{provider}:{name}", model=model, service=_find_address(model, provider), model_name=name
    )


def _find_address(model: BaseChatModel, provider: str) -> str:
    """Where a provider's model sends its requests, as far as it says."""
    for field in (
        "base_url",
        "anthropic_api_url",
        "endpoint",
        "endpoint_url",
        "api_base",
        "mistral_api_base",
    ):
        value = getattr(model, field, None)
        if isinstance(value, str) and urlsplit(value).hostname:
            return show_address(value)
    return f"the service of {provider}"
