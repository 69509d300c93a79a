"""`lake bench`: figures of time and memory. The suites are part of a checkout, not of the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.cli.evaluate import require_checkout
from assistant.cli.invocation import Invocation
from tools.errors import UsageError

Suite = Literal["agent", "search", "weights", "audit"]


def run_suite(
    context: typer.Context,
    suite: Annotated[Suite, typer.Argument(help="What to measure.")],
    source: Annotated[
        Path | None,
        typer.Argument(help="audit: a dump or folder to audit instead of the lake of --home."),
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Repetitions.", min=3, max=10_000)] = None,
    turns: Annotated[
        int, typer.Option(help="agent: also the memory after so many turns.", min=0, max=100_000)
    ] = 0,
) -> None:
    """Measure what the product adds to its parts: agent (time, memory), search, weights (time, memory), audit
    (time per card, memory)."""
    invocation: Invocation = context.obj
    require_checkout("lake bench")
    if source is not None and suite != "audit":
        raise UsageError(f"`lake bench {suite}` takes no source.", hint="It measures its own data.")
    document = (
        _measure_audit(invocation, source) if suite == "audit" else _measure(invocation, suite, rounds, turns)
    )
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_figures

    render_figures(invocation.terminal, document)


def _measure_audit(invocation: Invocation, source: Path | None) -> dict[str, Any]:
    from eval.bench_audit import run_audit_bench

    if source is not None and not source.exists():
        raise UsageError(f"There is no file or folder {str(source)!r}.", hint="Name a dump or a folder.")
    with invocation.progress("auditing") as progress:
        return run_audit_bench(
            None if source else invocation.settings.home,
            source,
            progress=progress.update,
        )


def _measure(invocation: Invocation, suite: Suite, rounds: int | None, turns: int) -> dict[str, Any]:
    if suite == "weights":
        from eval.bench_weights import run_weights_bench

        with invocation.progress("comparing") as progress:
            return run_weights_bench(
                rounds=rounds or 3, progress=lambda done, total: progress.update(done, total, "comparing")
            )
    from eval.bench import run_agent_bench, run_search_bench

    with invocation.open_filled_lake(f"bench {suite}") as lake:
        if suite == "search":
            return run_search_bench(lake, rounds=rounds or 100)
        with invocation.progress("asking") as progress:
            return run_agent_bench(
                lake,
                rounds=rounds or 30,
                turns=turns,
                progress=lambda done, total: progress.update(done, total, "asking"),
            )
