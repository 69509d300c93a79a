"""Who writes the answers: the offline engine, or a language model behind a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Engine:
    """A chat model with its name in answers ("offline", "openai:gpt-x").

    `service` is the address that questions go to and `model_name` the model there; both None when offline.
    """

    name: str
    model: BaseChatModel
    service: str | None = None
    model_name: str | None = None
