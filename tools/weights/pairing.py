"""Which tensor of one model is the counterpart of which of another: by name, then by role and shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tools.weights.roles import Role, read_roles
from tools.weights.types import TensorInfo

Fit = Literal["same", "more-rows", "fewer-rows", "other"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor `a` of A and its counterpart `b` in B, by their names. `role` is that of `a`.

    `fit` tells how B's shape fits: the same, rows added at the end ("more-rows", as a longer vocabulary has),
    rows missing, or otherwise different.
    """

    a: str
    b: str
    role: Role
    fit: Fit = "same"


@dataclass(frozen=True, slots=True)
class Pairing:
    """All counterparts of two models, in A's order, and what is left over on either side.

    `layers` maps B's layers to A's (the identity unless an alignment found otherwise), by stack.
    """

    pairs: tuple[Pair, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    layers_a: int
    layers_b: int

    @property
    def alike(self) -> tuple[Pair, ...]:
        """Pairs of one shape."""
        return tuple(pair for pair in self.pairs if pair.fit == "same")

    def of_part(self, *parts: str) -> list[Pair]:
        """Pairs of weights (no biases) with one of these roles, by layer."""
        chosen = [pair for pair in self.pairs if pair.role.part in parts and not pair.role.bias]
        return sorted(chosen, key=lambda pair: (pair.role.stack, pair.role.layer or 0))


def pair_tensors(a: Mapping[str, TensorInfo], b: Mapping[str, TensorInfo]) -> Pairing:
    """Pair the tensors of two models: equal names first, then equal roles of one layer.

    A head that is tied to the embeddings in one model and stored in the other is left over, not paired.
    """
    roles_a, roles_b = read_roles(a), read_roles(b)
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in a:
        if name in b:
            found[name] = name
            taken.add(name)
    by_role: dict[Role, list[str]] = {}
    for name, role in roles_b.items():
        if name not in taken:
            by_role.setdefault(_key(role), []).append(name)
    for name, role in roles_a.items():
        if name not in found and (others := by_role.get(_key(role))):
            found[name] = others.pop(0)
            taken.add(found[name])
    pairs = tuple(
        Pair(name, found[name], roles_a[name], _fit(a[name].shape, b[found[name]].shape))
        for name in a
        if name in found
    )
    return Pairing(
        pairs,
        tuple(name for name in a if name not in found),
        tuple(name for name in b if name not in taken),
        count_layers(roles_a.values()),
        count_layers(roles_b.values()),
    )


def count_layers(roles: Iterable[Role]) -> int:
    """How many layers a model has, all stacks together."""
    return len({(role.stack, role.layer) for role in roles if role.layer is not None})


def _key(role: Role) -> Role:
    """What two names must agree in; how the weight is stored is no part of it."""
    return Role(role.part, role.layer, role.bias, False, role.stack, role.rest)


def _fit(a: tuple[int, ...], b: tuple[int, ...]) -> Fit:
    if a == b:
        return "same"
    if len(a) == len(b) and a[1:] == b[1:] and a:
        return "more-rows" if b[0] > a[0] else "fewer-rows"
    return "other"
