"""Figures for a recovered lineage against the truth of a zoo (`truth.json`, see `eval.zoo.families`).

The adjusted Rand index is that of Hubert and Arabie (1985). A found document is what `lake recover --json`
prints: families, edges, declared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

Pair = tuple[str, str]
_SHOWN = 60
_TRUE_BY_KIND = {
    "true": "supported",
    "grandparent": "supported",
    "false": "contradicted",
    "reversed": "contradicted",
}


def score_lineage(truth: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """All figures, and by name what was missed or is wrong.

    `edges` counts an edge as right with its direction; of a duplicate either direction is right, and a copy
    may stand for what it is a copy of. `links` leaves directions out. Direction and relation accuracy are
    over the links that were found. `declared` leaves adapters out that are not judged.
    """
    lineage = _Truth(truth)
    edges = [(edge["parent"], edge["child"], edge.get("relation")) for edge in found.get("edges", ())]
    figures: dict[str, Any] = {"models": len(lineage.models)}
    figures |= _score_families(lineage, found.get("families", ()))
    figures |= _score_edges(lineage, edges)
    figures["declared"] = _score_declared(truth["declared"], found.get("declared", ()))
    figures["false_parents"] = _score_false_parents(lineage, edges)
    figures["disguises"] = _score_disguises(lineage, found.get("families", ()))
    figures["failed"] = len(found.get("failed", ()))
    figures["by_relation"] = _count_by_relation(lineage, edges)
    figures["wrong"] = _list_wrong(lineage, edges)
    figures["wrong_declared"] = _list_wrong_declared(lineage, found.get("declared", ()))
    return figures


class _Truth:
    """The truth with its models' families and copies at hand."""

    def __init__(self, truth: Mapping[str, Any]) -> None:
        self.models: Mapping[str, Any] = truth["models"]
        self.families = {name: model["family"] for name, model in self.models.items()}
        self.declared = truth["declared"]
        self.edges: dict[Pair, str] = {}
        self.directed: dict[Pair, bool] = {}
        self._copies: dict[str, str] = {}
        for edge in truth["edges"]:
            pair = (edge["parent"], edge["child"])
            self.edges[pair] = edge["relation"]
            self.directed[pair] = edge["directed"]
            model = self.models[edge["child"]]
            if edge["relation"] == "duplicate" and not model["disguises"]:
                self._copies[edge["child"]] = edge["parent"]

    def find_edge(self, parent: str, child: str) -> Pair | None:
        """The true edge between the two, whichever way it goes; exact copies stand for one another."""
        for pair in ((parent, child), (child, parent)):
            if pair in self.edges:
                return pair
        known = (self._copies.get(parent, parent), self._copies.get(child, child))
        if known[0] == known[1]:
            return None
        return next((pair for pair in (known, known[::-1]) if pair in self.edges), None)

    def is_forward(self, pair: Pair, parent: str) -> bool:
        """Whether `parent` is the parent's side of the true edge `pair`, or no side is."""
        return not self.directed[pair] or self._copies.get(parent, parent) == pair[0] or parent == pair[0]

    def tell(self, name: str) -> str:
        model = self.models.get(name)
        return f"{name} ({model['key']})" if model else name


def adjusted_rand(first: Mapping[str, object], second: Mapping[str, object]) -> float:
    """Agreement of two groupings of the same names: 1 for the same, about 0 for chance."""
    cells = Counter((first[name], second[name]) for name in first)
    both = sum(math.comb(count, 2) for count in cells.values())
    rows = sum(math.comb(count, 2) for count in Counter(first.values()).values())
    columns = sum(math.comb(count, 2) for count in Counter(second[name] for name in first).values())
    pairs = math.comb(len(first), 2)
    expected = rows * columns / pairs if pairs else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _group(lineage: _Truth, families: Iterable[Sequence[str]]) -> dict[str, object]:
    """The found family of every model; one that stands in none is alone."""
    groups: dict[str, object] = {name: name for name in lineage.models}
    for number, family in enumerate(families):
        groups |= {name: number for name in family if name in lineage.models}
    return groups


def _score_families(lineage: _Truth, families: Iterable[Sequence[str]]) -> dict[str, Any]:
    groups = _group(lineage, families)
    true = {pair for pair in combinations(sorted(groups), 2) if _same(lineage.families, pair)}
    told = {pair for pair in combinations(sorted(groups), 2) if _same(groups, pair)}
    return {
        "family_ari": round(adjusted_rand(lineage.families, groups), 4),
        "same_family": _count_rates(len(true & told), len(told), len(true)),
    }


def _same(groups: Mapping[str, object], pair: Pair) -> bool:
    return groups[pair[0]] == groups[pair[1]]


