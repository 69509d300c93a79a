"""The SQLite catalog: what is put in comes back whole, is found, is replaced, and leaves no remains."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.entries import Entry, make_entry
from tools.catalog import schema
from tools.catalog.derivation import Row
from tools.catalog.records import FileRow
from tools.catalog.repository import Catalog
from tools.catalog.sqlite import SqliteCatalog
from tools.errors import HomeError, UnknownModelError
from tools.hashing import hash_text

CARD = """---
license: apache-2.0
language: de
model-index:
- name: tiny-speech
  results:
  - task:
      type: automatic-speech-recognition
    dataset:
      name: Common Voice de
      type: common_voice
      config: de
    metrics:
    - type: wer
      value: 12.5
      name: Test WER
---
# Tiny speech

This model transcribes German speech from telephone calls into plain written text.

## Training

It was trained for three days on two machines with recordings of weather reports.

```python
load("acme/tiny-speech")
```
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqliteCatalog]:
    opened = SqliteCatalog(tmp_path / "catalog.sqlite")
    yield opened
    opened.close()


def _put(catalog: SqliteCatalog, *entries: Entry, source: str = "a.parquet") -> list[str]:
    return list(catalog.put_models(entries, source=source))


def _rows(catalog: SqliteCatalog) -> dict[str, int]:
    """How many rows each table holds."""
    with sqlite3.connect(catalog.path) as connection:
        names = [*schema.metadata.tables, "passages_fts", "models_fts"]
        counted = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    connection.close()
    return counted


def test_it_implements_the_repository(catalog: SqliteCatalog) -> None:
    as_interface: Catalog = catalog
    assert as_interface.model_names() == []
    assert catalog.status().models == 0


def test_a_model_comes_back_as_it_was_put(catalog: SqliteCatalog) -> None:
    entry = make_entry(
        "Acme/Tiny-Speech",
        CARD,
        author="Acme",
        task="automatic-speech-recognition",
        license="apache-2.0",
        languages=("de",),
        datasets=("common_voice",),
        tags=("speech", "arxiv:2001.01234"),
        downloads=12,
        parameters=3_000_000_000,
        title="Tiny speech",
        files=[FileRow("README.md", 100, "ab"), FileRow("model.safetensors", 10**12)],
    )
    assert _put(catalog, entry) == ["added"]
    record, card, files = entry
    assert catalog.get_model("acme/tiny-speech") == record
    stored = catalog.get_card("ACME/tiny-speech")
    assert stored == card
    assert stored is not None
    assert stored.text == CARD
    assert catalog.get_files("Acme/Tiny-Speech") == list(files)
    assert catalog.revisions_of("acme/tiny-speech") == [record.revision]
    passages = catalog.passages_of("acme/tiny-speech")
    assert [p.text for p in passages] == [p.text for p in card.passages]
    for stored_passage, parsed in zip(passages, card.passages, strict=True):
        assert stored_passage.owner == "Acme/Tiny-Speech"
        assert stored_passage.source == record.source
        assert stored_passage.locator == f"README.md#{parsed.lines}"
        assert stored_passage.sha256 == card.sha256 == hash_text(CARD)
        assert stored_passage.text_hash == hash_text(parsed.text)
        assert stored_passage.section == parsed.section
    assert [passage.id for passage in catalog.iter_all_passages()] == [passage.id for passage in passages]
    assert catalog.get_passages([passages[1].id, 999, passages[0].id]) == [passages[1], passages[0]]


def test_unchanged_updated_and_case(catalog: SqliteCatalog) -> None:
    entry = make_entry("acme/one", CARD)
    assert _put(catalog, entry) == ["added"]
    before = _rows(catalog)
    assert catalog.unchanged_models([entry[0]]) == {"acme/one"}
    assert _put(catalog, entry) == ["unchanged"]
    assert _rows(catalog) == before
    changed = make_entry("acme/one", CARD + "\nOne more sentence that nobody had written there before.\n")
    assert catalog.unchanged_models([changed[0]]) == set()
    assert _put(catalog, changed) == ["updated"]
    assert catalog.revisions_of("ACME/One") == [changed[0].revision, entry[0].revision]
    other_record = make_entry("acme/one", changed[1].text, downloads=5)
    assert _put(catalog, other_record) == ["updated"]
    assert _put(catalog, other_record, _at_main(entry)) == ["unchanged", "updated"]


