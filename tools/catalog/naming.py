"""How model ids are compared: without case, and bare names without separators."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"\d+(?:[.,]\d+)*[A-Za-z]?\b|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W_]+")


def model_key(name: str) -> str:
    """The form under which an id is unique in a lake."""
    return name.strip().lower()


def bare_key(name: str) -> str:
    """The last part of an id, letters and digits only: "Stable-Diffusion v1.5" -> "stablediffusionv15"."""
    return _SEPARATORS.sub("", name.rstrip("/").rpartition("/")[2].lower())


def split_name(name: str) -> str:
    """The words of a name, and their parts: "DialoGPT-medium" -> "dialogpt medium dialo gpt"."""
    words = _WORDS.findall(name)
    parts = [part for word in words for part in _PARTS.findall(word) if part != word and len(part) > 1]
    return " ".join(dict.fromkeys(word.lower() for word in (*words, *parts)))
