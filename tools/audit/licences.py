"""Families of licences: what a child of a model under one of them may be under. Data: `licences.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from tools.audit.values import find_licence_names, same_licence

Answer = Literal["compatible", "dropped", "incompatible", "unknown"]


@dataclass(frozen=True, slots=True)
class Family:
    """Licences with one effect on derived models. `keeps`: restrictions a child's licence must have too."""

    name: str
    identifiers: frozenset[str]
    keeps: frozenset[str]
    same_licence: bool
    source: str


@cache
def _load() -> dict[str, Any]:
    return tomllib.loads(resources.files("tools.audit").joinpath("licences.toml").read_text("utf-8"))


@cache
def list_families() -> tuple[Family, ...]:
    """All families of the table."""
    return tuple(
        Family(
            entry["name"],
            frozenset(entry["identifiers"]),
            frozenset(entry.get("keeps", ())),
            entry.get("same_licence", False),
            entry["source"],
        )
        for entry in _load()["family"]
    )


@cache
def list_identifiers() -> frozenset[str]:
    """Every identifier the Hub takes."""
    return frozenset(name for family in list_families() for name in family.identifiers) | frozenset(
        _load()["without_family"]
    )


def suggest_identifier(text: str) -> str:
    """The Hub's identifier for a licence written otherwise, "" where that is not clear."""
    names = find_licence_names(text)
    if len(names) != 1:
        return ""
    family, version = next(iter(names))
    fitting = sorted(
        name
        for name in list_identifiers()
        if same_licence(name, text) and (not version or name.endswith(version) or name == family)
    )
    return fitting[0] if len(fitting) == 1 else ""


def find_family(identifier: str) -> Family | None:
    """The family of an identifier, None for those nothing is known of (`other`, `unknown`, own words)."""
    plain = identifier.strip().lower()
    return next((family for family in list_families() if plain in family.identifiers), None)


def judge_succession(parent: str, child: str) -> tuple[Answer, str]:
    """Whether a model under `child` may be derived from one under `parent`, and why, in a sentence.

    A table of families, no legal advice: what the table does not hold is unknown.
    """
    one, other = find_family(parent), find_family(child)
    if one is None or other is None:
        odd = parent if one is None else child
        return "unknown", f"nothing is known of the licence {odd!r}"
    if parent.strip().lower() == child.strip().lower():
        return "compatible", ""
    if one.name == other.name and one.keeps:
        return "unknown", f"{child} is of one family with {parent}, and yet another licence; read both"
    if one.same_licence and one.name != other.name:
        return "incompatible", f"{parent} asks that derived models stay under {one.name} terms ({one.source})"
    if lost := one.keeps - other.keeps:
        return (
            "dropped",
            f"{parent} has restrictions ({', '.join(sorted(lost))}) that {child} lacks ({one.source})",
        )
    return "compatible", ""
