"""Running `lake ask` over the loopback service, and what must hold whatever the model does."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.app import run
from tests.fakes.cards import write_cards
from tests.fakes.openai_server import OpenAIServer

SECRET = "sk-secret-5f2a9c7be1"
QUESTION = "Which model summarizes business letters?"
_KEYS = {
    "answer", "models", "suggestions", "evidence", "retrieved", "citations", "statements", "unsupported",
    "abstained", "tools", "engine", "thread", "usage",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One run of the command: exit code, what it printed, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, self.out[:2000]
        return json.loads(self.out, parse_constant=pytest.fail)

    @property
    def lines(self) -> list[Any]:
        """The JSON Lines of a batch."""
        return [json.loads(line, parse_constant=pytest.fail) for line in self.out.splitlines()]


class Asker:
    """Runs `lake` in this process with the service's address and a key in the environment."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._home = home
        self._patch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("LAKE_EMBEDDER", "none")

    def use(self, server: OpenAIServer, **settings: str) -> None:
        """Point the environment at a service; `settings` are further variables."""
        self._patch.setenv("OPENAI_BASE_URL", server.base_url)
        self.set(**settings)

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._patch.setenv(name, value)

    def run(self, *arguments: str) -> Asked:
        """One run, none of whose output may hold the key or a traceback."""
        self._capsys.readouterr()
        start = time.monotonic()
        code = run(["--home", str(self._home), *arguments])
        seconds = time.monotonic() - start
        printed = self._capsys.readouterr()
        asked = Asked(code, printed.out, printed.err, seconds)
        for text in (asked.out, asked.err):
            assert SECRET not in text
            assert "Traceback" not in text
        return asked

    def ask(self, question: str = QUESTION, *options: str) -> Asked:
        """`lake ask --json`."""
        return self.run("ask", question, *options, "--json")


def make_home(folder: Path) -> Path:
    """A lake of `tests.fakes.cards` in `folder`, searched by words only, which is quicker."""
    home = folder / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_EMBEDDER", "none")
        assert run(["--home", str(home), "ingest", str(write_cards(folder / "cards.jsonl"))]) == 0
    return home


def check_answer(answer: dict[str, Any]) -> None:
    """What holds for every answer: the contract's shape, and citations that say what they are."""
    assert set(answer) >= _KEYS
    evidence = {item["id"]: item for item in answer["evidence"]}
    for statement in answer["statements"]:
        assert statement["level"] in {"quoted", "facts", "unchecked", "failed"}
        if statement["level"] in {"quoted", "facts"}:
            assert statement["marks"]
            assert set(statement["marks"]) <= set(evidence)
        assert (statement["text"] in answer["unsupported"]) == (statement["level"] == "failed")
    for citation in answer["citations"]:
        if citation["status"] == "exact" and citation["quote"]:
            assert citation["quote"] in evidence[citation["evidence"]]["text"]
