"""`lake eval`: the suites that print figures. They are part of a checkout, not of the wheel."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError

_EXAMPLES = {
    "search": "lake eval search eval/data/search_questions.jsonl",
    "ask": "lake eval ask eval/data/ask_questions.jsonl eval/data/dialogues.jsonl",
    "lineage": "lake eval lineage ZOO",
}
Suite = Literal["search", "ask", "verify", "parents", "sample", "lineage", "draft", "audit"]


def run_suite(
    context: typer.Context,
    suite: Annotated[Suite, typer.Argument(help="Which figures to measure.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Questions in JSON Lines; for lineage a zoo."),
    ] = None,
    list_findings: Annotated[
        bool,
        typer.Option("--list", help="audit: the findings on untouched cards, 100 errors of them to be read."),
    ] = False,
    scripted: Annotated[
        bool,
        typer.Option(help="ask: as a language model would be asked; an honest script stands in for it."),
    ] = False,
) -> None:
    """Measure: search and ask over question FILEs, the verifier, declared parents, the sample's facts,
    lineage recovered from the weights of a zoo (a folder; without one a zoo is trained), drafts of masked
    cards, and audits of cards with injected errors."""
    invocation: Invocation = context.obj
    require_checkout("lake eval")
    if scripted and suite != "ask":
        raise UsageError(f"`lake eval {suite}` asks nobody.", hint="--scripted is for `lake eval ask`.")
    if list_findings and suite != "audit":
        raise UsageError(f"`lake eval {suite}` audits nothing.", hint="--list is for `lake eval audit`.")
    document = _measure(invocation, suite, files or [], scripted=scripted, list_findings=list_findings)
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_figures

    render_figures(invocation.terminal, document)


def _measure(
    invocation: Invocation, suite: Suite, files: list[Path], *, scripted: bool, list_findings: bool
) -> dict[str, Any]:
    """Run one suite; `search` and `ask` use the lake of --home, the others their own data."""
    if suite in ("search", "ask"):
        if not files:
            raise UsageError(f"`lake eval {suite}` needs questions.", hint=f"Try: {_EXAMPLES[suite]}")
        for file in files:
            if not file.is_file():
                raise UsageError(f"There is no file {str(file)!r}.", hint="Name files of JSON Lines.")
    elif suite == "lineage":
        if len(files) > 1:
            raise UsageError("`lake eval lineage` takes one zoo.", hint=f"Try: {_EXAMPLES[suite]}")
    elif files:
        raise UsageError(f"`lake eval {suite}` takes no file.", hint="It measures its own labelled data.")
    match suite:
        case "search":
            from eval.search import run_search

            with invocation.open_filled_lake("eval search") as lake:
                return run_search(lake, files)
        case "ask":
            from assistant.agent import Assistant
            from eval.ask import run_ask
            from eval.honest import make_engine

            with (
                invocation.open_filled_lake("eval ask") as lake,
                contextlib.closing(
                    Assistant(lake, invocation.settings, engine=make_engine(lake) if scripted else None)
                ) as assistant,
                invocation.progress("answering") as progress,
            ):
                return run_ask(
                    assistant, files, progress=lambda done, total: progress.update(done, total, "answering")
                )
        case "verify":
            from eval.verify import run_verify

            return run_verify(_shared_data() / "lake")
        case "lineage":
            from eval.lineage import run_lineage

            return run_lineage(files[0] if files else None, report=invocation.note)
        case "draft":
            from eval.draft import run_draft

            return run_draft(_shared_data() / "lake")
        case "audit":
            from eval.audit import list_untouched, run_audit

            return (list_untouched if list_findings else run_audit)(_shared_data() / "lake")
        case "parents":
            from eval.parents import run_parents

            return run_parents()
        case "sample":
            from eval.check_sample import run_check_sample

            return run_check_sample(_shared_data())


def _checkout() -> Path:
    import assistant

    return Path(assistant.__file__).resolve().parent.parent


def _shared_data() -> Path:
    """The folder with the real cards: LAKE_SHARED, or `shared` beside the checkout. Raises UsageError."""
    shared = Path(os.environ.get("LAKE_SHARED") or _checkout().parent / "shared")
    if not (shared / "lake").is_dir():
        raise UsageError(
            f"There are no real cards at {str(shared / 'lake')!r}.",
            hint="Name their folder with LAKE_SHARED.",
        )
    return shared


def require_checkout(command: str) -> None:
    """Raises UsageError where the suites are not there, i.e. outside of a checkout."""
    if importlib.util.find_spec("eval") is None or not (_checkout() / "eval" / "__init__.py").is_file():
        raise UsageError(
            "The suites that measure are not part of the installed package.",
            hint=f"Run `{command}` from a checkout of the repository (make install).",
        )
