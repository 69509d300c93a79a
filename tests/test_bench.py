"""`lake bench`: one JSON document of finite figures, and no trace of it in the lake."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from assistant.agent import Assistant
from assistant.settings import Settings
from eval.bench import measure_resident
from tests.command_line import run_for_json
from tools.lake import Lake


def test_agent_bench_puts_our_turn_beside_the_bare_agent(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(small_home, home)

    figures = run_for_json(
        capsys, "--home", str(home), "bench", "agent", "--rounds", "3", "--turns", "6", code=0
    )

    assert figures["models"] == 4
    assert 0 < figures["first_character_ms"]["p50"] <= figures["turn_ms"]["p50"]
    assert figures["ratio"] > 0
    assert figures["memory"]["turns"] == 6
    assert figures["memory"]["resident_mib"] > 10
    with (
        Lake.open(home, embedder=None) as lake,
        closing(Assistant(lake, Settings(home=home, llm="offline"))) as assistant,
    ):
        assert assistant.threads("bench") == []


def test_search_bench_names_the_lake_and_the_ratio(
    small_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_home, tmp_path / "home")

    figures = run_for_json(
        capsys, "--home", str(tmp_path / "home"), "bench", "search", "--rounds", "5", code=0
    )

    assert figures["suite"] == "search"
    assert 0 < figures["search_ms"]["p50"] <= figures["search_ms"]["max"]
    assert figures["ratio"] > 0


def test_resident_memory_grows_with_what_is_held() -> None:
    before = measure_resident()
    if before is None:
        pytest.skip("this system does not tell the memory of a process")
    held = bytearray(64 * 2**20)
    held[::4096] = b"x" * len(held[::4096])

    assert (measure_resident() or 0) - before > 50
