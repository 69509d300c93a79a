"""Adapters joined to the families they were trained on, and what they declare judged by their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.weights.comparison import WeightFact
from tools.weights.errors import WeightsError
from tools.weights.recovering.adapting import fits_shapes, is_merged
from tools.weights.recovering.confirming import Confirmer
from tools.weights.recovering.declared import Declaration, DeclaredVerdict, Judgement
from tools.weights.recovering.found import LineageEdge, Recovery

if TYPE_CHECKING:
    from tools.weights.recovering.adapting import Leaning

_TRIED = 6  # members of one family, those named by the adapter first
_LEANS = 5.0  # standard deviations from which an adapter belongs to a family
_LEANS_NOT = 3.0  # below which it may be said not to, where it belongs to another
_DECLARED, _LIKELY, _MERGED = 0.8, 0.6, 0.95


@dataclass(slots=True)
class _Placed:
    """Where an adapter belongs: its base, how it was found, the scores by model and the best of them."""

    base: str | None = None
    certainty: float = 0.0
    is_merged: bool = False
    family: frozenset[str] = frozenset()
    leanings: dict[str, Leaning] = field(default_factory=dict)
    score: float = 0.0


def place_adapters(
    adapters: Sequence[str],
    claims: Mapping[str, Sequence[str]],
    confirmer: Confirmer,
    full: Sequence[str],
    result: Recovery,
) -> dict[tuple[str, str], Judgement]:
    """Add the adapters' edges and families to `result`; the verdicts by (adapter, declared parent).

    `full`: the models that are none. An adapter that cannot be read on is reported in `result.failed`.
    """
    judged: dict[tuple[str, str], Judgement] = {}
    families = [[name for name in group if name in set(full)] for group in result.families]
    for name in adapters:
        said = [parent for parent in claims[name] if parent in full]
        try:
            placed = _place(name, said, families, confirmer, result)
            for parent in said:
                judged[name, parent] = _judge(name, parent, placed, confirmer, result)
        except WeightsError as error:
            result.failed[name] = str(error)
            placed = _Placed()
        if placed.base is not None:
            facts = placed.leanings[placed.base].facts if placed.base in placed.leanings else ()
            result.edges.append(LineageEdge(placed.base, name, "adapter", placed.certainty, facts=facts))
        home = next((group for group in result.families if placed.base in group), None)
        if home is None:
            result.families.append([name])
        else:
            home.append(name)
    return judged


def _place(
    name: str, said: Sequence[str], families: Sequence[Sequence[str]], confirmer: Confirmer, result: Recovery
) -> _Placed:
    for edge in result.edges:
        if edge.relation in ("lora", "finetune", "duplicate") and is_merged(
            confirmer.open(name), confirmer.open(edge.parent), confirmer.open(edge.child)
        ):
            family = next(frozenset(group) for group in families if edge.parent in group)
            return _Placed(edge.parent, _MERGED, True, family)
    placed = _Placed()
    for group in families:
        ordered = sorted(group, key=lambda model: (model not in said, -_count_children(model, result)))
        fitting = [model for model in ordered if fits_shapes(confirmer.open(name), confirmer.open(model))]
        found = {model: confirmer.lean(name, model) for model in fitting[:_TRIED]}
        known = {model: leaning for model, leaning in found.items() if leaning is not None}
        placed.leanings |= known
        score = max((leaning.score for leaning in known.values()), default=0.0)
        if score >= max(_LEANS, placed.score):
            named = [parent for parent in said if parent in fitting]
            placed.base, placed.score, placed.family = (named or fitting)[0], score, frozenset(group)
            placed.certainty = _DECLARED if named else _LIKELY
    return placed


def _count_children(model: str, result: Recovery) -> int:
    """Children less parents, copies apart: the base of a family has most."""
    found = [edge for edge in result.edges if not edge.is_mutual]
    return sum(edge.parent == model for edge in found) - 2 * sum(edge.child == model for edge in found)


def _is_first(model: str, result: Recovery) -> bool:
    """Whether a model comes from no other of its family, so that whatever belongs to it descends from it."""
    return not any(edge.child == model and not edge.is_mutual for edge in (*result.edges, *result.candidates))


def _judge(name: str, parent: str, placed: _Placed, confirmer: Confirmer, result: Recovery) -> Judgement:
    verdict: DeclaredVerdict
    leaning = placed.leanings.get(parent)
    facts: tuple[WeightFact, ...] = leaning.facts if leaning else confirmer.compare(parent, name).facts
    fits = fits_shapes(confirmer.open(name), confirmer.open(parent))
    if placed.is_merged:
        same = placed.base == parent or any(
            edge.is_mutual and {edge.parent, edge.child} == {placed.base, parent} for edge in result.edges
        )
        verdict = "supported" if same else "unverifiable" if parent in placed.family else "contradicted"
        reason = f"Added to {placed.base!r} it makes a model that is here, too."
    elif fits is False:
        verdict = "contradicted"
        reason = f"The adapter changes matrices that {parent!r} does not have."
    elif parent in placed.family:
        leans = (
            f"The adapter fits {parent!r}, and its steps lean on the hidden dimensions of that model's "
            f"family ({placed.score:.1f} standard deviations above chance)"
        )
        if _is_first(parent, result):
            verdict, reason = "supported", f"{leans}; all others of the family come from {parent!r}."
        else:
            verdict = "unverifiable"
            reason = f"{leans}. Which model of the family it was trained on, they do not tell."
    elif placed.base is not None and leaning is not None and leaning.score < _LEANS_NOT:
        verdict = "contradicted"
        reason = (
            f"The adapter fits {parent!r} by its shapes, but its steps lean on the hidden dimensions of the "
            f"family of {placed.base!r} ({placed.score:.1f} standard deviations above chance), not "
            f"on those of {parent!r} ({leaning.score:.1f})."
        )
    else:
        verdict = "unverifiable"
        reason = f"The adapter fits {parent!r}, as it fits every model of these shapes."
        result.candidates.append(LineageEdge(parent, name, "adapter", 0.5))
    return Judgement(Declaration(name, parent), verdict, reason, facts)
