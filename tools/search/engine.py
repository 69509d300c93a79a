"""Search: nearness in meaning, words, and fields, fused into one ranking of models.

The score of a model is a weighted sum of the cosine of its summary, the best cosine among its passages, its
BM25 scores over fields and passages (each relative to the best), the log of how probable its task is for the
question, its popularity, and what soft conditions it meets. Hard conditions leave out models that fail them;
models of which they are not known are listed apart. The weights were set on requests of our own and on the
development questions under cross-validation (eval/search.py prints the figures).
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.reading import content_words
from tools.search.conditions import judge
from tools.search.constraints import read_constraints
from tools.search.hits import PassageReader, estimate_confidence
from tools.search.index import LakeIndex, open_index
from tools.search.prior import TaskPrior, load_task_prior
from tools.search.request import read_request
from tools.search.signals import Signals, collect_signals
from tools.search.types import Constraint, SearchHit, SearchResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.lake import Lake


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts. Cosines count 1."""

    passages: float = 0.25
    words: float = 0.25
    prior: float = 0.12
    named_task: float = 2.0
    popularity: float = 0.02
    popularity_asked: float = 0.15
    soft: float = 0.06


WEIGHTS = Weights()
_UNKNOWN_SHOWN = 10


def search(
    lake: Lake,
    query: str,
    *,
    k: int = 10,
    flags: Sequence[Constraint] = (),
    prior: TaskPrior | None = None,
    weights: Weights = WEIGHTS,
    conditions: str | None = None,
) -> SearchResult:
    """The `k` best models for `query`, each with the passages that speak for it.

    `flags` are hard conditions besides those read from the words; a flag replaces what was read for its
    field. `conditions` are the words that conditions are read from, when not all of `query` states some (a
    description that only says what is resembled). `prior` and `weights` are for evaluation. Without an
    embedder words and fields alone rank.
    """
    import numpy as np

    index = open_index(lake)
    request = read_request(query)
    flagged = {flag.field for flag in flags}
    stated = read_constraints(query if conditions is None else conditions)
    constraints = (*flags, *(c for c in stated if c.field not in flagged))
    notes: list[str] = []
    if lake.embedder is None:
        notes.append("no embedder: ranked by words only (see `lake embedder --help`)")
    if not index.records:
        return SearchResult(query, constraints, (), notes=(*notes, "the lake holds no models"))
    signals = collect_signals(lake, index, request, prior or load_task_prior())
    notes += [signals.note] if signals.note else []
    verdicts = _judge_all(lake, index, constraints)
    constraints = tuple(verdicts)
    scores = _fuse(index, signals, verdicts, weights)
    allowed, open_fields = _filter(len(index.records), verdicts)
    order = [int(number) for number in np.argsort(-scores, kind="stable")]
    chosen = [number for number in order if allowed[number] == 1][:k]
    apart = [number for number in order if allowed[number] == -1][:_UNKNOWN_SHOWN]
    terms = content_words(request.text)
    reader = PassageReader(lake, index, signals, terms, chosen)
    hits = tuple(
        reader.make_hit(number, float(scores[number]), verdicts, open_fields.get(number, ()))
        for number in chosen
    )
    unknown = tuple(
        SearchHit(index.records[number], float(scores[number]), (), (), open_fields.get(number, ()))
        for number in apart
    )
    suggestions = () if hits else _suggest(index, query, order)
    return SearchResult(
        query=query,
        constraints=constraints,
        hits=hits,
        unknown=unknown,
        suggestions=suggestions,
        confidence=estimate_confidence(signals, reader, chosen[:3], hits, set(terms)),
        notes=tuple(notes),
        debug={"tasks": dict(sorted(signals.tasks.items(), key=lambda item: -item[1])[:3])},
    )


def _judge_all(
    lake: Lake, index: LakeIndex, constraints: Sequence[Constraint]
) -> dict[Constraint, NDArray[np.int8]]:
    """A verdict for each; a parent that was named loosely is hard when models of this lake declare it."""
    verdicts = {}
    for constraint in constraints:
        verdict = judge(lake, index, constraint)
        declared = constraint.field == "derived_from" and bool((verdict == 1).any())
        verdicts[dataclasses.replace(constraint, hard=constraint.hard or declared)] = verdict
    return verdicts


def _fuse(
    index: LakeIndex, signals: Signals, verdicts: dict[Constraint, NDArray[np.int8]], weights: Weights
) -> NDArray[np.float32]:
    import numpy as np

    scores = (
        signals.summary
        + weights.passages * signals.passages
        + weights.words * signals.words
        + weights.prior * signals.prior
        + weights.popularity * np.asarray(index.popularity, dtype=np.float32)
    )
    for constraint, verdict in verdicts.items():
        if constraint.field == "task" and not constraint.hard:
            sign = -1.0 if constraint.negated else 1.0
            scores = scores + sign * weights.named_task * weights.prior * (
                verdict == int(not constraint.negated)
            )
            continue
        if constraint.field == "downloads" and not constraint.hard:
            scores = scores + weights.popularity_asked * np.asarray(index.popularity, dtype=np.float32)
        if not constraint.hard:
            scores = scores + weights.soft * (verdict == 1)
    return np.asarray(scores, dtype=np.float32)


def _filter(
    size: int, verdicts: dict[Constraint, NDArray[np.int8]]
) -> tuple[NDArray[np.int8], dict[int, tuple[str, ...]]]:
    """Per model 1 allowed, 0 left out, -1 a condition is not known; and which fields those are.

    Several values of one field, none negated, are alternatives ("in Spanish or Portuguese").
    """
    import numpy as np

    groups: dict[object, list[NDArray[np.int8]]] = {}
    names: dict[object, str] = {}
    for number, (constraint, verdict) in enumerate(verdicts.items()):
        if constraint.hard:
            shared = constraint.op == "is" and not constraint.negated and constraint.field != "text"
            key: object = constraint.field if shared else number
            groups.setdefault(key, []).append(verdict)
            names[key] = constraint.field
    allowed = np.ones(size, dtype=np.int8)
    open_fields: dict[int, tuple[str, ...]] = {}
    for key, members in groups.items():
        stacked = np.stack(members)
        met = (stacked == 1).any(axis=0)
        unknown = ~met & (stacked == -1).any(axis=0)
        allowed[~met & ~unknown] = 0
        allowed[unknown & (allowed == 1)] = -1
        for place in map(int, np.flatnonzero(unknown)):
            open_fields[place] = (*open_fields.get(place, ()), names[key])
    return allowed, open_fields


def _suggest(index: LakeIndex, query: str, order: Sequence[int]) -> tuple[str, ...]:
    names = [record.model for record in index.records]
    close = difflib.get_close_matches(query, names, n=3, cutoff=0.6) if len(query) < 80 else []
    return tuple(dict.fromkeys([*close, *(names[number] for number in order[:3])]))[:3]
