"""Ingest: what goes in, what is reported, and what an interruption costs."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.entries import HashEmbedder, write_dump
from tools.embedding import load_embedder
from tools.errors import EmbedderError, HomeError, LakeError, SourceError, UsageError
from tools.hashing import hash_text
from tools.ingest import ingest
from tools.lake import Lake
from tools.search.summary import clean_passage
from tools.sources import SourceModel

_SHARED_SENTENCE = "Every one of these models was trained on the same two weeks of made-up weather reports."


def _row(number: int, **columns: Any) -> dict[str, Any]:
    card = (
        f"---\nlicense: mit\nbase_model: acme/model-{number - 1}\n---\n# Model {number}\n\n"
        f"Model number {number} sorts letters of complaint by their tone and by what they ask for.\n\n"
        f"{_SHARED_SENTENCE}\n"
    )
    return {"modelId": f"acme/model-{number}", "pipeline_tag": "text-classification", "card": card} | columns


def _contents(home: Path) -> dict[str, Any]:
    """All that a lake holds, without row numbers, times and the lake's own identity."""
    with sqlite3.connect(home / "catalog.sqlite") as connection:
        held: dict[str, Any] = {
            name: connection.execute(statement).fetchall()
            for name, statement in {
                "models": "SELECT model, revision, task, license, card_sha256 FROM models ORDER BY key",
                "passages": "SELECT model, position, locator, text_hash FROM passages JOIN models"
                " ON models.id = model_id ORDER BY key, position",
                "texts": "SELECT hash, text, embedded FROM texts ORDER BY hash",
                "parents": "SELECT model, name FROM parents JOIN models ON id = model_id ORDER BY model",
                "words": "SELECT count(*) FROM passages_fts",
                "cards": "SELECT sha256 FROM cards ORDER BY sha256",
            }.items()
        }
    connection.close()
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        assert lake.vectors is not None
        hashes = sorted(lake.catalog.embedded_hashes())
        held["vectors"] = (lake.vectors.count(), sorted(lake.vectors.existing(hashes)))
    return held


def test_a_dump_goes_in_once_and_stays_as_it_is(home: Path, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(70)])
    told: list[tuple[int, int | None, str]] = []
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        report = ingest(lake, [dump], progress=lambda *step: told.append(step))
        assert (report.added, report.updated, report.unchanged, report.failed) == (70, 0, 0, [])
        assert told[-1][0] == told[-1][1] == lake.status().vectors
        assert {stage for _, _, stage in told} == {"catalogue", "embed"}
        again = ingest(lake, [dump])
        assert (again.added, again.updated, again.unchanged, again.failed) == (0, 0, 70, [])
        assert lake.catalog.parents_of("acme/model-5")[0].parent == "acme/model-4"
        assert lake.status().sources[0]["complete"]
        # One vector for each distinct sentence and each summary.
        assert lake.vectors is not None
        assert lake.vectors.count() == 70 + 70 + 1
        places = lake.catalog.passages_by_hash([hash_text(_SHARED_SENTENCE)])
        assert len(places) == 70


def test_only_what_changed_is_written_and_embedded_again(home: Path, tmp_path: Path) -> None:
    rows = [_row(number) for number in range(5)]
    dump = write_dump(tmp_path / "dump.jsonl", rows)
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
        old = {passage.text_hash for passage in lake.catalog.passages_of("acme/model-3")}
        rows[3]["card"] = f"A wholly new description of a model that now counts sheep.\n\n{_SHARED_SENTENCE}"
        rows[4]["downloads"] = 77
        write_dump(tmp_path / "dump.jsonl", [*rows, _row(5)])
        embedded: list[int] = []
        report = ingest(lake, [dump], progress=lambda done, total, stage: embedded.append(total or 0))
        assert (report.added, report.updated, report.unchanged) == (1, 2, 3)
        assert embedded[-1] == 4  # the new sentence and summary of model 3, those of model 5
        stored = lake.catalog.get_model("acme/model-4")
        assert stored is not None
        assert stored.downloads == 77
        assert lake.vectors is not None
        assert lake.vectors.count() == lake.status().vectors
        gone = old - {hash_text(_SHARED_SENTENCE)}
        assert lake.vectors.existing(sorted(gone)) == set()


