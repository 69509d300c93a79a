"""`lake bench`: figures of time and memory. The suites are part of a checkout, not of the wheel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from assistant.cli.evaluate import require_checkout
from assistant.cli.invocation import Invocation

Suite = Literal["agent", "search", "weights"]


def run_suite(
    context: typer.Context,
    suite: Annotated[Suite, typer.Argument(help="What to measure.")],
    rounds: Annotated[int | None, typer.Option(help="Repetitions.", min=3, max=10_000)] = None,
    turns: Annotated[
        int, typer.Option(help="agent: also the memory after so many turns.", min=0, max=100_000)
    ] = 0,
) -> None:
    """Measure what the product adds to its parts: agent (time, memory), search, weights (time, memory)."""
    invocation: Invocation = context.obj
    require_checkout("lake bench")
    document = _measure(invocation, suite, rounds, turns)
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_figures

    render_figures(invocation.terminal, document)


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
