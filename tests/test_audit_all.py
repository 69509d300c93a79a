"""`lake audit --all` and `lake bench audit`: a whole lake, one card at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tools.audit
from assistant.cli.app import run
from tests.command_line import CARDS, run_for_json, write_dump
from tests.lakes import put_card
from tools.audit import AuditReport, audit_lake, render_sarif, summarize
from tools.lake import Lake


@pytest.fixture
def home(small_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_home, tmp_path / "home"))


def _reports(home: Path) -> list[AuditReport]:
    with Lake.open(home, embedder=None) as lake:
        return list(audit_lake(lake))


def test_json_of_all_cards_is_that_of_each(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = run_for_json(capsys, "--home", str(home), "audit", "--all", "--fail-on", "never")
    reports = _reports(home)
    assert [report.target for report in reports] == sorted(CARDS)
    assert document["targets"] == [report.describe() for report in reports]
    assert document["summary"] == summarize(reports)


def test_sarif_of_all_cards_is_one_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(home), "audit", "--all", "--format", "sarif", "--fail-on", "never"]) == 0
    document = json.loads(capsys.readouterr().out)
    whole = render_sarif(_reports(home))
    assert document == whole
    assert document["runs"][0]["results"]


def test_exit_code_of_all_is_that_of_the_worst(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = ["--home", str(home), "audit", "--all", "--fail-on"]
    assert run([*whole, "error"]) == 0
    assert run([*whole, "warning"]) == 1
    with Lake.open(home, embedder=None) as lake:
        put_card(
            lake.catalog, "gamma/tagger", "# Tagger\n\n| Metric | Test |\n|---|---|\n| Accuracy | 137 % |\n"
        )
    capsys.readouterr()
    assert run([*whole, "never"]) == 0
    assert run([*whole, "error"]) == 1
    shown = capsys.readouterr().out
    assert "license-missing" in shown
    assert f"{len(CARDS) + 1} cards" in shown


def test_interrupted_audit_prints_no_half_document(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after_two(lake: Lake, **how: Any) -> Iterator[AuditReport]:
        for number, report in enumerate(audit_lake(lake, **how)):
            if number == 2:
                raise KeyboardInterrupt
            yield report

    monkeypatch.setattr(tools.audit, "audit_lake", stop_after_two)
    document = run_for_json(capsys, "--home", str(home), "audit", "--all", code=130)
    assert document["error"]["message"].startswith("Interrupted after 2 cards")
    assert run(["--home", str(home), "audit", "--all", "--format", "sarif"]) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Interrupted after 2 cards" in captured.err


def test_audit_asks_for_a_bounded_number_of_rows_a_card(home: Path) -> None:
    """One card costs as many statements in a large lake as in a small one."""
    from sqlalchemy import event

    def count(cards: int) -> int:
        with Lake.open(home, embedder=None) as lake:
            for number in range(cards):
                put_card(lake.catalog, f"many/card-{number}", f"---\nlicense: mit\n---\n# Card {number}\n")
            asked: list[str] = []
            engine = lake.catalog._engine
            event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
            done = len(list(audit_lake(lake)))
        return len(asked) // done

    assert count(40) <= count(4)


def test_bench_measures_the_lake_of_a_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = write_dump(tmp_path / "dump.jsonl")
    figures = run_for_json(capsys, "--home", str(tmp_path / "none"), "bench", "audit", str(dump))
    assert figures["cards"] == len(CARDS)
    assert figures["findings"] > 0
    assert 0 < figures["card_ms"]["p50"] <= figures["card_ms"]["p95"] <= figures["card_ms"]["max"]
    assert figures["audit_to_parse"] > 0
    assert figures["memory_mib"]["peak"] >= figures["memory_mib"]["before"] > 10
    assert not (tmp_path / "none" / "catalog.sqlite").exists()


def test_bench_of_an_empty_lake_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = run_for_json(capsys, "--home", str(tmp_path / "none"), "bench", "audit", code=2)
    assert "empty" in document["error"]["message"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "It was made for nobody, from texts of all kinds that nobody has kept.\n\n" * 20
    rows = [
        json.dumps(
            {"modelId": f"many/card-{number}", "card": f"---\nlicense: mit\n---\n# {number}\n\n{text}"}
        )
        for number in range(400)
    ]
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join(rows) + "\n", encoding="utf-8")
    memory = run_for_json(capsys, "bench", "audit", str(dump))["memory_mib"]
    assert memory["peak"] - memory["after_a_quarter"] < 16
