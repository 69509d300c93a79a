"""Search measured: the product beside BM25 and dense baselines on the same questions, in one document.

exact@k: the model its author had in mind is among the first k; task@k: a model of its task is. Where the
task prior has seen questions of the file in training, nothing here would say so: it is trained on requests of
our own alone (eval/train_task_prior.py). `cross_validated` says what adding the file's own questions to its
training would bring, each fold predicted by a prior that has not seen it.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.train_task_prior import read_own_requests, train_on_vectors
from tools.catalog.records import ModelRecord
from tools.errors import UsageError
from tools.lake import Lake
from tools.search.engine import search
from tools.search.index import open_index
from tools.search.request import read_request

_DEPTH = 50
_FOLDS = 5
_SEED = 20

Ranker = Callable[[str], list[ModelRecord]]


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A question, the model its author had in mind, and that model's task ("" when it has none)."""

    id: str
    query: str
    relevant: str
    task: str


def read_search_questions(files: Sequence[Path]) -> list[SearchQuestion]:
    """Lines `{"id", "query", "relevant", "task"}` of all `files`. Raises UsageError for other lines."""
    questions = []
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                task = entry.get("task") or ""
                questions.append(
                    SearchQuestion(str(entry.get("id", number)), entry["query"], entry["relevant"], task)
                )
            except (ValueError, KeyError, AttributeError) as error:
                raise UsageError(
                    f"Line {number} of {str(file)!r} is no search question: {error!r}.",
                    hint='Each line needs "query", "relevant" and "task".',
                ) from error
    if not questions:
        raise UsageError("The files hold no questions.", hint='Lines like {"query", "relevant", "task"}.')
    return questions


def run_search(lake: Lake, files: Sequence[Path]) -> dict[str, Any]:
    """Figures of the product and of the baselines on the questions of `files`, over the models of `lake`."""
    questions = read_search_questions(files)
    index = open_index(lake)
    seconds: list[float] = []

    def rank_product(query: str) -> list[ModelRecord]:
        started = time.perf_counter()
        result = search(lake, query)
        seconds.append(time.perf_counter() - started)
        return [hit.record for hit in result.hits]

    rank_product(questions[0].query)
    seconds.clear()
    product = [rank_product(question.query) for question in questions]
    report: dict[str, Any] = {
        "suite": "search",
        "files": [file.name for file in files],
        "questions": len(questions),
        "models": len(index.records),
        "embedder": lake.embedder.name if lake.embedder else None,
        "relevant_not_in_lake": sum(question.relevant not in index.position for question in questions),
        "product": score_rankings(questions, product),
        "baselines": {
            name: score_rankings(questions, [rank(question.query) for question in questions])
            for name, rank in _baselines(lake).items()
        },
        "latency_ms": {
            "p50": round(statistics.median(seconds) * 1e3, 1),
            "p95": round(sorted(seconds)[int(0.95 * (len(seconds) - 1))] * 1e3, 1),
        },
    }
    if lake.embedder is not None and len(questions) >= 10 * _FOLDS:
        report["product"]["folds"] = _spread_over_folds(questions, product)
        report["cross_validated"] = _cross_validate(lake, questions)
    return report


def score_rankings(
    questions: Sequence[SearchQuestion], rankings: Sequence[Sequence[ModelRecord]]
) -> dict[str, Any]:
    """exact@1/5/10, MRR (over what was returned), task@1, task@5."""
    ranks = []
    first_task, near_task = 0, 0
    for question, ranking in zip(questions, rankings, strict=True):
        names = [record.model for record in ranking]
        ranks.append(names.index(question.relevant) + 1 if question.relevant in names else 0)
        tasks = [record.task or "" for record in ranking]
        first_task += tasks[:1] == [question.task]
        near_task += question.task in tasks[:5]
    total = len(questions)
    figures = {f"exact@{k}": sum(0 < rank <= k for rank in ranks) / total for k in (1, 5, 10)}
    figures["mrr"] = sum(1 / rank for rank in ranks if rank) / total
    figures |= {"task@1": first_task / total, "task@5": near_task / total}
    return {name: round(value, 4) for name, value in figures.items()}


def _baselines(lake: Lake) -> dict[str, Ranker]:
    """BM25 over the fields of models; cosine of summaries; both joined by reciprocal rank (k = 60)."""
    index = open_index(lake)

    def rank_words(query: str) -> list[ModelRecord]:
        found = lake.catalog.match_models(re.findall(r"\w+", query), limit=_DEPTH)
        return [index.records[index.position[model]] for model, _ in found]

    def rank_dense(query: str) -> list[ModelRecord]:
        assert lake.embedder is not None
        assert lake.vectors is not None
        near = lake.vectors.query(lake.embedder.embed([query])[0], 40 * _DEPTH)
        numbers = [number for text_hash, _ in near for number in index.by_summary.get(text_hash, ())]
        return [index.records[number] for number in numbers[:_DEPTH]]

    def rank_fused(query: str) -> list[ModelRecord]:
        points: dict[str, float] = {}
        for ranking in (rank_words(query), rank_dense(query)):
            for place, record in enumerate(ranking, start=1):
                points[record.model] = points.get(record.model, 0.0) + 1 / (60 + place)
        best = sorted(points, key=lambda model: -points[model])
        return [index.records[index.position[model]] for model in best]

    if lake.embedder is None:
        return {"bm25": rank_words}
    return {"bm25": rank_words, "dense": rank_dense, "bm25+dense": rank_fused}


def _fold_of(count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(np.random.default_rng(_SEED).permutation(count) % _FOLDS, dtype=np.int64)


def _spread_over_folds(
    questions: Sequence[SearchQuestion], rankings: Sequence[Sequence[ModelRecord]]
) -> dict[str, Any]:
    """Standard deviation over folds: how much figures of a fifth of the questions differ."""
    folds = _fold_of(len(questions))
    figures = []
    for fold in range(_FOLDS):
        chosen = [int(i) for i in np.flatnonzero(folds == fold)]
        figures.append(score_rankings([questions[i] for i in chosen], [rankings[i] for i in chosen]))
    return {f"{name} sd": round(statistics.pstdev(f[name] for f in figures), 4) for name in figures[0]}


def _cross_validate(lake: Lake, questions: Sequence[SearchQuestion]) -> dict[str, Any]:
    """The product with a prior trained on our requests and on the other folds' questions."""
    assert lake.embedder is not None
    own = read_own_requests()
    texts = [read_request(text).text for text, _ in own]
    asked = [read_request(question.query).text for question in questions]
    vectors = lake.embedder.embed([*texts, *asked])
    folds = _fold_of(len(questions))
    rankings: list[list[ModelRecord]] = [[] for _ in questions]
    for fold in range(_FOLDS):
        learned = [i for i in range(len(questions)) if folds[i] != fold and questions[i].task]
        prior = train_on_vectors(
            [*texts, *(asked[i] for i in learned)],
            [*(task for _, task in own), *(questions[i].task for i in learned)],
            np.vstack([vectors[: len(texts)], vectors[len(texts) :][learned]]),
        )
        for i in map(int, np.flatnonzero(folds == fold)):
            rankings[i] = [hit.record for hit in search(lake, questions[i].query, prior=prior).hits]
    return score_rankings(questions, rankings) | {"folds": _FOLDS}
