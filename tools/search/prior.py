"""The task behind a question: a prior over pipeline tags, learned from requests with their tasks.

Two multinomial logistic regressions, one over the question's vector and one over its words, joined by the
geometric mean of their probabilities. Without an embedder the words alone speak. The weights are data
(tools/data/task_prior.npz), made by eval/train_task_prior.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

from tools.search.vocabulary import related_tasks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS = "task_prior.npz"
_WORD = re.compile(r"[a-z0-9]+")
_ENDING = re.compile(r"(?:ing|ed|s|es|ion|ions|ation)$")
# How much the sentence vector counts against the words.
_VECTOR_SHARE = 0.6
# What a model without a task, or of a task that no request names, is given.
_FLOOR = 1e-3


def prior_words(text: str) -> list[str]:
    """Stems and pairs of neighbouring stems, the features of the word model."""
    stems = [_ENDING.sub("", word) if len(word) > 5 else word for word in _WORD.findall(text.lower())]
    return stems + [f"{first}_{second}" for first, second in pairwise(stems)]


def word_features(
    texts: Sequence[str], vocabulary: dict[str, int], idf: NDArray[np.float32]
) -> NDArray[np.float32]:
    """tf-idf with binary counts and unit norm, shape (len(texts), len(vocabulary))."""
    import numpy as np

    features = np.zeros((len(texts), len(vocabulary)), dtype=np.float32)
    for row, text in enumerate(texts):
        columns = [vocabulary[word] for word in set(prior_words(text)) if word in vocabulary]
        features[row, columns] = idf[columns]
        norm = float(np.linalg.norm(features[row]))
        if norm:
            features[row] /= norm
    return features


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities over the last axis."""
    import numpy as np

    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


@dataclass(frozen=True)
class TaskPrior:
    """Weights: `vector_weights` (384, tasks), `word_weights` (words, tasks), each with a bias (tasks,)."""

    tasks: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: NDArray[np.float32]
    vector_weights: NDArray[np.float32]
    vector_bias: NDArray[np.float32]
    word_weights: NDArray[np.float32]
    word_bias: NDArray[np.float32]

    def predict(
        self, text: str, vector: NDArray[np.float32] | None, held: Collection[str] = ()
    ) -> dict[str, float]:
        """Probability of each task for the request `text`; `vector` is its sentence vector, if there is one.

        With `held`, only tasks the lake holds: the share of an absent task goes to the related ones that are
        there, the rest is scaled to a sum of 1.
        """
        import numpy as np

        words = word_features([text], self.vocabulary, self.idf)[0]
        spoken = np.log(softmax(words @ self.word_weights + self.word_bias) + 1e-9)
        if vector is not None and len(vector) == len(self.vector_weights):
            meant = np.log(softmax(vector @ self.vector_weights + self.vector_bias) + 1e-9)
            spoken = _VECTOR_SHARE * meant + (1 - _VECTOR_SHARE) * spoken
        shares = dict(zip(self.tasks, map(float, softmax(spoken)), strict=True))
        return _keep_held(shares, held) if held else shares


def _keep_held(shares: dict[str, float], held: Collection[str]) -> dict[str, float]:
    kept = {task: shares.get(task, 0.0) for task in held}
    for task, share in shares.items():
        if task not in kept and (heirs := [other for other in related_tasks(task) if other in kept]):
            for heir in heirs:
                kept[heir] += share / len(heirs)
    total = sum(kept.values())
    return {task: max(share / total, _FLOOR) for task, share in kept.items()} if total else kept


@cache
def load_task_prior() -> TaskPrior:
    """The shipped weights."""
    import numpy as np

    with (
        resources.files("tools.data").joinpath(WEIGHTS).open("rb") as file,
        np.load(file, allow_pickle=False) as data,
    ):
        words = bytes(data["words"]).decode("utf-8").split("\n")
        return TaskPrior(
            tasks=tuple(bytes(data["tasks"]).decode("utf-8").split("\n")),
            vocabulary={word: column for column, word in enumerate(words)},
            **{
                name: data[name].astype(np.float32)
                for name in ("idf", "vector_weights", "vector_bias", "word_weights", "word_bias")
            },
        )
