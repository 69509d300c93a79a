"""The rules, one module a theme. Importing this package registers all of them."""

from tools.audit.rules import (
    agreement,
    conflicts,
    eu,
    format,
    lineage,
    links,
    metadata,
    privacy,
    results,
    sections,
    training_results,
    weights,
)

__all__ = [
    "agreement",
    "conflicts",
    "eu",
    "format",
    "lineage",
    "links",
    "metadata",
    "privacy",
    "results",
    "sections",
    "training_results",
    "weights",
]
