"""Drafting a model card from evidence: draft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from assistant.cli.invocation import Invocation


def draft(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the lake, or a model's folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the card to FILE.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE where there is one.")] = False,
    format: Annotated[
        Literal["markdown", "json", "cyclonedx", "spdx", "eu"],
        typer.Option("--format", help="What the card is written as."),
    ] = "markdown",
) -> None:
    """Draft a model card from all that is known of a model; every statement is cited, every gap said.

    An existing FILE is not touched without --force; what would be added to it is shown as a diff.
    """
    from tools.draft import describe_draft, draft_card

    invocation: Invocation = context.obj
    with invocation.open_lake("draft", embedding=False) as lake:
        drafted = draft_card(lake, model, format=format)
    if invocation.json:
        invocation.emit(describe_draft(drafted))
    else:
        typer.echo(drafted.card, nl=False)
