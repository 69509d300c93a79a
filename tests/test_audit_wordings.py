"""Claims in other words, other languages and other places of a card, each held against metadata or config."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.audit import audit_text
from tests.draft_models import write_model
from tests.test_audit import SOUND
from tools.audit import audit_target
from tools.audit.architectures import _fits
from tools.audit.sizes import _translate

WRONG = {
    "Everything in this repository, weights included, is available under GPL-3.0.": "license-disagrees",
    "You may not use the weights in any commercial product.": "license-narrowed",
    "Kommerzielle Nutzung ist nicht gestattet.": "license-narrowed",
    "It understands German only; no other language is supported.": "language-disagrees",
    "Training used only the `squad_v2` dataset, nothing else.": "dataset-disagrees",
    "The Spearman correlation is 1.27.": "metric-out-of-range",
    "- MCC: 1.82": "metric-out-of-range",
    "We report F1 of 98.7 measured on the same data used for training.": "result-on-train",
    "Accuracy auf dem Trainingsdatensatz: 99,1 %": "result-on-train",
    "L'exactitude sur le jeu d'entraînement est de 99,1 %.": "result-on-train",
    "| Split | F1 |\n| --- | --- |\n| train | 99.1 |": "result-on-train",
    "| Dataset | F1 |\n|---|---|\n| SST-2 | 0.78 |\n| SST-2 | 0.94 |": "result-conflict",
    "F1 on Brook-QA is 83.9.\n\n| Model | Brook-QA F1 |\n|---|---|\n| ours | 71.4 |": "result-conflict",
    "Code: https//github.com/acme/model": "link-malformed",
    "[optional]: describe here what it must not be used for": "section-default",
    "Tél. : (212) 864-8277": "phone-in-card",
}
RIGHT = (
    "Everything in this repository, weights included, is available under the terms of Apache 2.0.",
    "You may use the weights in commercial products.",
    "It understands English only; no other language is supported.",
    "Training used only the `imdb` dataset, nothing else.",
    "The Spearman correlation is 0.27.",
    "The data used for training are listed above.",
    "| Split | F1 |\n| --- | --- |\n| train | 99.1 |\n| test | 91.0 |",
    "| Epoch | F1 |\n|---|---|\n| 1 | 0.78 |\n| 2 | 0.94 |",
    "| Dataset | F1 |\n|---|---|\n| SST-2 | 0.78 |\n| SST-5 | 0.94 |",
    "The F1 on Brook-QA is 71.4.\n\n| Model | Brook-QA F1 |\n|---|---|\n| this model | 71.4 |",
)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_however_it_is_said(text: str) -> None:
    findings = audit_text("acme/sound", f"{SOUND}\n{text}\n").findings
    assert WRONG[text] in {finding.rule for finding in findings}


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    findings = audit_text("acme/sound", f"{SOUND}\n{text}\n").findings
    assert [finding for finding in findings if finding.severity != "note"] == []


SIZES = {
    "It reads up to 4096 tokens at once.": "config-disagrees",
    "Kontextlänge: 4096 Token": "config-disagrees",
    "The model is a `MixtralForCausalLM`.": "config-disagrees",
    "| Setting | Value |\n| --- | --- |\n| Architecture | ViTModel |": "config-disagrees",
    "- **Architecture:** Whisper": "config-disagrees",
    "El modelo tiene 7000M parámetros.": "parameters-disagree",
    "| Parameters | Licence |\n| --- | --- |\n| 7B | see above |": "parameters-disagree",
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_held_against_the_files_beside(text: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", card=SOUND + f"\n{text}\n")
    rules = {finding.rule for finding in audit_target(None, str(folder)).findings}
    assert SIZES[text] in rules


OF_OTHERS = (
    "GPT-3 has 175B parameters.",
    "It outperforms models of 1.3B parameters.",
    "Compared with Mistral-7B (7.3B parameters, a context length of 32k), it is small.",
    "The teacher, Owl-70B, has 70 billion parameters and a context length of 131072.",
    "The teacher was a BERT model with 24 layers and a vocabulary of 30,522.",
    "A larger version with 1.3B parameters will follow.",
    "Earlier work (BLOOM, 176B parameters) was larger.",
)


@pytest.mark.parametrize("text", OF_OTHERS)
def test_sizes_of_other_models_are_not_held_against_this_one(text: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", card=SOUND + f"\n{text}\n")
    errors = [finding for finding in audit_target(None, str(folder)).findings if finding.severity == "error"]
    before = audit_target(None, str(write_model(tmp_path / "n", card=SOUND))).findings
    assert len(errors) == sum(finding.severity == "error" for finding in before)


@pytest.mark.parametrize(
    "text", ["The model has 7B parameters.", "Based on GPT-2, this model has 7B parameters."]
)
def test_sizes_of_this_model_are(text: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", card=SOUND + f"\n{text}\n")
    assert "parameters-disagree" in {finding.rule for finding in audit_target(None, str(folder)).findings}


def test_a_lost_shard_is_told_and_nothing_counted(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", card=SOUND + "\nThe model has 7B parameters.\n")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    report = audit_target(None, str(folder))
    assert "parameters-disagree" not in {finding.rule for finding in report.findings}
    assert "only 1 of 2 shards are there" in json.dumps(report.describe())


def test_counts_of_other_languages_are_read() -> None:
    assert _translate("2,7 Milliarden") == "2.7 billion"
    assert _translate("110 Mio. ") == "110 million"
    assert _translate("110.000.000") == "110000000"
    assert _translate("0.22M") == "0.22 M"


def test_families_of_one_design_do_not_contradict() -> None:
    assert _fits("BERT", "distilbert") is True
    assert _fits("RoBERTa-large", "whisper") is False
    assert _fits("a stack of things", "bert") is None
    assert _fits("BERT", "something-new") is None
