"""Words people use, and the identifiers they stand for."""

from __future__ import annotations

import pytest

from tools.search.vocabulary import (
    is_known_license,
    language_label,
    license_family,
    matches_license,
    normalize_language,
    normalize_library,
    normalize_license,
    normalize_task,
    related_tasks,
    task_inputs,
    task_names,
    task_words,
)


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("ASR", "automatic-speech-recognition"),
        ("speech to text", "automatic-speech-recognition"),
        ("Speech-to-Text", "automatic-speech-recognition"),
        ("NER", "token-classification"),
        ("summarisation", "summarization"),
        ("text_classification", "text-classification"),
        ("VQA", "visual-question-answering"),
        ("super-resolution", "image-to-image"),
        ("text2text-generation", "text2text-generation"),
        ("a-task-of-2031", "a-task-of-2031"),
    ],
)
def test_tasks(written: str, tag: str) -> None:
    assert normalize_task(written) == tag


def test_every_tag_is_its_own_word_and_related_tags_exist() -> None:
    for tag in task_names():
        assert task_words()[tag] == tag
        assert task_inputs(tag)
        assert related_tasks(tag) <= set(task_names()) - {tag}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("German", "de"),
        ("deu", "de"),
        ("GER", "de"),
        ("zh-Hans", "zh"),
        ("pt_BR", "pt"),
        ("Brazilian Portuguese", "pt"),
        ("Farsi", "fa"),
        ("Mandarin", "zh"),
        ("Cantonese", "yue"),
        ("false", "no"),
        ("multilingual", "multilingual"),
        ("haw", "haw"),
    ],
)
def test_languages(written: str, code: str) -> None:
    assert normalize_language(written) == code


def test_language_labels() -> None:
    assert language_label("de") == "German"
    assert language_label("tlh") == "tlh"


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("Apache 2.0", "apache-2.0"),
        ("the Apache-2.0 licence", "apache-2.0"),
        ("MIT license", "mit"),
        ("GPLv3", "gpl-3.0"),
        ("CC BY-NC 4.0", "cc-by-nc-4.0"),
        ("Creative Commons", "cc"),
        ("commercial use", "commercial"),
        ("open source", "open-source"),
    ],
)
def test_license_names(written: str, identifier: str) -> None:
    assert normalize_license(written) == identifier


@pytest.mark.parametrize(
    ("declared", "wanted", "fits"),
    [
        ("apache-2.0", "commercial", True),
        ("gpl-3.0", "commercial", True),
        ("creativeml-openrail-m", "commercial", True),
        ("cc-by-nc-4.0", "commercial", False),
        ("cc-by-nc-sa-4.0", "permissive", False),
        ("other", "commercial", False),
        ("agpl-3.0", "gpl", True),
        ("lgpl-3.0", "GPL", True),
        ("agpl-3.0", "gpl-3.0", False),
        ("gpl-3.0", "agpl", False),
        ("agpl-3.0", "AGPL", True),
        ("cc-by-4.0", "CC BY", True),
        ("cc-by-nc-4.0", "CC BY", False),
        ("cc-by-sa-4.0", "cc", True),
        ("creativeml-openrail-m", "openrail", True),
        ("creativeml-openrail-m", "open source", False),
        ("mit", "open-source", True),
        ("mit", "Apache 2.0", False),
        ("bsd-3-clause", "BSD", True),
        ("apache-2.0,cc-by-nc-4.0", "commercial", False),
        ("apache-2.0,cc-by-nc-4.0", "apache-2.0", True),
        (None, "mit", False),
    ],
)
def test_license_families(declared: str | None, wanted: str, fits: bool) -> None:
    assert matches_license(declared, wanted) is fits


def test_unknown_licences_belong_to_no_family() -> None:
    assert not is_known_license("other")
    assert not is_known_license(None)
    assert license_family("other") == frozenset()
    assert license_family("my-own-terms") == frozenset()


def test_libraries() -> None:
    assert normalize_library("Hugging Face Transformers") == "transformers"
    assert normalize_library("sklearn") == "scikit-learn"
    assert normalize_library("Stable-Baselines3") == "stable-baselines3"
    assert normalize_library("pyannote.audio") == "pyannote-audio"
    assert normalize_library("NewLib") == "newlib"
