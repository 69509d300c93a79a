"""`lake mcp`: the assistant's tools for another program, over its standard input and output."""

from __future__ import annotations

import contextlib
import signal

import typer

from assistant.cli.asking import Engine
from assistant.cli.invocation import Invocation


def serve(context: typer.Context, llm: Engine = None) -> None:
    """Serve the tools over MCP on stdin and stdout, for a client that starts this command."""
    invocation: Invocation = context.obj
    invocation.set_engine(llm)
    # Waiting for input cannot be interrupted otherwise; whatever is stored is whole at any moment.
    with contextlib.suppress(ValueError):  # not in the main thread: whoever embeds us sees to signals
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with invocation.open_filled_lake("mcp") as lake:
        from assistant.agent import Assistant
        from assistant.mcp import serve_stdio

        with contextlib.closing(Assistant(lake, invocation.settings)) as assistant:
            serve_stdio(assistant, tell=invocation.note)
