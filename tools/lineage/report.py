"""A joined lineage as one document: what `lake lineage --json` prints, what plots draw and answers cite."""

from __future__ import annotations

from typing import Any

from tools.lineage.joined import JoinedEdge, JoinedLineage


def describe_lineage(lineage: JoinedLineage) -> dict[str, Any]:
    """The document. Beside what the contract names: `models` (every model of the graph, with what the lake
    has of it), `candidates` (edges that are only likely), `cycles` and `notes`."""
    return {
        "model": lineage.model,
        "ancestors": list(lineage.ancestors),
        "descendants": list(lineage.descendants),
        "edges": [_show_edge(edge) for edge in lineage.edges],
        "candidates": [_show_edge(edge) for edge in lineage.candidates],
        "models": [
            {
                "model": model.model,
                "in_lake": model.in_lake,
                "has_weights": model.has_weights,
                "problem": model.problem,
            }
            for model in lineage.models
        ],
        "cycles": [list(cycle) for cycle in lineage.cycles],
        "notes": list(lineage.notes),
    }


def _show_edge(edge: JoinedEdge) -> dict[str, Any]:
    return {
        "parent": edge.parent,
        "child": edge.child,
        "relation": edge.relation,
        "declared": edge.declared,
        "weights": edge.weights,
        "confidence": round(edge.confidence, 3),
        "reason": edge.reason,
        "mutual": edge.mutual,
        "evidence": [item.model_dump(mode="json") for item in edge.evidence],
    }
