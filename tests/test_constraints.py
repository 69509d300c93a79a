"""Conditions read from plain words."""

from __future__ import annotations

import pytest

from tools.search.constraints import read_constraints
from tools.search.types import Constraint

H, S = True, False


def summarise(constraint: Constraint) -> str:
    """`[not ]field[>=|<=] value[?]`; a question mark means soft."""
    sign = {"min": ">=", "max": "<=", "is": ""}[constraint.op]
    negated = "not " if constraint.negated else ""
    return f"{negated}{constraint.field}{sign} {constraint.value}{'' if constraint.hard else '?'}"


# What must be read, and (unless it is a task) nothing else.
PHRASES: list[tuple[str, set[str]]] = [
    # licences
    ("a summariser under Apache 2.0", {"license apache-2.0"}),
    ("apache-2.0 licensed image captioning", {"license apache-2.0"}),
    ("licensed under Apache, for tagging", {"license apache-2.0"}),
    ("MIT licensed speech recogniser", {"license mit"}),
    ("a depth model, MIT", {"license mit"}),
    ("for MIT students who study robots", set()),
    ("researchers at MIT want to tag proteins", set()),
    ("text to image for commercial use", {"license commercial"}),
    ("we want to use it commercially", {"license commercial"}),
    ("voices that we may sell", {"license commercial"}),
    ("produce a video commercial about shoes", set()),
    ("a non-commercial licence is fine", {"license non-commercial"}),
    ("not GPL", {"not license gpl"}),
    ("without GPL or AGPL code", {"not license gpl", "not license agpl"}),
    ("a chat model that is not under AGPL", {"not license agpl"}),
    ("anything but MIT", {"not license mit"}),
    ("GPLv3 object detector", {"license gpl-3.0"}),
    ("no copyleft please", {"not license copyleft"}),
    ("with a permissive licence", {"license permissive"}),
    ("OpenRAIL text-to-image", {"license openrail"}),
    ("CC BY-NC 4.0 is acceptable", {"license cc-by-nc-4.0"}),
    ("under an open source licence", {"license open-source"}),
    ("an open source chatbot", {"license open-source?"}),
    ("released under BSD-3-Clause", {"license bsd-3-clause"}),
    ("a llama that spits in photos", set()),
    # languages
    ("extractive question answering in Chinese", {"language zh"}),
    ("German speech recognition", {"language de"}),
    ("which TTS models speak Japanese?", {"language ja"}),
    ("named entities in Dutch text", {"language nl"}),
    ("sentiment of tweets in Spanish or Portuguese", {"language es", "language pt"}),
    ("we are a German company that sells shoes", {"language de?"}),
    ("a Korean restaurant wants to sort photos", {"language ko?"}),
    ("summarise English news", {"language en?"}),
    ("polish my essay", set()),
    ("a Polish named entity model", {"language pl"}),
    ("Translate from English to French", {"language en-fr"}),
    ("Hindi to French translation", {"language hi-fr"}),
    ("translate between German and whatever", {"language de?"}),
    ("not in German", {"not language de"}),
    # data sets
    ("speech recognition trained on Common Voice", {"dataset Common Voice"}),
    ("fine-tuned on SQuAD2.0", {"dataset SQuAD2.0"}),
    ("an image classifier trained on the ImageNet-21k dataset", {"dataset ImageNet-21k"}),
    ("not trained on COCO", {"not dataset COCO"}),
    ("trained on many medical texts", set()),
    # size
    ("under 500M parameters", {"parameters<= 500000000"}),
    ("at most 1.5 billion parameters", {"parameters<= 1500000000"}),
    ("no more than 7B", {"parameters<= 7000000000"}),
    ("100M parameters or fewer", {"parameters<= 100000000"}),
    ("at least 1B parameters", {"parameters>= 1000000000"}),
    ("answers in under 5 minutes", set()),
    ("at most 1 GB on disk", {"parameters<= 250000000?"}),
    ("a tiny detector", {"parameters<= 150000000?"}),
    ("for a small company", set()),
    # popularity
    ("at least 10k downloads", {"downloads>= 10000"}),
    ("more than 1,000,000 downloads", {"downloads>= 1000000"}),
    ("something popular", {"downloads>= 1000?"}),
    ("the most downloaded tagger", {"downloads>= 1000?"}),
    # libraries
    ("a tagger for spaCy", {"library spacy"}),
    ("an ONNX image classifier", {"library onnx"}),
    ("in Keras", {"library keras"}),
    ("a vision transformers comparison", set()),
    ("that works with PyTorch", {"library pytorch?"}),
    ("speaker diarization with pyannote", {"library pyannote-audio"}),
    # literals
    ("count blood cells with YOLOv8, not v5", {"text YOLOv8", "not text YOLOv5"}),
    ("sentence embeddings with only 384 dimensions", {"text 384 dimensions"}),
    ("768-dimensional vectors", {"text 768 dimensions"}),
    ("for 16 kHz audio", {"text 16 kHz"}),
    ("ASR, but not Whisper", {"not text Whisper"}),
    # authors and parents
    ("a model by Google", {"author Google"}),
    ("models published by facebook", {"author facebook"}),
    ("Microsoft's models for layout", {"author Microsoft"}),
    ("something made by friday", set()),
    ("more than a million downloads", {"downloads>= 1000000"}),
    ("fewer than two billion parameters", {"parameters<= 2000000000"}),
    ("NER for German with the Flair library", {"language de", "library flair"}),
    ("depth, and not from NYU", {"not text NYU"}),
    ("based on wav2vec2", {"derived_from wav2vec2?"}),
    ("fine-tuned from MCG-NJU/videomae-base", {"derived_from MCG-NJU/videomae-base"}),
    ("a system based on AI", set()),
]  # fmt: skip


@pytest.mark.parametrize(("question", "expected"), PHRASES, ids=[question for question, _ in PHRASES])
def test_phrases(question: str, expected: set[str]) -> None:
    read = {summarise(constraint) for constraint in read_constraints(question) if constraint.field != "task"}
    assert read == expected


def test_there_are_enough_phrases() -> None:
    assert len(PHRASES) >= 60


@pytest.mark.parametrize(
    ("question", "tag"),
    [
        ("speech recognition for podcasts", "automatic-speech-recognition"),
        ("NER for contracts", "token-classification"),
        ("zero-shot image classification of birds", "zero-shot-image-classification"),
        ("summarise legal contracts", "summarization"),
        ("speaker diarization of meetings", "voice-activity-detection"),
    ],
)
def test_tasks_are_soft(question: str, tag: str) -> None:
    tasks = [c for c in read_constraints(question) if c.field == "task"]
    assert [(c.value, c.hard) for c in tasks] == [(tag, False)]


def test_words_stand_in_the_question_in_order() -> None:
    question = "German ASR under Apache 2.0, trained on Common Voice, at least 10k downloads, not by Google"
    constraints = read_constraints(question)
    places = [question.index(c.words) for c in constraints]
    assert places == sorted(places)
    assert len(constraints) >= 5


def test_pasted_material_sets_no_conditions() -> None:
    question = (
        'Summarise this text. ###Input: "The GPL-3.0 software in German was trained on ImageNet by Google '
        'and has at least 10k downloads."'
    )
    assert {c.field for c in read_constraints(question)} == {"task"}


def test_odd_input_is_harmless() -> None:
    for question in ("", "?", "()[]{}*+\\", "not", "under under under", "a" * 5000, "\x00 German \ud800"):
        assert isinstance(read_constraints(question), tuple)
