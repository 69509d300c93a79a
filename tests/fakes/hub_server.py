"""A loopback Hub: the routes that describe and serve models, with ranges, redirects and faults."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_loopback"


@dataclass(frozen=True, slots=True)
class Sparse:
    """A file of `size` bytes that is never held: `read(start, end)` makes its bytes."""

    size: int
    read: Callable[[int, int], bytes]


@dataclass
class FakeModel:
    """A repository at its one commit. `info` are further fields of the Hub's answer."""

    files: Mapping[str, bytes | Sparse]
    info: dict[str, Any] = field(default_factory=dict)
    gated: bool = False

    @property
    def sha(self) -> str:
        text = "".join(f"{name} {_size(content)}" for name, content in sorted(self.files.items()))
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Fault:
    """What goes wrong with the next `times` answers to a path that holds `path`.

    `kind`: "status" (with `status` and `headers`), "cut" (half of the body), "wrong-range" (another part),
    "whole" (no ranges), "longer" (a total that the repository does not list), "drop" (no answer at all).
    """

    path: str
    kind: str
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came."""

    host: str
    method: str
    path: str
    range: str
    authorized: bool


class FakeHub:
    """Context manager; `endpoint` is its address. With `redirect` files come from a second address."""

    def __init__(self, models: Mapping[str, FakeModel], *, redirect: bool = False) -> None:
        self.models = dict(models)
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.sent = 0  # bytes of files
        self._lock = threading.Lock()
        self._redirect = redirect
        self._server, self._files = _serve(self), _serve(self)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.files_host = f"127.0.0.1:{self._files.server_port}"

    def __enter__(self) -> FakeHub:
        for server in (self._server, self._files):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._server, self._files):
            server.shutdown()
            server.server_close()

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and fault.path in path:
                    fault.times -= 1
                    return fault
        return None

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.requests.append(seen)

    def count(self, sent: int) -> None:
        with self._lock:
            self.sent += sent

    def describe(self, name: str) -> dict[str, Any]:
        model = self.models[name]
        return {
            "id": name,
            "modelId": name,
            "sha": model.sha,
            "author": name.partition("/")[0],
            "lastModified": "2026-01-02T03:04:05.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "private": False,
            "gated": model.gated,
            "downloads": 7,
            "likes": 2,
            "tags": [],
            "siblings": [{"rfilename": file, "size": _size(data)} for file, data in model.files.items()],
            **model.info,
        }

    def redirects(self, host: str) -> bool:
        return self._redirect and host != self.files_host


def read_folder(folder: Path) -> dict[str, bytes | Sparse]:
    """The files of a folder, as `FakeModel` takes them."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _size(content: bytes | Sparse) -> int:
    return content.size if isinstance(content, Sparse) else len(content)


def _serve(hub: FakeHub) -> ThreadingHTTPServer:
    handler = type("_BoundHandler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are written apart

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on stderr."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        authorized = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        host = self.headers.get("Host", "")
        self.hub.note(Seen(host, self.command, path, self.headers.get("Range", ""), authorized))
        fault = self.hub.take_fault(path)
        if fault is not None and fault.kind == "drop":
            self.close_connection = True
            return
        if fault is not None and fault.kind == "status":
            self._send(fault.status, b"{}", dict(fault.headers))
        elif path == "/api/models":
            self._search(parse_qs(urlsplit(self.path).query))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._describe(match[1], match[2], authorized)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[2], match[3], authorized, host, fault)
        else:
            self._send(404, b"{}")

    def _describe(self, name: str, revision: str | None, authorized: bool) -> None:
        model = self.hub.models.get(name)
        if model is None or revision not in (None, "main", model.sha):
            self._send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif model.gated and not authorized:
            self._send(401, b'{"error": "Access is restricted"}', {"X-Error-Code": "GatedRepo"})
        else:
            self._send(200, json.dumps(self.hub.describe(name)).encode())

    def _search(self, query: Mapping[str, Sequence[str]]) -> None:
        def fits(name: str) -> bool:
            info = self.hub.describe(name)
            return (
                query.get("search", [""])[0].lower() in name.lower()
                and query.get("author", [info["author"]])[0] == info["author"]
                and query.get("pipeline_tag", [info.get("pipeline_tag")])[0] == info.get("pipeline_tag")
            )

        found = [self.hub.describe(name) for name in self.hub.models if fits(name)]
        self._send(200, json.dumps(found[: int(query.get("limit", ["1000"])[0])]).encode())

    def _resolve(
        self, name: str, revision: str, file: str, authorized: bool, host: str, fault: Fault | None
    ) -> None:
        model = self.hub.models.get(name)
        content = model.files.get(file) if model else None
        if model is None or content is None or revision not in ("main", model.sha):
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        elif self.hub.redirects(host):
            self._send(302, b"", {"Location": f"http://{self.hub.files_host}{self.path}"})
        elif model.gated and not authorized and host != self.hub.files_host:
            self._send(403, b"{}")
        else:
            self._send_part(content, fault.kind if fault else "")

    def _send_part(self, content: bytes | Sparse, fault: str) -> None:
        size = _size(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = (int(asked[1]), min(int(asked[2]) + 1, size)) if asked else (0, size)
        if fault == "wrong-range":
            start, end = start + 1, end + 1
        if asked and start >= size:
            self._send(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        status, headers = 200, {}
        if asked and fault != "whole":
            total = size + 5 if fault == "longer" else size
            status, headers = 206, {"Content-Range": f"bytes {start}-{end - 1}/{total}"}
        else:
            start, end = 0, size
        body = content.read(start, end) if isinstance(content, Sparse) else content[start:end]
        self._send(status, body, headers, cut=fault == "cut")
        self.hub.count(len(body))

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, cut: bool = False
    ) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
        except OSError:
            self.close_connection = True  # the reader took what it wanted and left
        if cut:
            self.close_connection = True


def iter_files(hub: FakeHub) -> Iterator[Seen]:
    """The requests for files."""
    return (seen for seen in hub.requests if "/resolve/" in seen.path)
