"""Search over a small real lake: SQLite, Chroma and (where its weights are installed) the embedder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.search import SearchQuestion, read_search_questions, run_search, score_rankings
from tools.cards import parse_card
from tools.catalog.records import ModelRecord
from tools.embedding import load_embedder
from tools.errors import EmbedderError, UnknownModelError, UsageError
from tools.hashing import hash_text
from tools.lake import Lake
from tools.search import Constraint, search, similar
from tools.search.prior import load_task_prior
from tools.search.request import read_request
from tools.search.summary import clean_passage, compose_summary, embeddable_passages

# (id, task, licence, languages, downloads, parameters, datasets, library, prose)
MODELS: list[
    tuple[
        str, str | None, str | None, tuple[str, ...], int | None, int | None, tuple[str, ...], str | None, str
    ]
] = [
    (
        "lex/brief", "summarization", "apache-2.0", ("en",), 5000, 139_000_000, ("billsum",), "transformers",
        "Shortens legal contracts and court opinions to a paragraph that anybody can understand.",
    ),
    (
        "lex/brief-xl", "summarization", "cc-by-nc-4.0", ("en",), 90, 568_000_000, ("billsum",), None,
        "A larger model that condenses contracts and other legal agreements.",
    ),
    (
        "news/gist", "summarization", None, (), None, None, ("cnn_dailymail",), None,
        "Summarises newspaper articles in three sentences.",
    ),
    (
        "voice/listen-de", "automatic-speech-recognition", "mit", ("de",), 70_000, 315_000_000,
        ("mozilla-foundation/common_voice_8_0",), "transformers",
        "Transcribes German speech. The word error rate is low on recordings sampled at 16 kHz.",
    ),
    (
        "voice/listen-ja", "automatic-speech-recognition", "agpl-3.0", ("ja",), 100, None, (), "espnet",
        "Transcribes Japanese speech from broadcasts.",
    ),
    (
        "sight/cells-yolov8", "object-detection", "gpl-3.0", (), 1200, None, (), "ultralytics",
        "Detects red and white blood cells in microscope images with YOLOv8.",
    ),
    (
        "sight/cells-yolov5", "object-detection", "gpl-3.0", (), 2400, None, (), "yolov5",
        "Detects red and white blood cells in microscope images.",
    ),
    (
        "mt/opus-en-fr", "translation", "cc-by-4.0", ("en", "fr"), 9000, None, (), "transformers",
        "Translates English sentences to French.",
    ),
    (
        "mt/opus-fr-en", "translation", "cc-by-4.0", ("en", "fr"), 8000, None, (), "transformers",
        "Translates French sentences to English.",
    ),
    (
        "embed/short", "sentence-similarity", "apache-2.0", ("en",), 100_000, 22_000_000, (), None,
        "Maps sentences to a 384 dimensional dense vector space for semantic search.",
    ),
    (
        "embed/long", "sentence-similarity", "apache-2.0", ("en",), 50_000, 110_000_000, (), None,
        "Maps sentences to a 768 dimensional dense vector space for semantic search.",
    ),
    ("google/quiet", None, "other", (), 10, None, (), None, "Nothing is said of what this does."),
]  # fmt: skip


def fill(lake: Lake) -> None:
    batch = []
    for model, task, license_id, languages, downloads, parameters, datasets, library, prose in MODELS:
        card = parse_card(f"# {model}\n\n{prose}\n\n```python\nprint('hello')\n```\n")
        record = ModelRecord(
            model=model,
            revision="r1",
            author=model.partition("/")[0],
            task=task,
            license=license_id,
            languages=languages,
            downloads=downloads,
            parameters=parameters,
            datasets=datasets,
            library=library,
            title=model,
            summary=prose,
            card_sha256=card.sha256,
            record_sha256=hash_text(model),
        )
        batch.append((record, card, ()))
    lake.catalog.put_models(batch, source="test")
    lake.embed_pending()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    try:
        embedder = load_embedder(None, tmp_path_factory.mktemp("cache"))
    except EmbedderError as error:
        pytest.skip(str(error))
    with Lake.open(tmp_path_factory.mktemp("lakes") / "home", embedder=embedder) as opened:
        fill(opened)
        yield opened


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The same models in a lake without an embedder."""
    with Lake.open(tmp_path_factory.mktemp("lakes") / "wordy", embedder=None) as opened:
        fill(opened)
        yield opened


def names(lake: Lake, query: str, *flags: Constraint) -> list[str]:
    return [hit.record.model for hit in search(lake, query, flags=flags).hits]