def _score_edges(lineage: _Truth, edges: Sequence[tuple[str, str, Any]]) -> dict[str, Any]:
    linked: set[Pair] = set()
    forward: set[Pair] = set()
    typed: set[Pair] = set()
    directed = 0
    for parent, child, relation in edges:
        pair = lineage.find_edge(parent, child)
        if pair is None or pair in linked:
            continue
        linked.add(pair)
        directed += lineage.directed[pair]
        if lineage.is_forward(pair, parent):
            forward.add(pair)
        if relation == lineage.edges[pair]:
            typed.add(pair)
    right = sum(1 for pair in forward if lineage.directed[pair])
    return {
        "edges": _count_rates(len(forward), len(edges), len(lineage.edges)),
        "links": _count_rates(len(linked), len(edges), len(lineage.edges)),
        "direction_accuracy": _divide(right, directed),
        "relation_accuracy": _divide(len(typed), len(linked)),
    }


def _score_declared(truth: Sequence[Mapping[str, Any]], found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    told = {(row["child"], row["parent"]): row["verdict"] for row in found}
    rows = []
    for row in truth:
        said = told.get((row["child"], row["parent"]), "missing")
        # Of an adapter no verdict is asked; one that is given has to be true.
        if row["verdict"] != "unverifiable":
            rows.append((row["verdict"], said))
        elif said != "unverifiable":
            rows.append((_TRUE_BY_KIND[row["kind"]], said))
    figures: dict[str, Any] = {
        verdict: _count_rates(
            sum(1 for true, said in rows if true == said == verdict),
            sum(1 for _, said in rows if said == verdict),
            sum(1 for true, _ in rows if true == verdict),
        )
        for verdict in ("contradicted", "supported")
    }
    return figures | {"missing": sum(1 for _, said in rows if said == "missing")}


def _score_false_parents(lineage: _Truth, edges: Sequence[tuple[str, str, Any]]) -> dict[str, Any]:
    """Parents from other families: of models that have no parent, of the student, and of all."""
    children = {child for _, child in lineage.edges}
    roots = {name for name in lineage.models if name not in children}
    students = {name for name, model in lineage.models.items() if model["is_student"]}
    foreign = {
        child for parent, child, _ in edges if lineage.families.get(parent) != lineage.families.get(child)
    }
    given = {child for _, child, _ in edges}
    return {
        "independents": _divide(len(foreign & roots), len(roots)),
        "student": _divide(len(given & students), len(students)),
        "from_other_families": len(foreign),
    }


def _score_disguises(lineage: _Truth, families: Iterable[Sequence[str]]) -> dict[str, int]:
    """Of the disguised models, how many stand in one family with the one they come from."""
    groups = _group(lineage, families)
    hidden = [pair for pair in lineage.edges if lineage.models[pair[1]]["disguises"]]
    return {"seen_through": sum(1 for pair in hidden if _same(groups, pair)), "of": len(hidden)}


def _count_by_relation(lineage: _Truth, edges: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    linked: Counter[str] = Counter()
    typed: Counter[str] = Counter()
    seen: set[Pair] = set()
    for parent, child, relation in edges:
        pair = lineage.find_edge(parent, child)
        if pair and pair not in seen:
            seen.add(pair)
            linked[lineage.edges[pair]] += 1
            typed[lineage.edges[pair]] += relation == lineage.edges[pair]
    counts = Counter(lineage.edges.values())
    return [
        {"relation": name, "edges": counts[name], "linked": linked[name], "typed": typed[name]}
        for name in sorted(counts)
    ]


def _list_wrong(lineage: _Truth, edges: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    rows = []
    met: set[Pair] = set()
    for parent, child, relation in edges:
        pair = lineage.find_edge(parent, child)
        if pair is None:
            same = lineage.families.get(parent) == lineage.families.get(child)
            fault = "no such edge" if same else "another family"
            true = ""
        else:
            met.add(pair)
            true = lineage.edges[pair]
            faults = [] if lineage.is_forward(pair, parent) else ["reversed"]
            faults += [] if relation == true else ["relation"]
            fault = ", ".join(faults)
        if fault:
            row = {"parent": lineage.tell(parent), "child": lineage.tell(child)}
            rows.append(row | {"found": relation, "true": true, "fault": fault})
    for pair, relation in lineage.edges.items():
        if pair not in met:
            row = {"parent": lineage.tell(pair[0]), "child": lineage.tell(pair[1])}
            rows.append(row | {"found": "", "true": relation, "fault": "missed"})
    return rows[:_SHOWN]


def _list_wrong_declared(lineage: _Truth, found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    told = {(row["child"], row["parent"]): row["verdict"] for row in found}
    rows = []
    for row in lineage.declared:
        verdict = told.get((row["child"], row["parent"]), "missing")
        allowed = {row["verdict"]}
        if row["verdict"] == "unverifiable":
            allowed.add(_TRUE_BY_KIND[row["kind"]])
        if verdict not in allowed:
            names = {"child": lineage.tell(row["child"]), "parent": lineage.tell(row["parent"])}
            rows.append(names | {"kind": row["kind"], "found": verdict, "true": row["verdict"]})
    return rows[:_SHOWN]


def _count_rates(right: int, told: int, true: int) -> dict[str, Any]:
    """Precision, recall and F1; None where there is nothing to be right about."""
    precision, recall = _divide(right, told), _divide(right, true)
    f1 = _divide(2 * right, told + true)
    return {"precision": precision, "recall": recall, "f1": f1, "right": right, "told": told, "true": true}


def _divide(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
