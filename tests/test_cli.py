"""The command line: documents, exit codes, errors in one line, streams kept apart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli.app import hoist_shared_options, run
from tests.command_line import CARDS, run_for_json, run_for_lines, write_dump
from tests.conftest import REPOSITORY
from tools.errors import UsageError

# -- help, version, completion -------------------------------------------------------------------------


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from assistant.cli.app import run; code = run(sys.argv[1:]); "
        "heavy = {'chromadb', 'onnxruntime', 'numpy', 'pyarrow', 'langchain', 'langchain_core', 'langgraph',"
        " 'sqlalchemy', 'rich', 'pypdf', 'huggingface_hub'} & set(sys.modules); "
        "assert code == 0 and not heavy, heavy"
    )
    for arguments in (["--help"], ["search", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True, text=True, cwd=REPOSITORY, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_help_offers_what_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for command in (
        "ingest",
        "status",
        "list",
        "remove",
        "show",
        "search",
        "similar",
        "compare",
        "lineage",
        "recover",
        "draft",
        "audit",
        "ask",
        "results",
        "serve",
        "eval",
    ):
        assert f"\n  {command} " in out
    for later in ("versions", "cite"):
        assert f"\n  {later} " not in out


def test_no_command_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Usage: lake" in capsys.readouterr().out


def test_completion_completes_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assistant"],
        env=os.environ | {"_LAKE_COMPLETE": "complete_bash", "COMP_WORDS": "lake sim", "COMP_CWORD": "1"},
        capture_output=True, text=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["similar"]


# -- shared options ------------------------------------------------------------------------------------


def test_shared_options_stand_anywhere() -> None:
    assert hoist_shared_options(["search", "q", "--json", "--home", "d", "-k", "3"]) == [
        "--json", "--home", "d", "search", "q", "-k", "3",
    ]  # fmt: skip
    assert hoist_shared_options(["--home=d", "ask", "--", "--json"]) == ["--home=d", "ask", "--", "--json"]
    with pytest.raises(UsageError, match="--home"):
        hoist_shared_options(["status", "--home"])


def test_json_before_and_after_the_command(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    after = run_for_json(capsys, "list", "--home", str(small_home))
    assert run(["--json", "--home", str(small_home), "list"]) == 0
    assert json.loads(capsys.readouterr().out) == after


def test_home_comes_from_the_environment(
    capsys: pytest.CaptureFixture[str], small_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_HOME", str(small_home))
    assert run_for_json(capsys, "status")["models"] == len(CARDS)


# -- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serch", "x"], "serch"),
        (["search"], "QUERY"),
        (["search", " "], "QUERY"),
        (["search", "x", "-k", "many"], "many"),
        (["search", "x", "-k", "0"], "0"),
        (["search", "x", "--colour", "red"], "--colour"),
        (["search", "--batch", "/no/such/file.jsonl"], "/no/such/file.jsonl"),
        (["ingest"], "source"),
        (["ingest", "/no/such/dump.parquet"], "/no/such/dump.parquet"),
        (["show", "acme/leaflet-sumarizer-of-nothing"], "leaflet-sumarizer-of-nothing"),
        (["show", "../../etc/no-such-file"], "../../etc/no-such-file"),
        (["show", "a/b/../c"], "a/b/../c"),
        (["remove", "beta/speech-de", "nobody/nothing"], "nobody/nothing"),
        (["ask", "x", "--llm", "gpt"], "gpt"),
        (["ask", "x", "--batch", "f.jsonl"], "--batch"),
        (["ask", "--thread", "t", "--batch", "f.jsonl"], "--thread"),
        (["eval", "nonsense"], "nonsense"),
        (["eval", "ask"], "questions"),
        (["eval", "ask", "/no/such.jsonl"], "/no/such.jsonl"),
        (["start", "--question", ""], "empty"),
        (["embedder"], "command"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], small_home: Path, arguments: list[str], said: str
) -> None:
    capsys.readouterr()
    assert run(["--home", str(small_home), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err
    error = run_for_json(capsys, "--home", str(small_home), *arguments, code=2)["error"]
    assert set(error) == {"type", "message", "hint"}
    assert error["hint"]


def test_empty_lake_says_how_to_fill_it(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for arguments in (["search", "x"], ["ask", "x"], ["show", "a/b"]):
        error = run_for_json(capsys, "--home", str(home), *arguments, code=2)["error"]
        assert "empty" in error["message"]
        assert "lake ingest sample:" in error["hint"]


def test_wrong_setting_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_HOMME", "/x")
    assert run(["status"]) == 2
    err = capsys.readouterr().err
    assert "'LAKE_HOMME'" in err
    assert "LAKE_HOME" in err
    assert run(["search", "--help"]) == 0


def test_unexpected_failure_shows_no_traceback(tmp_path: Path) -> None:
    program = (
        "import sys, assistant.cli.app as app\n"
        "def fail(arguments): raise ZeroDivisionError('a\\nb')\n"
        "app.run = fail; app.main()"
    )
    for flags, traceback in (([], False), (["--debug"], True)):
        done = subprocess.run(
            [sys.executable, "-c", program, "status", *flags],
            capture_output=True, text=True, cwd=REPOSITORY, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is traceback
        assert "ZeroDivisionError" in done.stderr


def test_interrupted_is_130(
    capsys: pytest.CaptureFixture[str], small_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.lake.Lake.open", interrupt)
    assert run(["--home", str(small_home), "status"]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_reader_that_goes_away_is_no_error(small_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(small_home, tmp_path / "home")
    for flags in ([], ["--json"]):
        with subprocess.Popen(
            [sys.executable, "-m", "assistant", "--home", str(home), *flags, "list"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == ""
            assert process.wait() == 0


def test_a_batch_survives_a_line_that_breaks_the_program(
    capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: object, query: str, **__: object) -> None:
        raise ZeroDivisionError(query)

    monkeypatch.setattr("tools.search.search", answer)
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"id": 1, "query": "a"}\n{"id": 2, "query": "b"}\n', encoding="utf-8")
    lines = run_for_lines(capsys, "--home", str(small_home), "search", "--batch", str(batch), code=1)
    assert [line["id"] for line in lines] == [1, 2]
    assert all("ZeroDivisionError" in line["error"]["message"] for line in lines)


# -- the lake's contents -------------------------------------------------------------------------------


def test_ingest_counts_and_is_idempotent(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    dump = write_dump(tmp_path / "cards.jsonl")
    first = run_for_json(capsys, "--home", str(home), "ingest", str(dump))
    assert set(first) == {"added", "updated", "unchanged", "failed", "seconds"}
    assert (first["added"], first["failed"]) == (len(CARDS), [])
    again = run_for_json(capsys, "--home", str(home), "ingest", str(dump))
    assert (again["added"], again["unchanged"]) == (0, len(CARDS))


def test_partial_ingest_exits_1_and_keeps_the_rest(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    dump = write_dump(tmp_path / "cards.jsonl")
    dump.write_text(dump.read_text("utf-8") + '{"modelId": "../evil", "card": "x"}\n', encoding="utf-8")
    report = run_for_json(capsys, "--home", str(home), "ingest", str(dump), code=1)
    assert report["added"] == len(CARDS)
    [failure] = report["failed"]
    assert set(failure) == {"id", "error"}


def test_status_list_and_remove(capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path) -> None:
    home = str(shutil.copytree(small_home, tmp_path / "home"))
    status = run_for_json(capsys, "--home", home, "status")
    assert status["models"] == len(CARDS)
    assert status["embedder"]
    listed = run_for_json(capsys, "--home", home, "list")["models"]
    assert {model["model"] for model in listed} == set(CARDS)
    assert run_for_json(capsys, "--home", home, "remove", "speech-de")["removed"] == ["beta/speech-de"]
    assert run_for_json(capsys, "--home", home, "status")["removed"] == 1
    left = {model["model"] for model in run_for_json(capsys, "--home", home, "list")["models"]}
    assert left == set(CARDS) - {"beta/speech-de"}
    gone = run_for_json(capsys, "--home", home, "list", "--removed")["models"]
    assert [model["model"] for model in gone] == ["beta/speech-de"]


def test_remove_is_all_or_nothing(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    assert run(["--home", str(small_home), "remove", "beta/speech-de", "nobody/nothing"]) == 2
    assert run_for_json(capsys, "--home", str(small_home), "status")["removed"] == 0


# -- finding -------------------------------------------------------------------------------------------


def test_search_document(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    found = run_for_json(capsys, "--home", str(small_home), "search", "names of diseases", "-k", "2")
    assert found["query"] == "names of diseases"
    assert len(found["hits"]) <= 2
    best = found["hits"][0]
    assert best["model"] == "beta/disease-tagger"
    assert {"model", "score", "task", "license", "downloads", "evidence"} <= set(best)
    for item in best["evidence"]:
        assert set(item) == {"id", "kind", "source", "locator", "text", "sha256"}
        assert item["source"].startswith("beta/disease-tagger@")


def test_search_flags_are_hard_constraints(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    found = run_for_json(
        capsys, "--home", str(small_home), "search", "shorten texts", "--task", "summarization",
        "--license", "apache-2.0",
    )  # fmt: skip
    assert [hit["model"] for hit in found["hits"]] == ["acme/leaflet-summarizer"]
    given = {(item["field"], item["hard"]) for item in found["constraints"]}
    assert {("task", True), ("license", True)} <= given


def test_search_batch_keeps_order_and_reports_bad_lines(
    capsys: pytest.CaptureFixture[str], small_home: Path, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(
        '{"id": 1, "query": "diseases", "unknown": true}\n\nnot json\n{"id": "b"}\n[]\n'
        '{"id": "z", "query": "German speech"}\n',
        encoding="utf-8",
    )
    lines = run_for_lines(
        capsys, "--home", str(small_home), "search", "--batch", str(batch), "-k", "1", code=1
    )
    assert [line["id"] for line in lines] == [1, None, "b", None, "z"]
    assert [hit["model"] for hit in lines[0]["hits"]] == ["beta/disease-tagger"]
    assert set(lines[0]["hits"][0]) == {"model", "score"}
    assert all(line["error"]["message"] for line in lines[1:4])
    assert [hit["model"] for hit in lines[4]["hits"]] == ["beta/speech-de"]


def test_similar_leaves_the_model_itself_out(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    found = run_for_json(capsys, "--home", str(small_home), "similar", "contract-summarizer")
    names = [hit["model"] for hit in found["hits"]]
    assert names[0] == "acme/leaflet-summarizer"
    assert "acme/contract-summarizer" not in names


def test_show_document(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    record = run_for_json(capsys, "--home", str(small_home), "show", "beta/speech-de")
    for key in ("metadata", "sections", "results", "files", "lineage", "evidence"):
        assert key in record
    assert record["metadata"]["license"] == "mit"
    keys = {item["id"] for item in record["evidence"]}
    assert all(fact["evidence"] in keys for found in record["facts"].values() for fact in found)
    assert [row["value"] for row in record["results"] if row["metric"] == "Test WER"] == [12.5]


def test_show_reads_a_repository_on_disk(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "my-model"
    repository.mkdir()
    (repository / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n\nIt counts sheep.\n")
    (repository / "config.json").write_text('{"model_type": "bert"}')
    for target in (repository, repository / "README.md"):
        record = run_for_json(capsys, "--home", str(home), "show", str(target))
        assert record["metadata"]["license"] == "mit"
        assert record["sections"][-1]["lines"] == [4, 6]
        assert "config.json" in {file["path"] for file in record["files"]}
    assert not home.exists()
    assert run(["--home", str(home), "show", str(tmp_path / "nothing")]) == 2


def test_results_document(capsys: pytest.CaptureFixture[str], small_home: Path) -> None:
    found = run_for_json(capsys, "--home", str(small_home), "results", "--metric", "WER")
    assert set(found) == {"rows", "conflicts"}
    row = found["rows"][0]
    assert {"model", "task", "dataset", "metric", "value", "verified", "source"} <= set(row)
    assert (row["model"], row["value"], row["dataset"]) == ("beta/speech-de", 12.5, "Imagined Voices")
    assert "12.5" in row["source"]["text"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "beta/speech-de"),
        (["show", "beta/speech-de"], "beta/speech-de"),
        (["results"], "Imagined Voices"),
        (["search", "German"], "beta/speech-de"),
        (["similar", "contract-summarizer"], "acme/leaflet-summarizer"),
        (["status"], "models: 4"),
    ],
)
def test_readable_output(
    capsys: pytest.CaptureFixture[str], small_home: Path, arguments: list[str], said: str
) -> None:
    assert run(["--home", str(small_home), *arguments]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert "{" not in out
