"""Proposals to a card that is there: the author's words stay, holes are filled, once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from tests.draft_models import CARD, write_model
from tools.draft import draft_card


def test_every_line_of_the_authors_stays(tmp_path: Path) -> None:
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny")))
    removed = [line[1:] for line in draft.proposal.split("\n") if line.startswith("-") and line[:3] != "---"]
    assert all("[More Information Needed]" in line for line in removed)
    assert "Sorts letters of an invented town" in draft.proposed
    # What no evidence fills stays as the author left it.
    assert "- **License:** [More Information Needed]\n" in draft.proposed
    assert "eval_accuracy as 0.9125" in draft.proposed


def test_the_diff_applies(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    draft = draft_card(None, str(folder))
    patch = shutil.which("patch")
    if patch is None:
        pytest.skip("patch is not installed")
    subprocess.run([patch, "-p1"], input=draft.proposal.encode(), cwd=folder, check=True, capture_output=True)
    assert (folder / "README.md").read_text("utf-8") == draft.proposed


def test_a_second_proposal_has_nothing_to_add(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    (folder / "README.md").write_text(draft_card(None, str(folder)).proposed, encoding="utf-8")
    assert draft_card(None, str(folder)).proposal == ""


def test_a_draft_needs_no_proposal_to_itself(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    (folder / "README.md").write_text(draft_card(None, str(folder)).card, encoding="utf-8")
    assert draft_card(None, str(folder)).proposal == ""


def test_missing_sections_go_below_the_authors_headings(tmp_path: Path) -> None:
    lines = draft_card(None, str(write_model(tmp_path / "acme__tiny"))).proposed.split("\n")
    assert lines.count("## Model Details") == 1
    assert lines.count("## Evaluation") == 1
    assert (
        lines.index("## Model Details")
        < lines.index("### Model Description")
        < lines.index("## Intended uses")
    )
    assert lines.index("## Technical Specifications") > lines.index("## Evaluation")


def test_metadata_is_added_inside_its_block(tmp_path: Path) -> None:
    proposed = draft_card(None, str(write_model(tmp_path / "acme__tiny"))).proposed
    assert (
        proposed.split("\n---\n")[0]
        == "---\ntags:\n- generated_from_trainer\nlicense:\nlibrary_name: transformers"
    )
    assert ModelCard(proposed).data.get("library_name") == "transformers"


@pytest.mark.parametrize(
    "card",
    [
        "# No front matter\n\nSorts letters.\n",
        CARD.replace("\n", "\r\n"),
        "---\nlicense: mit\n---",
        "---\nlicense: [unclosed\n---\n# x\n",
        "---\nnever closed\n\n# x\n",
        "\ufeff---\nlicense: mit\n---\n# x\n",
    ],
)
def test_odd_cards_keep_all_their_lines(tmp_path: Path, card: str) -> None:
    folder = write_model(tmp_path / "acme__tiny", card)
    draft = draft_card(None, str(folder), against=card)
    kept = draft.proposed.split("\n")
    wanted = [line for line in card.split("\n") if "[More Information Needed]" not in line]
    position = 0
    for line in wanted:
        position = kept.index(line, position) + 1 if line.strip() else position
    assert ("\r\n" in draft.proposed) == ("\r\n" in card)


def test_a_folder_without_a_card_gets_no_proposal(tmp_path: Path) -> None:
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny", None)))
    assert (draft.proposal, draft.proposed) == ("", "")
    assert "learning rate" in draft.card
