"""Finding in the catalog: full text, fields, results, parents, papers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import Entry, make_entry
from tools.catalog import schema
from tools.catalog.finding import quote_terms
from tools.catalog.matching import LooseName, match_metric
from tools.catalog.records import ModelFilter, PaperRecord
from tools.catalog.sqlite import SqliteCatalog
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


def test_full_text_finds_by_stem_and_field(catalog: SqliteCatalog) -> None:
    _put(
        catalog,
        make_entry("acme/tiny-speech", CARD, task="automatic-speech-recognition"),
        make_entry("acme/camelNetLegal", "Reads contracts for lawyers. Also hears about speech."),
    )
    (found, *_) = catalog.match_passages(["transcribing"], limit=5)
    assert "transcribes" in catalog.get_passages([found[0]])[0].text
    assert [model for model, _ in catalog.match_models(["speech"], limit=5)] == [
        "acme/tiny-speech",
        "acme/camelNetLegal",
    ]
    assert [model for model, _ in catalog.match_models(["legal"], limit=5)] == ["acme/camelNetLegal"]
    assert [model for model, _ in catalog.match_models(["recognition"], limit=1)] == ["acme/tiny-speech"]
    scores = [score for _, score in catalog.match_models(["speech", "contracts"], limit=5)]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


@pytest.mark.parametrize(
    "term",
    [
        '"',
        "'",
        "a OR b",
        "NEAR(a b)",
        "name:speech",
        "*",
        "-speech",
        "(",
        "^speech",
        "a\x00b",
        "\ud800a",
        "{x}",
        ";",
    ],
)
def test_no_character_of_a_question_is_an_operator(catalog: SqliteCatalog, term: str) -> None:
    _put(catalog, make_entry("acme/tiny-speech", CARD))
    catalog.match_passages([term], limit=5)
    catalog.match_models([term, "telephone"], limit=5)
    assert catalog.match_passages([term, "telephone"], limit=5)


def test_terms_without_letters_ask_for_nothing() -> None:
    assert quote_terms(["++", '"', ""]) == ""
    assert quote_terms(['say "hi"', "two words"]) == '"say ""hi""" OR "two words"'


def test_fields_select_match_and_unknown(catalog: SqliteCatalog) -> None:
    _put(
        catalog,
        make_entry(
            "a/full",
            "x",
            task="automatic-speech-recognition",
            license="apache-2.0",
            languages=("de",),
            library="transformers",
            datasets=("mozilla-foundation/common_voice_8_0",),
            downloads=500,
            parameters=10,
        ),
        make_entry("b/other", "x", task="fill-mask", license="gpl-3.0", languages=("en",), downloads=5),
        make_entry("c/vague", "x", license="other", languages=("multilingual",)),
        make_entry("silent", "x"),
    )

    def select(**fields: object) -> tuple[set[str], set[str]]:
        return catalog.select_models(ModelFilter(**fields))  # type: ignore[arg-type]

    everything = {"a/full", "b/other", "c/vague", "silent"}
    assert select() == (everything, set())
    assert select(tasks=("ASR",)) == ({"a/full"}, {"c/vague", "silent"})
    assert select(tasks=("ASR", "fill mask")) == ({"a/full", "b/other"}, {"c/vague", "silent"})
    assert select(licenses=("commercial",))[0] == {"a/full", "b/other"}
    assert select(licenses=("Apache 2.0",)) == ({"a/full"}, {"c/vague", "silent"})
    assert select(licenses=("gpl",)) == ({"b/other"}, {"c/vague", "silent"})
    assert select(languages=("German",)) == ({"a/full"}, {"c/vague", "silent"})
    assert select(libraries=("Hugging Face Transformers",))[0] == {"a/full"}
    assert select(datasets=("Common Voice",)) == ({"a/full"}, {"b/other", "c/vague", "silent"})
    assert select(authors=("B",)) == ({"b/other"}, {"silent"})
    assert select(min_downloads=100) == ({"a/full"}, {"c/vague", "silent"})
    assert select(max_parameters=100) == ({"a/full"}, {"b/other", "c/vague", "silent"})
    assert select(tasks=("fill-mask",), min_downloads=100) == (set(), {"c/vague", "silent"})


