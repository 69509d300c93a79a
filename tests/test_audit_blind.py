"""The blind half of the audit's evaluation: every error is where it says, and rewritings keep the facts."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
import yaml

from eval.audit_blind import BLIND_TWINS, BlindInjection, inject_blind, inject_blind_folder

CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-classification
datasets:
- glue
tags:
- text-classification
model-index:
- name: tiny-fox
  results:
  - task:
      type: text-classification
    dataset:
      type: glue
      name: glue
    metrics:
    - type: accuracy
      value: 0.912
---

# tiny-fox

A fine-tuned version of [acme/roberta-tiny](https://huggingface.co/acme/roberta-tiny) with 110M parameters.

- Accuracy: 91.2%

## Limitations

It knows short texts only.

## Usage

```python
# not a heading
pipe = pipeline("text-classification", model="acme/tiny-fox")
```
"""
BARE = "# quiet-owl\n\nA small model for owls.\n"
CONFIG = {
    "architectures": ["GPT2LMHeadModel"],
    "vocab_size": 500,
    "num_hidden_layers": 4,
    "max_position_embeddings": 128,
}


def changed(before: str, after: str) -> set[int]:
    """The 1-based lines of `after` that `before` has not."""
    matcher = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return {
        at + 1
        for tag, _, _, start, stop in matcher.get_opcodes()
        if tag != "equal"
        for at in range(start, stop)
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("card", [CARD, BARE, CARD.replace("\n", "\r\n")], ids=["full", "bare", "crlf"])
def test_every_error_changes_the_lines_it_names(card: str, seed: int) -> None:
    for error in inject_blind(card, seed):
        assert error.card != card, error.kind
        assert error.what, error.kind
        assert error.key, error.kind
        lines = changed(card, error.card)
        if error.line == 0:
            assert len(error.card) < len(card), error.kind
        else:
            assert lines & set(range(error.line, error.line + error.length)), (error.kind, error.what, lines)
            assert error.line + error.length - 1 <= error.card.count("\n") + 1, error.kind


def test_the_kinds_are_many_and_apply_where_they_can() -> None:
    full = {error.kind for seed in range(4) for error in inject_blind(CARD, seed)}
    bare = {error.kind for error in inject_blind(BARE, 1)}
    assert len(full | bare) >= 40
    assert {"licence-prose", "adapter-without-base"} & full == {"licence-prose"}
    assert {"licence-prose", "adapter-without-base"} & bare == {"adapter-without-base"}


def test_one_seed_gives_the_same_and_another_gives_others() -> None:
    first = list(inject_blind(CARD, 3))
    assert first == list(inject_blind(CARD, 3))
    assert [one.card for one in first] != [one.card for one in inject_blind(CARD, 4)]
    assert list(BLIND_TWINS(CARD, 3)) == list(BLIND_TWINS(CARD, 3))


def test_an_example_of_another_model_replaces_only_its_id() -> None:
    (error,) = [one for one in inject_blind(CARD, 2) if one.kind == "snippet-other"]
    assert changed(CARD, error.card) == {error.line}
    assert error.key in error.card.split("\n")[error.line - 1]


@pytest.mark.parametrize("seed", range(4))
def test_twins_keep_metadata_and_text(seed: int) -> None:
    twins = list(BLIND_TWINS(CARD, seed))
    assert len(twins) >= 15
    facts = yaml.safe_load(CARD.split("---")[1])
    for twin in twins:
        head = yaml.safe_load(twin.card.replace("\r\n", "\n").split("---")[1])
        for key, value in facts.items():
            assert head[key] in (value, [value]) or [head[key]] == value, (twin.kind, key)
        if twin.kind not in {"percent-fraction", "parameters-unit", "crlf"}:
            assert all(line in twin.card for line in CARD.split("---")[2].strip().split("\n")), twin.kind


def test_units_are_rewritten_without_loss() -> None:
    twins = {twin.kind: twin.card for twin in BLIND_TWINS(CARD, 1)}
    assert "- Accuracy: 0.912\n" in twins["percent-fraction"]
    assert "with 0.11B parameters." in twins["parameters-unit"]
    assert twins["crlf"].replace("\r\n", "\n") == CARD


def test_folder_errors_never_state_the_truth() -> None:
    errors: list[BlindInjection] = [
        error for seed in range(20) for error in inject_blind_folder(CARD, CONFIG, 1_234_567, seed)
    ]
    assert {error.kind for error in errors} == {
        "wrong-parameters",
        "wrong-context",
        "wrong-vocabulary",
        "wrong-layers",
        "wrong-architecture",
    }
    for error in errors:
        text = "\n".join(error.card.split("\n")[error.line - 1 : error.line - 1 + error.length])
        assert not {"500", "128", "1,234,567", "1234567"} & set(text.replace(".", " ").split())
        assert "GPT2LMHeadModel" not in text
    assert len({error.card for error in errors}) > 60


def test_a_card_that_never_closes_its_code_gets_no_text_at_its_end() -> None:
    kinds = {error.kind for error in inject_blind(CARD + "\n```\nopen\n", 1)}
    assert {"email", "licence-no-id"} & kinds == {"licence-no-id"}
