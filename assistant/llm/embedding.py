"""The embedder behind a service that the settings may name instead of the one on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.llm.connecting import NO_KEY, OPENAI_URL, make_client, make_timeout, show_address
from assistant.settings import Settings
from tools.embedding import ServiceEmbedder

if TYPE_CHECKING:
    from openai import OpenAI


def connect_embedder(settings: Settings) -> ServiceEmbedder:
    """The embedder of `LAKE_EMBEDDER=openai:MODEL`, at OPENAI_BASE_URL; nothing is sent yet."""
    from platformdirs import user_cache_path

    url = settings.openai_base_url or OPENAI_URL

    def make_openai() -> OpenAI:
        import openai

        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else NO_KEY
        return openai.OpenAI(
            base_url=url, api_key=key, http_client=make_client(settings, url), timeout=make_timeout(settings)
        )

    return ServiceEmbedder(
        model=settings.embedder.partition(":")[2],
        address=show_address(url),
        make_client=make_openai,
        cache=user_cache_path("model-lake-assistant") / "embedder" / "dimensions.json",
    )


def announce_embedder(embedder: ServiceEmbedder) -> str:
    """Where texts go, for the person, before the first one is sent."""
    return f"The texts of cards and questions are sent to {embedder.address}, embedder {embedder.model}."
