"""Recovering a lake's lineage from weights: recover."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.invocation import Invocation

if TYPE_CHECKING:
    from tools.lake import Lake
    from tools.weights.recovering.recover import LakeModel

_SHOWN = 200


def recover(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DIR|MODEL...",
            help="A folder of model folders, or models of the lake; without any: all of the lake's.",
        ),
    ] = None,
) -> None:
    """Find families, parents, merges and copies by weights, and judge what cards claim.

    What was found is kept in the home: stopped half-way, the same command goes on where it was.
    """
    from tools.evidence import EvidenceLedger
    from tools.weights.recovering.recover import recover as recover_models
    from tools.weights.recovering.report import describe_recovery

    invocation: Invocation = context.obj
    with (
        invocation.open_lake("recover", embedding=False) as lake,
        invocation.progress("fingerprinting") as steps,
    ):
        models = _list_models(lake, targets or [])
        result = recover_models(models, memory=lake.catalog, progress=steps.update)
    document = describe_recovery(result, EvidenceLedger(), {model.name: model.place for model in models})
    if invocation.json:
        invocation.emit(document)
    else:
        _render(invocation, document)
    if document["failed"]:
        raise typer.Exit(1)


def _list_models(lake: Lake, targets: list[str]) -> list[LakeModel]:
    from tools.weights.recovering.inputs import link_declarations, list_folder_models, list_lake_models

    folders = [target for target in targets if Path(target).is_dir()]
    names = [target for target in targets if target not in folders]
    models = [model for folder in folders for model in list_folder_models(Path(folder))]
    if names or not targets:
        models += list_lake_models(lake.catalog, names)
    return link_declarations({model.name: model for model in models}.values())


def _render(invocation: Invocation, document: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from assistant.cli.safe_text import clean_line

    console = invocation.terminal

    def say(text: str, style: str = "") -> None:
        console.print(Text(clean_line(text), style=style))

    families = [family for family in document["families"] if len(family) > 1]
    alone = len(document["families"]) - len(families)
    say(
        f"{len(document['models'])} models: {len(families)} families, {alone} without relatives "
        f"({document['comparisons']} pairs compared).",
        "bold",
    )
    for family in families:
        say("- " + ", ".join(family))
    for title, edges in (("Found", document["edges"]), ("Only likely", document["candidates"])):
        if not edges:
            continue
        table = Table(title=title, title_justify="left")
        for name in ("child", "comes from", "by", "confidence"):
            table.add_column(name, overflow="fold", justify="right" if name == "confidence" else "left")
        for edge in edges[:_SHOWN]:
            table.add_row(
                clean_line(edge["child"]),
                clean_line(edge["parent"]),
                edge["relation"],
                f"{edge['confidence']:.2f}",
            )
        console.print(table)
        if len(edges) > _SHOWN:
            say(f"… and {len(edges) - _SHOWN} more; --json has them all.")
    if document["declared"]:
        say("What the cards say", "bold")
    for found in document["declared"]:
        style = {"contradicted": "red", "supported": "green"}.get(found["verdict"], "")
        said = f"{found['child']} from {found['parent']}: {found['verdict']}. {found['reason']}"
        say(f"- {said}", style)
    for failure in document["failed"]:
        say(f"Not read: {failure['id']}: {failure['error']}", "yellow")
