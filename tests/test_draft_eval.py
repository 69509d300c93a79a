"""`lake eval draft`: what it reaches on real cards and on the sample's models."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.draft import Tally, run_real_cards
from eval.draft_masks import make_subject, mask_row
from eval.draft_sample import run_sample
from tools.draft.drafting import draft_subject


def test_masked_metadata_is_found_in_real_cards(real_lake: Path) -> None:
    figures = run_real_cards(real_lake, limit=40)
    assert figures["recoverable"] >= 10
    assert figures["completeness"] >= 0.9
    assert figures["faithfulness"] == 1.0
    assert figures["honesty"] == 1.0


@pytest.mark.slow
def test_masked_files_of_the_sample_are_made_up_for(tmp_path: Path) -> None:
    tally = Tally()
    run_sample(tmp_path, tally)
    figures = tally.describe()
    assert figures["recoverable"] > 100
    assert figures["completeness"] >= 0.9
    assert (figures["faithfulness"], figures["honesty"]) == (1.0, 1.0)


def test_a_mask_takes_the_fact_out_of_metadata_and_tags() -> None:
    card = "---\nlicense: mit\nlanguage: de\n---\n# x\n\nUnder the MIT license.\n"
    row = {
        "modelId": "acme/x",
        "author": "acme",
        "tags": ["license:mit", "de"],
        "card": card,
        "pipeline_tag": None,
    }
    masks = {(one.field, one.wanted): one for one in mask_row(row)}
    assert set(masks) == {("license", "MIT"), ("license (record)", "mit"), ("language", "")}
    masked = masks["license", "MIT"].subject
    assert "license" not in masked.card.metadata
    assert "license:mit" not in masked.record.record_json
    assert "language" in masked.card.metadata


def test_a_tally_counts_what_was_missed_and_guessed() -> None:
    tally = Tally()
    tally.recover("license", "acme/x", found=False)
    tally.recover("license", "acme/y", found=True)
    tally.leave("language", "acme/x", is_open=False)
    figures = tally.describe()
    assert (figures["completeness"], figures["honesty"], figures["faithfulness"]) == (0.5, 0.0, None)
    assert figures["missed"] == ["license: acme/x"]
    assert figures["guessed"] == ["language: acme/x"]


def test_a_subject_outside_of_a_lake_is_drafted() -> None:
    row = {"modelId": "acme/x", "author": "acme", "tags": []}
    draft = draft_subject(make_subject(row, "---\nlicense: mit\n---\n# x\n", row))
    assert next(slot for slot in draft.slots if slot.slot == "license").status == "filled"
