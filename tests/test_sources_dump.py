"""Dumps: what a row becomes, and what becomes of files and rows that are not what they claim to be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tools.errors import SourceError, UsageError
from tools.sources import SourceFailure, SourceItem, SourceModel, open_source

CARD = "---\nlicense: MIT\nlanguage: [en, DE]\ndatasets: squad\ntags: [qa]\n---\n# Reader\n\nReads a text.\n"


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_bytes(b"".join(row if isinstance(row, bytes) else _line(row) for row in rows))
    return path


def _line(row: Any) -> bytes:
    return json.dumps(row).encode() + b"\n"


def write_parquet(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, **options)
    return path


def read(path: Path) -> list[SourceItem]:
    return list(open_source(str(path)))


def models(items: list[SourceItem]) -> list[SourceModel]:
    return [item for item in items if isinstance(item, SourceModel)]


def failures(items: list[SourceItem]) -> list[SourceFailure]:
    return [item for item in items if isinstance(item, SourceFailure)]


ROW: dict[str, Any] = {
    "modelId": "acme/reader-110M",
    "author": "acme",
    "last_modified": datetime(2023, 5, 1, 12, tzinfo=UTC),
    "downloads": 2174613,
    "likes": 7,
    "library_name": "Hugging Face Transformers",
    "tags": ["pytorch"],
    "pipeline_tag": "question-answering",
    "createdAt": None,
    "card": CARD,
}


def test_parquet_row_becomes_a_record(tmp_path: Path) -> None:
    source = open_source(str(write_parquet(tmp_path / "dump.parquet", [ROW])))
    assert source.total == 1
    (model,) = models(list(source))
    record = model.record
    assert model.card_text == CARD
    assert (record.model, record.author, record.task) == ("acme/reader-110M", "acme", "question-answering")
    assert (record.library, record.license, record.languages) == ("transformers", "mit", ("en", "de"))
    assert (record.datasets, record.tags) == (("squad",), ("pytorch", "qa"))
    assert (record.downloads, record.likes, record.parameters) == (2174613, 7, 110_000_000)
    assert record.last_modified == "2023-05-01T12:00:00+00:00"
    assert record.created_at is None
    assert record.revision == record.card_sha256[:12]
    # One key a line, so that a line can be quoted as evidence; the raw library name stays.
    assert '"downloads": 2174613,' in record.record_json.split("\n")
    assert json.loads(record.record_json)["library_name"] == "Hugging Face Transformers"
    complete, card = model.parse()
    assert complete.title == "Reader"
    assert card.text == CARD


def test_json_lines_give_the_same_record_as_parquet(tmp_path: Path) -> None:
    row = {**ROW, "last_modified": "2023-05-01T12:00:00+00:00"}
    (from_lines,) = models(read(write_jsonl(tmp_path / "dump.jsonl", [row])))
    (from_parquet,) = models(read(write_parquet(tmp_path / "dump.parquet", [ROW])))
    assert from_lines == from_parquet


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    rows = [{"modelId": "gpt2", "card": "# GPT-2\n"}]
    for path in (write_parquet(tmp_path / "a.parquet", rows), write_jsonl(tmp_path / "a.jsonl", rows)):
        (model,) = models(read(path))
        assert (model.record.model, model.record.author, model.record.downloads) == ("gpt2", None, None)


def test_zero_downloads_and_nan_mean_unknown(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl"
    path.write_text(
        '{"modelId": "a/b", "card": "", "downloads": 0, "likes": NaN, "tags": [null, NaN, "x"]}\n'
    )
    (model,) = models(read(path))
    assert model.record.downloads is None
    assert model.record.likes is None
    assert model.record.tags == ("x",)
    assert json.loads(model.record.record_json)["likes"] is None


def test_wrong_columns_are_listed(tmp_path: Path) -> None:
    rows = [{"id": "a/b", "text": "x"}]
    for path in (write_parquet(tmp_path / "w.parquet", rows), write_jsonl(tmp_path / "w.jsonl", rows)):
        with pytest.raises(
            SourceError, match="lacks the columns modelId and card; it has: id, text"
        ) as caught:
            open_source(str(path))
        assert "modelId and card" in caught.value.hint


def test_empty_dumps(tmp_path: Path) -> None:
    table = pa.table({"modelId": pa.array([], pa.string()), "card": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "e.parquet")
    (tmp_path / "e.jsonl").write_text("\n\n")
    (tmp_path / "zero.jsonl").write_bytes(b"")
    for name in ("e.parquet", "e.jsonl", "zero.jsonl"):
        with pytest.raises(SourceError, match="holds no rows"):
            open_source(str(tmp_path / name))
    (tmp_path / "zero.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match="empty file"):
        open_source(str(tmp_path / "zero.parquet"))


def test_half_written_parquet(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / "whole.parquet", [ROW] * 50).read_bytes()
    half = tmp_path / "half.parquet"
    for size in (5, len(whole) // 2, len(whole) - 1):
        half.write_bytes(whole[:size])
        with pytest.raises(SourceError, match="breaks off"):
            open_source(str(half))


def test_parquet_with_a_damaged_footer(tmp_path: Path) -> None:
    whole = bytearray(write_parquet(tmp_path / "whole.parquet", [ROW]).read_bytes())
    whole[-60:-8] = b"\xff" * 52
    (tmp_path / "bad.parquet").write_bytes(whole)
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(str(tmp_path / "bad.parquet"))


def test_damaged_row_group_costs_only_its_rows(tmp_path: Path) -> None:
    rows = [{"modelId": f"a/m{n}", "card": f"card {n} " + "x" * 500} for n in range(30)]
    path = write_parquet(
        tmp_path / "d.parquet", rows, row_group_size=10, compression="zstd", use_dictionary=False
    )
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    start, size = chunk.data_page_offset, chunk.total_compressed_size
    data[start : start + size] = b"\xa5" * size
    path.write_bytes(data)
    items = read(path)
    assert [model.record.model for model in models(items)] == [
        f"a/m{n}" for n in (*range(10), *range(20, 30))
    ]
    (failure,) = failures(items)
    assert failure.id == "rows 11 to 20"
    assert "damaged" in failure.error


def test_foreign_files(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    for name, said in (
        ("p.parquet", "not a Parquet file"),
        ("p.jsonl", "not JSON Lines"),
        ("p.bin", "nothing a lake can read"),
    ):
        (tmp_path / name).write_bytes(png)
        with pytest.raises(SourceError, match=said):
            open_source(str(tmp_path / name))
    (tmp_path / "array.json").write_text('[{"modelId": "a/b", "card": "x"}]')
    with pytest.raises(SourceError, match="a JSON list, not an object") as caught:
        open_source(str(tmp_path / "array.json"))
    assert "one JSON object a line" in caught.value.hint


def test_broken_rows_are_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = {"modelId": "a/good", "card": "fine"}
    rows: list[tuple[Any, str, str]] = [
        (b"{not json}\n", "line 2", "not JSON"),
        (b"\xff\xfe{}\n", "line 3", "not UTF-8"),
        ([1], "line 4", "a JSON list"),
        (b"[" * 100_000 + b"\n", "line 5", "not JSON"),
        ({"modelId": "a/n", "card": 7}, "a/n", "the card is int, not text"),
        ({"modelId": "a/none", "card": None}, "a/none", "the card is missing"),
        ({"modelId": "a/nul", "card": "x\x00y"}, "a/nul", "NUL"),
        ({"modelId": "a/bin", "card": "\x01\x02\x03\x04\x05" * 50}, "a/bin", "control characters"),
        ({"modelId": "a/half", "card": "half \ud83d"}, "a/half", "surrogate"),
        ({"modelId": "a/tag", "card": "x", "tags": ["\udc00"]}, "a/tag", "surrogate"),
        ({"modelId": "../../etc/passwd", "card": "x"}, "../../etc/passwd", "no name but a path"),
        ({"modelId": "a/../b", "card": "x"}, "a/../b", "no name but a path"),
        ({"modelId": "/abs", "card": "x"}, "/abs", "no name but a path"),
        ({"modelId": "a\\..\\b", "card": "x"}, "a\\..\\b", "back slash"),
        ({"modelId": "a/b@main", "card": "x"}, "a/b@main", "'@'"),
        ({"modelId": "", "card": "x"}, "line 17", "the id is empty"),
        ({"modelId": "x" * 201, "card": "x"}, "x" * 80 + "…", "201 characters"),
        ({"modelId": "a/\x1b[31mred", "card": "x"}, "a/\ufffd[31mred", "control characters"),
        ({"modelId": "a/\u202eb", "card": "x"}, "a/\ufffdb", "control characters"),
        ({"modelId": 5, "card": "x"}, "line 21", "of type int"),
        ({"card": "x"}, "line 22", "the id is missing"),
    ]
    path = write_jsonl(
        tmp_path / "d.jsonl", [good, *(row for row, _, _ in rows), {**good, "modelId": "a/last"}]
    )
    items = read(path)
    assert [model.record.model for model in models(items)] == ["a/good", "a/last"]
    found = failures(items)
    assert [failure.id for failure in found] == [name for _, name, _ in rows]
    for failure, (_, _, said) in zip(found, rows, strict=True):
        assert said in failure.error


def test_one_row_of_bad_utf8_in_parquet(tmp_path: Path) -> None:
    ids = pa.array([b"a/one", b"a/two"]).cast(pa.binary())
    cards = pa.array([b"\xff\xfe broken", b"good"])
    text = pa.Array.from_buffers(pa.string(), 2, cards.buffers())
    pq.write_table(pa.table({"modelId": ids.cast(pa.string()), "card": text}), tmp_path / "u.parquet")
    items = read(tmp_path / "u.parquet")
    assert [model.record.model for model in models(items)] == ["a/two"]
    assert "not UTF-8 text (byte 1)" in failures(items)[0].error


def test_large_cards(tmp_path: Path) -> None:
    sizes = {"a/ten": 10 * 2**20, "a/limit": 16 * 2**20, "a/more": 16 * 2**20 + 1}
    path = write_parquet(tmp_path / "l.parquet", [{"modelId": k, "card": "x" * n} for k, n in sizes.items()])
    items = read(path)
    assert [model.record.model for model in models(items)] == ["a/ten", "a/limit"]
    assert "at most 16,777,216" in failures(items)[0].error


def test_line_without_end_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with path.open("wb") as file:
        file.write(_line({"modelId": "a/one", "card": "x"}))
        file.writelines([b"y" * 2**20] * 66)
        file.write(b"\n" + _line({"modelId": "a/two", "card": "x"}))
    items = read(path)
    assert [model.record.model for model in models(items)] == ["a/one", "a/two"]
    assert failures(items)[0].error.startswith("line 2: longer than")


def test_duplicate_ids_are_passed_through(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "d.jsonl", [{"modelId": "a/b", "card": "1"}, {"modelId": "A/B", "card": "2"}]
    )
    assert [model.record.model for model in models(read(path))] == ["a/b", "A/B"]


def test_times_that_python_cannot_hold_are_unknown(tmp_path: Path) -> None:
    far = pa.array([2**62, 1_682_942_400_123_456_789], pa.int64()).cast(pa.timestamp("us"))
    exact = pa.array([None, 1_682_942_400_123_456_789], pa.timestamp("ns"))
    table = pa.table(
        {"modelId": ["a/b", "a/c"], "card": ["x", "y"], "last_modified": far, "createdAt": exact}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    first, second = models(read(tmp_path / "t.parquet"))
    assert first.record.last_modified is None
    assert first.record.created_at is None
    assert second.record.created_at == "2023-05-01T12:00:00.123456+00:00"


def test_front_matter_in_any_shape(tmp_path: Path) -> None:
    card = (
        "---\nlicense: [Apache-2.0, bsd-3-clause]\nlanguage:\n- EN\n- false\n- {code: fr}\n- null\n"
        "datasets:\n- {name: SQuAD, type: squad}\n- glue\n- [x]\ntags: null\n---\n"
    )
    row = {"modelId": "a/b", "card": card, "tags": ["dataset:other", "license:mit"], "downloads": "1,200"}
    (model,) = models(read(write_jsonl(tmp_path / "d.jsonl", [row])))
    record = model.record
    assert record.license == "apache-2.0, bsd-3-clause"
    assert record.languages == ("en", "no", "fr")
    assert record.datasets == ("SQuAD", "glue", "x")
    assert record.downloads == 1200


def test_tags_of_the_hub_stand_in(tmp_path: Path) -> None:
    tags = ["transformers", "sentence-transformers", "dataset:squad", "license:mit"]
    (model,) = models(
        read(write_jsonl(tmp_path / "d.jsonl", [{"modelId": "a/b", "card": "x", "tags": tags}]))
    )
    assert (model.record.license, model.record.datasets) == ("mit", ("squad",))
    assert model.record.library == "sentence-transformers"


def test_a_commit_in_the_dump_is_the_revision(tmp_path: Path) -> None:
    rows = [
        {"modelId": "a/b", "card": "x", "sha": "0" * 39 + "1"},
        {"modelId": "a/c", "card": "x", "sha": "main"},
    ]
    first, second = models(read(write_jsonl(tmp_path / "d.jsonl", rows)))
    assert first.record.revision == "0" * 39 + "1"
    assert second.record.revision == second.record.card_sha256[:12]


@pytest.mark.parametrize("spec", ["arxiv:2403.02327"])
def test_what_comes_later_says_what_to_do_now(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(spec)
    assert repr(spec) in caught.value.message
    assert "give" in caught.value.hint


def test_missing_path_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "cards.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match="There is no file or folder") as caught:
        open_source(str(tmp_path / "card.parquet"))
    assert "cards.parquet" in caught.value.hint
    with pytest.raises(UsageError, match="does not exist either"):
        open_source(str(tmp_path / "no" / "where.parquet"))


@pytest.mark.parametrize("spec", ["", "  ", "a\x00b"])
def test_nothing_is_no_source(spec: str) -> None:
    with pytest.raises(UsageError, match="names no source"):
        open_source(spec)


def test_folders_that_are_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="neither model repositories nor papers"):
        open_source(str(tmp_path))
    (tmp_path / "inner.parquet").mkdir()
    with pytest.raises(SourceError, match="neither"):
        open_source(str(tmp_path / "inner.parquet"))
    write_parquet(tmp_path / "dump.parquet", [ROW])
    with pytest.raises(SourceError, match="folder of dumps") as caught:
        open_source(str(tmp_path))
    assert "dump.parquet" in caught.value.hint


def test_real_dump(real_lake: Path) -> None:
    source = open_source(str(real_lake / "model_cards_with_metadata.parquet"))
    items = list(source)
    assert source.total == len(items) == len(models(items))
    records = [model.record for model in models(items)]
    assert all(record.downloads != 0 for record in records)
    assert sum(record.license is not None for record in records) > 250
    for record in records:
        assert "NaN" not in record.record_json
        assert json.loads(record.record_json)["modelId"] == record.model
