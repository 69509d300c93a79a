"""Edges of a lineage and comparisons of weights as evidence: one passage for each, as the tools give it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assistant.toolbox.context import ToolContext
from tools.comparing.alike import AlikeModel
from tools.comparing.finding import Finding, FindingKind, write_finding
from tools.evidence import Evidence
from tools.lineage.joined import JoinedEdge

Json = dict[str, Any]

# What a reason begins with where the passage says it already.
_SAID = re.compile(
    r"^(?:'[^']+' descends from '[^']+'\.|No card declares it; the weights of the two show it\."
    r"|The weights of the two show it, too\.|The two are related\.)\s*"
)
_VERDICT_KINDS: dict[str, FindingKind] = {
    "identical": "copies",
    "related": "related",
    "unrelated": "unrelated",
    "incomparable": "unknown",
}


def show_edge(context: ToolContext, edge: JoinedEdge) -> Json:
    """An edge as the tools give it: its key, what it says, and what the weights say to it."""
    cited = _cite_edge(context, edge)
    declared = [item for item in edge.evidence if item.kind == "lineage"]
    context.read.extend(item.id for item in declared)
    return {
        "child": edge.child,
        "parent": edge.parent,
        "relation": edge.relation,
        "declared": edge.declared,
        "declared_keys": [item.id for item in declared],
        "weights": edge.weights,
        "mutual": edge.mutual,
        "confidence": round(edge.confidence, 2),
        "key": cited.id if cited else None,
        "text": cited.text if cited else edge.reason,
    }


def _cite_edge(context: ToolContext, edge: JoinedEdge) -> Evidence | None:
    """What the weights show of an edge as one passage; None where they show nothing."""
    facts = [item for item in edge.evidence if item.kind == "weights"]
    if not facts:
        return None
    # It is the child that a reader asks about; its file holds one of the tensors that were compared.
    fact = next((item for item in facts if item.model == edge.child), facts[0])
    text = write_finding(
        Finding(_kind_of(edge), edge.child, edge.parent),
        detail=_detail(edge),
        statistic=_SAID.sub("", edge.reason),
    )
    return context.cite("weights", fact.source, fact.locator, text, fact.sha256)


def _kind_of(edge: JoinedEdge) -> FindingKind:
    match edge.weights:
        case "contradicted":
            return "not_made"
        case "supported":
            return "copies" if edge.mutual else "made"
    return "unknown" if edge.declared else "likely"


def _detail(edge: JoinedEdge) -> str:
    relation = f" ({edge.relation})" if edge.relation and edge.weights == "supported" else ""
    match edge.weights, edge.declared:
        case "supported", True:
            return f"{relation}; what the card declares is supported"
        case "contradicted", True:
            return "; what the card declares is contradicted"
        case "supported", False:
            sure = "" if edge.mutual else f", confidence {edge.confidence:.2f}"
            told = f" ({edge.relation}{sure})" if edge.relation and not edge.mutual else ""
            return f"{told}; no card declares it"
    return relation


def cite_comparison(context: ToolContext, document: Mapping[str, Any]) -> Evidence | None:
    """A comparison of two models as one passage; None where no tensor of the two was read."""
    a, b = str(document["a"]), str(document["b"])
    if not document["evidence"]:
        return None
    kind = _VERDICT_KINDS[document["verdict"]]
    first, second = a, b
    statistic = [*document["reasons"]]
    detail = ""
    if document["verdict"] == "related" and document["direction"] in ("a_to_b", "b_to_a"):
        kind = "made"
        first, second = (b, a) if document["direction"] == "a_to_b" else (a, b)
    if document["verdict"] == "related" and document["relation"]:
        if document["relation"] == "duplicate":
            kind = "copies"
        told = f"{document['relation']}, " if kind != "related" else ""
        detail = f" ({told}confidence {document['confidence']:.2f})"
    if kind == "related":
        detail += "; which of them came first is not known"
    if document["direction_reason"]:
        statistic.append(_name_sides(str(document["direction_reason"]), a, b))
    fact = next((item for item in document["evidence"] if item["source"].partition("@")[0] == first), None)
    fact = fact or document["evidence"][0]
    text = write_finding(
        Finding(kind, first, second), detail=detail, statistic=" ".join(s.strip() for s in statistic)
    )
    return context.cite("weights", fact["source"], fact["locator"], text, fact["sha256"])


def write_likeness(model: str, found: AlikeModel) -> str:
    """A neighbour by fingerprint as one passage: what the comparison of the two says, and the likeness."""
    cosine = f"a cosine of {found.likeness:.3f}"
    if found.verdict is None:
        return write_finding(
            Finding("like", model, found.model),
            detail=f" with {cosine}",
            statistic=f"They were not compared further. {found.reason}".strip(),
        )
    kind = _VERDICT_KINDS[found.verdict]
    kind = "copies" if kind == "related" and found.relation == "duplicate" else kind
    return write_finding(
        Finding(kind, model, found.model),
        detail=f"; their fingerprints have {cosine}",
        statistic=found.reason,
    )


def _name_sides(text: str, a: str, b: str) -> str:
    """ "The second is the child": which of the two that is."""
    text = re.sub(r"\b[Tt]he first (?=is|was|has|looks)", f"{a} ", text)
    return re.sub(r"\b[Tt]he second (?=is|was|has|looks)", f"{b} ", text)
