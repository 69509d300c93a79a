"""The tree of one family: who comes from whom, from distances, growth and what cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.weights.recovering.fingerprints import Fingerprint
from tools.weights.recovering.geometry import Geometry
from tools.weights.recovering.merging import Mixture, find_mixtures, find_trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SAME = 1e-10  # squared relative distance of copies: permuted and rescaled ones are rounded anew
_KEPT = 1e-6  # of the shared part of a model that was cut, or added to
_PRUNED = 0.05  # share of exact zeros that a pruned model has more
_TIE = 1.02
_BASES = 4  # the most central models, that a trimmed mixture may be built on
_CLEAR_GROWTH, _CLEAR_SHARE = 0.4, 0.7  # of an edge on which nothing else bears


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a family: its fingerprint, and `frame`, equal for models whose axes stand in one order.

    `claims`: the numbers of members that its card names as parents, which weigh little.
    """

    name: str
    fingerprint: Fingerprint
    frame: int = 0
    claims: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundEdge:
    """`child` comes from `parent`, by member numbers. `kind` says by what it was found.

    `certainty` of link and direction, 0 to 1; `is_mutual`: copies, of which neither is known to be first.
    """

    parent: int
    child: int
    kind: str
    certainty: float
    is_mutual: bool = False


class FamilyTree:
    """Finds the edges of one family. `edges` and `depth` stand after construction."""

    def __init__(self, members: Sequence[Member], geometry: Geometry) -> None:
        """`geometry` numbers the models as `members` does."""
        self.members = members
        self.geometry = geometry
        self.edges: list[FoundEdge] = []
        self.mixtures: list[Mixture] = []
        self._frames = [sum(other.frame == member.frame for other in members) for member in members]
        prints = [member.fingerprint for member in members]
        self._shapes = [sum(other.signature == one.signature for other in prints) for one in prints]
        copies = self._join_copies()
        heads = sorted(copies)
        leaves = self._find_leaves(heads)
        core = [at for at in heads if at not in leaves]
        # A cut or lengthened model can have children of its own, a rounded one is taken for an end.
        stems = [at for at in heads if at not in leaves or leaves[at][1] != "rounded"]
        self.root = self._grow(core, stems, leaves)
        for at, (parent, kind, certainty) in leaves.items():
            self.edges.append(FoundEdge(parent, at, kind, certainty))
        for head, others in copies.items():
            self.edges += [FoundEdge(head, other, "copy", 0.95, is_mutual=True) for other in others]

    # -- copies and leaves -------------------------------------------------------------------------------

    def _join_copies(self) -> dict[int, list[int]]:
        """Copies by the one that stands for them: of the commonest frame, of the finest values."""
        free = sorted(range(len(self.members)), key=self._rank)
        copies: dict[int, list[int]] = {}
        for at in free:
            head = next((head for head in copies if self._is_copy(head, at)), None)
            if head is None:
                copies[at] = []
            else:
                copies[head].append(at)
        return copies

    def _rank(self, at: int) -> tuple[float, ...]:
        """The smaller, the likelier is a model the original of what is at the same place.

        Of equal ones the one is it that names no parent, or that others name, as far as cards go.
        """
        bits = self.members[at].fingerprint.bits
        named = sum(at in member.claims for member in self.members)
        return (-self._shapes[at], -self._frames[at], -bits, len(self.members[at].claims) - named, at)

    def _is_copy(self, head: int, at: int) -> bool:
        first, second = self.members[head].fingerprint, self.members[at].fingerprint
        return (
            first.signature == second.signature
            and first.vocabulary == second.vocabulary
            and self.geometry.distance[head, at] <= _SAME
            and (first.bits == second.bits or self.members[head].frame != self.members[at].frame)
        )

    def _find_leaves(self, heads: Sequence[int]) -> dict[int, tuple[int, str, float]]:
        """Models made without training from another: {model: (parent, kind, certainty)}."""
        leaves: dict[int, tuple[int, str, float]] = {}
        for at in sorted(heads, key=lambda at: self.members[at].fingerprint.bits):
            found = self._find_rounded(at, heads) or self._find_pruned(at, heads) or self._find_cut(at, heads)
            # Two models cannot each be made of the other.
            if found and leaves.get(found[0], (None,))[0] != at:
                leaves[at] = found
        return leaves

    def _find_rounded(self, at: int, heads: Sequence[int]) -> tuple[int, str, float] | None:
        own = self.members[at].fingerprint
        near = [
            other
            for other in heads
            if other != at
            and self.members[other].fingerprint.signature == own.signature
            and self.members[other].fingerprint.vocabulary == own.vocabulary
            and self.geometry.is_rounded(other, at)
        ]
        best = self._nearest(at, near)
        return None if best is None else (best, "rounded", 0.95)

    def _find_pruned(self, at: int, heads: Sequence[int]) -> tuple[int, str, float] | None:
        own = self.members[at].fingerprint
        near = {
            other: self.geometry.masked_distance(other, at)
            for other in heads
            if other != at and self.members[other].fingerprint.zeros + _PRUNED < own.zeros
        }
        if not near:
            return None
        best = min(near, key=lambda other: (near[other], self._rank(other)))
        return (best, "pruned", 0.95 if near[best] <= _KEPT else 0.7)

    def _find_cut(self, at: int, heads: Sequence[int]) -> tuple[int, str, float] | None:
        """Rows, heads, neurons or layers added or taken away, all else kept."""
        near = [
            other
            for other in heads
            if other != at and self._is_cut_of(at, other) and self._is_kept(at, other)
        ]
        best = self._nearest(at, near)
        return None if best is None else (best, "cut", 0.9)

    def _is_kept(self, at: int, other: int) -> bool:
        return bool(
            self.geometry.distance[at, other] <= _KEPT
            or self.geometry.is_rounded(other, at)
            or self.geometry.is_rounded(at, other)
        )

    def _is_cut_of(self, at: int, other: int) -> bool:
        """Whether `at` has the later shape of the two."""
        mine, theirs = self.members[at].fingerprint, self.members[other].fingerprint
        if mine.layers != theirs.layers:
            return self._count_alike(at) < self._count_alike(other) or (
                self._count_alike(at) == self._count_alike(other) and mine.layers < theirs.layers
            )
        if mine.signature != theirs.signature:
            return mine.size < theirs.size
        return mine.vocabulary > theirs.vocabulary > 0

    def _count_alike(self, at: int) -> int:
        layers = self.members[at].fingerprint.layers
        return sum(member.fingerprint.layers == layers for member in self.members)

    def _nearest(self, at: int, others: Sequence[int]) -> int | None:
        """The nearest; of those that are about as near the one of the commonest frame and finest values."""
        if not others:
            return None
        apart = self.geometry.distance[at]
        least = min(apart[other] for other in others)
        tied = [other for other in others if apart[other] <= least * _TIE + 1e-12]
        return min(tied, key=lambda other: (self._differs(at, other), self._rank(other), apart[other]))

    def _differs(self, at: int, other: int) -> int:
        """How many of shape, vocabulary and frame two models do not share."""
        mine, theirs = self.members[at], self.members[other]
        return (
            (mine.fingerprint.signature != theirs.fingerprint.signature)
            + (mine.fingerprint.vocabulary != theirs.fingerprint.vocabulary)
            + (mine.frame != theirs.frame)
        )

    # -- the trained core --------------------------------------------------------------------------------

    def _grow(
        self, core: Sequence[int], stems: Sequence[int], leaves: dict[int, tuple[int, str, float]]
    ) -> int:
        geometry = self.geometry
        gram = self._sum_gram(core)
        self.mixtures = find_mixtures(gram, core, geometry.is_between)
        mixed = {mixture.child for mixture in self.mixtures}
        plain = [at for at in core if at not in mixed]
        middle = sorted(plain, key=lambda at: sum(geometry.distance[at, plain]))[:_BASES]
        self.mixtures += find_trimmed(geometry.sketches, gram, plain, middle)
        mixed = {mixture.child for mixture in self.mixtures}
        trained = [at for at in core if at not in mixed]
        for mixture in self.mixtures:
            certainty = 0.9 if mixture.is_sure else 0.75
            self.edges += [FoundEdge(parent, mixture.child, "mixed", certainty) for parent in mixture.parents]
        if not trained:
            return core[0]
        # What was reordered has a frame of its own, as all that comes from it: the first is in the commonest.
        commonest = max(self._frames[at] for at in trained)
        trees = {
            root: self._hang(root, trained, [at for at in stems if at in mixed or at in trained])
            for root in trained
            if self._frames[root] == commonest
        }
        scores = {root: self._judge_tree(root, tree) for root, tree in trees.items()}
        root = max(trees, key=lambda at: (scores[at], self._frames[at], -at))
        others = [score for at, score in scores.items() if at != root]
        lead = scores[root] - max(others) if others else 1.0
        for child, parent in trees[root].items():
            parent = self._prefer_stem(child, parent, stems, leaves)
            self.edges.append(
                FoundEdge(parent, child, "trained", self._judge_edge(parent, child, lead, len(trained)))
            )
        return root

    def _sum_gram(self, members: Sequence[int]) -> NDArray[np.float64]:
        """Inner products summed over the matrices that all of `members` have."""
        shared = self.geometry.masks[:, list(members)].all(axis=1)
        summed: NDArray[np.float64] = self.geometry.gram[shared].sum(axis=0)
        return summed

    def _hang(self, root: int, trained: Sequence[int], stems: Sequence[int]) -> dict[int, int]:
        """The parent of every trained model but the root: the last one on the way from the root."""
        between, apart = self.geometry.is_between, self.geometry.distance
        parents: dict[int, int] = {}
        for child in trained:
            if child == root:
                continue
            # Of two models near each other both can seem to lie on the other's way: the root's is the first.
            way = [
                at
                for at in stems
                if at not in (root, child)
                and not self._is_mixed_of(at, child, root)
                and self.members[at].frame in (self.members[child].frame, self.members[root].frame)
                and not self._lost_rows(at, child)
                and apart[root, at] < apart[root, child]
                and between(root, at, child)
            ]
            nearest = self._nearest(child, [*way, root])
            parents[child] = root if nearest is None else nearest
        return parents

    def _lost_rows(self, parent: int, child: int) -> bool:
        """Whether `child` would have lost tokens: vocabularies are added to far more often than cut."""
        mine, theirs = (self.members[at].fingerprint.vocabulary for at in (child, parent))
        return 0 < mine < theirs

    def _is_mixed_of(self, at: int, child: int, root: int) -> bool:
        """Whether `at` is a mixture of `child` or of a model that comes from it."""
        return any(
            mixture.child == at
            and any(
                child == parent or self.geometry.is_between(root, child, parent) for parent in mixture.parents
            )
            for mixture in self.mixtures
        )

    def _prefer_stem(
        self, child: int, parent: int, stems: Sequence[int], leaves: dict[int, tuple[int, str, float]]
    ) -> int:
        """A cut or lengthened model at the parent's place that has the child's shape is the parent."""
        if not self._differs(child, parent):
            return parent
        same = [
            at
            for at in stems
            if at in leaves
            and leaves[at][1] == "cut"
            and at != child
            and self._differs(child, at) < self._differs(child, parent)
            and self.geometry.distance[child, at] <= self.geometry.distance[child, parent] * 1.1
        ]
        return min(same, key=lambda at: self.geometry.distance[child, at]) if same else parent

    def _judge_tree(self, root: int, tree: dict[int, int]) -> float:
        """How well growth, frames and claims agree with a tree; about one point for an edge."""
        score = 0.0
        for child, parent in tree.items():
            grown, share = self.geometry.growth(parent, child)
            heads = [self.members[model].fingerprint.has_task_head for model in (parent, child)]
            score += heads[1] - heads[0]
            score += max(-1.0, min(1.0, (2.0 * share - 1.0))) * min(1.0, 0.3 + abs(grown))
            if parent in self.members[child].claims:
                score += 0.3
            if child in self.members[parent].claims:
                score -= 0.3
        return score + 0.2 * self._frames[root] / len(self.members)

    def _judge_edge(self, parent: int, child: int, lead: float, size: int) -> float:
        """Certainty of one edge. A lone pair stands on its growth alone; siblings of a model that is not in
        the lake grow neither way."""
        grown, share = self.geometry.growth(parent, child)
        first, second = (self.members[at].fingerprint.has_task_head for at in (parent, child))
        if first != second:  # a head for classes is put on a model that was trained without
            return 0.8 if second else 0.4
        if size == 2:
            return 0.75 if grown >= _CLEAR_GROWTH and share >= _CLEAR_SHARE else 0.4
        certainty = 0.85 if share >= 0.5 else 0.65
        return certainty if lead > 0.3 else certainty - 0.1
