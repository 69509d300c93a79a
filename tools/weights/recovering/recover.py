"""Recovering the lineage of many models from their weights: `recover`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, log10
from pathlib import Path

from tools.weights.compare import RELATED_LOG10
from tools.weights.comparison import Relation, WeightFact
from tools.weights.errors import WeightsError
from tools.weights.recovering.adapting import fits_shapes, is_merged
from tools.weights.recovering.candidates import group_models
from tools.weights.recovering.confirming import Confirmer
from tools.weights.recovering.declared import (
    Declaration,
    DeclarationJudge,
    DeclaredVerdict,
    Judgement,
    Step,
)
from tools.weights.recovering.family import FamilyTree, FoundEdge, Member
from tools.weights.recovering.fingerprints import Fingerprint
from tools.weights.recovering.frames import frame_members
from tools.weights.recovering.geometry import Geometry
from tools.weights.recovering.memory import Memory, PassingMemory, recall_fingerprint, stamp_folder

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


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """`child` was made from `parent`. `confidence` in 0..1 is that of link and direction."""

    parent: str
    child: str
    relation: Relation
    confidence: float
    is_mutual: bool = False
    facts: tuple[WeightFact, ...] = ()


@dataclass(slots=True)
class Recovery:
    """What was recovered. `families` hold every model that could be read, those without relatives alone.

    `edges` are asserted, `candidates` only likely. `failed` maps models to why they could not be read.
    `compared` is the number of pairs that were compared to find families.
    """

    models: list[str] = field(default_factory=list)
    families: list[list[str]] = field(default_factory=list)
    edges: list[LineageEdge] = field(default_factory=list)
    candidates: list[LineageEdge] = field(default_factory=list)
    declared: list[Judgement] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    compared: int = 0


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
        judged = _place_adapters(adapters, claims, confirmer, full, result)
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


def _place_adapters(
    adapters: Sequence[str],
    claims: Mapping[str, Sequence[str]],
    confirmer: Confirmer,
    full: Mapping[str, Fingerprint],
    result: Recovery,
) -> dict[tuple[str, str], Judgement]:
    """Join adapters to their families, and judge what they declare by what their weights allow."""
    judged: dict[tuple[str, str], Judgement] = {}
    steps = [
        (edge.parent, edge.child)
        for edge in result.edges
        if edge.relation in ("lora", "finetune", "duplicate")
    ]
    for name in adapters:
        base = next(
            (
                parent
                for parent, child in steps
                if is_merged(confirmer.open(name), confirmer.open(parent), confirmer.open(child))
            ),
            None,
        )
        if base is not None:
            result.edges.append(LineageEdge(base, name, "adapter", 0.95))
        for parent in claims[name]:
            if parent not in full:
                continue
            declaration = Declaration(name, parent)
            fits = fits_shapes(confirmer.open(name), confirmer.open(parent))
            facts = confirmer.compare(parent, name).facts
            verdict: DeclaredVerdict
            if base is not None:
                same = base == parent or any(
                    edge.is_mutual and {edge.parent, edge.child} == {base, parent} for edge in result.edges
                )
                verdict = "supported" if same else "unverifiable"
                reason = f"Added to {base!r} it makes a model that is here, too."
            elif fits is False:
                verdict, reason = (
                    "contradicted",
                    f"The adapter changes matrices that {parent!r} does not have.",
                )
            else:
                verdict = "unverifiable"
                reason = f"The adapter fits {parent!r}, as it fits every model of these shapes."
                result.candidates.append(LineageEdge(parent, name, "adapter", 0.5))
            judged[name, parent] = Judgement(declaration, verdict, reason, facts)
        family = next((group for group in result.families if base in group), None)
        if family is None:
            result.families.append([name])
        else:
            family.append(name)
    return judged


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
