"""A small made-up model with everything a trainer leaves behind, for tests of drafts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.weights_files import draw, save_model

CONFIG: dict[str, Any] = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "vocab_size": 40,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "max_position_embeddings": 64,
    "transformers_version": "4.57.1",
}
FILES: dict[str, dict[str, Any]] = {
    "config.json": CONFIG,
    "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "model_max_length": 64},
    "training_args.json": {"learning_rate": 2e-05, "num_train_epochs": 3, "seed": 7, "fp16": True},
    "trainer_state.json": {"global_step": 240, "epoch": 3.0, "log_history": [{"loss": 1.5, "step": 10}]},
    "all_results.json": {
        "eval_accuracy": 0.9125,
        "eval_loss": 0.31,
        "train_runtime": 812.4,
        "train_samples": 640,
    },
}
CARD = """---
tags:
- generated_from_trainer
license:
---

# tiny

## Model Details

- **Developed by:** [More Information Needed]
- **License:** [More Information Needed]

## Intended uses

Sorts letters of an invented town by their tone.

## Evaluation

### Results

[More Information Needed]
"""


def write_model(folder: Path, card: str | None = CARD) -> Path:
    """Write the model into `folder`; `card` None leaves the README out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    if card is not None:
        (folder / "README.md").write_text(card, encoding="utf-8", newline="")
    tensors = {"bert.embeddings.word_embeddings.weight": draw(40, 8), "classifier.weight": draw(2, 8)}
    save_model(folder, tensors)
    # A pickle that would fail loudly if anything read it.
    (folder / "training_args.bin").write_bytes(b"\x80\x04c__main__\nboom\n.")
    return folder
