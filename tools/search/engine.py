"""Search: nearness in meaning, words, and fields, fused into one ranking of models.

The score of a model is a weighted sum of the cosine of its summary, the best cosine among its passages, its
BM25 scores over fields and passages (each relative to the best), the log of how probable its task is for the
question, its popularity, and what soft conditions it meets. Hard conditions leave out models that fail them;
models of which they are not known are listed apart. The weights were set on requests of our own and on the
development questions under cross-validation (eval/search.py prints the figures).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.catalog.records import PassageRow
from tools.reading import STOPWORDS, content_words
from tools.search.conditions import judge
from tools.search.constraints import read_constraints
from tools.search.index import LakeIndex, open_index
from tools.search.prior import TaskPrior, load_task_prior
from tools.search.request import Request, read_request
from tools.search.types import Constraint, SearchHit, SearchResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.lake import Lake


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts. Cosines count 1."""

    passages: float = 0.5
    words: float = 0.2
    passage_words: float = 0.0
    material: float = 0.15
    prior: float = 0.1
    named_task: float = 1.0
    popularity: float = 0.02
    popularity_asked: float = 0.15
    soft: float = 0.06


WEIGHTS = Weights()
_NEIGHBOURS = 4000
_MATCHES = 2000
_PASSAGE_MATCHES = 400
_PASSAGES_A_HIT = 3
_UNKNOWN_SHOWN = 10
_TASK_FLOOR = 1e-3
_TERM = re.compile(r"[^\W_]+", re.UNICODE)
# Words of nearly every request, which say who asks and not what for.
_REQUEST_WORDS = frozenset(
    {
        "need",
        "needs",
        "want",
        "wants",
        "build",
        "building",
        "create",
        "creating",
        "develop",
        "developing",
        "help",
    }
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
    | {
        "would",
        "could",
        "should",
        "please",
        "given",
        "provide",
        "based",
        "design",
        "project",
        "solution",
        "user",
    }
    | {
        "users",
        "customer",
        "customers",
        "client",
        "clients",
        "team",
        "working",
        "work",
        "new",
        "different",
        "input",
    }
    | {
        "something",
        "anything",
        "good",
        "best",
        "popular",
        "small",
        "suggest",
        "recommend",
        "way",
        "task",
        "tasks",
    }
    | {"licence", "license", "licensed", "commercial", "parameters", "downloads", "trained", "pretrained"}
)


@dataclass(frozen=True, slots=True)
class Signals:
    """Per model, by position: the parts of the score. `passage_cosines` is by text hash."""

    summary: NDArray[np.float32]
    passages: NDArray[np.float32]
    words: NDArray[np.float32]
    passage_words: NDArray[np.float32]
    material: NDArray[np.float32]
    prior: NDArray[np.float32]
    tasks: dict[str, float]
    passage_cosines: dict[str, float]


def search(
    lake: Lake,
    query: str,
    *,
    k: int = 10,
    flags: Sequence[Constraint] = (),
    prior: TaskPrior | None = None,
    weights: Weights = WEIGHTS,
) -> SearchResult:
    """The `k` best models for `query`, each with the passages that speak for it.

    `flags` are hard conditions besides those read from the words; a flag replaces what was read for its
    field. `prior` and `weights` are for evaluation. Without an embedder words and fields alone rank.
    """
    import numpy as np

    index = open_index(lake)
    request = read_request(query)
    flagged = {flag.field for flag in flags}
    constraints = (*flags, *(c for c in read_constraints(query) if c.field not in flagged))
    notes: list[str] = []
    if lake.embedder is None:
        notes.append("no embedder: ranked by words only (see `lake embedder --help`)")
    if not index.records:
        return SearchResult(query, constraints, (), notes=(*notes, "the lake holds no models"))
    signals = _collect_signals(lake, index, request, prior or load_task_prior(), weights)
    verdicts = {constraint: judge(lake, index, constraint) for constraint in constraints}
    scores = _fuse(index, signals, verdicts, weights)
    allowed, open_fields = _filter(len(index.records), verdicts)
    order = [int(number) for number in np.argsort(-scores, kind="stable")]
    chosen = [number for number in order if allowed[number] == 1][:k]
    apart = [number for number in order if allowed[number] == -1][:_UNKNOWN_SHOWN]
    terms = content_words(request.text)
    reader = _PassageReader(lake, signals, terms, index)
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
        confidence=_estimate_confidence(signals, chosen[:3], hits, terms),
        notes=tuple(notes),
        debug={"tasks": dict(sorted(signals.tasks.items(), key=lambda item: -item[1])[:3])},
    )


