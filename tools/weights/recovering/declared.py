"""What cards declare, held against what weights show: supported, contradicted or unverifiable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.weights.comparison import WeightFact
from tools.weights.recovering.confirming import Confirmation
from tools.weights.recovering.fingerprints import Fingerprint

DeclaredVerdict = Literal["supported", "contradicted", "unverifiable"]

_SURE = 0.7  # certainty of every edge on the way, for a contradiction from the tree
_SURER = 0.85
_LIKE = 0.93  # likeness of embeddings above which "unrelated" may be a disguise that was not seen through

_UNLIKE = 0.4  # likeness of embeddings below which no cut or widened model can have been made from another


@dataclass(frozen=True, slots=True)
class Declaration:
    """That `child` comes from `parent`, as its card or configuration says.

    `parent` is the model's name where it is among those at hand, else as written. `relation` as stated, ""
    when it is not. `kind`, `source`, `locator`, `text`, `sha256` are those of evidence (`tools.evidence`).
    """

    child: str
    parent: str
    relation: str = ""
    kind: Literal["metadata", "card", "config"] = "metadata"
    source: str = ""
    locator: str = ""
    text: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a declaration, why, as a sentence, and the statistics it stands on."""

    declaration: Declaration
    verdict: DeclaredVerdict
    reason: str
    facts: tuple[WeightFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """An edge of the recovered lineage, as far as declarations are held against it."""

    parent: str
    child: str
    certainty: float
    is_mutual: bool = False


class DeclarationJudge:
    """Judges declarations by the recovered families and by comparisons of the two models named."""

    def __init__(
        self,
        families: Sequence[Sequence[str]],
        steps: Sequence[Step],
        prints: Mapping[str, Fingerprint],
        compare: Callable[[str, str], Confirmation],
    ) -> None:
        """`families` and `prints` hold full models only; adapters are judged elsewhere."""
        self._family = {name: number for number, family in enumerate(families) for name in family}
        self._steps = steps
        self._prints = prints
        self._compare = compare

    def judge(self, declaration: Declaration) -> Judgement:
        """The verdict on one declaration. Raises WeightsError when a file cannot be read."""
        child, parent = declaration.child, declaration.parent

        def say(verdict: DeclaredVerdict, reason: str, facts: Sequence[WeightFact] = ()) -> Judgement:
            return Judgement(declaration, verdict, reason, tuple(facts))

        if parent not in self._prints or child not in self._prints:
            absent = parent if parent not in self._prints else child
            return say("unverifiable", f"The weights of {absent!r} are not at hand.")
        if parent == child:
            return say("unverifiable", "The card names the model itself as its parent.")
        found = self._compare(parent, child)
        stated = found.reasons[0] if found.reasons else ""
        if self._family[child] != self._family[parent]:
            return self._judge_strangers(declaration, found, stated)
        if self._find_way(parent, child) is not None:
            return say("supported", f"{child!r} descends from {parent!r}. {stated}", found.facts)
        back = self._find_way(child, parent)
        if back is None:
            return say(
                "unverifiable",
                f"The two are related, but nothing shows that {child!r} comes from {parent!r}. {stated}",
                found.facts,
            )
        # Tree and pair must say the same, or the tree surely and the pair nothing.
        is_sure = found.direction == "b_to_a" or (found.direction == "unknown" and back >= _SURER)
        if back >= _SURE and is_sure:
            return say(
                "contradicted", f"It is the other way: {parent!r} comes from {child!r}. {stated}", found.facts
            )
        if back >= _SURE:
            return say(
                "unverifiable", f"{parent!r} looks like the later one of the two. {stated}", found.facts
            )
        return say("supported", f"The two are related. {stated}", found.facts)

    def _judge_strangers(self, declaration: Declaration, found: Confirmation, stated: str) -> Judgement:
        child, parent = declaration.child, declaration.parent

        def say(verdict: DeclaredVerdict, reason: str) -> Judgement:
            return Judgement(declaration, verdict, reason, tuple(found.facts))

        if found.is_related:
            return say("supported", stated)
        if declaration.relation == "distillation":
            return say(
                "unverifiable", "A distilled model has weights of its own: they do not tell its teacher."
            )
        first, second = self._prints[parent], self._prints[child]
        if float(first.tokens @ second.tokens) > _LIKE:
            return say(
                "unverifiable",
                "The embeddings of the two are alike, the rest is not: a common origin cannot be "
                f"excluded. {stated}",
            )
        if found.verdict == "unrelated":
            return say("contradicted", stated)
        known = [step for step in self._steps if step.child == child and step.certainty >= _SURE]
        if known:
            return say(
                "contradicted", f"{child!r} comes from {known[0].parent!r}, which is another model. {stated}"
            )
        if first.kind and second.kind and first.kind != second.kind:
            return say(
                "contradicted",
                f"{parent!r} is a {first.kind}, {child!r} a {second.kind}, and their matrices have other "
                "shapes: neither can have been made from the other.",
            )
        alike = float(first.tokens @ second.tokens)
        if (
            alike < _UNLIKE
            and first.tokens.any()
            and second.tokens.any()
            and not _share_shapes(first, second)
        ):
            return say(
                "contradicted",
                f"{parent!r} and {child!r} have no matrix of one shape, and their embeddings of the same "
                f"tokens are not alike (cosine of their likenesses {alike:.2f}).",
            )
        return say("unverifiable", stated)

    def _find_way(self, start: str, end: str) -> float | None:
        """The least certainty on the surest way down from one model to another; None without a way."""
        best = {start: 1.0}
        queue = [start]
        while queue:
            name = queue.pop()
            for step in self._steps:
                for upper, lower in ((step.parent, step.child), (step.child, step.parent)):
                    if upper != name or (upper == step.child and not step.is_mutual):
                        continue
                    certainty = min(best[name], step.certainty)
                    if certainty > best.get(lower, -1.0):
                        best[lower] = certainty
                        queue.append(lower)
        return best.get(end) if end != start else None


def _share_shapes(first: Fingerprint, second: Fingerprint) -> bool:
    """Whether two models have matrices of one shape at one place of their layers; True where it is not
    known."""
    places = [place for place in first.sketch if place.split("/")[1] and place in second.sketch]
    return not places or any(first.sketch[at].shape == second.sketch[at].shape for at in places)
