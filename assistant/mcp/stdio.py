"""MCP over standard input and output: stdout carries the protocol and nothing else."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.agent import Assistant


def serve_stdio(assistant: Assistant, *, tell: Callable[[str], None]) -> None:
    """Serve one client on stdin and stdout until it closes them.

    `tell` is given lines for whoever keeps the server; it must not write to stdout.
    """
    import anyio
    from mcp.server.stdio import stdio_server

    from assistant.mcp.server import build_server

    server = build_server(assistant, tell=tell)

    async def serve(out: io.TextIOWrapper) -> None:
        async with stdio_server(stdout=anyio.wrap_file(out)) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    with _private_stdout() as out:
        anyio.run(serve, out)


@contextmanager
def _private_stdout() -> Iterator[io.TextIOWrapper]:
    """The real stdout for the protocol alone; what any library prints meanwhile goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with io.TextIOWrapper(os.fdopen(os.dup(kept), "wb"), encoding="utf-8", newline="\n") as out:
            yield out
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
