"""Lineage: what cards declare, what weights show, and both joined."""

from tools.lineage.declared import Lineage, trace_declared
from tools.lineage.joined import JoinedEdge, JoinedLineage, trace_lineage
from tools.lineage.report import describe_lineage

__all__ = [
    "JoinedEdge",
    "JoinedLineage",
    "Lineage",
    "describe_lineage",
    "trace_declared",
    "trace_lineage",
]
