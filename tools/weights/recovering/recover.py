"""Recovering the lineage of many models from their weights: `recover`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, log10
from pathlib import Path

from tools.weights.compare import RELATED_LOG10
from tools.weights.comparison import Relation
from tools.weights.errors import WeightsError
from tools.weights.recovering.candidates import group_models
from tools.weights.recovering.confirming import Confirmer
from tools.weights.recovering.declared import (
    Declaration,
    DeclarationJudge,
    Judgement,
    Step,
)
from tools.weights.recovering.family import FamilyTree, FoundEdge, Member
from tools.weights.recovering.fingerprints import Fingerprint
from tools.weights.recovering.found import LineageEdge, Recovery
from tools.weights.recovering.frames import frame_members
from tools.weights.recovering.geometry import Geometry
from tools.weights.recovering.memory import Memory, PassingMemory, recall_fingerprint, stamp_folder
from tools.weights.recovering.placing import place_adapters

__all__ = ["LakeModel", "LineageEdge", "Recovery", "recover"]

Progress = Callable[[int, int, str], None]  # done, of how many, what

_ASSERTED = 0.6  # certainty from which an edge is asserted; below it is a candidate
_KINDS: Mapping[str, Relation] = {
    "copy": "duplicate",
    "rounded": "quantization",
    "pruned": "prune",
    "mixed": "merge",
}


@dataclass(frozen=True, slots=True)
class LakeModel:
    """A model to be placed: its name, the folder (or file) of its weights, and what its card declares."""

    name: str
    place: Path
    declared: tuple[Declaration, ...] = ()


def recover(
    models: Sequence[LakeModel], *, memory: Memory | None = None, progress: Progress | None = None
) -> Recovery:
    """Families, edges with relation and direction, and verdicts on what is declared.

    Each model is fingerprinted once; pairs whose fingerprints are near are compared. What is found is kept
    in `memory` as it is found, so that a stopped run goes on and a second one reads nothing. A model that
    cannot be read is reported in `failed` and left out.
    """
    memory = memory or PassingMemory()
    result = Recovery(models=[model.name for model in models])
    stamps, prints = _take_fingerprints(models, memory, result, progress)
    places = {model.name: model.place for model in models}
    full = {name: found for name, found in prints.items() if not found.is_adapter}
    claims = {model.name: [said.parent for said in model.declared] for model in models}
    with Confirmer(places, stamps, memory) as confirmer:
        grouping = group_models(full, _make_test(confirmer, len(full), result), _stage(progress, "comparing"))
        result.compared = grouping.compared
        result.families = grouping.groups
        for at, names in enumerate(grouping.groups):
            if progress:
                progress(at, len(grouping.groups), "building families")
            if len(names) > 1:
                _build_family(names, full, stamps, claims, confirmer, memory, result)
        adapters = [name for name, found in prints.items() if found.is_adapter]
        judged = place_adapters(adapters, claims, confirmer, list(full), result)
        _judge_declared(models, confirmer, full, judged, result, progress)
    return result


def _take_fingerprints(
    models: Sequence[LakeModel], memory: Memory, result: Recovery, progress: Progress | None
) -> tuple[dict[str, str], dict[str, Fingerprint]]:
    stamps: dict[str, str] = {}
    prints: dict[str, Fingerprint] = {}
    for at, model in enumerate(models):
        if progress:
            progress(at, len(models), "fingerprinting")
        try:
            stamps[model.name] = stamp_folder(model.place)
            prints[model.name] = recall_fingerprint(memory, stamps[model.name], model.place)
        except WeightsError as error:
            result.failed[model.name] = str(error)
        except OSError as error:
            result.failed[model.name] = f"{str(model.place)!r} cannot be read: {error.strerror or error}."
    return stamps, prints


def _make_test(confirmer: Confirmer, count: int, result: Recovery) -> Callable[[str, str], bool]:
    """Whether two models are related, at a bar that rises with the pairs there are (Bonferroni)."""
    bar = RELATED_LOG10 - log10(max(1, comb(count, 2)))

    def is_related(a: str, b: str) -> bool:
        try:
            found = confirmer.compare(a, b)
        except WeightsError as error:
            result.failed.setdefault(b, f"Comparing it with {a!r} failed: {error}")
            return False
        return found.is_related and (found.log10_p is None or found.log10_p <= bar)

    return is_related


def _stage(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, of: progress(done, of, what)


def _build_family(
    names: Sequence[str],
    prints: Mapping[str, Fingerprint],
    stamps: Mapping[str, str],
    claims: Mapping[str, Sequence[str]],
    confirmer: Confirmer,
    memory: Memory,
    result: Recovery,
) -> None:
    framed = frame_members(names, prints, stamps, confirmer.open, memory)
    number = {name: at for at, name in enumerate(names)}
    members = [
        Member(
            name,
            prints[name],
            framed.frames[name],
            tuple(number[parent] for parent in claims[name] if parent in number and parent != name),
        )
        for name in names
    ]
    tree = FamilyTree(members, Geometry([framed.sketches[name] for name in names]))
    for edge in tree.edges:
        found = _describe_edge(edge, names, confirmer)
        (result.edges if edge.certainty >= _ASSERTED else result.candidates).append(found)


def _describe_edge(edge: FoundEdge, names: Sequence[str], confirmer: Confirmer) -> LineageEdge:
    parent, child = names[edge.parent], names[edge.child]
    found = confirmer.compare(parent, child)
    relation = _KINDS.get(edge.kind)
    if relation is None:
        relation = (
            found.relation if found.relation not in (None, "adapter", "merge", "duplicate") else "finetune"
        )
    return LineageEdge(parent, child, relation, edge.certainty, edge.is_mutual, found.facts)


def _judge_declared(
    models: Sequence[LakeModel],
    confirmer: Confirmer,
    full: Mapping[str, Fingerprint],
    judged: Mapping[tuple[str, str], Judgement],
    result: Recovery,
    progress: Progress | None,
) -> None:
    steps = [
        Step(edge.parent, edge.child, edge.confidence, edge.is_mutual)
        for edge in (*result.edges, *result.candidates)
    ]
    judge = DeclarationJudge(result.families, steps, full, confirmer.compare)
    said = [declaration for model in models for declaration in model.declared]
    for at, declaration in enumerate(said):
        if progress:
            progress(at, len(said), "judging declarations")
        known = judged.get((declaration.child, declaration.parent))
        if known is not None:
            result.declared.append(Judgement(declaration, known.verdict, known.reason, known.facts))
            continue
        try:
            result.declared.append(judge.judge(declaration))
        except WeightsError as error:
            result.declared.append(Judgement(declaration, "unverifiable", str(error)))
