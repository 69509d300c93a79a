"""Declared parents, in metadata and in prose."""

from __future__ import annotations

import pytest

from eval.parents import run_parents
from tools.cards import parse_card
from tools.cards.types import DeclaredParent


def parents_of(text: str, model_id: str | None = None) -> tuple[DeclaredParent, ...]:
    return parse_card(text, model_id=model_id).parents


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("base_model: a/b", [("a/b", "", "/base_model")]),
        ("base_model: https://huggingface.co/a/b", [("a/b", "", "/base_model")]),
        ("base_model: a/b\nbase_model_relation: quantized", [("a/b", "quantization", "/base_model")]),
        ("base_model:\n- a/b\n- c/d", [("a/b", "merge", "/base_model/0"), ("c/d", "merge", "/base_model/1")]),
        ("base_model:\n- a/b", [("a/b", "", "/base_model/0")]),
        ("library_name: peft\nbase_model: a/b", [("a/b", "adapter", "/base_model")]),
        ("finetuned_from: a/b", [("a/b", "finetune", "/finetuned_from")]),
        ("tags:\n- base_model:adapter:a/b\n- base_model:a/b", [("a/b", "adapter", "/tags/0")]),
        ("base_model: none", []),
        ("base_model: ../../etc", []),
        ("base_model: {x: 1}", []),
        ("base_model: 7", []),
    ],
)
def test_metadata(metadata: str, expected: list[tuple[str, str, str]]) -> None:
    found = parents_of(f"---\n{metadata}\n---\n")
    assert [(p.name, p.relation, p.locator.removeprefix("README.md#")) for p in found] == expected
    assert all(p.confidence == 1.0 and p.text for p in found)


def test_prose_is_cited_to_its_sentence() -> None:
    text = (
        "# M\n\nFirst sentence. This is a fine-tuned version of\n[x](https://huggingface.co/a"
        "/b-base) on news. Last.\n"
    )
    (parent,) = parents_of(text)
    assert (parent.name, parent.relation, parent.origin, parent.locator) == (
        "a/b-base",
        "finetune",
        "prose",
        "README.md#L3-L4",
    )
    assert parent.text in text
    assert parent.confidence > 0.9


def test_one_model_named_twice_counts_once_by_its_fullest_name() -> None:
    text = (
        "---\nbase_model: a/b-base\n---\nBased on the b-base model. Fine-tuned from c/d-large"
        ". The D-Large model fine-tuned on e.\n"
    )
    assert [parent.name for parent in parents_of(text)] == ["a/b-base", "c/d-large"]


def test_a_model_is_not_its_own_parent_nor_its_siblings() -> None:
    text = (
        "# owl-base-news fine-tuned on news\n\nowl-base-news was fine-tuned on news. Owl is f"
        "ine-tuned on text.\n\n"
        "- `owl-v1-2`: Resumed from `owl-v1-1`.\n- `owl-v1-3`: Resumed from `owl-v1-2`.\n"
    )
    assert [p.name for p in parents_of(text, "org/owl-v1-3")][:1] == ["owl-v1-2"]
    assert "owl-base-news" not in {p.name for p in parents_of(text, "org/owl-base-news")}


def test_an_architecture_is_at_most_a_weak_claim() -> None:
    assert parents_of("It is based on the BERT architecture.\n") == ()
    (weak,) = parents_of("It is a language model based on the BERT model.\n")
    assert weak.confidence < 0.5


def test_labelled_sentences() -> None:
    scores = run_parents()
    assert scores["sentences"] >= 60
    assert scores["negatives"] >= 25
    assert scores["precision"] >= 0.95, scores["wrong"]
    assert scores["recall"] >= 0.95, scores["missed"]
    assert scores["relation_accuracy"] >= 0.95