def test_meaning_finds_what_words_do_not_say(lake: Lake) -> None:
    result = search(lake, "explain agreements drawn up by lawyers in a few lines for ordinary people")
    assert result.hits[0].record.model.startswith("lex/brief")
    assert "legal" in result.hits[0].passages[0].text
    assert result.confidence > 0.3


def test_unrelated_question_has_low_confidence(lake: Lake) -> None:
    assert search(lake, "who won the tennis tournament last night").confidence < 0.2


def test_hits_carry_verbatim_passages_and_reasons(lake: Lake) -> None:
    hit = search(lake, "transcribe German speech").hits[0]
    assert hit.record.model == "voice/listen-de"
    assert hit.passages[0].text in (lake.catalog.get_card("voice/listen-de") or parse_card("")).text
    assert "task automatic-speech-recognition" in hit.why
    assert any(reason.startswith("mentions: ") for reason in hit.why)


def test_stated_licence_is_hard_and_unknown_is_apart(lake: Lake) -> None:
    result = search(lake, "summarise texts, for commercial use")
    found = [hit.record.model for hit in result.hits]
    assert "lex/brief" in found
    assert "lex/brief-xl" not in found
    apart = {hit.record.model: hit.unknown for hit in result.unknown}
    assert apart["news/gist"] == ("license",)
    assert "news/gist" not in found


def test_negated_licence(lake: Lake) -> None:
    assert "voice/listen-ja" not in names(lake, "speech recognition that is not AGPL")
    assert "sight/cells-yolov8" not in names(lake, "detect blood cells without GPL")


def test_version_that_is_refused(lake: Lake) -> None:
    found = names(lake, "count blood cells with YOLOv8, not v5")
    assert found[0] == "sight/cells-yolov8"
    assert "sight/cells-yolov5" not in found


def test_language_and_dataset(lake: Lake) -> None:
    assert names(lake, "speech recognition trained on Common Voice")[0] == "voice/listen-de"
    japanese = search(lake, "speech recognition in Japanese")
    assert [hit.record.model for hit in japanese.hits] == ["voice/listen-ja"]


def test_translation_pairs_are_ordered(lake: Lake) -> None:
    assert names(lake, "translate from English to French")[0] == "mt/opus-en-fr"
    assert "mt/opus-fr-en" not in names(lake, "translate from English to French")
    assert names(lake, "French to English translation")[0] == "mt/opus-fr-en"


def test_number_with_its_unit(lake: Lake) -> None:
    assert names(lake, "sentence embeddings with 384 dimensions") == ["embed/short"]


def test_size_and_downloads(lake: Lake) -> None:
    assert names(lake, "sentence similarity under 50M parameters") == ["embed/short"]
    assert set(names(lake, "sentence similarity with at least 60k downloads")) == {
        "embed/short", "voice/listen-de",
    }  # fmt: skip


def test_flags_replace_words_of_their_field(lake: Lake) -> None:
    flag = Constraint(field="license", value="gpl")
    assert set(names(lake, "detect cells under MIT", flag)) == {
        "sight/cells-yolov8", "sight/cells-yolov5", "voice/listen-ja",
    }  # fmt: skip
    task = Constraint(field="task", value="translation")
    assert set(names(lake, "blood cells", task)) == {"mt/opus-en-fr", "mt/opus-fr-en"}
    author = Constraint(field="author", value="Google")
    assert names(lake, "anything", author) == ["google/quiet"]


def test_nothing_fits_gives_suggestions(lake: Lake) -> None:
    result = search(lake, "speech recognition in Welsh")
    assert result.hits == ()
    assert result.suggestions
    assert result.confidence == 0.0


def test_pasted_material_does_not_lead(lake: Lake) -> None:
    pasted = " ".join(["Blood cells were seen under the microscope and counted by hand."] * 12)
    assert names(lake, f"Translate this from English to French. ###Input: {pasted}")[0] == "mt/opus-en-fr"


def test_request_splitting() -> None:
    request = read_request('Summarise the contract. ###Input: "We hereby grant the Licensee the right."')
    assert request.text == "Summarise the contract."
    assert "Licensee" in request.material
    assert read_request("short ask").text == "short ask"
    assert read_request("### Input only").text
    assert len(read_request("word " * 1000).text) <= 600


def test_odd_queries_are_harmless(lake: Lake) -> None:
    for query in ("?", "'\"*()", "AND OR NOT", "a" * 20_000, "\x00\ud800", "語"):
        assert search(lake, query).query == query


