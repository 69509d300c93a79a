"""A recovery as one document: what `lake recover --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.evidence import EvidenceLedger
from tools.weights.comparison import WeightFact
from tools.weights.recovering.declared import Judgement
from tools.weights.recovering.found import LineageEdge, Recovery


def describe_recovery(result: Recovery, ledger: EvidenceLedger, places: Mapping[str, Path]) -> dict[str, Any]:
    """The document; evidence is numbered in `ledger`. `places` are the models' folders, by which facts name
    them."""
    names = {str(place): name for name, place in places.items()}
    return {
        "models": result.models,
        "families": [sorted(family) for family in result.families],
        "edges": [_show_edge(edge, ledger, names) for edge in result.edges],
        "candidates": [_show_edge(edge, ledger, names) for edge in result.candidates],
        "declared": [_show_judgement(found, ledger, names) for found in result.declared],
        "failed": [{"id": name, "error": why} for name, why in result.failed.items()],
        "comparisons": result.compared,
    }


def _show_edge(edge: LineageEdge, ledger: EvidenceLedger, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "parent": edge.parent,
        "child": edge.child,
        "relation": edge.relation,
        "confidence": round(edge.confidence, 3),
        "evidence": _cite(edge.facts, ledger, names),
    }


def _show_judgement(found: Judgement, ledger: EvidenceLedger, names: Mapping[str, str]) -> dict[str, Any]:
    said = found.declaration
    evidence = []
    if said.sha256:
        source = names.get(said.source, said.source)
        evidence.append(ledger.add(said.kind, source, said.locator, said.text, said.sha256).model_dump())
    return {
        "child": said.child,
        "parent": said.parent,
        "verdict": found.verdict,
        "reason": found.reason,
        "evidence": evidence + _cite(found.facts, ledger, names),
    }


def _cite(
    facts: Sequence[WeightFact], ledger: EvidenceLedger, names: Mapping[str, str]
) -> list[dict[str, Any]]:
    cited = [
        ledger.add("weights", names.get(fact.source, fact.source), fact.locator, fact.text, fact.sha256)
        for fact in facts
    ]
    return [item.model_dump() for item in dict.fromkeys(cited)]
