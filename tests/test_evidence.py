"""The ledger: keys count up and are never given out twice, and every one leads back to its words."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.evidence import Evidence, EvidenceLedger
from tools.hashing import hash_text

SHA = hash_text("a card")


def add(ledger: EvidenceLedger, text: str = "license: mit", **changed: Any) -> Evidence:
    place = {
        "kind": "metadata",
        "source": "nimbus/quill@3f",
        "locator": "README.md#/license",
        "sha256": SHA,
        **changed,
    }
    return ledger.add(text=text, **place)


def test_keys_count_up_from_one() -> None:
    ledger = EvidenceLedger()
    assert [add(ledger, text).id for text in ("a", "b", "c")] == ["E1", "E2", "E3"]
    assert [item.id for item in ledger] == ["E1", "E2", "E3"]
    assert (len(ledger), ledger.last) == (3, 3)


def test_the_same_words_of_the_same_place_keep_their_key() -> None:
    ledger = EvidenceLedger()
    first = add(ledger)
    assert add(ledger) == first
    assert (len(ledger), ledger.last) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "results"},
        {"source": "nimbus/quill@40"},
        {"locator": "README.md#L2"},
        {"text": "license:  mit"},
        # The same words in another version of the file: an answer must not cite a hash that is out of date.
        {"sha256": hash_text("another card")},
    ],
)
def test_what_differs_in_any_way_has_a_key_of_its_own(changed: dict[str, str]) -> None:
    ledger = EvidenceLedger()
    assert add(ledger).id == "E1"
    other = add(ledger, **changed)
    assert other.id == "E2"
    assert all(getattr(other, name) == value for name, value in changed.items())


def test_a_key_is_not_given_out_again_when_its_evidence_is_gone() -> None:
    kept = Evidence(id="E2", kind="card", source="a/b@1", locator="README.md#L1", text="x", sha256=SHA)
    ledger = EvidenceLedger([kept], last=9)  # E9 was given out in a turn that is no longer kept
    assert ledger.get("E9") is None
    assert add(ledger).id == "E10"


def test_a_count_that_lags_behind_the_items_is_not_believed() -> None:
    kept = Evidence(id="E7", kind="card", source="a/b@1", locator="README.md#L1", text="x", sha256=SHA)
    assert add(EvidenceLedger([kept], last=2)).id == "E8"


def test_keys_that_were_never_given_out() -> None:
    ledger = EvidenceLedger()
    add(ledger)
    assert [ledger.get(key) for key in ("E0", "E2", "e1", "1", "", "E01")] == [None] * 6


def test_evidence_cannot_be_altered() -> None:
    item = add(EvidenceLedger())
    with pytest.raises(ValidationError):
        item.text = "license: gpl-3.0"


@pytest.mark.parametrize("wrong", [{"kind": "rumour"}, {"author": "me"}, {"text": None}])
def test_what_is_no_evidence_is_refused(wrong: dict[str, Any]) -> None:
    document = add(EvidenceLedger()).model_dump() | wrong
    with pytest.raises(ValidationError):
        Evidence.model_validate(document)


@pytest.mark.parametrize(
    ("source", "model"), [("nimbus/quill@3f", "nimbus/quill"), ("arxiv:2999.01234", "arxiv:2999.01234")]
)
def test_the_model_a_source_belongs_to(source: str, model: str) -> None:
    assert add(EvidenceLedger(), source=source).model == model


@given(st.lists(st.tuples(st.sampled_from(["card", "results"]), st.text(max_size=6)), max_size=30))
def test_a_ledger_comes_back_whole_and_goes_on_counting(places: list[tuple[str, str]]) -> None:
    ledger = EvidenceLedger()
    keys = [add(ledger, text, kind=kind).id for kind, text in places]
    stored = [item.model_dump_json() for item in ledger]
    again = EvidenceLedger((Evidence.model_validate_json(line) for line in stored), last=ledger.last)
    assert list(again) == list(ledger)
    assert [add(again, text, kind=kind).id for kind, text in places] == keys
    assert add(again, "something that was never read before").id == f"E{len(set(places)) + 1}"


def test_tools_that_run_side_by_side_share_one_ledger() -> None:
    ledger = EvidenceLedger()
    found: list[list[str]] = [[] for _ in range(8)]

    def read(own: list[str]) -> None:
        own.extend(add(ledger, f"line {number}").id for number in range(200))

    threads = [threading.Thread(target=read, args=(own,)) for own in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(own == found[0] for own in found)  # one text, one key, whoever asks
    assert sorted({int(key[1:]) for key in found[0]}) == list(range(1, 201))
    assert ledger.last == len(ledger) == 200


def test_reading_goes_on_while_others_add() -> None:
    ledger = EvidenceLedger()
    add(ledger, "first")
    for item in ledger:
        add(ledger, f"{item.text}, and more")
    assert len(ledger) == 2
