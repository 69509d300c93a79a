"""MCP servers and clients for tests: the official client, real processes, real loopback servers."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette

from assistant.agent import Assistant
from assistant.mcp import make_mcp_app
from assistant.settings import Settings
from tests.conftest import REPOSITORY
from tools.lake import Lake

SPEECH = "beta/speech-de"


@pytest.fixture
def lake(small_home: Path, tmp_path: Path) -> Iterator[Lake]:
    shutil.copytree(small_home, tmp_path / "home")
    with Lake.open(tmp_path / "home", embedder=None) as opened:
        yield opened


@pytest.fixture
def assistant(lake: Lake) -> Iterator[Assistant]:
    with closing(Assistant(lake, Settings(home=lake.home.path, llm="offline"))) as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts an HTTP server with the MCP endpoint of an assistant; gives its address."""
    with contextmanager(_serving)() as start:
        yield start


def _serving() -> Iterator[Callable[..., str]]:
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(assistant: Assistant, **options: Any) -> str:
        endpoint = make_mcp_app(assistant, **options)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with endpoint.lifespan():
                yield

        app = Starlette(routes=[endpoint.route], lifespan=lifespan)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"

    try:
        yield start
    finally:
        for server, thread in running:
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive()


@asynccontextmanager
async def over_http(address: str) -> AsyncIterator[ClientSession]:
    async with (
        streamable_http_client(address) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


@asynccontextmanager
async def over_stdio(home: Path) -> AsyncIterator[ClientSession]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "assistant", "--home", str(home), "mcp", "--llm", "offline"],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"], "HOME": str(home)},
        cwd=home.parent,
    )
    with Path(os.devnull).open("w") as nowhere:
        async with stdio_client(parameters, nowhere) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            yield session


def told(result: types.CallToolResult) -> dict[str, Any]:
    """The structured content of a call that went well."""
    assert not result.isError, result.content
    assert result.structuredContent is not None
    return result.structuredContent


def refused(result: types.CallToolResult) -> str:
    """What a call that did not go well says to the caller."""
    assert result.isError
    assert isinstance(result.content[0], types.TextContent)
    return result.content[0].text
