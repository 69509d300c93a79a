"""Whole turns over a small lake: a failing service, a person who stops, a locked lake."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.agent import Assistant
from assistant.events import Finished, Notice, TextDelta
from assistant.llm import locked_engine, set_engine_lock
from assistant.settings import Settings
from eval.scripted import Call, Failure, Reply
from tests.command_line import run_for_json
from tests.fakes.openai_server import OpenAIServer
from tools.errors import UsageError
from tools.lake import Lake

QUESTION = "Which model writes down German speech?"
HONEST = [Reply(calls=[Call("search_models", {"query": QUESTION})]), Reply("I found one.")]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(HONEST) as running:
        yield running


@pytest.fixture
def lake(small_home: Path, tmp_path: Path) -> Iterator[Lake]:
    home = shutil.copytree(small_home, tmp_path / "home")
    with Lake.open(home, embedder=None) as opened:
        yield opened


@pytest.fixture
def meet(lake: Lake, server: OpenAIServer) -> Iterator[Callable[..., Assistant]]:
    """Makes assistants of the lake that use the server."""
    made: list[Assistant] = []

    def make(**settings: Any) -> Assistant:
        given = {"home": lake.home.path, "openai_base_url": server.base_url, "timeout": 2, **settings}
        made.append(Assistant(lake, Settings(**given)))
        return made[-1]

    yield make
    for assistant in made:
        assistant.close()


def test_address_and_model_are_told_before_anything_is_sent(
    meet: Callable[..., Assistant], server: OpenAIServer
) -> None:
    events = meet(model="m").stream(QUESTION)
    first = next(events)
    assert isinstance(first, Notice)
    assert server.base_url in first.text
    assert server.requests == []
    *_, last = events
    assert isinstance(last, Finished)
    assert last.answer.engine == "openai:m"
    assert len(server.chats) == 2


@pytest.mark.parametrize("failure", [Failure(401), Failure(500), Failure(200, body="no JSON"), Reply(None)])
def test_when_the_service_fails_the_offline_engine_answers_and_says_so(
    meet: Callable[..., Assistant], server: OpenAIServer, failure: Any
) -> None:
    server.use([failure])
    answer = meet().ask(QUESTION)
    assert answer.engine == "offline"
    assert "beta/speech-de" in answer.answer
    assert "offline engine answered" in answer.answer


def test_closing_the_stream_stops_the_model_at_once(
    meet: Callable[..., Assistant], server: OpenAIServer
) -> None:
    server.use([Reply("word " * 200, piece=5, interval=0.05), Reply("Next.")])
    assistant = meet()
    thread = assistant.new_thread("me")
    events = assistant.stream(QUESTION, thread)
    assert any(isinstance(event, TextDelta) for event in events)
    start = time.monotonic()
    events.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 4
    assert assistant.turns(thread) == []
    assert assistant.ask(QUESTION, thread).answer.startswith("Next.")


def test_a_turn_may_be_stopped_by_another_thread_while_nothing_comes(
    meet: Callable[..., Assistant], server: OpenAIServer
) -> None:
    server.use([Reply("Let me see. " * 3, stop_after=1, stall=8), Reply("Next.")])
    assistant = meet()
    events = assistant.stream(QUESTION, "stopped")
    assert any(isinstance(event, TextDelta) for event in events)
    closer = threading.Thread(target=events.close)  # type: ignore[attr-defined]
    start = time.monotonic()
    closer.start()
    closer.join()
    assert time.monotonic() - start < 5
    assert assistant.ask(QUESTION, "stopped").answer.startswith("Next.")


def test_a_locked_lake_sends_nothing_whatever_the_settings_say(
    meet: Callable[..., Assistant], server: OpenAIServer, lake: Lake
) -> None:
    set_engine_lock(lake, "offline")
    assert locked_engine(lake) == "offline"
    answer = meet().ask(QUESTION)
    assert answer.engine == "offline"
    assert meet().engines() == ["offline"]
    with pytest.raises(UsageError, match="offline engine"):
        meet(llm="openai:m").ask(QUESTION)
    assert server.requests == []
    set_engine_lock(lake, None)
    assert meet().ask(QUESTION).engine == "openai:scripted-model"


def test_only_offline_can_be_locked_to(lake: Lake) -> None:
    with pytest.raises(UsageError, match="'openai:m'"):
        set_engine_lock(lake, "openai:m")
    assert locked_engine(lake) is None


def test_the_command_shows_locks_and_unlocks(
    small_home: Path,
    tmp_path: Path,
    server: OpenAIServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("LAKE_MODEL", "m")
    shown = run_for_json(capsys, "--home", home, "engine")
    assert (shown["engine"], shown["address"], shown["lock"]) == ("openai:m", server.base_url, None)
    assert shown["limits"]["model_calls"] == 8
    locked = run_for_json(capsys, "--home", home, "engine", "--only", "offline")
    assert (locked["engine"], locked["address"], locked["lock"]) == ("offline", None, "offline")
    error = run_for_json(capsys, "--home", home, "ask", "Which?", "--llm", "openai:m", code=2)["error"]
    assert "lake engine --any" in error["hint"]
    monkeypatch.setenv("LAKE_EMBEDDER", "openai:embed")
    error = run_for_json(capsys, "--home", home, "search", "speech", code=2)["error"]
    assert "'openai:embed'" in error["message"]
    assert all(request.body["input"] == ["dimension"] for request in server.requests)
    assert run_for_json(capsys, "--home", home, "engine", "--any")["lock"] is None
    wrong = run_for_json(capsys, "--home", home, "engine", "--any", "--only", "offline", code=2)
    assert "together" in wrong["error"]["message"]
