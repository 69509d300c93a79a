"""How many tokens a text has: counted where the official vocabulary is on this machine, else estimated."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

# encoding -> (name of tiktoken's cache file, sha256 of the vocabulary in it)
_VOCABULARIES = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}
# The estimate: English prose has about 4.3 characters a token, JSON and Markdown 3 to 3.6; scripts other than
# Latin have up to one token a character. Rather too many than too few.
_ASCII_PER_TOKEN = 3.4
_OTHER_PER_TOKEN = 1.2


def count_tokens(text: str, model_name: str | None) -> int:
    """Tokens of `text` for the model: exact for OpenAI's models whose vocabulary tiktoken has cached.

    Else the estimate: one token for 3.4 ASCII characters and one for 1.2 others. Nothing is ever downloaded.
    """
    encoding = _find_encoding(model_name) if model_name else None
    if encoding is None:
        return estimate_tokens(text)
    return len(encoding.encode(text.encode("utf-8", "replace").decode(), disallowed_special=()))


def estimate_tokens(text: str) -> int:
    """The documented estimate of `count_tokens`."""
    if not text:
        return 0
    plain = len(text) if text.isascii() else sum(character < "\x80" for character in text)
    return int(plain / _ASCII_PER_TOKEN + (len(text) - plain) / _OTHER_PER_TOKEN) + 1


@lru_cache(maxsize=16)
def _find_encoding(model_name: str) -> Encoding | None:
    """The encoding of an OpenAI model, if using it needs no download.

    tiktoken deletes and fetches again a cached file that is not the expected one, so its hash is checked here
    before tiktoken is asked.
    """
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder == "":  # caching is switched off: tiktoken would download
        return None
    cache = Path(folder) if folder else Path(tempfile.gettempdir()) / "data-gym-cache"
    if not cache.is_dir():
        return None
    import tiktoken
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model_name)
        file, sha256 = _VOCABULARIES[name]
        if hashlib.sha256((cache / file).read_bytes()).hexdigest() != sha256:
            return None
    except (KeyError, OSError):
        return None
    return tiktoken.get_encoding(name)