def query_terms(text: str) -> list[str]:
    """Words of `text` for the full-text index, each once, without those every request holds."""
    words = dict.fromkeys(word.lower() for word in _TERM.findall(text))
    return [
        word
        for word in words
        if word not in STOPWORDS and word not in _REQUEST_WORDS and (len(word) > 1 or word.isdigit())
    ]


def _collect_signals(
    lake: Lake, index: LakeIndex, request: Request, prior: TaskPrior, weights: Weights
) -> Signals:
    import numpy as np

    size = len(index.records)
    summary, passages, material = (np.zeros(size, dtype=np.float32) for _ in range(3))
    cosines: dict[str, float] = {}
    vector: Any = None
    if lake.embedder is not None and lake.vectors is not None:
        texts = [request.text, request.material] if request.material else [request.text]
        vectors = lake.embedder.embed(texts)
        vector = vectors[0]
        near = lake.vectors.query(vector, _NEIGHBOURS)
        # What is not among the nearest is at most as near as the last of them.
        floor = near[-1][1] if len(near) == _NEIGHBOURS else 0.0
        summary[:] = floor
        passages[:] = floor
        for text_hash, cosine in near:
            for number in index.by_summary.get(text_hash, ()):
                summary[number] = cosine
            if text_hash in index.by_passage:
                cosines[text_hash] = cosine
                for number in index.by_passage[text_hash]:
                    passages[number] = max(passages[number], cosine)
        # A model without a passage worth a vector is judged by its summary alone.
        bare = passages <= floor
        passages[bare] = summary[bare]
        if len(vectors) > 1 and weights.material:
            for text_hash, cosine in lake.vectors.query(vectors[1], _NEIGHBOURS):
                for number in index.by_summary.get(text_hash, ()):
                    material[number] = cosine
    terms = query_terms(request.text)
    words = np.zeros(size, dtype=np.float32)
    for model, score in lake.catalog.match_models(terms, limit=_MATCHES):
        words[index.position[model]] = score
    passage_words = np.zeros(size, dtype=np.float32)
    for passage, score in lake.catalog.match_passages(terms, limit=_PASSAGE_MATCHES):
        if passage in index.owner:
            number = index.owner[passage]
            passage_words[number] = max(passage_words[number], score)
    shares = prior.predict(request.text, vector, index.tasks)
    by_model = np.asarray([shares.get(record.task or "", _TASK_FLOOR) for record in index.records])
    return Signals(
        summary=summary,
        passages=passages,
        words=words / max(float(words.max()), 1e-6),
        passage_words=passage_words / max(float(passage_words.max()), 1e-6),
        material=material,
        prior=np.log(by_model + _TASK_FLOOR).astype(np.float32),
        tasks=shares,
        passage_cosines=cosines,
    )


