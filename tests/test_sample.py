"""The embedded sample lake: what it must hold, and that it is true to the real cards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.check_sample import SAMPLE, SampleModel, read_sample, run_check_sample, split_card
from tools.weights.opening import open_weights

INVENTED = "example-lab"
RECORD_KEYS = {
    "modelId",
    "author",
    "downloads",
    "likes",
    "library_name",
    "tags",
    "pipeline_tag",
    "last_modified",
    "createdAt",
    "link",
}


@pytest.fixture(scope="module")
def sample() -> list[SampleModel]:
    return list(read_sample())


def _real(sample: list[SampleModel]) -> list[SampleModel]:
    return [model for model in sample if not model.model.startswith(f"{INVENTED}/")]


def _speaking_of(sample: list[SampleModel], *words: str) -> list[str]:
    return [model.model for model in sample if any(word in model.body.lower() for word in words)]


def test_enough_models_over_enough_tasks(sample: list[SampleModel]) -> None:
    real = _real(sample)
    assert len(real) >= 66
    assert len({model.record["pipeline_tag"] for model in real}) >= 20
    assert len(sample) - len(real) >= 6


def test_legal_and_medical_models_are_among_them(sample: list[SampleModel]) -> None:
    assert len(_speaking_of(_real(sample), "legal", "contract", "patent", "law")) >= 5
    assert len(_speaking_of(_real(sample), "medical", "clinical", "biomedical")) >= 5


def test_ids_match_folders(sample: list[SampleModel]) -> None:
    ids = [model.model for model in sample]
    assert len(set(ids)) == len(ids)
    for model in sample:
        folder = SAMPLE / "models" / (model.model if "/" in model.model else f"_/{model.model}")
        assert (folder / "record.json").is_file(), model.model
        assert (folder / "README.md").is_file(), model.model


def test_records_have_the_columns_of_a_dump(sample: list[SampleModel]) -> None:
    for model in sample:
        assert set(model.record) == RECORD_KEYS, model.model
        assert model.record["downloads"] is None or model.record["downloads"] > 0, model.model


def test_every_real_model_is_shown_as_our_summary(sample: list[SampleModel]) -> None:
    for model in _real(sample):
        link = f"https://huggingface.co/{model.model}"
        assert model.record["link"] == link, model.model
        title, _, rest = model.body.strip().partition("\n")
        assert title.startswith("# "), model.model
        assert rest.strip().startswith(f"Our summary of {link}, in our own words; "), model.model
        assert 100 <= len(model.body.split()) <= 300, model.model


def test_every_invented_model_says_so(sample: list[SampleModel]) -> None:
    for model in sample:
        if model.model.startswith(f"{INVENTED}/"):
            assert "invented" in model.body.lower(), model.model
            assert "invented" in model.record["tags"], model.model


def test_front_matter_is_readable_and_agrees_with_the_record(sample: list[SampleModel]) -> None:
    for model in sample:
        path = SAMPLE / "models" / (model.model if "/" in model.model else f"_/{model.model}") / "README.md"
        if path.read_text(encoding="utf-8").startswith("---"):
            assert model.metadata, model.model
        if model.model in {f"{INVENTED}/nameless", f"{INVENTED}/template-classifier"}:
            continue  # an empty card and an unfilled template, for audits
        assert model.metadata["pipeline_tag"] == model.record["pipeline_tag"], model.model


def test_papers_are_named_by_cards(sample: list[SampleModel]) -> None:
    papers = sorted((SAMPLE / "papers").glob("*.md"))
    assert 4 <= len(papers) <= 6
    for path in papers:
        arxiv = path.name.partition("-")[0]
        text = path.read_text(encoding="utf-8")
        assert f"Our summary of arXiv:{arxiv} " in text, path.name
        assert 300 <= len(text.split()) <= 500, path.name
        assert any(arxiv in model.body for model in sample), path.name


def test_texts_stay_below_a_megabyte_and_weights_below_ten() -> None:
    sizes = {path: path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()}
    texts = sum(size for path, size in sizes.items() if path.suffix != ".safetensors")
    assert texts < 1_000_000
    assert 5_000_000 < sum(sizes.values()) < 10_000_000


def test_small_models_come_with_their_weights(sample: list[SampleModel]) -> None:
    """Weights that open, for models whose cards say that they were trained."""
    folders = {path.parent for path in (SAMPLE / "models" / INVENTED).glob("*/*.safetensors")}
    assert len(folders) >= 12
    for folder in folders:
        with open_weights(str(folder)) as weights:
            assert weights.tensors
            assert not weights.problems
    said = {model.model for model in sample if "really trained" in model.body}
    assert said == {f"{INVENTED}/{folder.name}" for folder in folders}


def _read_weights(name: str) -> dict[str, NDArray[np.float32]]:
    with open_weights(str(SAMPLE / "models" / INVENTED / name)) as weights:
        return {key: weights.rows(key, slice(None)) for key in weights.tensors}


def test_what_cards_say_of_how_weights_were_made_is_true() -> None:
    base, chat, recipes = map(_read_weights, ("brook-base", "brook-chat", "brook-recipes"))
    sparse, blend, rounded = map(_read_weights, ("brook-chat-sparse", "brook-blend", "brook-base-int8"))
    fern, moss = map(_read_weights, ("fern-base", "moss-base"))
    for key, values in base.items():
        projection = ".layers." in key and values.ndim == 2
        assert np.allclose(blend[key], (chat[key] + recipes[key]) / 2, atol=2e-3), key
        step = np.abs(values).max(axis=-1, keepdims=True) / 127 if projection else 1e-9
        assert (np.abs(rounded[key] - values) <= 0.51 * step).all(), key
        assert ((recipes[key] != values).any()) == key.endswith(("q_proj.weight", "v_proj.weight")), key
        if projection:
            zero = sparse[key] == 0
            assert zero.mean() == pytest.approx(0.4, abs=0.01), key
            assert (sparse[key][~zero] == chat[key][~zero]).all(), key
    for key, values in fern.items():
        assert np.array_equal(np.sort(values, axis=None), np.sort(moss[key], axis=None)), key
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    assert not np.array_equal(fern[name], moss[name])


def test_one_card_names_a_parent_that_its_weights_contradict() -> None:
    """Told without the comparison itself: the child's embeddings are near those of another model."""
    rows = {}
    for name in ("brook-base", "delta-base", "delta-notes", "quiet-mill"):
        with open_weights(str(SAMPLE / "models" / INVENTED / name)) as weights:
            rows[name] = weights.rows("model.embed_tokens.weight", slice(0, 512)).ravel()

    def cosine(a: str, b: str) -> float:
        return float(np.dot(rows[a], rows[b]) / np.linalg.norm(rows[a]) / np.linalg.norm(rows[b]))

    assert abs(cosine("delta-notes", "delta-base")) < 0.2
    assert cosine("delta-notes", "brook-base") > 0.9
    assert cosine("quiet-mill", "brook-base") > 0.9
    assert abs(cosine("delta-base", "brook-base")) < 0.2


