"""`lake eval`: the suites that print figures. They are part of a checkout, not of the wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError

Suite = Literal["search", "ask", "verify", "parents", "sample"]


def run_suite(
    context: typer.Context,
    suite: Annotated[Suite, typer.Argument(help="Which figures to measure.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Questions in JSON Lines.")
    ] = None,
) -> None:
    """Measure: search and ask over question FILEs, the verifier, declared parents, the sample's facts."""
    invocation: Invocation = context.obj
    _require_checkout()
    document = _measure(invocation, suite, files or [])
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_figures

    render_figures(invocation.terminal, document)


def _require_checkout() -> None:
    import assistant

    here = Path(assistant.__file__).resolve().parent.parent
    if importlib.util.find_spec("eval") is None or not (here / "eval" / "__init__.py").is_file():
        raise UsageError(
            "The evaluation suites are not part of the installed package.",
            hint="Run `lake eval` from a checkout of the repository (make install).",
        )