def _fuse(
    index: LakeIndex, signals: Signals, verdicts: dict[Constraint, NDArray[np.int8]], weights: Weights
) -> NDArray[np.float32]:
    import numpy as np

    scores = (
        signals.summary
        + weights.passages * signals.passages
        + weights.words * signals.words
        + weights.passage_words * signals.passage_words
        + weights.material * signals.material
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


class _PassageReader:
    """Chooses for each hit the passages that speak for it, and says why it is there."""

    def __init__(self, lake: Lake, signals: Signals, terms: Sequence[str], index: LakeIndex) -> None:
        self._lake = lake
        self._signals = signals
        self._terms = set(terms)
        self._index = index

    def make_hit(
        self,
        number: int,
        score: float,
        verdicts: dict[Constraint, NDArray[np.int8]],
        unknown: tuple[str, ...],
    ) -> SearchHit:
        """The model at `number` with its best passages."""
        record = self._index.records[number]
        rows = self._lake.catalog.passages_of(record.model)
        literals = [c.value.lower() for c in verdicts if c.field in ("text", "dataset") and not c.negated]
        ranked = sorted(rows, key=lambda row: -self._speaks(row, literals))
        chosen = tuple(row for row in ranked if row.kind in ("prose", "list"))[:_PASSAGES_A_HIT]
        chosen = chosen or tuple(ranked[:1])
        said = set(content_words(f"{record.model} {record.title} {' '.join(row.text for row in chosen)}"))
        why: list[str] = []
        if record.task and self._signals.tasks.get(record.task, 0.0) >= 0.2:
            why.append(f"task {record.task}")
        for constraint, verdict in verdicts.items():
            if verdict[number] == 1 and constraint.field not in ("task", "text") and not constraint.negated:
                why.append(f"{constraint.field} {_told(constraint, record)}")
        if shared := sorted(self._terms & said, key=len, reverse=True)[:4]:
            why.append(f"mentions: {', '.join(_spell(shared, chosen))}")
        return SearchHit(record, score, chosen, tuple(dict.fromkeys(why)), unknown)

    def _speaks(self, row: PassageRow, literals: Sequence[str]) -> float:
        words = set(content_words(row.text[:2000]))
        share = len(words & self._terms) / max(len(self._terms), 1)
        held = any(literal in row.text.lower() for literal in literals)
        return self._signals.passage_cosines.get(row.text_hash, 0.0) + 0.5 * share + (0.5 if held else 0.0)


def _told(constraint: Constraint, record: Any) -> str:
    actual = getattr(record, constraint.field, None)
    return str(actual) if isinstance(actual, str | int) else constraint.value


def _spell(stems: Sequence[str], rows: Sequence[PassageRow]) -> list[str]:
    """The words of the passages behind the stems, so that a person reads words."""
    spelled: dict[str, str] = {}
    for row in rows:
        for word in _TERM.findall(row.text):
            for stem in content_words(word):
                spelled.setdefault(stem, word.lower())
    return [spelled.get(stem, stem) for stem in stems]


def _estimate_confidence(
    signals: Signals, chosen: Sequence[int], hits: Sequence[SearchHit], terms: Sequence[str]
) -> float:
    """0 to 1: how near the best hits are in meaning, and how much of the question's words they hold."""
    if not chosen or not hits:
        return 0.0
    near = max(max(float(signals.summary[n]), float(signals.passages[n])) for n in chosen)
    asked = set(terms)
    shares = []
    for hit in hits[:3]:
        record = hit.record
        said = set(
            content_words(
                f"{record.model} {record.task} {record.title} {' '.join(p.text for p in hit.passages)}"
            )
        )
        shares.append(len(asked & said) / max(len(asked), 1))
    covered = max(shares, default=0.0)
    if not signals.passage_cosines:
        return min(1.0, covered)
    return min(1.0, max(0.0, 1 / (1 + math.exp(-(near - 0.32) / 0.06))) * (0.6 + 0.4 * min(1.0, 2 * covered)))


def _suggest(index: LakeIndex, query: str, order: Sequence[int]) -> tuple[str, ...]:
    names = [record.model for record in index.records]
    close = difflib.get_close_matches(query, names, n=3, cutoff=0.6) if len(query) < 80 else []
    return tuple(dict.fromkeys([*close, *(names[number] for number in order[:3])]))[:3]
