"""The held-out half of the audit's evaluation: errors stand where they say, and rewritings keep the facts."""

from __future__ import annotations

import pytest
import yaml

from eval.audit_blind import BlindInjection
from eval.audit_held import inject_held, inject_held_folder, make_held_twins
from tests.test_audit_blind import BARE, CARD, CONFIG, changed

MODEL = "acme/tiny-fox"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("card", [CARD, BARE, CARD.replace("\n", "\r\n")], ids=["full", "bare", "crlf"])
def test_every_error_changes_the_lines_it_names(card: str, seed: int) -> None:
    for error in inject_held(card, seed, MODEL):
        assert error.card != card, error.kind
        assert error.what, error.kind
        assert error.key, error.kind
        lines = changed(card, error.card)
        if error.line == 0 or error.kind == "section-hollow":  # whose heading stays
            assert len(error.card) < len(card), error.kind
        elif error.kind != "metadata-displaced":  # whose closing line may be all that is gone
            assert lines & set(range(error.line, error.line + error.length)), (error.kind, error.what, lines)
            assert error.line + error.length - 1 <= error.card.count("\n") + 1, error.kind


def test_the_kinds_are_many_and_apply_where_they_can() -> None:
    full = {error.kind for seed in range(4) for error in inject_held(CARD, seed, MODEL)}
    bare = {error.kind for error in inject_held(BARE, 1, MODEL)}
    assert len(full | bare) >= 35
    assert {"licence-otherwise", "derived-without-base"} & full == {"licence-otherwise"}
    assert {"licence-otherwise", "derived-without-base"} & bare == {"derived-without-base"}


def test_one_seed_gives_the_same_and_another_gives_others() -> None:
    first = list(inject_held(CARD, 3, MODEL))
    assert first == list(inject_held(CARD, 3, MODEL))
    assert [one.card for one in first] != [one.card for one in inject_held(CARD, 4, MODEL)]
    assert list(make_held_twins(CARD, 3)) == list(make_held_twins(CARD, 3))


def test_only_the_models_own_id_is_misnamed() -> None:
    (error,) = [one for one in inject_held(CARD, 2, MODEL) if one.kind == "example-misnamed"]
    assert changed(CARD, error.card) == {error.line}
    assert error.key != MODEL
    assert f'"{error.key}"' in error.card.split("\n")[error.line - 1]
    assert not [one for one in inject_held(CARD, 2, "acme/other") if one.kind == "example-misnamed"]


@pytest.mark.parametrize("seed", range(4))
def test_claims_against_the_metadata_are_never_the_metadatas_own(seed: int) -> None:
    for error in inject_held(CARD, seed, MODEL):
        text = "\n".join(error.card.split("\n")[error.line - 1 : error.line - 1 + error.length])
        match error.kind:
            case "licence-otherwise":
                assert "apache" not in text.lower()
            case "language-otherwise":
                assert "English" not in text
            case "dataset-otherwise":
                assert "glue" not in text
            case "index-otherwise":
                assert "91.2" not in text


@pytest.mark.parametrize("seed", range(4))
def test_twins_keep_the_metadata(seed: int) -> None:
    twins = list(make_held_twins(CARD, seed))
    assert len(twins) >= 15
    facts = yaml.safe_load(CARD.split("---")[1])
    for twin in twins:
        head = yaml.safe_load(twin.card.split("---")[1])
        assert {key: head[key] for key in facts} == facts, twin.kind


def test_folder_errors_never_state_the_truth() -> None:
    errors: list[BlindInjection] = [
        error for seed in range(20) for error in inject_held_folder(CARD, CONFIG, 1_234_567, seed)
    ]
    assert {error.kind for error in errors} == {
        "parameters-untrue",
        "context-untrue",
        "vocabulary-untrue",
        "layers-untrue",
        "architecture-untrue",
    }
    for error in errors:
        text = "\n".join(error.card.split("\n")[error.line - 1 : error.line - 1 + error.length])
        assert not {"500", "128", "1 234 567", "1.2m"} & set(text.replace(":", " ").split())
        assert "GPT2LMHeadModel" not in text
    assert len({error.card for error in errors}) > 100


def test_a_card_that_never_closes_its_code_gets_nothing() -> None:
    assert not list(inject_held(CARD + "\n```\nopen\n", 1, MODEL))