def test_broken_rows_and_double_ids_are_reported_and_the_rest_goes_in(home: Path, tmp_path: Path) -> None:
    rows = [
        _row(1),
        _row(1, card="Another card under the same id."),
        _row(2, modelId="../../etc/passwd"),
        _row(4),
    ]
    dump = write_dump(tmp_path / "dump.jsonl", rows)
    with (tmp_path / "dump.jsonl").open("a") as file:
        file.write("{this is no JSON\n")
    with Lake.open(home, embedder=None) as lake:
        report = ingest(lake, [dump])
        assert report.added == 2
        assert lake.catalog.model_names() == ["acme/model-1", "acme/model-4"]
        card = lake.catalog.get_card("acme/model-1")
        assert card is not None
        assert card.text == rows[0]["card"]
    doubles = [failure["id"] for failure in report.failed if "duplicate id" in failure["error"]]
    assert doubles == ["acme/model-1"]
    assert len(report.failed) == 3
    assert all("\n" not in failure["error"] for failure in report.failed)


def test_a_card_the_parser_fails_on_is_reported_and_the_rest_goes_in(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(self: SourceModel) -> Any:
        if self.record.model == "acme/model-2":
            raise IndexError("a line that\nis not there")
        return whole(self)

    whole = SourceModel.parse
    monkeypatch.setattr(SourceModel, "parse", parse)
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(4)])
    with Lake.open(home, embedder=None) as lake:
        report = ingest(lake, [dump])
    assert report.added == 3
    (failure,) = report.failed
    assert failure["id"] == "acme/model-2"
    assert "IndexError: a line that is not there" in failure["error"]


def test_two_files_with_one_arxiv_id_both_stay(home: Path, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    for name in ("first", "second"):
        (papers / f"{name}.md").write_text(
            f"# The {name} text\n\narXiv:2001.01234\n\nWhat the {name} text says is not in the other one.\n"
        )
    with Lake.open(home, embedder=None) as lake:
        assert ingest(lake, [str(papers)]).added == 2
        assert {paper.title for paper in lake.catalog.papers()} == {"The first text", "The second text"}
        assert ingest(lake, [str(papers)]).unchanged == 2


def test_an_id_in_two_sources_is_the_last_one_s(home: Path, tmp_path: Path) -> None:
    first = write_dump(tmp_path / "first.jsonl", [_row(1)])
    last = write_dump(tmp_path / "last.jsonl", [_row(1, card="What the last source says of it.")])
    with Lake.open(home, embedder=None) as lake:
        report = ingest(lake, [first, last])
        assert (report.added, report.updated) == (1, 1)
        assert lake.catalog.passages_of("acme/model-1")[0].text == "What the last source says of it."


def test_a_limit_stops_early(home: Path, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(9)])
    with Lake.open(home, embedder=None) as lake:
        assert ingest(lake, [dump], limit=4).added == 4
        assert ingest(lake, [dump]).added == 5


def test_sources_that_cannot_be_read(home: Path, tmp_path: Path) -> None:
    good = write_dump(tmp_path / "good.jsonl", [_row(1)])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and then the disk was full")
    with Lake.open(home, embedder=None) as lake:
        with pytest.raises(LakeError, match="nowhere"):
            ingest(lake, [good, str(tmp_path / "nowhere.jsonl")])
        assert lake.status().models == 0
        with pytest.raises((SourceError, UsageError)):
            ingest(lake, [str(broken)])


_INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from tests.entries import HashEmbedder
from tools.ingest import ingest
from tools.lake import Lake

home, dump, stage, count = sys.argv[1:]

