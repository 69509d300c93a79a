"""A model's parents, declared and found by weights, and what may be said of the model because of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.draft.gathering import Gathered, Known, gather_evidence
from tools.draft.subject import DraftSubject, find_subject
from tools.errors import UnknownModelError
from tools.lineage.found import Progress
from tools.lineage.joined import JoinedEdge, trace_lineage

# What a model takes over from its base unless it says otherwise. Never data, results or limits.
_INHERITED = ("license", "language")
_BASE_FILES = ("config.json", "tokenizer_config.json", "tokenizer.json")
_MOST_STEPS = 6


def gather_relatives(gathered: Gathered, *, seconds: float = 20.0, progress: Progress | None = None) -> None:
    """Add topics "parent" (values are `JoinedEdge`s of the lake, or names), and what is inherited.

    `seconds`: for how long weights of the lake may be weighed that were not weighed before.
    """
    subject = gathered.subject
    parents = list(_find_parents(gathered, seconds, progress))
    seen = {subject.record.model}
    for _ in range(_MOST_STEPS):
        following: list[str] = []
        # Of several parents at one distance, as of a merge, all that they say counts.
        wanted = [topic for topic in _INHERITED if gathered.first(topic) is None]
        for name in parents:
            relative = _find_relative(subject, name)
            if relative is None or relative.record.model in seen:
                continue
            seen.add(relative.record.model)
            facts = gather_evidence(relative, gathered.ledger)
            _inherit(gathered, facts, wanted)
            following += [said.parent for said in _declared(relative)]
        parents = following


def _find_parents(gathered: Gathered, seconds: float, progress: Progress | None) -> Iterator[str]:
    subject = gathered.subject
    if subject.catalog is None or not subject.in_lake:
        for known in gathered.known.get("base_model", ()):
            yield known.value
        return
    model = subject.record.model
    lineage = trace_lineage(
        subject.catalog, model, depth=1, ledger=gathered.ledger, seconds=seconds, progress=progress
    )
    for edge in lineage.edges:
        if edge.child == model and edge.evidence:
            for item in edge.evidence:
                gathered.add(Known("parent", edge, "lineage", item))
            if edge.weights != "contradicted" and (edge.declared or not edge.mutual):
                yield edge.parent


def find_edges(gathered: Gathered) -> list[JoinedEdge]:
    """The edges from the model to its parents, each once; a copy that nobody declared is no parent."""
    edges: dict[str, JoinedEdge] = {}
    for known in gathered.known.get("parent", ()):
        if isinstance(known.value, JoinedEdge) and (known.value.declared or not known.value.mutual):
            edges.setdefault(known.value.parent, known.value)
    return list(edges.values())


def _declared(subject: DraftSubject) -> list[JoinedEdge]:
    if subject.catalog is None:
        return []
    lineage = trace_lineage(subject.catalog, subject.record.model, depth=1, seconds=0)
    return [
        edge
        for edge in lineage.edges
        if edge.child == subject.record.model and edge.weights != "contradicted"
    ]


def _find_relative(subject: DraftSubject, name: str) -> DraftSubject | None:
    if subject.catalog is None:
        return None
    try:
        return find_subject(subject.catalog, name)
    except UnknownModelError:
        return None


def _inherit(gathered: Gathered, parent: Gathered, topics: Sequence[str]) -> None:
    model = parent.subject.record.model
    for topic in topics:
        fact = parent.first(topic)
        if fact is not None:
            gathered.add(Known(topic, fact.value, fact.origin, fact.evidence, model))
    adapted = "adapter_config.json" in gathered.files
    for file in _BASE_FILES:
        if file == "config.json" and not adapted:
            continue  # what was tuned as a whole may have other sizes than its base
        if file in parent.files and file not in gathered.files and file not in gathered.inherited:
            gathered.inherited[file] = parent
