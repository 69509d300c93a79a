"""The commands by name, the options that all of them share, and how every error ends.

Only what a command line needs is imported here: each command imports the rest where it runs, so that help
and completion answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, NoReturn

import typer

from assistant.cli import (
    asking,
    auditing,
    bench,
    comparing,
    contents,
    drafting,
    embedder,
    evaluate,
    finding,
    lineage,
    mcp,
    recovering,
    serve,
    start,
    verify,
)
from assistant.cli import engine as engine_command
from assistant.cli.invocation import Invocation, ReaderGoneError
from tools.errors import LakeError, UsageError

_EPILOG = "--home, --json and --debug may stand before or after the command."
INTERRUPTED = 130

app = typer.Typer(
    name="lake",
    help="Ask a lake of machine-learning models in plain words; each statement is cited and checked by code.",
    epilog=_EPILOG,
    rich_markup_mode=None,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("start", epilog=_EPILOG)(start.start)
app.command("ask", epilog=_EPILOG)(asking.ask)
app.command("search", epilog=_EPILOG)(finding.search)
app.command("similar", epilog=_EPILOG)(finding.similar)
app.command("show", epilog=_EPILOG)(finding.show)
app.command("results", epilog=_EPILOG)(finding.results)
app.command("compare", epilog=_EPILOG)(comparing.compare)
app.command("lineage", epilog=_EPILOG)(lineage.lineage)
app.command("recover", epilog=_EPILOG)(recovering.recover)
app.command("draft", epilog=_EPILOG)(drafting.draft)
app.command("audit", epilog=_EPILOG)(auditing.audit)
app.command("ingest", epilog=_EPILOG)(contents.ingest)
app.command("status", epilog=_EPILOG)(contents.status)
app.command("list", epilog=_EPILOG)(contents.list_models)
app.command("remove", epilog=_EPILOG)(contents.remove)
app.command("export", epilog=_EPILOG)(verify.export)
app.command("verify", epilog=_EPILOG)(verify.verify)
app.command("serve", epilog=_EPILOG)(serve.serve)
app.command("mcp", epilog=_EPILOG)(mcp.serve)
app.command("engine", epilog=_EPILOG)(engine_command.engine)
app.command("eval", epilog=_EPILOG)(evaluate.run_suite)
app.command("bench", epilog=_EPILOG)(bench.run_suite)
app.add_typer(embedder.app, name="embedder")


def _show_version(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.obj.print_version()
        raise typer.Exit


@app.callback()
def set_up(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="The lake's folder (or LAKE_HOME).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show logs, warnings and tracebacks.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    context.obj.set_flags(home=home, json=json, debug=debug)
    if context.invoked_subcommand is None:
        if json:
            raise UsageError("No command is given.", hint="See: lake --help")
        typer.echo(context.get_help())


def main() -> NoReturn:
    """The console script."""
    arguments = sys.argv[1:]
    _set_up_process("--debug" in _before_dashes(arguments), _make_invocation(arguments))
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Errors a person may see are reported, not raised."""
    invocation = _make_invocation(arguments)
    try:
        with invocation.guarded_stdout():
            code = _dispatch(arguments, invocation)
            sys.stdout.flush()
    except LakeError as error:
        _reraise_for_debugging(error, invocation)
        invocation.report_error(type(error).__name__, error.message, error.hint)
        return error.exit_code
    except typer.TyperException as error:
        invocation.report_error("UsageError", *_read_usage_error(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _end_interrupted(invocation)
    except (ReaderGoneError, BrokenPipeError):
        # What is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    return code if code != INTERRUPTED else _end_interrupted(invocation)


def _make_invocation(arguments: Sequence[str]) -> Invocation:
    # Looked up before parsing, so that a command line that cannot be parsed gets its error in JSON as well.
    options = _before_dashes(arguments)
    json = "--json" in options
    batch = any(word.partition("=")[0] == "--batch" for word in options)
    return Invocation(json=json, guarded=json or batch)


def _dispatch(arguments: Sequence[str], invocation: Invocation) -> int:
    command = typer.main.get_command(app)
    code = command.main(
        args=hoist_shared_options(arguments), prog_name="lake", standalone_mode=False, obj=invocation
    )
    return code if isinstance(code, int) else 0


def hoist_shared_options(arguments: Sequence[str]) -> list[str]:
    """Move `--home DIR`, `--json` and `--debug` to the front, wherever they stand before a `--`."""
    ours = _before_dashes(arguments)
    shared: list[str] = []
    rest: list[str] = []
    position = 0
    while position < len(ours):
        word = ours[position]
        if word in ("--json", "--debug") or word.startswith("--home="):
            shared.append(word)
        elif word == "--home":
            if position + 1 == len(ours):
                raise UsageError("The option '--home' has no value.", hint="Give a folder: --home DIR.")
            position += 1
            shared += [word, ours[position]]
        else:
            rest.append(word)
        position += 1
    return [*shared, *rest, *arguments[len(ours) :]]


def _before_dashes(arguments: Sequence[str]) -> list[str]:
    arguments = list(arguments)
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _read_usage_error(error: typer.TyperException) -> tuple[str, str]:
    message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
    # Typer says what was wanted; what was given stands in the pydantic error behind it.
    if details := getattr(error.__cause__, "errors", None):
        given = details()[0]["input"]
        if repr(given) not in message:
            message += f", not {given!r}"
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lake"
    return f"{message}.", f"See: {path} --help"


def _end_interrupted(invocation: Invocation) -> int:
    invocation.report_error(
        "Interrupted", "Interrupted.", "What was finished is kept; run it again to go on."
    )
    return INTERRUPTED


def _reraise_for_debugging(error: LakeError, invocation: Invocation) -> None:
    if invocation.debug:
        logging.getLogger(__name__).error("%s", type(error).__name__, exc_info=error)


def _set_up_process(debug: bool, invocation: Invocation) -> None:
    """UTF-8 whatever the locale; without --debug no logs, no warnings and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(level=logging.INFO if debug else logging.CRITICAL, stream=sys.stderr, force=True)
    if not debug:
        warnings.simplefilter("ignore")

        def report_unexpected(
            kind: type[BaseException], error: BaseException, _trace: TracebackType | None
        ) -> None:
            what = " ".join(str(error).split())[:300]
            invocation.report_error(
                "InternalError",
                f"Unexpected {kind.__name__}: {what}.",
                "Run it again with --debug and report it.",
            )

        sys.excepthook = report_unexpected
