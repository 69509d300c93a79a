"""A scripted loopback service: OpenAI's `/v1/models`, `/v1/chat/completions` and `/v1/embeddings`."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from eval.scripted import Failure, Reply, Script, ScriptReader, make_call_id, split_text

DIMENSION = 64
_HELLO = (Reply("Hello."),)
_SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: header names in lower case, secrets masked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    authorized: bool  # whether it carried the server's key
    at: float  # time.monotonic()


class OpenAIServer:
    """Context manager; `base_url` ends in `/v1`. Without `key` any caller is served.

    `script` answers chat completions; `embedding_failures` are sent, one each, before embeddings are given.
    `models` is what `/v1/models` lists, or the Failure it answers with.
    """

    def __init__(
        self,
        script: Script = _HELLO,
        *,
        models: Sequence[str] | Failure = ("scripted-model",),
        key: str | None = None,
        embedding_failures: Sequence[Failure] = (),
    ) -> None:
        self.models = models
        self.key = key
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._reader = ScriptReader(script)
        self._embedding_failures = list(embedding_failures)
        self._lock = threading.Lock()
        handler = type("_BoundHandler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def chats(self) -> list[Request]:
        """The chat completions that were asked for, in order."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    def use(self, script: Script) -> None:
        """Answer by another script from now on."""
        self._reader = ScriptReader(script)

    def answer_chat(self, body: Mapping[str, Any]) -> Reply | Failure:
        return self._reader.next(body.get("messages", ()), body.get("tools") or ())

    def record(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def next_embedding_failure(self) -> Failure | None:
        with self._lock:
            return self._embedding_failures.pop(0) if self._embedding_failures else None

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about, and no news."""


class _Handler(BaseHTTPRequestHandler):
    owner: OpenAIServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests read `OpenAIServer.requests`."""

    def do_GET(self) -> None:
        if not self._receive():
            return
        if self.path != "/v1/models":
            self._send_failure(_not_found(self.path))
        elif isinstance(self.owner.models, Failure):
            self._send_failure(self.owner.models)
        else:
            listed = [
                {"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in self.owner.models
            ]
            self._send_json({"object": "list", "data": listed})

    def do_POST(self) -> None:
        if not self._receive():
            return
        if self.path == "/v1/embeddings":
            failure = self.owner.next_embedding_failure()
            if failure is not None:
                self._send_failure(failure)
            else:
                self._send_json(_embed(self._body))
        elif self.path == "/v1/chat/completions":
            answer = self.owner.answer_chat(self._body)
            if isinstance(answer, Failure):
                self._send_failure(answer)
            elif self._body.get("stream"):
                self._stream(answer)
            else:
                self._complete(answer)
        else:
            self._send_failure(_not_found(self.path))

    def _receive(self) -> bool:
        """Record the request; False when it was refused for its key."""
        given = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            self._body = json.loads(given) if given else {}
        except ValueError:
            self._body = {}
        key = self.owner.key
        authorized = key is None or self.headers.get("authorization") == f"Bearer {key}"
        headers = {
            name.lower(): "***" if name.lower() in _SECRET_HEADERS else value
            for name, value in self.headers.items()
        }
        self.owner.record(
            Request(self.command, self.path, headers, self._body or None, authorized, time.monotonic())
        )
        if not authorized:
            self._send_failure(Failure(401))
        return authorized

    def _send_json(self, document: Any) -> None:
        self._send(200, json.dumps(document).encode(), "application/json", {})

    def _send_failure(self, failure: Failure) -> None:
        self._send(failure.status, failure.text.encode(), failure.content_type, failure.headers)

    def _send(self, status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _complete(self, reply: Reply) -> None:
        self.owner.closing.wait(reply.wait + reply.interval * len(split_text(reply.text or "", reply.piece)))
        if reply.stop_after is not None:
            self.owner.closing.wait(reply.stall)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "10000")
            self.end_headers()
            self.wfile.write(b'{"id": "chatcmpl-1", "choices": [{"index": 0, "mess')
            self.close_connection = True
            return
        message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
        if reply.reasoning is not None:
            message["reasoning_content"] = reply.reasoning
        if reply.calls:
            message["tool_calls"] = [
                {
                    "id": call.id or make_call_id(),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments_text},
                }
                for call in reply.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        document = {**self._head("chat.completion"), "choices": [choice]}
        if reply.usage is not None:
            document["usage"] = _describe_usage(reply.usage)
        self._send_json(document)

    def _stream(self, reply: Reply) -> None:
        self.owner.closing.wait(reply.wait)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, delta in enumerate(_list_deltas(reply)):
            if reply.stop_after is not None and number >= reply.stop_after:
                self.owner.closing.wait(reply.stall)
                self.close_connection = True  # no last chunk: the client sees a stream that breaks off
                return
            self._send_event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            if reply.interval:
                self.owner.closing.wait(reply.interval)
        self._send_event({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}]})
        options = self._body.get("stream_options") or {}
        if options.get("include_usage") and reply.usage is not None:
            self._send_event({"choices": [], "usage": _describe_usage(reply.usage)})
        self._send_chunk(b"data: [DONE]\n\n")
        self._send_chunk(b"")

    def _send_event(self, document: Mapping[str, Any]) -> None:
        event = json.dumps({**self._head("chat.completion.chunk"), **document})
        self._send_chunk(f"data: {event}\n\n".encode())

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _head(self, kind: str) -> dict[str, Any]:
        model = str(self._body.get("model", "scripted-model"))
        return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": model}


def _list_deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    """What a stream sends of a reply, piece by piece: role, reasoning, text, refusal, tool calls."""
    yield {"role": "assistant", "content": None if reply.text is None else ""}
    for part in split_text(reply.reasoning or "", reply.piece):
        yield {"reasoning_content": part}
    for part in split_text(reply.text or "", reply.piece):
        yield {"content": part}
    for part in split_text(reply.refusal or "", reply.piece):
        yield {"refusal": part}
    for index, call in enumerate(reply.calls):
        opened = {"id": call.id or make_call_id(), "type": "function"}
        function = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, **opened, "function": function}]}
        for part in split_text(call.arguments_text, reply.piece):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _describe_usage(usage: tuple[int, int]) -> dict[str, int]:
    given, written = usage
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def _not_found(path: str) -> Failure:
    return Failure(
        404, json.dumps({"error": {"message": f"no route {path}", "type": "invalid_request_error"}})
    )


def _embed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Unit vectors of hashed words: texts that share words are near each other."""
    given = body.get("input", [])
    texts = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given
    data = []
    for index, text in enumerate(texts):
        vector = embed_words(text if isinstance(text, str) else " ".join(map(str, text)))
        packed: Any = vector
        if body.get("encoding_format") == "base64":
            packed = base64.b64encode(struct.pack(f"<{DIMENSION}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "data": data, "model": body.get("model", ""), "usage": usage}


def embed_words(text: str) -> list[float]:
    """The vector the service gives for `text`: DIMENSION numbers, of length 1."""
    vector = [0.0] * DIMENSION
    for word in text.lower().split() or [""]:
        digest = hashlib.sha256(word.encode()).digest()
        vector[digest[0] % DIMENSION] += 1.0 if digest[1] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if not length:  # words that cancel out
        return [1.0, *[0.0] * (DIMENSION - 1)]
    return [value / length for value in vector]
