"""Where the models and edges of a lineage are drawn: generations as columns, the oldest on the left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SWEEPS = 6  # of ordering each column by the middle of its neighbours (Sugiyama et al., 1981)
_LONGEST = 30  # characters of a line of a name


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A model in column `column` and row `row` (rows may lie between whole numbers)."""

    model: str
    column: int
    row: float
    in_lake: bool
    is_focus: bool
    problem: str


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """An edge from the parent's box to the child's; `style` is a key of `EDGE_STYLES`.

    `via`: (column, row) of the gaps it passes through in the columns between the two.
    """

    parent: PlacedModel
    child: PlacedModel
    style: str
    label: str
    edge: Mapping[str, Any]
    via: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """A lineage with places; `columns` and `rows` say how much room it takes."""

    models: tuple[PlacedModel, ...]
    edges: tuple[PlacedEdge, ...]
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class EdgeStyle:
    """How edges of one standing are drawn. Standing is told by colour (after Okabe and Ito) and by dashes."""

    meaning: str
    colour: str
    dashes: tuple[float, ...]


EDGE_STYLES = {
    "supported": EdgeStyle("declared, weights support it", "#0072B2", ()),
    "found": EdgeStyle("found in the weights, not declared", "#009E73", (7, 3)),
    "contradicted": EdgeStyle("declared, weights contradict it", "#D55E00", (2, 3)),
    "unverifiable": EdgeStyle("declared, weights cannot tell", "#6B7280", (8, 2.5, 1.5, 2.5)),
    "candidate": EdgeStyle("likely by weights, not sure", "#B07AA1", (1, 4)),
}


def lay_out(document: Mapping[str, Any]) -> Layout:
    """Place the models of a lineage document (see `tools.lineage.report.describe_lineage`)."""
    import networkx

    known = {str(item["model"]): item for item in document["models"]}
    edges = [(edge, _name_style(edge)) for edge in document["edges"]]
    edges += [(edge, "candidate") for edge in document.get("candidates", ())]
    for edge, _ in edges:
        for end in ("parent", "child"):
            known.setdefault(str(edge[end]), {"model": edge[end], "in_lake": False, "problem": ""})
    graph = networkx.DiGraph()
    graph.add_nodes_from(known)
    for edge, _ in sorted(edges, key=lambda item: _rank(item[0], item[1])):
        # An edge that would close a circle is drawn, but does not decide who is older.
        if not networkx.has_path(graph, edge["child"], edge["parent"]):
            graph.add_edge(edge["parent"], edge["child"])
    columns = _assign_columns(graph)
    ways = _find_ways(graph, columns)
    wide = _with_gaps(graph, ways)
    everywhere = columns | {gap: column for way in ways.values() for gap, column in way}
    rows = _assign_rows(wide, everywhere)
    placed = {
        name: PlacedModel(
            name,
            columns[name],
            rows[name],
            bool(item["in_lake"]),
            name == document["model"],
            str(item.get("problem") or ""),
        )
        for name, item in known.items()
    }
    return Layout(
        tuple(placed.values()),
        tuple(
            PlacedEdge(
                placed[edge["parent"]],
                placed[edge["child"]],
                style,
                _label(edge, style),
                edge,
                tuple((column, rows[gap]) for gap, column in ways.get((edge["parent"], edge["child"]), ())),
            )
            for edge, style in edges
        ),
        1 + max(columns.values()),
        1 + max(_count(everywhere.values())),
    )


def wrap_name(model: str) -> tuple[str, str]:
    """(organisation, name) of a model, each short enough for its box."""
    owner, slash, name = model.rpartition("/")
    return _shorten(owner + slash), _shorten(name)


def _shorten(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 11]}…{text[-10:]}"


def _name_style(edge: Mapping[str, Any]) -> str:
    if edge["weights"] == "supported":
        return "supported" if edge["declared"] else "found"
    return "contradicted" if edge["weights"] == "contradicted" else "unverifiable"


def _rank(edge: Mapping[str, Any], style: str) -> tuple[bool, int]:
    return bool(edge.get("mutual")), list(EDGE_STYLES).index(style)


def _label(edge: Mapping[str, Any], style: str) -> str:
    relation = str(edge.get("relation") or "")
    return f"✕ {relation}".strip() if style == "contradicted" else relation


def _assign_columns(graph: Any) -> dict[str, int]:
    """Each model one column right of its youngest parent; one without parents beside its first child."""
    import networkx

    columns: dict[str, int] = {}
    for name in networkx.topological_sort(graph):
        columns[name] = 1 + max((columns[parent] for parent in graph.predecessors(name)), default=-1)
    for name in columns:
        children = [columns[child] for child in graph.successors(name)]
        if children and not graph.in_degree(name):
            columns[name] = min(children) - 1
    return columns


_Way = list[tuple[str, int]]  # names of gaps, and the columns they are in


def _find_ways(graph: Any, columns: Mapping[str, int]) -> dict[tuple[str, str], _Way]:
    """The gaps that each edge over more than one column needs, so that it runs behind no other model."""
    return {
        (parent, child): [
            (f"{parent}\0{child}\0{column}", column) for column in range(columns[parent] + 1, columns[child])
        ]
        for parent, child in graph.edges
    }


def _with_gaps(graph: Any, ways: Mapping[tuple[str, str], _Way]) -> Any:
    import networkx

    wide = networkx.DiGraph()
    wide.add_nodes_from(graph)
    for (parent, child), way in ways.items():
        networkx.add_path(wide, [parent, *(gap for gap, _ in way), child])
    return wide


def _assign_rows(graph: Any, columns: Mapping[str, int]) -> dict[str, float]:
    """Rows of each column by the middle of the neighbours, columns centred on each other."""
    members: dict[int, list[str]] = {}
    for name in sorted(columns, key=lambda name: (columns[name], name.lower())):
        members.setdefault(columns[name], []).append(name)
    place = _spread(members)
    for sweep in range(_SWEEPS):
        order = sorted(members) if sweep % 2 == 0 else sorted(members, reverse=True)
        for column in order:
            near = graph.predecessors if sweep % 2 == 0 else graph.successors
            middle = {
                name: _mean([place[other] for other in near(name)], place[name]) for name in members[column]
            }
            members[column].sort(key=lambda name: (middle[name], name.lower()))
            place.update(_spread({column: members[column]}, tallest=max(len(m) for m in members.values())))
    return place


def _spread(members: Mapping[int, list[str]], tallest: int | None = None) -> dict[str, float]:
    most = tallest if tallest is not None else max(len(names) for names in members.values())
    return {name: at + (most - len(names)) / 2 for names in members.values() for at, name in enumerate(names)}


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _count(columns: Iterable[int]) -> list[int]:
    counts: dict[int, int] = {}
    for column in columns:
        counts[column] = counts.get(column, 0) + 1
    return [count - 1 for count in counts.values()]