def die(done, total, now):
    if now == stage and done >= int(count):
        os.kill(os.getpid(), signal.SIGKILL)

with Lake.open(Path(home), embedder=HashEmbedder()) as lake:
    ingest(lake, [dump], progress=die)
"""


@pytest.fixture(scope="module")
def clean_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """A dump of 140 models and all that an undisturbed ingest makes of it."""
    folder = tmp_path_factory.mktemp("clean")
    dump = write_dump(folder / "dump.jsonl", [_row(number) for number in range(140)])
    with Lake.open(folder / "home", embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
    return dump, _contents(folder / "home")


@pytest.mark.parametrize(
    ("stage", "count"), [("catalogue", 64), ("catalogue", 140), ("embed", 1), ("embed", 281)]
)
def test_after_kill_9_the_next_run_makes_what_a_clean_run_makes(
    home: Path, clean_run: tuple[str, dict[str, Any]], stage: str, count: int
) -> None:
    dump, expected = clean_run
    killed = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, str(home), dump, stage, str(count)],
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        status = lake.status()
        assert status.models >= (count if stage == "catalogue" else 140)
        assert status.sources[0]["complete"] is (stage == "embed")
        report = ingest(lake, [dump])
        assert report.unchanged == status.models
        assert report.added == 140 - status.models
    assert _contents(home) == expected


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(home: Path, tmp_path: Path) -> None:
    """The process dies at six moments nobody chose; each time another run carries on."""
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(600)])
    script = _INTERRUPTED.replace("def die(done, total, now):", "def die(done, total, now):\n    return")
    models = vectors = 0
    for wait in (0.9, 1.1, 1.3, 1.6, 2.0, 2.5):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(home), dump, "", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(wait)
        process.kill()
        process.wait()
        with Lake.open(home, embedder=HashEmbedder()) as lake:
            status = lake.status()
            assert status.models >= models
            assert status.vectors >= vectors
            models, vectors = status.models, status.vectors
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
        assert lake.status().models == 600
        assert lake.catalog.count_pending() == 0
        assert lake.vectors is not None
        assert lake.vectors.count() == lake.status().vectors == 1201


def test_without_an_embedder_the_lake_is_lexical_until_one_comes(home: Path, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(1)])
    with Lake.open(home, embedder=None) as lake:
        assert lake.vectors is None
        assert ingest(lake, [dump]).added == 1
        assert lake.catalog.match_models(["complaint"], limit=3)
        assert (lake.status().vectors, lake.status().embedder) == (0, None)
        with pytest.raises(EmbedderError):
            lake.re_embed()
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        assert ingest(lake, [dump]).unchanged == 1
        assert lake.status().vectors == 3
        assert lake.status().embedder == "hash@1"


def test_another_embedder_is_refused_until_all_is_embedded_anew(home: Path, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(3)])
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
    other = HashEmbedder(name="hash@2", dimension=24)
    with pytest.raises(EmbedderError, match="hash@1") as refused:
        Lake.open(home, embedder=other)
    assert "lake ingest --re-embed" in refused.value.hint
    with Lake.open(home, embedder=None) as lake:
        assert lake.status().embedder == "hash@1"
    with Lake.open(home, embedder=other, accept_embedder=True) as lake:
        assert lake.re_embed() == 7
    with Lake.open(home, embedder=other) as lake:
        assert lake.vectors is not None
        assert lake.vectors.count() == 7
        passage = lake.catalog.passages_of("acme/model-1")[0]
        (found, *_) = lake.vectors.query(other.embed([clean_passage(passage.text)])[0], 1)
        assert found[0] == passage.text_hash
    with pytest.raises(EmbedderError, match="hash@2"):
        Lake.open(home, embedder=HashEmbedder())


@pytest.mark.parametrize("damage", ["deleted", "half-written"])
def test_a_lost_or_damaged_index_is_made_again_by_the_next_ingest(
    home: Path, tmp_path: Path, damage: str
) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(4)])
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
    for file in (home / "chroma").rglob("*"):
        if file.is_file() and damage == "deleted":
            file.unlink()
        elif file.is_file():
            file.write_bytes(file.read_bytes()[:100])
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
        assert lake.vectors is not None
        assert lake.vectors.count() == lake.status().vectors == 9
        vector = HashEmbedder().embed([clean_passage(_SHARED_SENTENCE)])[0]
        assert lake.vectors.query(vector, 1)[0][0] == hash_text(_SHARED_SENTENCE)


def test_a_removed_model_takes_its_vectors_along(home: Path, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(3)])
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        ingest(lake, [dump])
        assert lake.vectors is not None
        before = lake.vectors.count()
        lake.remove_model("acme/model-2")
        assert lake.vectors.count() == lake.status().vectors == before - 2
        assert ingest(lake, [dump]).added == 1
        assert lake.vectors.count() == before


def test_a_full_disk_during_ingest_is_one_line_and_the_next_run_carries_on(
    home: Path, tmp_path: Path
) -> None:
    """A file-size limit stands in for the disk: SQLite and Chroma cannot grow their files beyond it."""
    dump = write_dump(tmp_path / "dump.jsonl", [_row(number) for number in range(300)])
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from tests.entries import HashEmbedder; from tools.errors import HomeError\n"
        "from tools.ingest import ingest; from tools.lake import Lake\n"
        "with Lake.open(Path(sys.argv[1]), embedder=HashEmbedder()) as lake:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))\n"
        "    try: ingest(lake, [sys.argv[2]])\n"
        "    except HomeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(home), dump], capture_output=True, text=True)
    assert done.stdout.count("\n") == 1, done.stderr
    assert "run the same command again" in done.stdout
    with Lake.open(home, embedder=HashEmbedder()) as lake:
        held = lake.status().models
        assert 0 < held < 300
        assert ingest(lake, [dump]).unchanged == held
        assert lake.status().models == 300
        assert lake.catalog.count_pending() == 0


def test_a_lake_that_cannot_be_opened_lets_its_lock_go(home: Path) -> None:
    Lake.open(home, embedder=None).close()
    (home / "catalog.sqlite").write_bytes(b"no database at all" * 100)
    for _ in range(2):
        with pytest.raises(HomeError, match="damaged"):
            Lake.open(home, embedder=None)


def test_the_real_embedder_finds_what_is_meant(home: Path, tmp_path: Path) -> None:
    rows = [
        {"modelId": "acme/a", "card": "Turns recordings of people talking into written text."},
        {"modelId": "acme/b", "card": "Shortens long contracts so that anyone can understand them."},
    ]
    embedder = load_embedder()
    with Lake.open(home, embedder=embedder) as lake:
        ingest(lake, [write_dump(tmp_path / "dump.jsonl", rows)])
        assert lake.vectors is not None
        found = lake.vectors.query(embedder.embed(["summarising legal documents for lay people"])[0], 2)
        owners = {row.owner for row in lake.catalog.passages_by_hash([found[0][0]])}
        owners |= set(lake.catalog.models_by_summary([found[0][0]]).get(found[0][0], ()))
        assert owners == {"acme/b"}
    assert json.loads((home / "lake.json").read_text())["schema_version"] == 1


@pytest.mark.slow
def test_the_real_cards_go_in_whole(home: Path, real_lake: Path) -> None:
    dump = str(real_lake / "model_cards_with_metadata.parquet")
    with Lake.open(home, embedder=None) as lake:
        report = ingest(lake, [dump])
        assert report.added == 956
        assert report.failed == []
        again = ingest(lake, [dump])
        assert again.unchanged == 956
        assert again.seconds < 5
        for passage in lake.catalog.iter_all_passages():
            card = lake.catalog.get_card(passage.owner)
            assert card is not None
            assert passage.text in card.text