def test_declared_parents_are_resolved_at_reading(catalog: SqliteCatalog) -> None:
    card = "---\nbase_model: {}\n---\nA tuned model for the test, described in one plain sentence.\n"
    _put(
        catalog,
        make_entry("acme/grandchild", card.format("ACME/Child-1")),
        make_entry("acme/child-1", card.format("Stable-Diffusion-v1-5")),
        make_entry("acme/stranger", card.format("elsewhere/not-here")),
    )
    (edge,) = catalog.parents_of("acme/grandchild")
    assert (edge.parent, edge.in_lake, edge.declared.name) == ("acme/child-1", True, "ACME/Child-1")
    (edge,) = catalog.parents_of("acme/child-1")
    assert (edge.parent, edge.in_lake) == ("Stable-Diffusion-v1-5", False)
    assert [e.child for e in catalog.children_of("stable diffusion v1.5")] == ["acme/child-1"]
    assert [e.child for e in catalog.children_of("elsewhere/not-here")] == ["acme/stranger"]
    assert catalog.children_of("other/not-here") == []
    # The bare name becomes an id once the lake holds just one model of that name.
    _put(catalog, make_entry("runway/stable_diffusion_v1.5", "x"))
    (edge,) = catalog.parents_of("acme/child-1")
    assert (edge.parent, edge.in_lake) == ("runway/stable_diffusion_v1.5", True)
    assert [e.child for e in catalog.children_of("runway/stable_diffusion_v1.5")] == ["acme/child-1"]
    _put(catalog, make_entry("fork/stable-diffusion-v1-5", "x"))
    assert not catalog.parents_of("acme/child-1")[0].in_lake
    matching, unknown = catalog.select_models(ModelFilter(derived_from="Stable-Diffusion-v1-5"))
    assert (matching, unknown) == ({"acme/child-1", "acme/grandchild"}, set())


def test_results_are_found_by_loosely_written_names(catalog: SqliteCatalog) -> None:
    _put(catalog, make_entry("acme/tiny-speech", CARD, task="automatic-speech-recognition"))
    (result,) = catalog.results()
    assert result.row == make_entry("x", CARD)[1].results[0]
    assert result.row.value == 12.5
    assert result.sha256 == hash_text(CARD)
    for wanted in (
        {"dataset": "common-voice"},
        {"dataset": "CommonVoice", "metric": "WER"},
        {"metric": "word error rate"},
        {"task": "speech recognition"},
        {"model": "ACME/tiny-speech"},
    ):
        assert catalog.results(**wanted) == [result]
    for wanted in (
        {"dataset": "common crawl"},
        {"metric": "accuracy"},
        {"task": "fill-mask"},
        {"model": "a/b"},
    ):
        assert catalog.results(**wanted) == []


@pytest.mark.parametrize(
    ("asked", "written", "fits"),
    [
        ("imagenet 1K", "ImageNet-1k", True),
        ("imagenet1k", "imagenet_1k", True),
        ("LibriSpeech", "librispeech_asr", True),
        ("libri speech", "LibriSpeech test-clean", True),
        ("cola", "chocolate", False),
        ("squad", "rajpurkar/squad_v2", True),
        ("squad v2", "squad", False),
        ("", "squad", False),
    ],
)
def test_loose_names(asked: str, written: str, fits: bool) -> None:
    assert LooseName(asked).stands_in(written) is fits


def test_metrics_match_by_what_they_mean() -> None:
    assert match_metric("ROUGE-1", "rouge1", "rouge")
    assert match_metric("acc", "Accuracy", "")
    assert not match_metric("F1", "ROUGE-1", "rouge")


def test_papers_are_linked_to_the_models_that_name_them(catalog: SqliteCatalog) -> None:
    paper = PaperRecord(paper="arxiv:2001.01234", title="On tests", path="t.pdf", sha256="ab", pages=3)
    passages = [
        ("page 1", ("Introduction",), "Tests hold what was promised, however often the code is changed."),
        ("page 2", (), "Short."),
    ]
    assert catalog.put_paper(paper, passages) == "added"
    assert catalog.put_paper(paper, passages) == "unchanged"
    assert catalog.papers() == [paper]
    _put(catalog, make_entry("acme/one", "See https://arxiv.org/abs/2001.01234 for how it was made."))
    assert catalog.papers() == [replace(paper, models=("acme/one",))]
    first, second = catalog.passages_of("arxiv:2001.01234")
    assert (first.owner_kind, first.source, first.locator, first.sha256) == (
        "paper",
        "arxiv:2001.01234",
        "page 1",
        "ab",
    )
    assert first.section == ("Introduction",)
    assert second.text == "Short."
    waiting = {text for _, text in catalog.pending_embeddings(limit=10)}
    assert first.text in waiting
    assert second.text not in waiting
    assert catalog.put_paper(replace(paper, sha256="cd"), passages[:1]) == "updated"
    assert len(catalog.passages_of("arxiv:2001.01234")) == 1
    assert catalog.status().papers == 1
