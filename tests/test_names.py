"""Names of models as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.entries import make_entry
from tools.catalog.names import ModelName, closest_names, parse_model_id, resolve_model
from tools.catalog.naming import bare_key, split_name
from tools.catalog.sqlite import SqliteCatalog
from tools.errors import UnknownModelError, UsageError

NAMES = (
    "gpt2",
    "Acme/FinBERT",
    "acme/roberta-large",
    "acme/whisper-tiny",
    "acme/speech-encoder-7b",
    "acme/translation_en-de.v1.5",
    "left/twin-model",
    "right/Twin_Model",
    "acme/summarizer-cased",
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteCatalog]:
    opened = SqliteCatalog(tmp_path_factory.mktemp("names") / "catalog.sqlite")
    entries = [make_entry(name, f"About {name}.", revision="0123456789abcdef") for name in NAMES]
    opened.put_models([*entries, make_entry("acme/gone", "x")], source="test")
    opened.put_models([make_entry("acme/whisper-tiny", "New text.", revision="fedcba")], source="test")
    opened.remove_model("acme/gone")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("name", "model", "revision"),
    [
        ("gpt2", "gpt2", None),
        (" org/Name.v1_2-x ", "org/Name.v1_2-x", None),
        ("org/name@main", "org/name", "main"),
        ("组织/模型", "组织/模型", None),
    ],
)
def test_ids_are_split(name: str, model: str, revision: str | None) -> None:
    assert parse_model_id(name) == ModelName(model, revision)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../etc/passwd", "path step"),
        ("org/..", "path step"),
        ("org//name", "path step"),
        ("/etc/passwd", "path"),
        ("~/model", "path"),
        ("C:model", "path"),
        ("org\\name", "path"),
        ("a/b/c", "slash"),
        ("org/na\x00me", "control"),
        ("org/na\u202eme", "control"),
        ("org/na\nme", "control"),
        ("org/na me", "white space"),
        ("", "empty"),
        ("@main", "empty"),
        ("x" * 201, "201 characters"),
        ("org/name@", "revision"),
        ("org/name@a/../b", "revision"),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        parse_model_id(name)
    assert refused.value.hint
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gpt2", "gpt2"),
        ("GPT2", "gpt2"),
        ("acme/finbert", "Acme/FinBERT"),
        ("finbert", "Acme/FinBERT"),
        ("fin-bert", "Acme/FinBERT"),
        ("translation en de v1.5".replace(" ", "-"), "acme/translation_en-de.v1.5"),
        ("acme/translation-en-de-v1.5", "acme/translation_en-de.v1.5"),
        ("whispr-tiny", "acme/whisper-tiny"),
        ("acme/whisper-tiny@fedc", "acme/whisper-tiny"),
        ("acme/whisper-tiny@0123456789", "acme/whisper-tiny"),
        ("acme/wihsper-tiny", "acme/whisper-tiny"),
        ("speech-encodder-7b", "acme/speech-encoder-7b"),
    ],
)
def test_a_name_resolves_where_one_model_is_meant(catalog: SqliteCatalog, written: str, meant: str) -> None:
    assert resolve_model(catalog, written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "gpt3",  # another number is another model
        "speech-encoder-13b",
        "deberta-large",
        "summarizer-uncased",
        "whisper-tidy",  # a short word that differs is another word
        "other/FinBERT",
        "entirely-unlike-anything",
    ],
)
def test_the_name_of_another_model_is_not_taken_for_a_slip(catalog: SqliteCatalog, written: str) -> None:
    with pytest.raises(UnknownModelError, match="no model"):
        resolve_model(catalog, written)


def test_an_unknown_name_lists_the_closest(catalog: SqliteCatalog) -> None:
    with pytest.raises(UnknownModelError) as unknown:
        resolve_model(catalog, "acme/roberta-larger-v2")
    assert unknown.value.candidates[0] == "acme/roberta-large"
    assert "acme/roberta-large" in unknown.value.hint


def test_an_ambiguous_name_lists_all_it_fits(catalog: SqliteCatalog) -> None:
    with pytest.raises(UnknownModelError, match="fits 2 models") as unknown:
        resolve_model(catalog, "twin-model")
    assert unknown.value.candidates == ("left/twin-model", "right/Twin_Model")


def test_a_removed_model_is_said_to_be_removed(catalog: SqliteCatalog) -> None:
    with pytest.raises(UnknownModelError, match="removed"):
        resolve_model(catalog, "acme/gone")


def test_a_revision_the_lake_does_not_hold_is_refused(catalog: SqliteCatalog) -> None:
    with pytest.raises(UnknownModelError, match="'beef'") as unknown:
        resolve_model(catalog, "acme/whisper-tiny@beef")
    assert "fedcba" in unknown.value.hint


def test_ten_thousand_names_are_searched_in_a_moment(tmp_path: Path) -> None:
    class ManyNames:
        def model_names(self) -> list[str]:
            sizes = ("tiny", "small", "base", "large")
            return [f"org-{n % 97}/model-{n}-{sizes[n % 4]}" for n in range(10_000)]

    started = time.perf_counter()
    found = closest_names(ManyNames(), "org-5/modle-4321-small")  # type: ignore[arg-type]
    assert "org-53/model-4321-small" in found
    assert time.perf_counter() - started < 8


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DialoGPT-medium", {"dialogpt", "medium", "dialo", "gpt"}),
        ("org/wav2vec2_base.960h", {"org", "wav2vec2", "base", "960h", "wav", "vec"}),
    ],
)
def test_names_are_split_into_words(name: str, words: set[str]) -> None:
    assert words <= set(split_name(name).split())


def test_bare_keys_forget_separators() -> None:
    assert bare_key("org/Stable-Diffusion v1.5") == bare_key("stable_diffusion-v1-5") == "stablediffusionv15"
