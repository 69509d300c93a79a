"""The page's server through its HTTP API: whose conversation is whose, how much and how often one may ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]

from assistant.page.access import COOKIE
from eval.scripted import Reply
from tests.fakes.openai_server import OpenAIServer
from tests.page_peers import LEAKS, LETTERS, QUESTION, Serve, Site, serve_page

__all__ = ["serve_page"]  # a fixture
pytestmark = LEAKS


def connect(site: Site, **given: Any) -> Client:
    return Client(site.address, verbose=False, **given)


def ask_by_hand(client: httpx.Client, question: str, session: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"data": [question, "", ""]}
    return client.post("/gradio_api/call/ask", json=body | ({"session_hash": session} if session else {}))


def test_a_program_asks_goes_on_and_exports(serve_page: Serve) -> None:
    client = connect(serve_page())
    answer = client.predict(QUESTION, api_name="/ask")
    assert answer["models"][0] == LETTERS
    thread = answer["thread"]
    follow_up = client.predict("What licence does the first one have?", thread, api_name="/ask")
    assert "apache-2.0" in follow_up["answer"]
    assert follow_up["thread"] == thread
    turns = client.predict(thread, api_name="/turns")
    assert turns[0]["question"] == QUESTION
    assert turns[1]["answer"] == follow_up
    exported = json.loads(client.predict(thread, "json", api_name="/export"))
    assert [turn["answer"] for turn in exported["turns"]] == [answer, follow_up]
    assert client.predict(api_name="/conversations")[0]["turns"] == 2
    assert client.predict(thread, api_name="/clear") is True
    assert client.predict(api_name="/conversations") == []
    with pytest.raises(AppError, match="no conversation"):
        client.predict(thread, api_name="/turns")


def test_another_clients_conversation_opens_by_no_name(serve_page: Serve) -> None:
    site = serve_page()
    thread = connect(site).predict(QUESTION, api_name="/ask")["thread"]
    stranger = connect(site)
    for name, arguments in (
        ("/turns", (thread,)),
        ("/export", (thread, "json")),
        ("/ask", ("And its licence?", thread)),
        ("/stop", (thread,)),
        ("/clear", (thread,)),
    ):
        with pytest.raises(AppError, match="no conversation") as refused:
            stranger.predict(*arguments, api_name=name)
        # Nobody learns whether it exists.
        with pytest.raises(AppError) as absent:
            stranger.predict(*("0" * 32 if a == thread else a for a in arguments), api_name=name)
        assert str(refused.value).replace(thread, "") == str(absent.value).replace("0" * 32, "")
    assert len(site.assistant.turns(thread)) == 1


def test_the_pages_own_events_show_a_stranger_nothing(serve_page: Serve) -> None:
    site = serve_page()
    with site.open() as owner, site.open() as stranger:
        owner.get("/")
        stranger.get("/")
        assert owner.cookies[COOKIE] != stranger.cookies[COOKIE]
        asked = site.send_event(owner, "page_act", ["", ""], event={"name": "ask", "question": QUESTION})
        assert LETTERS in json.dumps(asked)
        thread = thread_of(asked)
        for action in (
            {"name": "source", "turn": 1, "key": "E1", "cite": 0},
            {"name": "export", "format": "json"},
            {"name": "edit", "turn": 1, "question": "x"},
            {"name": "retry", "turn": 1},
            {"name": "undo", "turn": 1},
            {"name": "earlier"},
            {"name": "delete", "thread": thread},
            {"name": "open", "thread": thread},
            {"name": "no such thing"},
        ):
            seen = json.dumps(site.send_event(stranger, "page_act", [thread, ""], event=action))
            assert LETTERS not in seen, action
            assert QUESTION not in seen, action
        seen = json.dumps(site.send_event(stranger, "page_load", [thread]))
        assert QUESTION not in seen
        assert len(site.assistant.turns(thread)) == 1
        again = json.dumps(site.send_event(owner, "page_load", [thread]))
        assert QUESTION in again
        # A stranger who asks in it gets a conversation of their own.
        own = site.send_event(stranger, "page_act", [thread, ""], event={"name": "ask", "question": "Hello"})
        assert thread_of(own) != thread
        assert len(site.assistant.turns(thread)) == 1


def thread_of(messages: list[dict[str, Any]]) -> str:
    """The conversation an asking event belongs to: its first change names it."""
    first = next(message for message in messages if message["msg"] == "process_generating")
    return str(first["output"]["data"][3])


@pytest.mark.parametrize("event", [None, [], "ask", {"name": 7}, {"name": "ask", "question": ["x"]},
                                   {"name": "source", "turn": -1}, {"name": "x" * 1000}])  # fmt: skip
def test_what_is_no_action_is_refused_in_words(serve_page: Serve, event: Any) -> None:
    site = serve_page()
    with site.open() as client:
        client.get("/")
        last = site.send_event(client, "page_act", ["", ""], event=event)[-1]
    assert last["msg"] == "process_completed"
    assert last["success"] is False
    assert "no action" in last["output"]["error"]


def test_twenty_at_once_get_their_own_answers(serve_page: Serve) -> None:
    site = serve_page()
    got: dict[int, dict[str, Any]] = {}

    def work(number: int) -> None:
        client = connect(site)
        first = client.predict(f"Model number {number}: which one summarizes letters?", api_name="/ask")
        got[number] = client.predict(
            "What licence does the first one have?", first["thread"], api_name="/ask"
        )
        assert f"number {number}:" in client.predict(api_name="/conversations")[0]["title"]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(got) == 20
    assert len({answer["thread"] for answer in got.values()}) == 20
    for number, answer in got.items():
        turns = site.assistant.turns(answer["thread"])
        assert [f"number {number}:" in turn.question for turn in turns] == [True, False]


def test_who_asks_too_often_is_told_when_to_come_back(serve_page: Serve) -> None:
    site = serve_page(rate_per_minute=3)
    client = connect(site)
    for _ in range(3):
        client.predict("Hello", api_name="/ask")
    with pytest.raises(AppError, match=r"Ask again in \d+ seconds"):
        client.predict("Hello", api_name="/ask")
    with site.open() as http:
        refused = ask_by_hand(http, "Hello")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert "Ask again in" in refused.json()["detail"]


def test_big_requests_and_uploads_are_refused(serve_page: Serve, tmp_path: Path) -> None:
    site = serve_page(max_upload_mb=1)
    with site.open() as client:
        assert ask_by_hand(client, "x" * 2_000_000).status_code == 413
        big = client.post("/gradio_api/upload", files={"files": ("a.md", b"x" * 3_000_000)})
        assert big.status_code == 413
        assert "at most" in big.json()["detail"]

        def send_much() -> Iterator[bytes]:
            for _ in range(40):
                yield b"x" * 100_000

        # Without a length, what comes is counted.
        headers = {"content-type": "application/json"}
        assert client.post("/gradio_api/call/ask", content=send_much(), headers=headers).status_code >= 400
        assert client.get("/").status_code == 200
    with pytest.raises(AppError, match="20,000"):
        connect(site).predict("x" * 30_000, api_name="/ask")


def test_other_hosts_are_not_answered_here(serve_page: Serve) -> None:
    site = serve_page()
    with site.open() as client:
        for host in ("evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""):
            assert client.get("/", headers={"host": host}).status_code == 421, host
        page = client.get("/", headers={"host": "localhost:1"})
        assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_login_stands_before_everything(serve_page: Serve) -> None:
    site = serve_page(auth="ada:secret-7")
    with site.open() as client:
        assert client.get("/config").status_code == 401
        assert client.get("/gradio_api/info").status_code == 401
        assert ask_by_hand(client, QUESTION).status_code == 401
        assert client.post("/mcp", json={}).status_code == 401
        assert "reported result" not in client.get("/").text  # what the lake holds
        wrong = client.post("/login", data={"username": "ada", "password": "guess"})
        assert wrong.status_code == 400
        right = client.post("/login", data={"username": "ada", "password": "secret-7"})
        assert right.status_code == 200
        assert client.get("/config").status_code == 200
    with pytest.raises(Exception, match=r"(?i)auth|login|401"):
        connect(site)
    answer = connect(site, auth=("ada", "secret-7")).predict(QUESTION, api_name="/ask")
    assert answer["models"][0] == LETTERS


def test_the_engine_may_be_chosen_among_those_there_are(serve_page: Serve) -> None:
    with OpenAIServer([Reply("Hello, I am a model.")]) as service:
        client = connect(serve_page(llm="auto", openai_base_url=service.base_url))
        assert client.predict("Hello", api_name="/ask")["engine"] == "openai:scripted-model"
        sent = len(service.chats)
        assert sent > 0
        assert client.predict("Hello", "", "offline", api_name="/ask")["engine"] == "offline"
        assert len(service.chats) == sent
        with pytest.raises(AppError, match="no engine of this lake"):
            client.predict("Hello", "", "openai:other", api_name="/ask")


def test_mcp_stands_beside_the_page(serve_page: Serve) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                   "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    with serve_page().open() as client:
        accept = {"accept": "application/json, text/event-stream"}
        said = client.post("/mcp", json=hello, headers=accept)
        assert said.status_code == 200
        assert "model-lake" in said.text
        assert client.post("/mcp", json=hello, headers={**accept, "host": "evil.example"}).status_code == 421
