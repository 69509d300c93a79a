"""The tools over MCP, with the official client: stdio in a real process, HTTP on a real loopback server."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import ClientSession, McpError, types
from pydantic import AnyUrl

from assistant.agent import Assistant
from assistant.events import Event, Notice
from assistant.toolbox import TOOL_NAMES
from tests.conftest import REPOSITORY
from tests.mcp_peers import SPEECH, assistant, lake, over_http, over_stdio, refused, serve, told
from tools.evidence import Evidence
from tools.lake import Lake
from tools.places import Places

__all__ = ["assistant", "lake", "serve"]  # fixtures


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
    ("trace_lineage", {"model": SPEECH, "depth": -1}, "depth"),
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

    def stream(question: str, thread: str, *, stop: threading.Event) -> Iterator[Event]:
        asked.append(thread)
        yield Notice(text="begun")
        begun.set()
        stop.wait(20)
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
