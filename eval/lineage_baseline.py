"""The lineage that an obvious method finds, to hold ours against.

Flattened weights, their Euclidean distance, kurtosis for the direction, and the cheapest arborescence
(Edmonds) of every cluster: MoTHer's way (arXiv 2405.18432) without what it does for LoRA. Whole models are
held in memory.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.cards import parse_card
from tools.weights.errors import WeightsError
from tools.weights.opening import open_weights

_FAR = 1.0  # independent weights of one scale lie sqrt(2) apart, relative to their norm
_BACKWARDS = 0.3  # what an edge costs more that raises the kurtosis, in mean distances

Vector = NDArray[np.float32]


def recover_by_distance(root: Path, models: list[str]) -> dict[str, Any]:
    """Families, edges and verdicts on declared parents of the folders `models` below `root`."""
    groups: dict[str, list[str]] = defaultdict(list)
    vectors: dict[str, Vector] = {}
    for name in models:
        try:
            with open_weights(str(root / name)) as weights:
                shapes = {key: info.shape for key, info in weights.tensors.items()}
                parts = [np.concatenate(list(weights.blocks(key))).ravel() for key in sorted(shapes)]
        except WeightsError:
            continue
        vectors[name] = np.concatenate(parts)
        groups[json.dumps(sorted((key, *shape) for key, shape in shapes.items()))].append(name)
    families: list[list[str]] = []
    edges: list[dict[str, Any]] = []
    for members in groups.values():
        for family in _cluster(members, vectors):
            families.append(family)
            edges += _span(family, vectors)
    declared = _judge_declared(root, models, families)
    return {"families": families, "edges": edges, "declared": declared, "failed": []}


def _cluster(members: list[str], vectors: dict[str, Vector]) -> list[list[str]]:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(members)
    graph.add_edges_from(
        pair for pair in combinations(members, 2) if _distance(vectors[pair[0]], vectors[pair[1]]) < _FAR
    )
    return [sorted(part) for part in nx.connected_components(graph)]


def _span(family: list[str], vectors: dict[str, Vector]) -> list[dict[str, Any]]:
    import networkx as nx

    if len(family) < 2:
        return []
    distances = {pair: _distance(vectors[pair[0]], vectors[pair[1]]) for pair in combinations(family, 2)}
    penalty = _BACKWARDS * float(np.mean(list(distances.values())))
    peaks = {name: _measure_kurtosis(vectors[name]) for name in family}
    graph = nx.DiGraph()
    for (a, b), distance in distances.items():
        # The kurtosis falls when a model specialises.
        graph.add_edge(a, b, weight=distance + penalty * (peaks[b] > peaks[a]))
        graph.add_edge(b, a, weight=distance + penalty * (peaks[a] > peaks[b]))
    tree = nx.minimum_spanning_arborescence(graph)
    return [{"parent": a, "child": b, "relation": "finetune", "confidence": 1.0} for a, b in tree.edges]


def _distance(a: Vector, b: Vector) -> float:
    return float(np.linalg.norm(a - b) / np.sqrt(np.linalg.norm(a) * np.linalg.norm(b)))


def _measure_kurtosis(values: Vector) -> float:
    centred = values - values.mean()
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2)


def _judge_declared(root: Path, models: list[str], families: list[list[str]]) -> list[dict[str, Any]]:
    family_of = {name: number for number, family in enumerate(families) for name in family}
    rows = []
    for name in models:
        card = root / name / "README.md"
        for parent in parse_card(card.read_text("utf-8")).parents if card.is_file() else ():
            same = family_of.get(name, name) == family_of.get(parent.name, parent.name)
            verdict = "supported" if same else "contradicted"
            rows.append({"child": name, "parent": parent.name, "verdict": verdict})
    return rows
