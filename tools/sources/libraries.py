"""Which library a model is for, from what a source declares."""

from __future__ import annotations

from collections.abc import Iterable

from tools.search.vocabulary import normalize_library

# Names of the place a model is kept at, or of nothing: no library is known then.
_NO_LIBRARY = frozenset(
    {"", "hugging-face", "huggingface", "hf", "generic", "none", "null", "n/a", "unknown", "other"}
)
# Tags that say which library loads the model, the more special one first: a sentence-transformers
# model carries the tag "transformers" as well.
_LIBRARY_TAGS = (
    "sentence-transformers", "setfit", "adapter-transformers", "peft", "diffusers", "timm", "open_clip",
    "speechbrain", "espnet", "nemo", "fairseq", "asteroid", "pyannote-audio", "flair", "spacy", "stanza",
    "span-marker", "stable-baselines3", "ml-agents", "sample-factory", "fastai", "sklearn", "keras",
    "paddlenlp", "bertopic", "ultralytics", "mlx", "gguf", "transformers",
)  # fmt: skip


def name_library(raw: str) -> str | None:
    """The identifier of a library as people write it ("Hugging Face Transformers" → "transformers").

    None when `raw` names no library ("Hugging Face", "generic").
    """
    name = normalize_library(raw)
    return None if name in _NO_LIBRARY else name


def find_library(tags: Iterable[str]) -> str | None:
    """The library that a model's tags name, or None."""
    named = {tag.lower() for tag in tags}
    return next((normalize_library(name) for name in _LIBRARY_TAGS if name in named), None)
