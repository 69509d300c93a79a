"""The embedded sample lake as a source, and what names and sentences say of a model's size."""

from __future__ import annotations

import json

import pytest

from tools.errors import SourceError
from tools.sources import SourceModel, SourcePaper, open_source
from tools.sources.libraries import name_library
from tools.sources.parameters import find_parameters, name_parameters, read_count, state_parameters
from tools.sources.place import find_folder


def test_sample_lake() -> None:
    source = open_source("sample:")
    items = list(source)
    assert source.total == len(items)
    found = [item for item in items if isinstance(item, SourceModel)]
    assert len(found) == len({item.record.model for item in found}) >= 60
    for item in found:
        assert item.record.source_kind == "sample"
        assert item.record.link.startswith("https://") or not item.record.link
        assert json.loads(item.record.record_json)["modelId"] == item.record.model
        assert item.files[0].sha256 == item.record.card_sha256
        if item.record.link:  # what is invented may lack anything, to show what an audit finds
            complete, _ = item.parse()
            assert complete.title
            assert len(complete.summary) > 30
            assert complete.record_sha256 == item.record.record_sha256
            assert item.record.link not in complete.summary
    assert all(isinstance(item, SourceModel | SourcePaper) for item in items)


def test_sample_models_with_weights_are_described_by_their_files() -> None:
    items = {item.record.model: item for item in open_source("sample:") if isinstance(item, SourceModel)}
    base = items["example-lab/brook-base"]
    assert find_folder(base.place).joinpath("model.safetensors").is_file()
    assert base.record.parameters == 403_104
    assert {"invented", "llama"} <= set(base.record.tags)
    assert base.files[0].sha256 == base.record.card_sha256
    assert [file.path for file in base.files] == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    _, card = items["example-lab/brook-letters-lora"].parse()
    assert [(parent.name, parent.relation) for parent in card.parents] == [
        ("example-lab/brook-base", "adapter")
    ]
    assert sum(1 for item in items.values() if item.place) >= 12
    assert not items["example-lab/nameless"].place


def test_a_place_that_is_gone_is_said() -> None:
    with pytest.raises(SourceError, match="no longer there"):
        find_folder("sample:example-lab/no-such-model")


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("org/name-7B", 7_000_000_000),
        ("org/name_418M", 418_000_000),
        ("org/net-1.3b-chat", 1_300_000_000),
        ("org/net-7b1", 7_100_000_000),
        ("org/net-7B-2M", 7_000_000_000),
        ("org/net-6B-8bit", 6_000_000_000),
        ("org/CLIP-set2B-s34B-b88K", None),
        ("org/CLIP-set2B-39B-b160k", None),
        ("org/mix-8x7B", None),
        ("org/net-30B-A3B", 30_000_000_000),
        ("org/net-1B-7B", None),
        ("org/auto-max_300m-1861", None),
        ("org/net-100k", None),
        ("7B/net-base", None),
        ("net-base", None),
    ],
)
def test_size_in_a_name(model: str, count: int | None) -> None:
    assert name_parameters(model) == count


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("The model has 12 layers and 336M parameters.", 336_000_000),
        ("It is a 1.5 billion parameter language model.", 1_500_000_000),
        ("- **Parameters:** 110M", 110_000_000),
        ("It has 7,069,016,064 parameters.", 7_069_016_064),
        ("A 82M-parameter network. Again: 82 million parameters.", 82_000_000),
        ("Sizes are 3B or 11B parameters.", None),
        ("Models ranging from 125M to 175B parameters.", None),
        ("The vocabulary introduces 98M parameters in the embedding layer.", None),
        ("Distilled from the 1.5B-parameter teacher.", None),
        ("We train 60M parameters. The larger one has 770M parameters.", None),
        ("Call it with 3 parameters.", None),
        ("| size | 60M parameters |\n", None),
        ("```\n# 60M parameters\n```\n", None),
        ("Trained for 300k steps.", None),
    ],
)
def test_size_in_a_sentence(body: str, count: int | None) -> None:
    assert state_parameters(body) == count


@pytest.mark.parametrize("filler", ["\n", "-", "1M parameters ", "param", "1,", "```\n", "* ", "[", "<a "])
@pytest.mark.timeout(10)
def test_hostile_bodies_take_no_time(filler: str) -> None:
    body = "parameters " + filler * (400_000 // len(filler))
    assert state_parameters(body) in (None, 1_000_000)


def test_the_more_exact_of_two_that_agree() -> None:
    assert find_parameters("org/net-560m", {}, "It has 559,214,592 parameters.") == 559_214_592
    assert find_parameters("org/net-7B", {}, "Its encoder part has 300M parameters.") == 7_000_000_000
    assert find_parameters("org/net-7B", {"parameters": "6.9B"}, "") == 6_900_000_000


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("110 million", 110_000_000),
        ("7B", 7_000_000_000),
        (124e6, 124_000_000),
        (True, None),
        ("big", None),
        (-5, None),
    ],
)
def test_size_as_a_value(value: object, count: int | None) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Hugging Face Transformers", "transformers"),
        ("Hugging Face", None),
        ("generic", None),
        ("ESPnet", "espnet"),
    ],
)
def test_library_names(raw: str, name: str | None) -> None:
    assert name_library(raw) == name
