"""`lake ask` and the prompt of `lake start`: documents, conversations, batches."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from assistant.cli.app import run
from tests.command_line import CARDS, run_for_json, run_for_lines

ANSWER_KEYS = {
    "answer", "models", "suggestions", "evidence", "retrieved", "citations", "statements", "unsupported",
    "abstained", "tools", "engine", "thread", "usage", "question",
}  # fmt: skip


def test_ask_and_follow_up(capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    first = run_for_json(capsys, "--home", home, "ask", "Which model writes down German speech?")
    assert set(first) == ANSWER_KEYS
    assert first["models"][0] == "beta/speech-de"
    assert {item["id"] for item in first["evidence"]} == {item["evidence"] for item in first["citations"]}
    then = run_for_json(capsys, "--home", home, "ask", "What is its licence?", "--thread", first["thread"])
    assert then["thread"] == first["thread"]
    assert "mit" in then["answer"].lower()


def test_ask_batch_keeps_turns_of_a_line_in_one_thread(
    capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path
) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    batch = tmp_path / "batch.jsonl"
    lines = [
        {"id": "q", "question": "Which model finds diseases?", "kind": "find"},
        {"id": "t", "turns": [{"user": "Which model writes down German speech?"}, {"user": "Its licence?"}]},
        {"id": "bad", "turns": []},
    ]
    batch.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    question, turns, bad = run_for_lines(capsys, "--home", home, "ask", "--batch", str(batch), code=1)
    assert set(question) == ANSWER_KEYS | {"id"}
    assert (turns["id"], len(turns["turns"])) == ("t", 2)
    assert turns["turns"][0]["thread"] == turns["turns"][1]["thread"] != question["thread"]
    assert set(bad) == {"id", "error"}


def test_answer_is_readable(capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    assert run(["--home", home, "ask", "What is the licence of beta/speech-de?"]) == 0
    out = capsys.readouterr().out
    assert "Sources" in out
    assert "[E1]" in out
    assert "Checked:" in out
    assert "README.md" in out


# -- the prompt ----------------------------------------------------------------------------------------


def test_start_answers_from_a_pipe_in_one_conversation(
    capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    typed = "help\n\nWhich model writes down German speech?\nwhat is its licence?\nnew\nquit\nnever reached\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert run(["--home", home, "start", "--terminal"]) == 0
    out = capsys.readouterr().out
    assert f"{len(CARDS)} models" in out
    assert "beta/speech-de" in out
    assert "mit" in out.lower()
    assert "A new conversation." in out
    assert "never reached" not in out


def test_start_ends_at_the_end_of_input(
    capsys: pytest.CaptureFixture[str], small_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run(["--home", str(small_home), "start", "--terminal"]) == 0
    assert "legal contracts" in capsys.readouterr().out


def test_start_answers_one_question(
    capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path
) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    answer = run_for_json(capsys, "--home", home, "start", "--question", "Which model finds diseases?")
    assert set(answer) == ANSWER_KEYS
