"""Hostile language models through `lake ask`: bounded, one document, and every lie is called failed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.asking import SECRET, Asker, check_answer, make_home
from tests.fakes.hostile import AS_TEXT, CALLERS, SERVICES, TALKERS, Hostile, write_call
from tests.fakes.lies import TRUTHS, Liar, list_lies
from tests.fakes.openai_server import OpenAIServer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def asker(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asker:
    return Asker(home, monkeypatch, capsys)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(key=SECRET) as running:
        yield running


def _survive(asker: Asker, server: OpenAIServer, hostile: Hostile) -> None:
    server.use(hostile.script)
    asker.use(server, **hostile.settings)
    asked = asker.ask()
    assert asked.code == 0, asked
    assert asked.seconds < hostile.seconds
    answer = asked.document
    check_answer(answer)
    assert answer["answer"].strip()
    assert answer["engine"] == hostile.engine, answer["usage"]
    assert hostile.says in str(answer["usage"].get("note", ""))
    if hostile.engine == "offline":
        # The stand-in has really answered, and says that it stood in, to people and to programs.
        assert "north/letter-summarizer" in answer["models"]
        assert "offline engine answered instead" in answer["usage"]["note"]
        assert answer["usage"]["note"] in answer["answer"]
    else:
        assert not {"quoted", "facts"} & {statement["level"] for statement in answer["statements"]}


@pytest.mark.parametrize(
    "name",
    # Those with settings of their own run into a limit of time.
    [pytest.param(name, marks=pytest.mark.slow if made.settings else ()) for name, made in SERVICES.items()],
)
def test_a_service_that_fails(name: str, asker: Asker, server: OpenAIServer) -> None:
    _survive(asker, server, SERVICES[name])


@pytest.mark.parametrize("name", CALLERS)
def test_a_model_that_gives_no_answer(name: str, asker: Asker, server: OpenAIServer) -> None:
    _survive(asker, server, CALLERS[name])


@pytest.mark.parametrize("name", TALKERS)
def test_a_model_that_talks(name: str, asker: Asker, server: OpenAIServer) -> None:
    _survive(asker, server, TALKERS[name])


@pytest.mark.parametrize("dialect", AS_TEXT)
def test_a_call_written_as_text_is_run(dialect: str, asker: Asker, server: OpenAIServer) -> None:
    server.use(write_call(AS_TEXT[dialect]))
    asker.use(server)
    answer = asker.ask().document
    check_answer(answer)
    assert answer["engine"] == "openai:scripted-model"
    assert [(tool["name"], tool["arguments"]["query"], tool["ok"]) for tool in answer["tools"]] == [
        ("search_models", "letters", True)
    ]
    assert answer["answer"] == "Hello there."
    # The service is sent a call and its result, as if the model had made it properly.
    sent = server.chats[-1].body["messages"]
    assert [message["role"] for message in sent[-2:]] == ["assistant", "tool"]
    assert sent[-2]["tool_calls"][0]["id"] == sent[-1]["tool_call_id"]


@pytest.mark.slow
def test_no_planted_lie_is_called_anything_but_failed(
    asker: Asker, server: OpenAIServer, tmp_path: Path
) -> None:
    lies = list_lies()
    assert len(lies) >= 40
    batch = tmp_path / "lies.jsonl"
    batch.write_text(
        "".join(json.dumps({"id": n, "question": f"Say lie {n}."}) + "\n" for n in range(len(lies)))
    )
    server.use(Liar([text for _, text, _ in lies]))
    asker.use(server)
    asked = asker.run("ask", "--batch", str(batch))
    assert asked.code == 0
    assert len(asked.lines) == len(lies)
    leaks = []
    for (kind, text, words), answer in zip(lies, asked.lines, strict=True):
        check_answer({key: value for key, value in answer.items() if key != "id"})
        assert answer["engine"] == "openai:scripted-model", (text, answer["usage"])
        told = [s for s in answer["statements"] if words in s["text"]]
        if not told or any(s["level"] != "failed" for s in told):
            leaks.append((kind, text, answer["statements"]))
    assert leaks == []


def test_what_is_true_passes(asker: Asker, server: OpenAIServer, tmp_path: Path) -> None:
    batch = tmp_path / "truths.jsonl"
    batch.write_text(
        "".join(json.dumps({"id": n, "question": f"Say truth {n}."}) + "\n" for n in range(len(TRUTHS)))
    )
    server.use(Liar(TRUTHS))
    asker.use(server)
    asked = asker.run("ask", "--batch", str(batch))
    assert asked.code == 0
    for text, answer in zip(TRUTHS, asked.lines, strict=True):
        levels = {s["level"] for s in answer["statements"] if s["marks"]}
        assert levels
        assert levels <= {"quoted", "facts"}, (text, answer["statements"])
        assert answer["evidence"]


@pytest.mark.parametrize("name", ["ANSI", "HTML", "right to left", "NUL and lone surrogates"])
def test_readable_output_is_safe_for_a_terminal(name: str, asker: Asker, server: OpenAIServer) -> None:
    server.use(TALKERS[name].script)
    asker.use(server)
    asked = asker.run("ask", "Hello?")
    assert asked.code == 0
    assert asked.out.strip()
    # Our own output goes to no terminal here, so that whatever controls one came from the model.
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", asked.out + asked.err)


# -- processes of their own ----------------------------------------------------------------------------


def _start(home: Path, server: OpenAIServer, **settings: str) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": SECRET,
        "LAKE_EMBEDDER": "none",
    }
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "assistant",
            "--home",
            str(home),
            "ask",
            "Which model reads letters?",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**env, **settings},
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hostile", "engine"),
    [
        (SERVICES["silence"], "offline"),
        (SERVICES["a stalled stream"], "offline"),
        (SERVICES["invalid JSON"], "offline"),
        (CALLERS["300 kB"], "offline"),
        (TALKERS["NUL and lone surrogates"], "openai:scripted-model"),
    ],
)
def test_a_process_ends_with_one_document(
    home: Path, server: OpenAIServer, hostile: Hostile, engine: str
) -> None:
    server.use(hostile.script)
    start = time.monotonic()
    with _start(home, server, **hostile.settings) as process:
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - start < 20  # mostly imports; a stalled request holds nothing up
    assert process.returncode == 0, err
    assert out.count("\n") == 1
    answer = json.loads(out)
    check_answer(answer)
    assert answer["engine"] == engine
    assert "Traceback" not in err
    assert SECRET not in out + err
    assert server.base_url in err


@pytest.mark.slow
def test_an_interrupted_process_ends_at_once(home: Path, server: OpenAIServer) -> None:
    server.use(SERVICES["silence"].script)
    with _start(home, server) as process:
        while not server.chats and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.2)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - start < 8
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out.count("\n") <= 1