def test_without_an_embedder_words_rank_and_a_note_says_so(wordy: Lake) -> None:
    result = search(wordy, "detect blood cells in microscope images")
    assert result.hits[0].record.model.startswith("sight/cells")
    assert "no embedder" in result.notes[0]
    assert [hit.record.model for hit in similar(wordy, "mt/opus-en-fr").hits][:1] == ["mt/opus-fr-en"]


def test_writes_are_seen(wordy: Lake) -> None:
    card = parse_card("# new/harp\n\nGenerates harp music from a written description.\n")
    record = ModelRecord(model="new/harp", revision="r1", task="text-to-audio", card_sha256=card.sha256)
    assert "new/harp" not in names(wordy, "harp music")
    wordy.catalog.put_models([(record, card, ())], source="test")
    assert names(wordy, "harp music")[0] == "new/harp"
    wordy.remove_model("new/harp")
    assert "new/harp" not in names(wordy, "harp music")


def test_empty_lake(tmp_path: Path) -> None:
    with Lake.open(tmp_path / "empty", embedder=None) as empty:
        result = search(empty, "anything at all")
    assert result.hits == ()
    assert "no models" in result.notes[-1]


def test_similar(lake: Lake) -> None:
    by_text = similar(lake, "lex/brief", k=2)
    assert by_text.hits[0].record.model == "lex/brief-xl"
    assert all(hit.record.model != "lex/brief" for hit in by_text.hits)
    by_data = similar(lake, "lex/brief", by="data")
    assert [hit.record.model for hit in by_data.hits] == ["lex/brief-xl"]
    assert similar(lake, "lex/brief", by="lineage").hits == ()
    with pytest.raises(UsageError, match="weights"):
        similar(lake, "lex/brief", by="weights")
    with pytest.raises(UnknownModelError):
        similar(lake, "no/such-model-anywhere")


def test_summary_and_passages_leave_out_templates_and_code() -> None:
    card = parse_card(
        "# x/y\n\nMore information needed\n\n"
        "Finds [typos](https://example.org/a) in **letters**, quickly.\n\n"
        "```python\nimport os\n```\n\n- learning_rate: 2e-05\n- seed: 1\n"
    )
    record = ModelRecord(model="x/y-base", revision="r", task="text2text-generation")
    summary = compose_summary(record, card)
    assert summary.startswith("x y base. text2text generation. ")
    assert "typos in letters" in summary
    assert not any(word in summary for word in ("needed", "import", "learning_rate", "https"))
    assert [clean_passage(p.text) for p in embeddable_passages(card)] == ["Finds typos in letters, quickly."]


def test_task_prior_speaks_without_vectors_and_keeps_to_held_tasks() -> None:
    prior = load_task_prior()
    shares = prior.predict("transcribe the interviews of our radio station", None)
    assert max(shares, key=lambda task: shares[task]) == "automatic-speech-recognition"
    held = prior.predict("chat with visitors of our site", None, {"text-generation", "object-detection"})
    assert set(held) == {"text-generation", "object-detection"}
    assert held["text-generation"] > held["object-detection"]


def test_scores_of_rankings() -> None:
    questions = [SearchQuestion("1", "q", "a/b", "translation"), SearchQuestion("2", "q", "c/d", "fill-mask")]
    first = ModelRecord(model="a/b", revision="r", task="translation")
    other = ModelRecord(model="e/f", revision="r", task="translation")
    figures = score_rankings(questions, [[other, first], [other]])
    assert figures == {
        "exact@1": 0.0, "exact@5": 0.5, "exact@10": 0.5, "mrr": 0.25, "task@1": 0.5, "task@5": 0.5,
    }  # fmt: skip


def test_run_search_reports_product_and_baselines(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(
        '{"id": "1", "query": "shorten contracts", "relevant": "lex/brief", "task": "summarization"}\n\n'
        '{"id": "2", "query": "find blood cells", "relevant": "no/where", "task": "object-detection"}\n'
    )
    report = run_search(lake, [file])
    assert report["questions"] == 2
    assert report["relevant_not_in_lake"] == 1
    assert set(report["baselines"]) == {"bm25", "dense", "bm25+dense"}
    assert report["product"]["task@1"] == 1.0
    assert report["latency_ms"]["p50"] > 0


def test_bad_question_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"query": "x"}\n')
    with pytest.raises(UsageError, match=r"Line 1 of .*bad\.jsonl"):
        read_search_questions([file])
    file.write_text("\n")
    with pytest.raises(UsageError, match="no questions"):
        read_search_questions([file])
