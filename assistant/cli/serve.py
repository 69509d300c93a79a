"""`lake serve`: the chat page in a browser, with MCP beside it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.asking import Engine
from assistant.cli.invocation import Invocation

if TYPE_CHECKING:
    from tools.lake import Lake


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="H", help="Address to listen on (or GRADIO_SERVER_NAME).")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="P", help="Port, 0 for a free one (or GRADIO_SERVER_PORT)."),
    ] = None,
    llm: Engine = None,
) -> None:
    """Open the chat page at http://127.0.0.1:7860; programs find MCP at /mcp beside it."""
    invocation: Invocation = context.obj
    invocation.set_engine(llm)
    invocation.set_address(host, port)
    with invocation.open_lake("serve") as lake:
        if not lake.catalog.model_names():
            invocation.note("This lake is empty. Fill it, e.g.: lake ingest sample:")
        serve_page(invocation, lake)


def serve_page(invocation: Invocation, lake: Lake) -> None:
    """Serve the page over an open lake until interrupted, its address printed once it answers."""
    from assistant.agent import Assistant
    from assistant.server import serve

    def announce(address: str) -> None:
        if invocation.json:
            invocation.emit({"address": address, "mcp": f"{address}/mcp"})
        else:
            invocation.terminal.print(
                f"The page is open at {address}  (MCP at {address}/mcp; Ctrl-C ends it)"
            )

    with contextlib.closing(Assistant(lake, invocation.settings)) as assistant:
        serve(assistant, invocation.settings, tell=invocation.note, ready=announce)
