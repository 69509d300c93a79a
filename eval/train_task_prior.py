"""Learn the task prior from labelled requests and write its weights.

    python -m eval.train_task_prior [QUESTIONS.jsonl ...]

Requests of our own (eval/data/task_requests.jsonl) are always used; files of labelled questions (`query`,
`task`) may be added. Of these only what the weights keep of them goes into the package, never their text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.embedding import Embedder, load_embedder
from tools.search.prior import WEIGHTS, TaskPrior, prior_words, softmax, word_features
from tools.search.request import read_request

OWN_REQUESTS = Path(__file__).parent / "data" / "task_requests.jsonl"
_TARGET = Path(__file__).parent.parent / "tools" / "data" / WEIGHTS
_PENALTY = 2e-4
_WORD_PENALTY = 1e-4
_STEPS = 250
_RATE = 0.1

Labelled = list[tuple[str, str]]


def read_own_requests() -> Labelled:
    """(request, task) of our own."""
    lines = OWN_REQUESTS.read_text("utf-8").splitlines()
    return [(entry["request"], entry["task"]) for entry in map(json.loads, lines)]


def read_questions(path: Path) -> Labelled:
    """(query, task) of a question file; questions without a task are left out."""
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [(entry["query"], entry["task"]) for entry in entries if entry.get("task")]


def train_task_prior(labelled: Labelled, embedder: Embedder) -> TaskPrior:
    """Both regressions over `labelled` requests."""
    texts = [read_request(text).text for text, _ in labelled]
    return train_on_vectors(texts, [task for _, task in labelled], embedder.embed(texts))


def train_on_vectors(texts: Sequence[str], labels: Sequence[str], vectors: NDArray[np.float32]) -> TaskPrior:
    """As `train_task_prior`, with the requests' vectors at hand (cross-validation embeds once)."""
    tasks = tuple(sorted(set(labels)))
    targets = np.asarray([tasks.index(label) for label in labels])
    counts = Counter(word for text in texts for word in set(prior_words(text)))
    words = sorted(word for word, count in counts.items() if count >= 2)
    vocabulary = {word: column for column, word in enumerate(words)}
    idf = np.log(len(texts) / np.asarray([counts[word] for word in words])).astype(np.float32)
    vector_weights, vector_bias = _fit(vectors, targets, len(tasks), _PENALTY)
    features = word_features(texts, vocabulary, idf)
    word_weights, word_bias = _fit(features, targets, len(tasks), _WORD_PENALTY)
    return TaskPrior(tasks, vocabulary, idf, vector_weights, vector_bias, word_weights, word_bias)


def _fit(
    features: NDArray[np.float32], targets: NDArray[Any], classes: int, penalty: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Multinomial logistic regression with an L2 penalty, by Adam over the whole batch."""
    rows, columns = features.shape
    parameters = np.zeros((columns + 1, classes), dtype=np.float32)
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    wanted = np.eye(classes, dtype=np.float32)[targets]
    for step in range(1, _STEPS + 1):
        error = (softmax(features @ parameters[:-1] + parameters[-1]) - wanted) / rows
        gradient = np.vstack([features.T @ error + penalty * parameters[:-1], error.sum(0, keepdims=True)])
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate = _RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        parameters -= rate * first / (np.sqrt(second) + 1e-8)
    return parameters[:-1].astype(np.float32), parameters[-1].astype(np.float32)


def write_task_prior(prior: TaskPrior, path: Path) -> None:
    """Weights as float16 arrays in an .npz without pickled objects."""
    np.savez_compressed(
        path,
        tasks=np.frombuffer("\n".join(prior.tasks).encode(), dtype=np.uint8),
        words=np.frombuffer("\n".join(prior.vocabulary).encode(), dtype=np.uint8),
        idf=prior.idf.astype(np.float16),
        vector_weights=prior.vector_weights.astype(np.float16),
        vector_bias=prior.vector_bias.astype(np.float16),
        word_weights=prior.word_weights.astype(np.float16),
        word_bias=prior.word_bias.astype(np.float16),
    )


def main(files: Sequence[str]) -> None:
    """Train on our requests and on the question files named, and write the package's weights."""
    labelled = read_own_requests()
    for file in files:
        labelled += read_questions(Path(file))
    write_task_prior(train_task_prior(labelled, load_embedder()), _TARGET)
    sys.stderr.write(f"{len(labelled)} requests -> {_TARGET.name}, {_TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
