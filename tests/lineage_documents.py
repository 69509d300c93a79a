"""Documents of lineages, as `tools.lineage.report` writes them, for what draws them."""

from __future__ import annotations

from typing import Any

HOSTILE = 'evil/"><script>alert(1)</script>$x^{'


def make_edge(parent: str, child: str, weights: str = "supported", **values: Any) -> dict[str, Any]:
    evidence = {"id": "E1", "kind": "lineage", "source": f"{child}@1", "locator": "README.md#/base_model",
                "text": f"base_model: {parent}", "sha256": "ab" * 32}  # fmt: skip
    edge = {"parent": parent, "child": child, "relation": "finetune", "declared": True, "weights": weights}
    more = {"confidence": 0.9, "reason": "Because.", "mutual": False, "evidence": [evidence]}
    return {**edge, **more, **values}


def make_document(model: str, edges: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    names = list(dict.fromkeys([model, *(edge[end] for edge in edges for end in ("parent", "child"))]))
    models = [{"model": name, "in_lake": True, "has_weights": True, "problem": ""} for name in names]
    return {"model": model, "ancestors": [], "descendants": [], "edges": edges, "candidates": [],
            "models": models, "cycles": [], "notes": [], **values}  # fmt: skip


FAMILY = make_document(
    "lab/base",
    [
        make_edge("lab/base", "lab/chat"),
        make_edge("lab/base", "lab/other", "contradicted"),
        make_edge("lab/base", "lab/quiet", declared=False),
        make_edge("lab/chat", "lab/blend", relation="merge"),
        make_edge("lab/other", "lab/blend", "unverifiable", relation="merge"),
    ],
)
