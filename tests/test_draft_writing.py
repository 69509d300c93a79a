"""A language model's prose for a card: what it invents does not get there."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.draft_lies import INVENTIONS, Liar, run_lies
from tests.draft_models import write_model
from tools.draft import SlotDraft, draft_card
from tools.draft.types import Statement, say
from tools.draft.writing import judge_text
from tools.errors import ServiceError
from tools.evidence import Evidence, EvidenceLedger

PASSAGE = "The loss fell from 4.9 to 3.3 in training. It was never tried on letters in verse."


def make_facts() -> list[Statement]:
    ledger = EvidenceLedger()

    def cite(key: str, value: str) -> Evidence:
        return ledger.add("config", "acme/tiny@1", f"config.json#/{key}", f'"{key}": {value}', "0" * 64)

    facts = [
        say("It has {} layers.", ("2", cite("num_hidden_layers", "2"))),
        say("Its hidden size is {}.", ("8", cite("hidden_size", "8"))),
        say("Its vocabulary has {} entries.", ("40", cite("vocab_size", "40"))),
        say("Its activation is {}.", ("silu", cite("hidden_act", '"silu"'))),
        say("Its configuration names the dtype {}.", ("float16", cite("torch_dtype", '"float16"'))),
    ]
    passage = ledger.add("card", "acme/tiny@1", "README.md#L9", PASSAGE, "0" * 64)
    for metric, value in (("F1", "82.9"), ("EM", "79.9")):
        row = ledger.add(
            "results", "acme/tiny@1", f"README.md#{metric}", f"{metric} {value} on nowhere", "0" * 64
        )
        facts.append(say("{}: {} on {}.", (metric, row), (value, row), ("nowhere", row)))
    return [*facts, Statement(f"> {PASSAGE}", (passage,))]


@pytest.mark.parametrize(
    "sentence",
    [
        "The model has 2 layers and a hidden size of 8 [E1][E2].",
        "Its vocabulary holds 40 entries [E3].",
        "The activation is silu [E4].",
        "The loss fell from 4.9 to 3.3 in training [E6].",
        "It was never tried on letters in verse [E6].",
        "The F1 on nowhere is 82.9 [E7].",
    ],
)
def test_what_the_evidence_says_may_be_worded_freely(sentence: str) -> None:
    passed, refused = judge_text(sentence, make_facts(), ["acme/tiny"])
    assert refused == []
    assert len(passed) == 1
    assert passed[0].written
    assert "[E" not in passed[0].text


@pytest.mark.parametrize(
    "sentence",
    [
        "The model has 8 layers and a hidden size of 2 [E1][E2].",
        "Its activation is float16 [E4][E5].",
        "Its activation is float16 and its dtype is silu [E4][E5].",
        "The loss fell from 3.3 to 4.9 [E6].",
        "It was tried on letters in verse [E6].",
        "The F1 on nowhere is 79.9 [E7][E8].",
        "The F1 and EM on nowhere are 79.9 and 82.9 [E7][E8].",
        "The loss fell in training [E6].",
        "It was never tried [E6].",
        "The model has only 2 layers [E1].",
        "The model has about 40 entries in its vocabulary [E3].",
        "It has 2 layers, which were tried in training [E1][E6].",
        "The model has 2 layers.",
        "It is a good model [E1].",
        "It has 2 layers of silu [E1].",
        "other/model has 2 layers [E1].",
        "# Layers: 2 [E1]",
        "| layers | 2 [E1] |",
        "See [layers](https://example.org/2) [E1].",
    ],
)
def test_what_it_does_not_say_is_refused(sentence: str) -> None:
    passed, refused = judge_text(sentence, make_facts(), ["acme/tiny"])
    assert passed == []
    assert refused


def test_a_liar_gets_nothing_into_a_card(tmp_path: Path) -> None:
    liar = Liar()
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny")), llm=liar)
    assert len(liar.lies) > len(INVENTIONS)
    texts = {said.text for slot in draft.slots for said in slot.statements}
    for phrase in (
        "97.3",
        "A100",
        "Wikipedia",
        "Google",
        "GPL",
        "medical",
        "7 billion",
        "<script",
        "8192",
        "Llama-2",
    ):
        assert not any(phrase in text for text in texts)
        assert phrase not in draft.card
    assert any("97.3" in text for text in draft.dropped)
    assert any(said.written for slot in draft.slots for said in slot.statements)


def test_what_is_left_unsaid_is_stated_by_the_evidence(tmp_path: Path) -> None:
    class Silent:
        def write(self, model: str, slot: SlotDraft) -> str:
            return ""

    folder = str(write_model(tmp_path / "acme__tiny"))
    assert draft_card(None, folder, llm=Silent()).card == draft_card(None, folder).card


def test_a_service_that_fails_leaves_the_composed_card(tmp_path: Path) -> None:
    class Broken:
        calls = 0

        def write(self, model: str, slot: SlotDraft) -> str:
            self.calls += 1
            raise ServiceError("The service cannot be reached.")

    folder = str(write_model(tmp_path / "acme__tiny"))
    writer = Broken()
    draft = draft_card(None, folder, llm=writer)
    assert writer.calls == 1
    assert draft.card == draft_card(None, folder).card
    assert "composed from the evidence instead" in draft.notes[-1]


@pytest.mark.slow
def test_no_lie_reaches_a_card_of_the_sample(tmp_path: Path) -> None:
    figures = run_lies(tmp_path)
    assert figures["lies"] > 2_000
    assert figures["invented_in_card"] == 0
    assert figures["honest_kept"] > 0.9
