"""The home: made, owned, refused, upgraded."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools import home as homes
from tools.errors import HomeBusyError, HomeError
from tools.home import explain_os_error, open_home

_HOLD = """
import sys, time
from pathlib import Path
from tools.home import open_home
home = open_home(Path(sys.argv[1]), command="ingest big.parquet")
print("held", flush=True)
time.sleep(60)
"""


def _hold(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _write_manifest(path: Path, **values: object) -> None:
    path.mkdir()
    manifest = {"format": "model-lake", "schema_version": 1, "lake_id": "abc"} | values
    (path / homes.MANIFEST_NAME).write_text(json.dumps(manifest))


def test_a_home_is_made_on_first_use_and_keeps_its_identity(home: Path) -> None:
    with open_home(home / "deep") as first:
        identity = first.lake_id
    with open_home(home / "deep") as second:
        assert second.lake_id == identity
        assert second.schema_version == homes.SCHEMA_VERSION


def test_a_second_process_is_told_who_holds_the_home_and_enters_after_kill_9(home: Path) -> None:
    holder = _hold(home)
    try:
        with pytest.raises(HomeBusyError) as refused:
            open_home(home, wait=0.2)
        said = str(refused.value)
        assert str(holder.pid) in said
        assert "ingest big.parquet" in said
        assert "\n" not in said
        assert refused.value.hint
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()
    open_home(home, wait=0.5).close()


def test_the_same_process_cannot_open_a_home_twice(home: Path) -> None:
    with open_home(home), pytest.raises(HomeBusyError, match=str(os.getpid())):
        open_home(home, wait=0)
    open_home(home, wait=0).close()


def test_a_waiting_process_gets_in_when_the_holder_leaves(home: Path) -> None:
    holder = _hold(home)
    with pytest.raises(HomeBusyError):
        open_home(home, wait=0)
    holder.terminate()
    open_home(home, wait=5).close()
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


def test_a_foreign_folder_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(HomeError, match=r"thesis\.tex"):
        open_home(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_a_home_is_refused(tmp_path: Path, below: str) -> None:
    file = tmp_path / "home"
    file.write_text("not a folder")
    with pytest.raises(HomeError, match="is a file"):
        open_home(file / below)


def test_a_newer_home_is_refused_with_both_versions(home: Path) -> None:
    _write_manifest(home, schema_version=homes.SCHEMA_VERSION + 7)
    with pytest.raises(HomeError, match=f"schema version {homes.SCHEMA_VERSION + 7}") as refused:
        open_home(home)
    assert "Upgrade" in refused.value.hint
    with pytest.raises(HomeError, match="schema version"):  # and not "in use": the lock was let go
        open_home(home, wait=0)


def test_an_older_home_is_upgraded_step_by_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(homes, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(
        homes,
        "MIGRATIONS",
        {1: lambda path: steps.append(f"1 {path.name}"), 2: lambda path: steps.append(f"2 {path.name}")},
    )
    _write_manifest(home)
    with open_home(home) as upgraded:
        assert upgraded.schema_version == 3
        assert upgraded.lake_id == "abc"
    assert steps == ["1 home", "2 home"]
    open_home(home).close()
    assert len(steps) == 2


def test_an_upgrade_that_fails_half_way_goes_on_from_the_last_whole_step(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    steps: list[int] = []
    monkeypatch.setattr(homes, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(homes, "MIGRATIONS", {1: lambda path: steps.append(1), 2: fail})
    _write_manifest(home)
    with pytest.raises(HomeError, match="full"):
        open_home(home)
    monkeypatch.setitem(homes.MIGRATIONS, 2, lambda path: steps.append(2))
    open_home(home).close()
    assert steps == [1, 2]


def test_a_home_too_old_to_upgrade_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(homes, "MIGRATIONS", {})
    _write_manifest(home)
    with pytest.raises(HomeError, match="too old") as refused:
        open_home(home)
    assert "ingest" in refused.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other", "schema_version": 1, "lake_id": "x"}'])
def test_a_damaged_manifest_is_refused(home: Path, text: str) -> None:
    home.mkdir()
    (home / homes.MANIFEST_NAME).write_text(text)
    with pytest.raises(HomeError, match="manifest"):
        open_home(home)


@pytest.mark.parametrize(
    ("code", "word"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "written"), (errno.EACCES, "written"), (errno.EIO, "used")],
)
def test_what_the_system_says_becomes_one_line_with_a_next_step(tmp_path: Path, code: int, word: str) -> None:
    said = explain_os_error(OSError(code, os.strerror(code)), tmp_path)
    assert word in said.message
    assert str(tmp_path) in said.message
    assert said.hint
    assert "\n" not in str(said)


def test_a_full_disk_while_a_home_is_made_is_one_clear_error(home: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from tools.home import open_home; from tools.errors import HomeError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))\n"
        "try: open_home(Path(sys.argv[1]))\n"
        "except HomeError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)], capture_output=True, text=True, check=True
    )
    assert "is full" in done.stdout
    open_home(home).close()  # the beginnings of a home are no foreign folder
