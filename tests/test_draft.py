"""Drafted cards: what evidence says, cited; what none says, open; what is inherited, from whom."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from eval.draft_reading import find_untrue
from eval.draft_sample import list_models, open_masked
from tests.draft_models import CARD, write_model
from tools.draft import Draft, SlotDraft, describe_draft, draft_card
from tools.draft.json_places import read_members
from tools.draft.subject import DraftSubject, open_subject
from tools.errors import UnknownModelError, UsageError
from tools.lake import Lake

NEEDED = "[More Information Needed]"
HEADINGS = (
    "## Model Details",
    "### Model Sources",
    "## Uses",
    "### Out-of-Scope Use",
    "## Bias, Risks, and Limitations",
    "## Training Details",
    "#### Training Hyperparameters",
    "## Evaluation",
    "### Societal Impact Assessment",
    "## Model Examination",
    "## Environmental Impact",
    "## Technical Specifications",
    "## Citation",
    "## Glossary",
    "## Model Card Authors",
    "## Model Card Contact",
    "## How to Get Started with the Model",
)


@pytest.fixture
def lake(sample_home: Path, tmp_path: Path) -> Iterator[Lake]:
    with Lake.open(shutil.copytree(sample_home, tmp_path / "home"), embedder=None) as opened:
        yield opened


def find_slot(draft: Draft, name: str) -> SlotDraft:
    return next(slot for slot in draft.slots if slot.slot == name)


def say_slot(draft: Draft, name: str) -> str:
    return " ".join(said.text for said in find_slot(draft, name).statements)


def test_a_folder_is_drafted_from_its_files(tmp_path: Path) -> None:
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny")))
    assert draft.model == "acme/tiny"
    assert "learning rate was 2e-05" in say_slot(draft, "training_regime")
    assert "fp16 mixed precision" in say_slot(draft, "training_regime")
    assert "eval_accuracy as 0.9125" in say_slot(draft, "results")
    assert "812.4 seconds" in say_slot(draft, "speeds_sizes_times")
    assert "step 240" in say_slot(draft, "training_procedure")
    assert "BertForSequenceClassification" in say_slot(draft, "model_specs")
    assert "336 parameters: F32 336" in say_slot(draft, "model_specs")
    assert "BertTokenizer" in say_slot(draft, "preprocessing")
    assert "> Sorts letters" in say_slot(draft, "direct_use")
    assert draft.dropped == ()


def test_what_nothing_supports_is_left_open(tmp_path: Path) -> None:
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny")))
    for name in (
        "license",
        "language",
        "developers",
        "funded_by",
        "training_data",
        "co2_emitted",
        "base_model",
    ):
        assert find_slot(draft, name).status == "unknown"
    line = next(line for line in draft.card.split("\n") if line.startswith("- **License:**"))
    assert line.startswith(f"- **License:** {NEEDED} (would fill it: ")
    assert ModelCard(draft.card).data.get("license") is None


def test_every_statement_stands_on_evidence_that_is_there(lake: Lake, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    subject = open_subject(None, str(folder))
    draft = draft_card(None, str(folder))
    assert find_untrue(draft, {subject.record.source: subject}) == []
    subjects: dict[str, DraftSubject] = {}
    for name in ("brook-letters-lora", "brook-base", "roberta-base-squad2", "gpt2"):
        one = open_subject(lake.catalog, name)
        subjects[one.record.source] = one
    for name in ("example-lab/brook-letters-lora", "deepset/roberta-base-squad2", "gpt2"):
        draft = draft_card(lake, name, seconds=0)
        assert find_untrue(draft, subjects) == []
        assert sum(len(slot.statements) for slot in draft.slots) > 2


def test_an_untrue_statement_would_be_found(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    draft = draft_card(None, str(folder))
    (folder / "config.json").write_text('{"hidden_size": 9}', encoding="utf-8")
    subject = open_subject(None, str(folder))
    assert find_untrue(draft, {subject.record.source: subject})


def test_the_card_has_every_section_and_its_footnotes_resolve(tmp_path: Path) -> None:
    draft = draft_card(None, str(write_model(tmp_path / "acme__tiny")))
    for heading in HEADINGS:
        assert f"\n{heading}\n" in draft.card
    body, _, notes = draft.card.rpartition("\n---\n")
    used = set(re.findall(r"\[\^(E\d+)\]", body))
    assert used == set(re.findall(r"^\[\^(E\d+)\]:", notes, re.MULTILINE))
    assert used == {item.id for item in draft.evidence}
    assert all(item.sha256 in notes for item in draft.evidence)


def test_what_is_inherited_says_from_whom(lake: Lake) -> None:
    draft = draft_card(lake, "example-lab/brook-letters-lora", seconds=0)
    tokenizer = find_slot(draft, "preprocessing")
    assert tokenizer.status == "inherited"
    assert {said.inherited_from for said in tokenizer.statements} == {"example-lab/brook-base"}
    assert "*Inherited from example-lab/brook-base:* Its tokenizer" in draft.card
    # Data, results and limits of a parent are never a child's.
    assert find_slot(draft, "training_data").status in ("unknown", "filled")
    assert all(not said.inherited_from for said in find_slot(draft, "training_data").statements)


def test_a_licence_is_inherited_with_a_comment(lake: Lake, tmp_path: Path) -> None:
    card = "---\nbase_model: example-lab/brook-base\n---\n# tiny\n\nSorts letters.\n"
    draft = draft_card(lake, str(write_model(tmp_path / "acme__tiny", card)))
    assert find_slot(draft, "license").status == "inherited"
    assert "license: apache-2.0  # inherited from example-lab/brook-base" in draft.card
    assert ModelCard(draft.card).data.get("license") == "apache-2.0"


@pytest.mark.slow
def test_a_parent_that_weights_contradict_is_said_and_not_followed(tmp_path: Path) -> None:
    names = [f"example-lab/{name}" for name in ("brook-base", "delta-base", "delta-notes")]
    originals = {name: path for name, path in list_models().items() if name in names}
    with open_masked(tmp_path, originals, lambda name, copy: None) as lake:
        draft = draft_card(lake, "example-lab/delta-notes", seconds=60)
    said = say_slot(draft, "base_model")
    assert "example-lab/delta-base, which the weights of the two contradict" in said
    assert "example-lab/brook-base, found by weights" in said
    assert ModelCard(draft.card).data.get("base_model") == "example-lab/brook-base"


def test_the_metadata_is_the_hubs(lake: Lake) -> None:
    for name in ("deepset/roberta-base-squad2", "facebook/s2t-small-librispeech-asr"):
        card = ModelCard(draft_card(lake, name, seconds=0).card)
        assert card.data.get("pipeline_tag")
        assert card.content.startswith("---\n")


@pytest.mark.parametrize(
    ("prose", "slot", "said"),
    [
        ("This model is released under the Apache 2.0 license.", "license", "Apache 2.0"),
        ("A German language model for letters.", "language", "German"),
        ("- **Language(s):** Thai and Dutch", "language", "Thai and Dutch"),
        ("It was fine-tuned on the Letters of Nowhere corpus.", "training_data", "Letters of Nowhere"),
        ("```python\nfrom diffusers import DiffusionPipeline\n```", "software", "diffusers"),
        ("- **Hardware Type:** 4 imaginary cards", "hardware_type", "4 imaginary cards"),
        ("See arXiv:1908.10063 for more.", "paper", "1908.10063"),
    ],
)
def test_prose_fills_what_the_metadata_lacks(tmp_path: Path, prose: str, slot: str, said: str) -> None:
    (tmp_path / "acme__prose").mkdir()
    (tmp_path / "acme__prose" / "README.md").write_text(f"---\ntags: [x]\n---\n# prose\n\n{prose}\n")
    assert said in say_slot(draft_card(None, str(tmp_path / "acme__prose")), slot)


@pytest.mark.parametrize(
    "prose",
    [
        "The dataset is licensed under CC BY 4.0.",
        "The code is released under the MIT License.",
        "It works worse for non-English prompts.",
        "We thank the English department.",
    ],
)
def test_what_is_said_of_something_else_fills_nothing(tmp_path: Path, prose: str) -> None:
    (tmp_path / "acme__prose").mkdir()
    (tmp_path / "acme__prose" / "README.md").write_text(f"---\ntags: [x]\n---\n# prose\n\n{prose}\n")
    draft = draft_card(None, str(tmp_path / "acme__prose"))
    assert find_slot(draft, "license").status == "unknown"
    assert find_slot(draft, "language").status == "unknown"


def test_a_cards_text_is_quoted_and_never_run(tmp_path: Path) -> None:
    card = (
        "---\nlicense: mit\n---\n# x\n\n## Intended uses\n\nFor <script>alert(1)</script> and "
        "![pixel](https://example.org/p.png) letters.\n\n"
        "## Limitations\n\nA sentence with a mark [E1] in it.\n"
    )
    (tmp_path / "acme__x").mkdir()
    (tmp_path / "acme__x" / "README.md").write_text(card)
    draft = draft_card(None, str(tmp_path / "acme__x"))
    assert "<script>" not in draft.card.rpartition("\n---\n")[0]
    assert "![pixel]" not in draft.card.rpartition("\n---\n")[0]
    assert find_slot(draft, "bias_risks_limitations").status == "unknown"


def test_broken_files_are_said_and_the_rest_is_drafted(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    (folder / "config.json").write_text("{broken", encoding="utf-8")
    (folder / "trainer_state.json").write_text("[1]", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"\x05")
    draft = draft_card(None, str(folder))
    assert len(draft.notes) == 3
    assert "learning rate" in say_slot(draft, "training_regime")


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    (tmp_path / "secret.json").write_text('{"learning_rate": 0.123}', encoding="utf-8")
    (folder / "training_args.json").unlink()
    (folder / "training_args.json").symlink_to(tmp_path / "secret.json")
    assert "0.123" not in draft_card(None, str(folder)).card


def test_the_document_is_the_contracts(tmp_path: Path) -> None:
    document = describe_draft(draft_card(None, str(write_model(tmp_path / "acme__tiny"))))
    assert {"model", "card", "sections", "evidence", "dropped"} <= set(document)
    assert {section["status"] for section in document["sections"]} <= {"filled", "inherited", "unknown"}
    held = {item["id"]: item["sha256"] for item in document["evidence"]}
    assert {key for section in document["sections"] for key in section["evidence"]} == set(held)
    for claim in document["claims"]:
        assert claim["evidence"]
        assert all(held[item["id"]] == item["sha256"] for item in claim["evidence"])
    json.dumps(document, allow_nan=False)


def test_names_that_are_no_model(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError):
        draft_card(lake, "nobody/nothing")
    with pytest.raises(UnknownModelError):
        draft_card(None, "nobody/nothing")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        draft_card(None, str(tmp_path / "a.txt"))


def test_a_readme_names_its_folder(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny", CARD)
    assert draft_card(None, str(folder / "README.md")).model == "acme/tiny"


def test_members_are_quoted_as_they_stand() -> None:
    text = '{"a": 1e-5, "b" : {"c/d": [1, {"e": "x\\u00e9"}]}, "a": 2.50}'
    members = read_members(text)
    assert members["/a"].text == '"a": 2.50'
    assert members["/a"].shown == "2.50"
    assert members["/b/c~1d/1/e"].value == "xé"
    assert all(member.text in text for member in members.values())
    with pytest.raises(ValueError, match="object"):
        read_members("[]")
    with pytest.raises(ValueError, match=r"deeply|recursion"):
        read_members('{"a":' * 100_000)
