"""Where a model comes from and what was made of it: lineage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.invocation import Invocation
from assistant.cli.plotting import require_plot_path, write_plot
from tools.errors import UnknownModelError

if TYPE_CHECKING:
    from rich.tree import Tree

    from tools.catalog.repository import Catalog

_SHOWN_PROBLEMS, _SHOWN_SOURCES = 5, 40
_STYLES = {"contradicted": "red", "supported": "green"}


def lineage(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, or one that cards name.")],
    depth: Annotated[int, typer.Option(help="Steps up and down; all unless said.", min=1)] = 1000,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the graph: .png for a picture, .html to click through."),
    ] = None,
) -> None:
    """Where a model comes from: declared, and by weights; and what was made of it."""
    from tools.lineage import describe_lineage, trace_lineage

    invocation: Invocation = context.obj
    require_plot_path(plot, (".png", ".html"))
    with invocation.open_filled_lake("lineage", embedding=False) as lake:
        name = _find_name(lake.catalog, model)
        with invocation.progress("comparing weights") as steps:
            document = describe_lineage(trace_lineage(lake.catalog, name, depth=depth, progress=steps.update))
    if plot is not None:
        from tools.plots import draw_lineage_html, draw_lineage_png

        html = plot.suffix.lower() == ".html"
        write_plot(plot, draw_lineage_html(document).encode() if html else draw_lineage_png(document))
        invocation.note(f"The graph is in {plot}.")
    if invocation.json:
        invocation.emit(document)
    else:
        _render(invocation, document)


def _find_name(catalog: Catalog, name: str) -> str:
    """The model that is meant: one of the lake, by name or by its folder, or one that cards only name."""
    from tools.catalog.names import resolve_model

    path = Path(name)
    if path.is_dir():
        for model, place in catalog.weight_places().items():
            if Path(place).resolve() == path.resolve():
                return model
    try:
        return resolve_model(catalog, name)
    except UnknownModelError as error:
        children = catalog.children_of(name)
        if children:
            return children[0].parent
        if path.exists():
            raise UnknownModelError(
                f"{name!r} is no model of this lake.", hint=f"Ingest it first: lake ingest {name}"
            ) from error
        raise


def _render(invocation: Invocation, document: dict[str, Any]) -> None:
    from rich.text import Text
    from rich.tree import Tree

    from assistant.cli.safe_text import clean_line

    console = invocation.terminal
    held = {model["model"]: model for model in document["models"]}
    marks = {item["id"]: item for edge in document["edges"] for item in edge["evidence"]}

    def say(text: str, style: str = "") -> None:
        console.print(Text(clean_line(text), style=style))

    def grow(tree: Tree, name: str, *, upwards: bool, seen: tuple[str, ...]) -> None:
        near, far = ("child", "parent") if upwards else ("parent", "child")
        for edge in document["edges"]:
            if edge[near] != name or (edge["mutual"] and edge[far] in seen):
                continue
            known = held.get(edge[far], {"in_lake": False})
            ids = " ".join(f"[{item['id']}]" for item in edge["evidence"])
            said = Text()
            said.append(clean_line(edge[far]), style="bold" if known["in_lake"] else "dim")
            said.append("" if known["in_lake"] else " (only named)", style="dim")
            said.append(f"  {clean_line(_describe(edge))} {ids}", style=_STYLES.get(edge["weights"], ""))
            branch = tree.add(said)
            if edge[far] not in seen and edge["weights"] != "contradicted":
                grow(branch, edge[far], upwards=upwards, seen=(*seen, edge[far]))

    name = document["model"]
    say(name, "bold")
    for title, upwards, there in (
        ("comes from", True, any(edge["child"] == name for edge in document["edges"])),
        ("what was made of it", False, any(edge["parent"] == name for edge in document["edges"])),
    ):
        tree = Tree(title if there else f"{title}: nothing is known", guide_style="dim")
        grow(tree, name, upwards=upwards, seen=(name,))
        console.print(tree)
    for edge in document["candidates"]:
        say(f"Only likely: {edge['child']} from {edge['parent']} ({edge['relation'] or 'relation unknown'})")
    for cycle in document["cycles"]:
        say("The declarations go in a circle: " + " → ".join(cycle), "yellow")
    for edge in document["edges"]:
        if edge["weights"] == "contradicted":
            say(f"{edge['child']} from {edge['parent']}: {edge['reason']}", "red")
    unread = [model for model in document["models"] if model["problem"]]
    for model in unread[:_SHOWN_PROBLEMS]:
        say(f"{model['model']}: {model['problem']}", "yellow")
    if len(unread) > _SHOWN_PROBLEMS:
        say(f"The weights of {len(unread) - _SHOWN_PROBLEMS} more could not be read (--json: why).", "yellow")
    for note in document["notes"]:
        say(note, "yellow")
    for key, item in list(marks.items())[:_SHOWN_SOURCES]:
        say(f"[{key}] {item['source']}, {item['locator']}: {item['text']}", "dim")
    if len(marks) > _SHOWN_SOURCES:
        say(f"And {len(marks) - _SHOWN_SOURCES} more sources (all of them with --json).", "dim")


def _describe(edge: dict[str, Any]) -> str:
    relation = edge["relation"] or "relation not stated"
    if edge["mutual"]:
        relation += " (copies of each other; which came first is not known)"
    if not edge["declared"]:
        return f"{relation}; not declared, found in the weights"
    told = {
        "supported": "the weights support it",
        "contradicted": "the weights contradict it",
        "unverifiable": "the weights cannot tell",
    }
    return f"{relation}; declared, {told[edge['weights']]}"
