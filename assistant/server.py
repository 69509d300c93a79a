"""The web server: the chat page, its HTTP API, and MCP beside it, as one ASGI application.

Every request passes `_Gate` first: its host, its size and its client's rate are checked, a browser gets the
cookie its conversations belong to, and every response tells the browser to load nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from assistant.agent import Assistant
from assistant.page.access import COOKIE, is_owner_token, make_owner_token
from assistant.page.limits import RateLimit
from assistant.settings import Settings
from tools.errors import UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on
_MOST_BODY = 1024 * 1024  # bytes of a request that uploads nothing
_REQUESTS_PER_QUESTION = 20  # a page's other requests: panels, lists, uploads
_YEAR = 365 * 24 * 3600
_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        b"media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def make_app(
    assistant: Assistant, settings: Settings, *, tell: Callable[[str], None] = lambda _: None
) -> Any:
    """The whole application. `tell` is given lines for whoever keeps the server.

    Its lifespan must run (uvicorn does), because MCP and Gradio begin and end their work there.
    """
    import gradio as gr
    from fastapi import FastAPI

    from assistant.mcp import make_mcp_app
    from assistant.page.actions import PageActions
    from assistant.page.layout import build_page, render_assets

    limit = RateLimit(settings.rate_per_minute)
    actions = PageActions(assistant, limit)
    login = settings.auth.get_secret_value() if settings.auth else None
    hosts = [] if settings.server_name in _EVERYWHERE else [settings.server_name]
    mcp = make_mcp_app(assistant, hosts=hosts, auth=login, tell=tell)

    @contextlib.asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.lifespan():
            yield
        await asyncio.to_thread(actions.turns.close)

    app = FastAPI(lifespan=live, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.routes.append(mcp.route)
    page = build_page(actions)
    page.queue(max_size=500, default_concurrency_limit=None)
    # Gradio keeps figures on each of the last 10,000 events and counts all of them anew after every one.
    page._queue.ANALYTICS_MAX_EVENTS = 1
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    user, _, password = (login or "").partition(":")
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=settings.server_name,
        server_port=settings.server_port,
        footer_links=[],
        run_history=False,
        auth=(user, password) if login else None,
        auth_message="This lake asks for a name and a password.",
        max_file_size=int(settings.max_upload_mb * 2**20),
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=_make_theme(),
        head=render_assets(),
        show_error=True,
    )
    most = int(settings.max_upload_mb * 2**20) + _MOST_BODY
    return _Gate(app, settings, limit, most_upload=most)


def serve(
    assistant: Assistant,
    settings: Settings,
    *,
    tell: Callable[[str], None],
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until interrupted. `ready` is given the page's address once it answers.

    Raises UsageError when the port is taken or the address is not this machine's.
    """
    import uvicorn

    listener = _listen(settings.server_name, settings.server_port)
    app = make_app(assistant, settings, tell=tell)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    host = "127.0.0.1" if settings.server_name in _EVERYWHERE else settings.server_name
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"

    def announce() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.started:
            ready(address)

    threading.Thread(target=announce, daemon=True).start()
    with contextlib.closing(listener):
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"The page cannot listen at {host}:{port}: {error.strerror or error}.",
            hint="Choose another with --port (0 takes a free one) or --host.",
        ) from None
    return listener


def _make_theme() -> Any:
    import gradio as gr

    # Plain names: fonts of the machine, none fetched.
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


class _Gate:
    """What stands before everything else; plain ASGI, so that streams pass through it."""

    def __init__(self, app: ASGIApp, settings: Settings, limit: RateLimit, *, most_upload: int) -> None:
        self._app = app
        self._questions = limit
        self._requests = RateLimit(settings.rate_per_minute * _REQUESTS_PER_QUESTION)
        self._most_upload = most_upload
        # Reached by loopback only, a server is named by loopback only: a page elsewhere that had its own name
        # resolve to this machine (DNS rebinding) would not be.
        self._hosts = _LOCAL if settings.server_name in _LOCAL else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        if refusal := self._refuse(scope, headers):
            status, said, more = refusal
            await _refuse(send, status, said, more)
            return
        upload = scope["path"].endswith("/upload")
        most = self._most_upload if upload else _MOST_BODY
        cookie = None if is_owner_token(_read_cookie(headers.get("cookie", ""))) else make_owner_token()
        new_cookie = cookie if scope["method"] == "GET" and scope["path"] == "/" else None
        secure = scope.get("scheme") == "https"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
                if new_cookie is not None:
                    value = f"{COOKIE}={new_cookie}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"
                    message["headers"].append(
                        (b"set-cookie", (value + ("; Secure" if secure else "")).encode())
                    )
            await send(message)

        await self._app(scope, _bounded(receive, most), answer)

    def _refuse(
        self, scope: Scope, headers: dict[str, str]
    ) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        """(status, what to say, headers) for a request that is not let in."""
        if self._hosts is not None and _host_of(headers.get("host", "")) not in self._hosts:
            said = "This server answers on this machine only. Open it by its own address."
            return 421, said, []
        if scope["method"] != "POST":
            return None
        upload = scope["path"].endswith("/upload")
        most = self._most_upload if upload else _MOST_BODY
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length[:18]) > most:
            what = "This file is too big" if upload else "This request is too big"
            return 413, f"{what}: at most {most / 2**20:.0f} MB are taken.", []
        client = scope["client"][0] if scope.get("client") else ""
        wait = self._requests.take(client)
        if wait == 0 and scope["path"].endswith(("/call/ask", "/run/ask")):
            wait = max(wait, self._questions.take(client, only_look=True))
        if wait > 0:
            seconds = math.ceil(wait)
            said = f"Too many requests from you in the last minute. Ask again in {seconds} seconds."
            return 429, said, [(b"retry-after", str(seconds).encode())]
        return None


def _bounded(receive: Receive, most: int) -> Receive:
    """`receive`, ending the request when its body grows beyond `most` bytes."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                return {"type": "http.disconnect"}
        return message

    return bounded


async def _refuse(send: Send, status: int, said: str, headers: list[tuple[bytes, bytes]]) -> None:
    body = json.dumps({"detail": said, "error": said}).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"connection", b"close"),
                *headers,
                *_HEADERS,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _read_cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _host_of(header: str) -> str:
    """The name in a Host header, without the port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].lower()