def test_ids_that_differ_in_case_only_are_two_models(catalog: SqliteCatalog) -> None:
    one = make_entry("acme/one", CARD)
    other = make_entry("Acme/ONE", CARD + "\nAnother card under this id.\n")
    assert _put(catalog, one, other) == ["added", "added"]
    for name, entry in (("acme/one", one), ("Acme/ONE", other), ("ACME/one", other)):
        record = catalog.get_model(name)
        assert record is not None
        assert record.card_sha256 == entry[0].card_sha256, name
    assert set(catalog.get_models(["acme/one", "Acme/ONE"])) == {"acme/one", "Acme/ONE"}


def _at_main(entry: Entry) -> Entry:
    record, card, files = entry
    return replace(record, revision="main"), card, files


def test_an_update_leaves_nothing_of_the_former_card(catalog: SqliteCatalog) -> None:
    _put(catalog, make_entry("acme/one", CARD, tags=("speech",)))
    hashes = [text_hash for text_hash, _ in catalog.pending_embeddings(limit=10)]
    catalog.mark_embedded(hashes)
    _put(catalog, make_entry("acme/one", "Now something else entirely stands in this very short card."))
    assert catalog.match_passages(["telephone", "weather"], limit=5) == []
    assert catalog.match_models(["telephone", "speech"], limit=5) == []
    assert catalog.results() == []
    assert catalog.passages_by_hash(hashes) == []
    assert set(catalog.stale_vectors(limit=10)) == set(hashes)
    catalog.forget_stale_vectors(hashes)
    rows = _rows(catalog)
    assert rows["cards"] == rows["passages"] == rows["passages_fts"] == rows["models_fts"] == 1
    assert rows["texts"] == 2  # the passage and the model's summary
    assert rows["stale_vectors"] == 0


def test_a_removed_model_leaves_a_tombstone_and_can_come_back(catalog: SqliteCatalog) -> None:
    parent = make_entry("acme/parent", CARD)
    child = make_entry(
        "acme/child", "---\nbase_model: acme/parent\n---\nA child of its parent, tuned further.\n"
    )
    _put(catalog, parent, child)
    catalog.remove_model("ACME/parent")
    tombstone = catalog.get_model("acme/parent")
    assert tombstone is not None
    assert tombstone.removed
    assert catalog.get_card("acme/parent") is None
    assert catalog.passages_of("acme/parent") == []
    assert catalog.model_names() == ["acme/child"]
    assert [record.model for record in catalog.list_models(removed=True)] == ["acme/parent"]
    (edge,) = catalog.children_of("acme/parent")
    assert (edge.child, edge.parent, edge.in_lake) == ("acme/child", "acme/parent", False)
    assert catalog.status().removed == 1
    with pytest.raises(UnknownModelError):
        catalog.remove_model("acme/parent")
    with pytest.raises(UnknownModelError):
        catalog.remove_model("acme/nobody")
    assert catalog.unchanged_models([parent[0]]) == set()
    assert _put(catalog, parent) == ["added"]
    assert catalog.get_card("acme/parent") == parent[1]
    assert catalog.parents_of("acme/child")[0].in_lake


def test_the_last_of_two_equal_ids_in_a_batch_stays(catalog: SqliteCatalog) -> None:
    first, last = (
        make_entry("acme/one", "The first text of it."),
        make_entry("acme/one", "The last text of it."),
    )
    assert _put(catalog, first, last) == ["added", "updated"]
    assert [passage.text for passage in catalog.passages_of("acme/one")] == ["The last text of it."]


