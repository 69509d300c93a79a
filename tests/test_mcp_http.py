"""What the MCP endpoint lets in, and what it lets out: hosts, origins, passwords, cards as resources."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

from assistant.agent import Assistant
from tests.mcp_peers import assistant, lake, over_http, serve, told
from tools.lake import Lake

__all__ = ["assistant", "lake", "serve"]  # fixtures


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