def test_sample_is_true_to_the_real_cards(real_lake: Path) -> None:
    report = run_check_sample(real_lake.parent)
    assert report["failures"] == []
    assert report["copied"] == []
    assert report["unmatched"] == []
    assert report["comparisons"] > 1_000


def test_a_changed_fact_and_a_copied_sentence_are_caught(
    real_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(real_lake / "model_cards_with_metadata.parquet").to_pylist()
    row = next(row for row in rows if row["downloads"] and len(split_card(row["card"])[1].split()) > 200)
    copied = " ".join(split_card(row["card"])[1].split()[:60])
    folder = tmp_path / "sample" / "models" / "org" / "name"
    folder.mkdir(parents=True)
    record = {key: row.get(key) for key in RECORD_KEYS} | {"downloads": row["downloads"] + 1, "link": ""}
    record["tags"] = list(row["tags"])
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    front_matter = f"---\nlicense: gpl-3.0\npipeline_tag: {row['pipeline_tag']}\n---\n"
    card = f"{front_matter}\n# Title\n\nA score of 98765.4. {copied}\n"
    (folder / "README.md").write_text(card, encoding="utf-8")
    (tmp_path / "languages.json").write_text("[]", encoding="utf-8")
    monkeypatch.setattr("eval.check_sample.SAMPLE", tmp_path / "sample")
    monkeypatch.setattr("eval.check_sample.read_sample", lambda: read_sample(tmp_path / "sample"))
    report = run_check_sample(real_lake.parent)
    failed = {(entry["field"], entry["value"]) for entry in report["failures"]}
    assert {("license", "gpl-3.0"), ("number", "98765.4")} <= failed
    assert ("downloads", str(row["downloads"] + 1)) in failed
    assert report["copied"]
