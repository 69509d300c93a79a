"""Lineage: what cards declare, what weights show, and both joined."""

from tools.lineage.declared import Lineage, trace_declared

__all__ = ["Lineage", "trace_declared"]
