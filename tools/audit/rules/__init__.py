"""The rules, one module a theme. Importing this package registers all of them."""

from tools.audit.rules import (
    agreement,
    eu,
    format,
    lineage,
    links,
    metadata,
    privacy,
    results,
    sections,
    weights,
)

__all__ = [
    "agreement",
    "eu",
    "format",
    "lineage",
    "links",
    "metadata",
    "privacy",
    "results",
    "sections",
    "weights",
]
