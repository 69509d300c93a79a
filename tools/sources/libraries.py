"""Names of libraries: one identifier for the many ways people write it. Identifiers are the Hub's."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HUB_PREFIX = re.compile(
    r"^(?:hugging\s?face(?:'s)?|hf|pytorch)[\s/_-]+(?=(?:transformers|diffusers|tokenizers)\b)"
)
_LAST_WORDS = re.compile(r"\s+(?:library|framework|toolkit)$")
_SEPARATORS = re.compile(r"[\s_]+")
_SAME: dict[str, str] = {
    "scikit-learn": "sklearn",
    "scikit learn": "sklearn",
    "sentence transformers": "sentence-transformers",
    "sbert": "sentence-transformers",
    "stable baselines3": "stable-baselines3",
    "sb3": "stable-baselines3",
    "unity ml-agents": "ml-agents",
    "mlagents": "ml-agents",
    "adapter-transformers": "adapter-transformers",
    "pyannote.audio": "pyannote-audio",
    "pyannote": "pyannote-audio",
    "torch": "pytorch",
    "tf": "tensorflow",
    "tf-keras": "keras",
    "paddle": "paddlepaddle",
}
# Names of the place a model is kept at, or of nothing: no library is known then.
_NO_LIBRARY = frozenset(
    {"", "hugging face", "huggingface", "hf", "generic", "none", "null", "n/a", "unknown", "other"}
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
    name = " ".join(raw.lower().split())
    name = _LAST_WORDS.sub("", _HUB_PREFIX.sub("", name))
    if name in _NO_LIBRARY:
        return None
    return _SAME.get(name) or _SAME.get(name.replace(" ", "-")) or _SEPARATORS.sub("-", name)


def find_library(tags: Iterable[str]) -> str | None:
    """The library that a model's tags name, or None."""
    named = {tag.lower() for tag in tags}
    return next((name for name in _LIBRARY_TAGS if name in named), None)
