"""Errors in the cards of local models whose files contradict them: sizes, architecture, parents, licences."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.audit_injections import Injection, open_page
from eval.audit_scoring import Score, TwinScore
from eval.audit_twins import Twin
from eval.draft_sample import list_models, open_masked
from tools.audit import AuditReport, audit_model, audit_target
from tools.sources.headers import read_header

_RESTRICTED = ("cc-by-nc-4.0", "gpl-3.0", "llama3", "gemma", "cc-by-nc-sa-4.0", "openrail")
_CLASSES = (
    "MistralForCausalLM",
    "GPT2LMHeadModel",
    "BertForTokenClassification",
    "T5ForConditionalGeneration",
)
# What the cards misstate on purpose, so that no error can be put there.
_UNTRUE = {"example-lab/quiet-mill", "example-lab/delta-notes", "example-lab/moss-base"}


def read_model(folder: Path) -> tuple[str, dict[str, Any], int]:
    """(card, configuration, exact count of parameters) of a model's folder."""
    text = (folder / "README.md").read_text("utf-8")
    config = folder / "config.json"
    total = 0
    for name in ("model.safetensors", "adapter_model.safetensors"):
        for tensor, info in read_header(folder / name).items() if (folder / name).is_file() else ():
            size = 1
            for extent in info["shape"] if tensor != "__metadata__" else [0]:
                size *= extent
            total += size
    return text, json.loads(config.read_text("utf-8")) if config.is_file() else {}, total


def inject_sizes(text: str, config: dict[str, Any], parameters: int, seed: int) -> Iterator[Injection]:
    """Sizes and architectures that configuration and header contradict, in sentences, lists and tables."""
    chance = random.Random(f"{seed} {text}")
    page = open_page(text, seed)

    def make(kind: str, forms: list[str], value: str, key: str) -> Iterator[Injection]:
        form = chance.choice(forms)
        rows = form.format(value).split("\n")
        made, line = page.insert(*rows, before_heading=chance.random() < 0.5)
        yield Injection(kind, made, line, key, form.format(value), len(rows))

    wrong = int(parameters * chance.choice([0.4, 0.7, 1.5, 3, 1000]))
    for shown in (f"{wrong:,}", f"{wrong / 1e6:.4g}M", f"{wrong / 1e6:.4g} million", f"{wrong / 1e9:.6f}B"):
        forms = ["The model has {} parameters.", "- Parameters: {}", "| Size | {} parameters |",
                 "A model of {} parameters.",
                 "| Setting | Value |\n| --- | --- |\n| Parameters | {} |",
                 "**Number of parameters:** {}"]  # fmt: skip
        yield from make("parameter count", forms, shown, "parameter")
    sizes = [
        ("context length", "max_position_embeddings",
         ["The context length is {} tokens.", "- Context window: {}", "It has a context length of {}.",
          "Maximum sequence length: {}", "It reads up to {} tokens of context."]),
        ("vocabulary", "vocab_size", ["Vocabulary size: {}", "It has a vocabulary of {} tokens.",
         "- vocab_size: {}",
         "| Setting | Value |\n| --- | --- |\n| Vocabulary size | {} |"]),
        ("layers", "num_hidden_layers", ["The model has {} layers.", "- Number of layers: {}", "Layers: {}",
         "| Setting | Value |\n| --- | --- |\n| Layers | {} |"]),
        ("hidden size", "hidden_size", ["Hidden size: {}", "It has a hidden size of {}.", "- hidden_size: {}",
         "| Setting | Value |\n| --- | --- |\n| Hidden size | {} |"]),
        ("attention heads", "num_attention_heads", ["It has {} attention heads.", "- Attention heads: {}",
         "| Setting | Value |\n| --- | --- |\n| Attention heads | {} |"]),
    ]  # fmt: skip
    for kind, key, forms in sizes:
        if isinstance(config.get(key), int):
            value = config[key] * chance.choice([2, 3, 4, 8])
            yield from make(kind, forms, f"{value:,}" if chance.random() < 0.3 else str(value), kind)
    if config.get("architectures"):
        name = chance.choice([one for one in _CLASSES if one not in config["architectures"]])
        forms = [
            "Architecture: {}",
            "The architecture is `{}`.",
            "- **Architecture:** {}",
            "**Model architecture:** `{}`",
        ]
        yield from make("architecture", forms, name, "architecture")


