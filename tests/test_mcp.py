"""The tools over MCP, with the official client: stdio in a real process, HTTP on a real loopback server."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import uvicorn
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from starlette.applications import Starlette

from assistant.agent import Assistant
from assistant.events import Event, Notice
from assistant.mcp import make_mcp_app
from assistant.settings import Settings
from assistant.toolbox import TOOL_NAMES
from tests.conftest import REPOSITORY
from tools.evidence import Evidence
from tools.lake import Lake
from tools.places import Places

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


async def use_everything(session: ClientSession) -> None:
    """What both transports must do alike."""
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == {*TOOL_NAMES, "ask", "check_answer"}
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
        assert tool.annotations is not None
        assert tool.annotations.readOnlyHint is True
        assert tool.annotations.openWorldHint is False
        assert tool.description

    found = told(await session.call_tool("search_models", {"query": "write down German speech", "limit": 2}))
    assert found["models"][0]["model"] == SPEECH
    evidence = [Evidence.model_validate(item) for item in found["evidence"]]
    assert len({item.id for item in evidence}) == len(evidence) > 1

    answer = told(await session.call_tool("ask", {"question": f"What licence does {SPEECH} have?"}))
    assert [statement["level"] for statement in answer["statements"]] == ["facts"]
    assert not {item["id"] for item in answer["evidence"]} & {item.id for item in evidence}
    key = answer["evidence"][0]["id"]

    follow_up = {"question": "And its WER?", "thread": answer["thread"]}
    assert "12.5" in told(await session.call_tool("ask", follow_up))["answer"]

    text = f"`{SPEECH}` is under mit [{key}]. `{SPEECH}` is under gpl-3.0 [{key}]."
    checked = told(await session.call_tool("check_answer", {"text": text}))
    assert [statement["level"] for statement in checked["statements"]] == ["facts", "failed"]
    assert checked["ok"] is False
    assert [item["id"] for item in checked["evidence"]] == [key]

    said = refused(await session.call_tool("read_card", {"model": "beta/no-such-thing"}))
    assert "beta/no-such-thing" in said
    page = await session.list_resources()
    assert {resource.name for resource in page.resources} >= {SPEECH}
    card = (await session.read_resource(AnyUrl(f"card://{SPEECH}"))).contents[0]
    assert isinstance(card, types.TextResourceContents)
    assert card.mimeType == "text/markdown"
    assert card.text.startswith("---\npipeline_tag: automatic-speech-recognition")
    templates = await session.list_resource_templates()
    assert [template.uriTemplate for template in templates.resourceTemplates] == ["card://{org}/{name}"]


def test_everything_over_stdio(small_home: Path, tmp_path: Path) -> None:
    shutil.copytree(small_home, tmp_path / "home")

    async def talk() -> None:
        async with over_stdio(tmp_path / "home") as session:
            await use_everything(session)

    asyncio.run(talk())


def test_everything_over_http(assistant: Assistant, serve: Callable[..., str]) -> None:
    address = serve(assistant)

    async def talk() -> None:
        async with over_http(address) as session:
            await use_everything(session)

    asyncio.run(talk())


def test_stdout_is_the_protocol_whatever_comes_in(small_home: Path, tmp_path: Path) -> None:
    shutil.copytree(small_home, tmp_path / "home")
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": types.LATEST_PROTOCOL_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "0"},
        },
    }
    lines = [
        "this is no JSON",
        "[]",
        '{"jsonrpc": "2.0"}',
        json.dumps(hello),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "no/such/method", "params": {"x": [1] * 1000}}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": 7}}),
        "\x00\xff" * 1000,
        json.dumps({"jsonrpc": "2.0", "id": 4, "method": "ping"}),
    ]
    command = [sys.executable, "-m", "assistant", "--home", str(tmp_path / "home"), "mcp"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        for line in lines:
            server.stdin.write(line + "\n")
        server.stdin.flush()
        answers: dict[Any, Any] = {}
        while 4 not in answers:
            message = json.loads(server.stdout.readline())
            answers[message.get("id")] = message
        server.stdin.close()
        assert server.stdout.read() == ""
        assert server.wait(timeout=20) == 0
        assert "Traceback" not in server.stderr.read()
    assert answers[1]["result"]["serverInfo"]["name"] == "model-lake"
    assert "error" in answers[2]
    assert "error" in answers[3]


def test_a_lake_in_use_is_refused_in_one_line(lake: Lake) -> None:
    command = [sys.executable, "-m", "assistant", "--home", str(lake.home.path), "mcp"]

    done = subprocess.run(command, input="", capture_output=True, cwd=REPOSITORY, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") <= 2
    assert "in use" in done.stderr or "busy" in done.stderr or "uses" in done.stderr


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("search_models", {}, "query"),
    ("search_models", {"query": "x", "limit": 10**9}, "limit"),
    ("search_models", {"query": "x" * 5000}, "4000"),
    ("search_models", {"query": ["x"]}, "query"),
    ("search_models", {"query": "x", "unheard": 1}, "unheard"),
    ("read_card", {"model": ""}, "model"),
    ("read_card", {"model": "../../etc/passwd"}, "not a model id"),
    ("read_card", {"model": "a" * 150 + "\u202e\x00"}, "control characters"),
    ("read_card", {"model": SPEECH, "fields": ["no_such_field"]}, "fields"),
    ("compare_documentation", {"models": [SPEECH]}, "models"),
    ("compare_documentation", {"models": [SPEECH, None]}, "models"),
    ("declared_lineage", {"model": SPEECH, "depth": -1}, "depth"),
    ("describe_lake", {"x": 1}, "x"),
    ("ask", {"question": "   "}, "empty"),
    ("ask", {"question": "x" * 20_001}, "20000"),
    ("ask", {"question": "x", "thread": "../x"}, "conversation"),
    ("check_answer", {"text": ""}, "text"),
    ("no_such_tool", {}, "search_models"),
    ("__class__", {"self": 1}, "no tool"),
]


def test_hostile_arguments_are_refused_with_what_to_do(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(assistant)

    async def talk() -> None:
        async with over_http(address) as session:
            for name, arguments, said in HOSTILE:
                text = refused(await session.call_tool(name, arguments))
                assert said in text, (name, text)
                assert "Traceback" not in text
                assert "\n" not in text
                assert len(text) < 600
            assert (await session.call_tool("describe_lake", {})).isError is False

    asyncio.run(talk())


def test_two_sessions_share_no_keys_and_no_conversation(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(assistant)

    async def talk() -> None:
        async with over_http(address) as one, over_http(address) as other:
            mine = told(await one.call_tool("read_card", {"model": SPEECH}))["evidence"]
            theirs = told(await other.call_tool("read_card", {"model": "acme/contract-summarizer"}))[
                "evidence"
            ]
            assert mine[0]["id"] == theirs[0]["id"] == "E1"
            assert mine[0]["source"] != theirs[0]["source"]
            more = told(await one.call_tool("read_card", {"model": "beta/disease-tagger"}))["evidence"]
            last = more[-1]["id"]
            assert last not in {item["id"] for item in theirs}
            checked = told(await other.call_tool("check_answer", {"text": f"It is under mit [{last}]."}))
            assert "no evidence" in checked["statements"][0]["reason"]
            thread = told(await one.call_tool("ask", {"question": "hello"}))["thread"]
            said = refused(await other.call_tool("ask", {"question": "hello", "thread": thread}))
            assert "no conversation" in said

    asyncio.run(talk())


def test_calls_at_once_give_every_key_one_meaning(assistant: Assistant, serve: Callable[..., str]) -> None:
    address = serve(assistant)

    async def talk() -> list[dict[str, Any]]:
        async with over_http(address) as session:
            calls: list[Awaitable[types.CallToolResult]] = []
            for model in ("acme/contract-summarizer", SPEECH, "beta/disease-tagger"):
                calls.append(session.call_tool("read_card", {"model": model}))
                calls.append(session.call_tool("ask", {"question": f"What licence does {model} have?"}))
            return [told(result) for result in await asyncio.gather(*calls)]

    seen: dict[str, dict[str, Any]] = {}
    for result in asyncio.run(talk()):
        for item in result["evidence"]:
            assert seen.setdefault(item["id"], item) == item
    assert len(seen) > 5


def test_all_evidence_stands_where_it_says(
    lake: Lake, assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(assistant)

    async def talk() -> list[dict[str, Any]]:
        async with over_http(address) as session:
            results = [
                await session.call_tool("read_card", {"model": SPEECH, "question": "which WER?"}),
                await session.call_tool("list_results", {"metric": "WER"}),
                await session.call_tool("compare_documentation", {"models": [SPEECH, "beta/disease-tagger"]}),
                await session.call_tool("ask", {"question": "Which model shortens contracts?"}),
            ]
            return [item for result in results for item in told(result)["evidence"]]

    items = [Evidence.model_validate(item) for item in asyncio.run(talk())]
    places = Places(lake.catalog)
    assert len(items) > 5
    assert [item for item in items if places.check(item).verdict != "holds"] == []


def test_a_cancelled_question_ends_and_leaves_nothing(
    assistant: Assistant, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()
    asked: list[str] = []

    def stream(question: str, thread: str | None = None) -> Iterator[Event]:
        asked.append(thread or "")
        begun.set()
        try:
            while True:
                yield Notice(text="still at it")
                time.sleep(0.02)
        finally:
            ended.set()

    monkeypatch.setattr(assistant, "stream", stream)
    address = serve(assistant)

    async def talk() -> None:
        async with over_http(address) as session:
            call = asyncio.create_task(session.call_tool("ask", {"question": "Take your time"}))
            assert await asyncio.to_thread(begun.wait, 10)
            note = types.CancelledNotification(params=types.CancelledNotificationParams(requestId=1))
            await session.send_notification(types.ClientNotification(note))
            with pytest.raises(McpError, match="cancelled"):
                await call
            assert await asyncio.to_thread(ended.wait, 10)
            # The session goes on, and nobody holds its lock.
            assert told(await session.call_tool("describe_lake", {}))["lines"]

    asyncio.run(talk())
    assert assistant.turns(asked[0]) == []


def test_progress_tells_which_tools_are_used(assistant: Assistant, serve: Callable[..., str]) -> None:
    address = serve(assistant)
    lines: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        lines.append(message)

    async def talk() -> None:
        async with over_http(address) as session:
            question = {"question": f"What licence does {SPEECH} have?"}
            await session.call_tool("ask", question, progress_callback=note)

    asyncio.run(talk())
    assert lines == ["Using read_card"]


def test_resources_come_in_pages_and_only_cards_are_read(
    lake: Lake, assistant: Assistant, serve: Callable[..., str], tmp_path: Path
) -> None:
    from tools.ingest import ingest

    dump = tmp_path / "many.jsonl"
    rows = [{"modelId": f"many/model-{n:03}", "card": f"# Model {n}\n\nNumber {n}.\n"} for n in range(60)]
    dump.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ingest(lake, [str(dump)])
    address = serve(assistant)

    async def talk() -> None:
        async with over_http(address) as session:
            first = await session.list_resources()
            assert len(first.resources) == 50
            rest = await session.list_resources(params=types.PaginatedRequestParams(cursor=first.nextCursor))
            assert len(rest.resources) == 14
            assert rest.nextCursor is None
            for bad in (
                "card://many/none",
                "file:///etc/passwd",
                "card://../../etc/passwd",
                "card://a%2Fb/c/d",
            ):
                with pytest.raises(McpError):
                    await session.read_resource(AnyUrl(bad))
            for cursor in ("-1", "x", "9" * 50):
                with pytest.raises(McpError):
                    await session.list_resources(params=types.PaginatedRequestParams(cursor=cursor))

    asyncio.run(talk())


def test_a_page_elsewhere_cannot_reach_the_server(assistant: Assistant, serve: Callable[..., str]) -> None:
    address = serve(assistant)
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}

    with httpx.Client() as client:
        rebound = client.post(address, json=body, headers={**accept, "Host": "evil.example:7860"})
        foreign = client.post(address, json=body, headers={**accept, "Origin": "https://evil.example"})
        large = client.post(address, content=b" " * 2_000_000, headers=accept)

    assert rebound.status_code == 421
    assert foreign.status_code == 403
    assert large.status_code == 413


def test_a_name_and_password_are_asked_for_where_they_are_set(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(assistant, auth="ada:sécret")

    def post(credentials: str | None) -> int:
        headers = {"Accept": "application/json, text/event-stream"}
        if credentials is not None:
            headers["Authorization"] = credentials
        with httpx.Client() as client:
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            return client.post(address, json=body, headers=headers).status_code

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    wrong = [None, "", "Basic", "Basic %%%", "Bearer x", basic("ada"), basic("ada:secret"), basic(":sécret")]
    assert [post(credentials) for credentials in wrong] == [401] * len(wrong)
    assert post(basic("ada:sécret")) == 400  # welcome, but this is no session

    async def talk() -> None:
        async with (
            httpx.AsyncClient(auth=("ada", "sécret"), timeout=30) as client,
            streamable_http_client(address, http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            assert told(await session.call_tool("describe_lake", {}))["lines"]

    asyncio.run(talk())
