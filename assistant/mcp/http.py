"""MCP over streamable HTTP, to stand beside the page of the same server."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.agent import Assistant

if TYPE_CHECKING:
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

PATH = "/mcp"
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_MOST_BODY = 512 * 1024  # bytes; the longest argument has 100,000 characters
_MOST_SESSIONS = 200
_IDLE_SECONDS = 30 * 60.0


@dataclass(frozen=True, slots=True)
class McpApp:
    """An ASGI app for exactly one path, and what must be entered while the server runs.

    `lifespan()` can be entered once. `route` is for Starlette or FastAPI, before anything mounted at "/":
    a mount at "/mcp" would answer at "/mcp/" only.
    """

    app: Any
    lifespan: Callable[[], AbstractAsyncContextManager[None]]

    @property
    def route(self) -> Route:
        """`/mcp` as a route of Starlette."""
        from starlette.routing import Route

        return Route(PATH, endpoint=self.app)


def make_mcp_app(
    assistant: Assistant,
    *,
    hosts: Collection[str] = (),
    auth: str | None = None,
    tell: Callable[[str], None] = log.info,
) -> McpApp:
    """The MCP endpoint over the assistant's lake.

    Requests are taken that name this machine by loopback, or by one of `hosts` (names without port), in
    `Host` and, when a browser sends it, `Origin`: a page elsewhere cannot reach a server on this machine
    (DNS rebinding). With `auth` ("USER:PASSWORD"), each request needs these as HTTP Basic credentials.
    """
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    from assistant.mcp.server import build_server

    names = [*_LOCAL_HOSTS, *hosts]
    manager = StreamableHTTPSessionManager(
        build_server(assistant, tell=tell),
        security_settings=TransportSecuritySettings(
            allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
            allowed_origins=[
                f"{scheme}://{form}"
                for scheme in ("http", "https")
                for name in names
                for form in (name, f"{name}:*")
            ],
        ),
        session_idle_timeout=_IDLE_SECONDS,
        max_sessions=_MOST_SESSIONS,
        max_request_body_size=_MOST_BODY,
    )
    return McpApp(_Endpoint(manager.handle_request, auth), manager.run)


class _Endpoint:
    """Lets requests through to the session manager, after their credentials were looked at."""

    def __init__(self, handle: Callable[[Scope, Receive, Send], Any], auth: str | None) -> None:
        self._handle = handle
        self._auth = auth.encode() if auth else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._auth is not None and not self._is_welcome(scope, self._auth):
            from starlette.responses import PlainTextResponse

            refusal = PlainTextResponse(
                "This lake asks for a name and password (HTTP Basic).\n",
                status_code=401,
                headers={"WWW-Authenticate": 'Basic realm="model-lake", charset="UTF-8"'},
            )
            await refusal(scope, receive, send)
            return
        await self._handle(scope, receive, send)

    @staticmethod
    def _is_welcome(scope: Scope, auth: bytes) -> bool:
        given = next((value for key, value in scope["headers"] if key == b"authorization"), b"")
        scheme, _, encoded = given.partition(b" ")
        try:
            credentials = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            return False
        return scheme.lower() == b"basic" and hmac.compare_digest(credentials, auth)