def make_size_twins(text: str, config: dict[str, Any], parameters: int, seed: int) -> Iterator[Twin]:
    """True sizes, written as people write them."""
    page = open_page(text, seed)
    for shown in (f"{parameters:,}", f"{parameters / 1e6:.2f}M", f"{parameters / 1e6:.1f} million",
                  f"{parameters / 1e9:.5f}B",
                  f"{round(parameters, -3) // 1000}K"):  # fmt: skip
        sentence = f"The model has {shown} parameters."
        yield Twin("parameters", page.insert(sentence)[0], sentence)
    for key, form in (("max_position_embeddings", "The context length is {} tokens."),
                      ("vocab_size", "Vocabulary: {}"), ("num_hidden_layers", "It has {} layers."),
                      ("hidden_size", "- Hidden size: {}")):  # fmt: skip
        if isinstance(config.get(key), int):
            yield Twin("sizes", page.insert(form.format(config[key]))[0], form)
    for name in config.get("architectures") or ():
        yield Twin("architecture", page.insert(f"Architecture: `{name}`")[0], name)


def audit_folder(folder: Path, name: str, text: str) -> AuditReport:
    """The audit of a copy of a model's folder with another card."""
    copy = folder / name
    (copy / "README.md").write_text(text, encoding="utf-8")
    return audit_target(None, str(copy))


def run_folders(folder: Path, seed: int, score: Score, twins: TwinScore) -> None:
    """Sizes against files, for every sample model with weights; `folder` is for the copies."""
    for name, original in list_models().items():
        text, config, parameters = read_model(original)
        shutil.copytree(original, folder / name)
        (folder / name / "record.json").unlink(missing_ok=True)
        before = audit_folder(folder, name, text)
        if config and not config.get("quantization_config"):  # an adapter's card may state its base's sizes
            for error in inject_sizes(text, config, parameters, seed):
                score.count(name, error, before, audit_folder(folder, name, error.card))
            for twin in make_size_twins(text, config, parameters, seed):
                twins.count(name, twin.kind, twin.what, before, audit_folder(folder, name, twin.card))
        if (folder / name / "adapter_config.json").is_file() or config.get("quantization_config"):
            gone = open_page(text, seed).drop("base_model")
            if gone is not None:
                error = Injection(
                    "base of a derived model dropped", gone, 0, "base_model", "base_model is gone"
                )
                score.count(name, error, before, audit_folder(folder, name, gone))


def run_lineage_errors(folder: Path, seed: int, score: Score) -> None:
    """Parents that weights contradict, parents left out, licences that a parent's licence forbids."""
    originals = list_models()
    texts = {name: (path / "README.md").read_text("utf-8") for name, path in originals.items()}
    kinds = ("plain", "base swapped", "base left out", "parent's licence")
    before: dict[str, AuditReport] = {}
    for kind in kinds:
        errors = dict(_inject_lineage(kind, texts, seed))

        def change(name: str, copy: Path, kind: str = kind, errors: dict[str, Injection] = errors) -> None:
            if kind == "parent's licence":
                if name.endswith("-base"):
                    (copy / "README.md").write_text(_restrict(texts[name], name, seed), encoding="utf-8")
            elif name in errors:
                (copy / "README.md").write_text(errors[name].card, encoding="utf-8")

        with open_masked(folder / kind.replace(" ", "-").replace("'", ""), originals, change) as lake:
            for name in texts if kind == "plain" else errors:
                report = audit_model(lake, name, seconds=20.0)
                if kind == "plain":
                    before[name] = report
                else:
                    score.count(name, errors[name], before[name], report)


def _inject_lineage(kind: str, texts: dict[str, str], seed: int) -> Iterator[tuple[str, Injection]]:
    for name, text in texts.items():
        page = open_page(text, seed)
        declared = page.card.metadata.get("base_model")
        if not declared or name in _UNTRUE:
            continue
        if kind == "base swapped" and "lora" not in name:
            family = name.rpartition("/")[2].split("-")[0]
            other = page.chance.choice([o for o in texts if o.endswith("-base") and family not in o])
            if made := page.put("base_model", f"base_model: {other}"):
                yield name, Injection(kind, *made, "base_model", f"{declared} made {other}")
        elif kind == "base left out" and (gone := page.drop("base_model")):
            yield name, Injection(kind, gone, 0, "base_model", f"{declared} is gone")
        elif kind == "parent's licence":
            line = page.card.metadata_lines["/license"].start
            yield name, Injection(kind, text, line, "license", "the ancestors' licence is restricted")


def _restrict(text: str, name: str, seed: int) -> str:
    page = open_page(text, seed)
    licence = random.Random(f"{seed} {name}").choice(_RESTRICTED)
    made = page.put("license", f"license: {licence}")
    return made[0] if made else text