def test_a_batch_that_fails_leaves_nothing(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> Row:
        raise ValueError("broken")

    monkeypatch.setattr("tools.catalog.derivation.full_text_row", fail)
    with pytest.raises(ValueError, match="broken"):
        _put(catalog, make_entry("acme/one", CARD))
    assert not any(_rows(catalog).values())


@pytest.mark.parametrize(
    "text",
    ["NUL \x00 inside a line of text", "a lone \ud800 surrogate in a line of text", "🤗 naïve ﬁne  text", ""],
)
def test_any_text_is_kept_verbatim(catalog: SqliteCatalog, text: str) -> None:
    entry = make_entry("acme/odd", text, tags=(text,), author=text or None)
    _put(catalog, entry)
    card = catalog.get_card("acme/odd")
    assert card is not None
    assert card.text == text
    assert catalog.get_model("acme/odd") == entry[0]
    for passage in catalog.passages_of("acme/odd"):
        assert passage.text in text


def test_numbers_sqlite_cannot_hold_are_unknown(catalog: SqliteCatalog) -> None:
    _put(catalog, make_entry("acme/big", "text", downloads=10**40, parameters=-(10**30)))
    stored = catalog.get_model("acme/big")
    assert stored is not None
    assert (stored.downloads, stored.parameters) == (None, None)


def test_equal_texts_wait_for_one_vector(catalog: SqliteCatalog) -> None:
    shared = "This very sentence stands in two cards, so that it needs only one vector."
    _put(catalog, make_entry("acme/one", shared), make_entry("acme/two", f"Short.\n\n{shared}"))
    pending = catalog.pending_embeddings(limit=10)
    assert [text for _, text in pending].count(shared) == 1
    assert catalog.count_pending() == 3  # the sentence and two summaries
    assert [len(text) for _, text in pending] == sorted(len(text) for _, text in pending)
    assert [passage.owner for passage in catalog.passages_by_hash([hash_text(shared)])] == [
        "acme/one",
        "acme/two",
    ]
    summaries = catalog.summary_hashes()
    assert catalog.models_by_summary(summaries.values()) == {v: [k] for k, v in summaries.items()}
    catalog.mark_embedded(text_hash for text_hash, _ in pending)
    assert catalog.count_pending() == 0
    assert catalog.embedded_hashes() == {text_hash for text_hash, _ in pending}
    # One of the two places goes, the text stays needed; the other goes, its vector is stale.
    catalog.remove_model("acme/one")
    assert hash_text(shared) not in catalog.stale_vectors(limit=10)
    catalog.remove_model("acme/two")
    assert hash_text(shared) in catalog.stale_vectors(limit=10)
    # It comes back before the index was swept: the vector is asked for again, and nothing deletes it later.
    _put(catalog, make_entry("acme/three", shared))
    assert hash_text(shared) not in catalog.stale_vectors(limit=10)
    assert hash_text(shared) in {text_hash for text_hash, _ in catalog.pending_embeddings(limit=10)}


def test_rows_of_an_older_program_are_derived_anew(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make_entry("acme/one", CARD)
    _put(catalog, entry, source="a.parquet")
    assert catalog.underived_models(limit=5) == []
    monkeypatch.setattr(schema, "DERIVED_VERSION", schema.DERIVED_VERSION + 1)
    assert catalog.underived_models(limit=5) == ["acme/one"]
    before = _rows(catalog)
    catalog.rederive([entry], source=catalog.source_of("acme/one"))
    assert catalog.underived_models(limit=5) == []
    assert _rows(catalog) == before


def test_the_log_of_ingests_tells_interrupted_ones(catalog: SqliteCatalog) -> None:
    _put(catalog, make_entry("acme/one", "x"), source="a.parquet")
    number = catalog.begin_ingest("a.parquet")
    assert catalog.status().sources[0]["complete"] is False
    catalog.end_ingest(number, added=1, updated=0, unchanged=0, failed=2)
    (source,) = catalog.status().sources
    assert (source["name"], source["models"], source["complete"], source["failed"]) == (
        "a.parquet",
        1,
        True,
        2,
    )


def test_threads_may_read_while_one_writes(catalog: SqliteCatalog) -> None:
    _put(catalog, make_entry("acme/first", CARD))
    failures: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(20):
                assert catalog.match_models(["telephone"], limit=3)
                assert catalog.get_model("acme/first") is not None
        except (AssertionError, HomeError) as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(10):
        _put(catalog, make_entry(f"acme/model-{number}", CARD))
    for reader in readers:
        reader.join()
    assert failures == []
    assert catalog.status().models == 11


def test_a_full_disk_is_one_clear_error_and_what_was_stored_stays(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    _put(catalog, make_entry("acme/stored", CARD))
    event.listen(
        catalog._engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1")
    )
    with pytest.raises(HomeError, match="full") as refused:
        _put(catalog, *(make_entry(f"acme/model-{n}", CARD + str(n) * 9000) for n in range(20)))
    assert "carries on" in refused.value.hint
    assert catalog.model_names() == ["acme/stored"]
    catalog.close()
    reopened = SqliteCatalog(tmp_path / "catalog.sqlite")
    assert reopened.get_card("acme/stored") is not None
    reopened.close()


def test_a_read_only_or_damaged_catalog_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = SqliteCatalog(path)
    event.listen(
        catalog._engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA query_only = 1")
    )
    with pytest.raises(HomeError, match="cannot be written"):
        _put(catalog, make_entry("acme/one", "x"))
    catalog.close()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(HomeError, match="damaged"):
        SqliteCatalog(path)
    with pytest.raises(HomeError, match="failed"):
        SqliteCatalog(tmp_path / "missing" / "catalog.sqlite")
