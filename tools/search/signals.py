"""The signals of a ranking: for each model, how near it is to a question in meaning and in words, and how
likely its task is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.embedding.weights import REPOSITORY
from tools.errors import ServiceError
from tools.reading import STOPWORDS
from tools.search.index import LakeIndex
from tools.search.prior import TaskPrior
from tools.search.request import Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.lake import Lake

_NEIGHBOURS = 2000
_MATCHES = 1000
_PASSAGE_MATCHES = 200
_TASK_FLOOR = 1e-3
_TERM = re.compile(r"[^\W_]+")
# Words of nearly every request, which say who asks and not what for.
_REQUEST_WORDS = frozenset(
    {"need", "needs", "want", "wants", "build", "building", "create", "creating", "develop", "developing"}
    | {
        "company",
        "companies",
        "app",
        "application",
        "system",
        "tool",
        "tools",
        "use",
        "used",
        "using",
        "make",
    }
    | {"would", "could", "should", "please", "given", "provide", "based", "design", "project", "solution"}
    | {
        "user",
        "users",
        "customer",
        "customers",
        "client",
        "clients",
        "team",
        "working",
        "work",
        "new",
        "help",
    }
    | {"something", "anything", "good", "best", "popular", "small", "suggest", "recommend", "way", "task"}
    | {"licence", "license", "licensed", "commercial", "parameters", "downloads", "trained", "pretrained"}
    | {"different", "input", "tasks"}
)


@dataclass(frozen=True, slots=True)
class Signals:
    """Per model, by position: the parts of the score.

    Cosines of passages are by text hash, their words' scores (relative to the best) by passage id.
    """

    summary: NDArray[np.float32]  # cosine of the model's summary
    passages: NDArray[np.float32]  # best cosine among its passages
    words: NDArray[np.float32]  # BM25 over its fields, relative to the best model
    prior: NDArray[np.float32]  # log of its task's probability
    tasks: dict[str, float]
    passage_cosines: dict[str, float]
    passage_scores: dict[int, float]
    note: str = ""  # what the person should know of how they came about


def query_terms(text: str) -> list[str]:
    """Words of `text` for the full-text index, each once, without those every request holds."""
    words = dict.fromkeys(word.lower() for word in _TERM.findall(text))
    return [
        word
        for word in words
        if word not in STOPWORDS and word not in _REQUEST_WORDS and (len(word) > 1 or word.isdigit())
    ]


def collect_signals(lake: Lake, index: LakeIndex, request: Request, prior: TaskPrior) -> Signals:
    """All signals of one question; without an embedder the cosines are zero."""
    import numpy as np

    size = len(index.records)
    summary, passages = [0.0] * size, [0.0] * size
    cosines: dict[str, float] = {}
    vector: Any = None
    note = ""
    if lake.embedder is not None and lake.vectors is not None:
        try:
            vector = lake.embedder.embed([request.text])[0]
        except ServiceError as error:  # of an embedder behind a service; the words are left
            note = f"ranked by words only: {error.message}"
        else:
            summary, passages, cosines = _spread(index, lake.vectors.query(vector, _NEIGHBOURS))
    # The weights of the prior were trained on this embedder's vectors and mean nothing for another's.
    known = vector if lake.embedder is not None and lake.embedder.name.startswith(REPOSITORY) else None
    terms = query_terms(request.text)
    words = [0.0] * size
    for model, score in lake.catalog.match_models(terms, limit=_MATCHES):
        words[index.position[model]] = score
    matched = [m for m in lake.catalog.match_passages(terms, limit=_PASSAGE_MATCHES) if m[0] in index.owner]
    best = max((score for _, score in matched), default=1.0)
    shares = prior.predict(request.text, known, index.tasks)
    likely = [shares.get(record.task or "", _TASK_FLOOR) for record in index.records]
    most = max(words, default=0.0) or 1.0
    return Signals(
        summary=np.asarray(summary, dtype=np.float32),
        passages=np.asarray(passages, dtype=np.float32),
        words=np.asarray(words, dtype=np.float32) / np.float32(most),
        prior=np.log(np.asarray(likely, dtype=np.float32) + np.float32(_TASK_FLOOR)),
        tasks=shares,
        passage_cosines=cosines,
        passage_scores={passage: score / best for passage, score in matched},
        note=note,
    )


def _spread(
    index: LakeIndex, near: Sequence[tuple[str, float]]
) -> tuple[list[float], list[float], dict[str, float]]:
    """Cosines by model of its summary and of its nearest passage, and those of passages by text hash."""
    size = len(index.records)
    # What is not among the nearest is at most as near as the last of them.
    floor = near[-1][1] if len(near) >= _NEIGHBOURS else 0.0
    summary, passages = [floor] * size, [floor] * size
    cosines: dict[str, float] = {}
    for text_hash, cosine in near:
        for number in index.by_summary.get(text_hash, ()):
            summary[number] = cosine
        if owners := index.by_passage.get(text_hash):
            cosines[text_hash] = cosine
            for number in owners:
                if cosine > passages[number]:
                    passages[number] = cosine
    # A model without a passage that is near is judged by its summary alone.
    passages = [own if best <= floor else best for own, best in zip(summary, passages, strict=True)]
    return summary, passages, cosines
