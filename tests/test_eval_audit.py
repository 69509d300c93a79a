"""The figures of `lake eval audit` can fail: without a rule recall falls, with one that raves specificity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.audit import audit_text, list_untouched, run_half
from eval.audit_injections import Injection, inject
from eval.audit_models import inject_sizes, run_folders
from eval.audit_scoring import Score, TwinScore, is_at, list_new
from eval.audit_twins import make_twins
from tools.audit import AuditReport, Finding, registry
from tools.audit.registry import find
from tools.audit.subject import AuditSubject

MODEL = "example-lab/otter-notes"
CARD = """---
license: apache-2.0
language: en
datasets:
- example-lab/otters
base_model: example-lab/river-base
pipeline_tag: text-classification
library_name: transformers
tags:
- otters
model-index:
- name: otter-notes
  results:
  - task:
      type: text-classification
    dataset:
      name: otters
      type: example-lab/otters
      split: test
    metrics:
    - name: Accuracy
      type: accuracy
      value: 0.8312
---

# otter-notes

Sorts notes on otters. This model was fine-tuned from example-lab/river-base and has 110M parameters.

## Usage

```python
from transformers import pipeline
sorter = pipeline("text-classification", model="example-lab/otter-notes")
```

## Training

It was fine-tuned on [otters](https://huggingface.co/datasets/example-lab/otters), 4,000 notes of wardens.

## Evaluation

On the test set of otters it reaches:

- Accuracy: 0.8312

## Limitations

Notes on beavers were not tried, and short notes are often wrong. Who counts otters should read them all.
"""
CARDS = [(MODEL, CARD)]


def _plain() -> dict[str, AuditReport]:
    return {MODEL: audit_text(MODEL, CARD)}


def _disable(monkeypatch: pytest.MonkeyPatch, *ids: str) -> None:
    kept = {id: rule for id, rule in registry._RULES.items() if id not in ids}
    monkeypatch.setattr(registry, "_RULES", kept)


def test_errors_are_found_and_true_rewritings_are_not_blamed() -> None:
    score, twins = run_half("own", CARDS, _plain(), seed=3, per_kind=3)
    figures, kept = score.describe(), twins.describe()
    assert figures["kinds"] >= 20
    assert figures["recall"] >= 0.95, figures["missed"]
    assert figures["precision"] >= 0.9, figures["beside"]
    assert kept["twins"] >= 10
    assert kept["specificity"] == 1.0, kept["wrong"]


def test_without_a_rule_recall_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _plain()
    before, _ = run_half("own", CARDS, plain, seed=3, per_kind=3)
    _disable(monkeypatch, "secret-in-card", "license-invalid")
    after, _ = run_half("own", CARDS, plain, seed=3, per_kind=3)
    assert before.found["token or key"] == before.found["licence no identifier"] == 1
    assert after.found["token or key"] == after.found["licence no identifier"] == 0
    assert after.describe()["recall"] < before.describe()["recall"]
    assert any(line.startswith("token or key") for line in after.missed)


def test_a_rule_that_raves_costs_specificity_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _plain()

    def rave(subject: AuditSubject) -> Iterator[Finding]:
        if subject.card.text != CARD:
            yield find(subject, "link-malformed", "Something is odd here.", line=1)

    raving = replace(registry._RULES["link-malformed"], check=rave)
    monkeypatch.setitem(registry._RULES, "link-malformed", raving)
    score, twins = run_half("own", CARDS, plain, seed=3, per_kind=3)
    assert twins.describe()["specificity"] == 0.0
    assert score.describe()["precision"] < 0.7


def test_a_finding_that_was_there_before_is_not_new_and_one_elsewhere_is_no_hit() -> None:
    old = Finding("license-missing", "warning", "The metadata names no license.", 1)
    moved = replace(old, line=9)
    other = Finding("email-in-card", "note", "This line holds an e-mail address.", 40)
    before = replace(_plain()[MODEL], findings=(old,))
    after = replace(before, findings=(moved, other))
    assert list_new(before, after) == [other]
    score = Score()
    error = Injection("licence removed", CARD, 0, "license", "the licence is gone")
    assert not score.count(MODEL, error, before, after)
    assert score.describe()["precision"] == 0.0
    assert is_at(other, 40, "")
    assert is_at(other, 38, "", length=3)
    assert not is_at(other, 39, "")
    assert is_at(other, 0, "e-mail")


def test_injections_are_seeded_and_change_the_card() -> None:
    first = list(inject(CARD, 3, MODEL))
    assert first == list(inject(CARD, 3, MODEL))
    assert first != list(inject(CARD, 4, MODEL))
    for error in first:
        assert error.card != CARD
        assert 0 <= error.line <= error.card.count("\n") + 1
    for twin in make_twins(CARD, 3, MODEL):
        assert twin.card != CARD


def test_sizes_are_held_against_the_files(tmp_path: Path) -> None:
    score, twins = Score(), TwinScore()
    run_folders(tmp_path, 3, score, twins)
    figures = score.describe()
    assert figures["injected"] >= 100
    assert figures["recall"] >= 0.95, figures["missed"]
    assert twins.describe()["specificity"] >= 0.95, twins.wrong
    assert len(list(inject_sizes(CARD, {"vocab_size": 500}, 1_000_000, 1))) == 5


def test_findings_on_untouched_cards_are_listed(real_lake: Path) -> None:
    listed = list_untouched(real_lake, limit=25)
    assert listed["cards"] >= 25
    assert sum(listed["findings"].values()) >= len(listed["read"]) == min(listed["errors"], 100)
