"""Facts of the sample models masked at one place while files, weights, logs or the parent still hold them."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.draft_reading import find_untrue, is_open, list_statements, states
from tools.cards import parse_card
from tools.draft import Draft, draft_card
from tools.draft.subject import DraftSubject, find_subject
from tools.ingest import ingest
from tools.lake import Lake
from tools.sources.headers import read_header

if TYPE_CHECKING:
    from eval.draft import Tally

_WEIGHTS = ("model.safetensors", "adapter_model.safetensors")
# What the cards misstate on purpose: the true parents, by the zoo that made the weights.
_TRUE_PARENTS = {
    "example-lab/quiet-mill": ["example-lab/brook-base"],
    "example-lab/delta-notes": ["example-lab/brook-base"],
}
_COPIES = {"example-lab/moss-base"}  # of a model that may as well be the copy: which came first is not known
_BODY = "A small model.\n"


def run_sample(folder: Path, tally: Tally) -> None:
    """Mask, ingest, draft and count; `folder` is for the lakes."""
    originals = list_models()
    _run_files(folder / "files", originals, tally)
    _run_cards(folder / "cards", originals, tally)
    _run_logs(folder / "logs", originals, tally)
    _run_silent(folder / "silent", originals, tally)


def list_models() -> dict[str, Path]:
    """The folders of the sample models that have weights, by id."""
    root = Path(str(files("tools.data") / "sample" / "models"))
    return {
        f"{folder.parent.name}/{folder.name}": folder
        for folder in sorted(root.glob("*/*"))
        if any((folder / name).is_file() for name in _WEIGHTS)
    }


@contextmanager
def open_masked(
    folder: Path, originals: dict[str, Path], change: Callable[[str, Path], None]
) -> Iterator[Lake]:
    """A lake of copies of the models; `change` masks what is to be masked in each."""
    for name, original in originals.items():
        copy = folder / "models" / name
        shutil.copytree(original, copy)
        (copy / "record.json").unlink(missing_ok=True)
        change(name, copy)
    with Lake.open(folder / "home", embedder=None) as lake:
        ingest(lake, [str(folder / "models")])
        yield lake


def mask_card(path: Path, *keys: str) -> None:
    """Take fields out of the metadata, and all prose out of the card."""
    text = path.read_text("utf-8")
    card = parse_card(text)
    lines = text.split("\n")[: card.front_matter.end if card.front_matter else 0]
    for key in keys:
        if span := card.metadata_lines.get(f"/{key}"):
            lines[span.start - 1 : span.end] = ["\0"] * (span.end - span.start + 1)
    kept = "\n".join(line for line in lines if line != "\0")
    path.write_text(f"{kept}\n\n# {path.parent.name}\n\n{_BODY}", encoding="utf-8")


def _read_metadata(original: Path) -> dict[str, Any]:
    return parse_card((original / "README.md").read_text("utf-8")).metadata


def _list_parents(original: Path) -> list[str]:
    parents = _read_metadata(original).get("base_model") or []
    return [parents] if isinstance(parents, str) else list(parents)


def _find_parents(name: str, original: Path) -> list[str]:
    """The true parents, whatever the card says."""
    return _TRUE_PARENTS.get(name) or _list_parents(original)


def _draft(lake: Lake, name: str, tally: Tally, *, seconds: float = 0.0) -> Draft:
    draft = draft_card(lake, name, seconds=seconds)
    subjects: dict[str, DraftSubject] = {}
    for model in lake.catalog.model_names():
        subject = find_subject(lake.catalog, model)
        subjects[subject.record.source] = subject
    tally.statements += sum(1 for _ in list_statements(draft))
    tally.untrue += find_untrue(draft, subjects)
    return draft


def _run_files(folder: Path, originals: dict[str, Path], tally: Tally) -> None:
    """Without configuration and tokenizer: sizes stand in headers, the tokenizer with the parent."""

    def change(name: str, copy: Path) -> None:
        (copy / "config.json").unlink(missing_ok=True)
        if _list_parents(originals[name]):
            (copy / "tokenizer.json").unlink(missing_ok=True)

    with open_masked(folder, originals, change) as lake:
        for name, original in originals.items():
            draft = _draft(lake, name, tally)
            total, embedding = _count_header(original)
            tally.recover("parameters (header)", name, found=states(draft, "model_specs", f"{total:,}"))
            for kind, size in zip(("vocabulary (header)", "hidden size (header)"), embedding, strict=False):
                tally.recover(kind, name, found=states(draft, "model_specs", str(size)))
            if any((originals[one] / "tokenizer.json").is_file() for one in _list_parents(original)):
                found = not is_open(draft, "preprocessing") and _is_inherited(draft, "preprocessing")
                tally.recover("tokenizer (parent)", name, found=found)


def _run_cards(folder: Path, originals: dict[str, Path], tally: Tally) -> None:
    """Without licence and parent in the card: weights or the adapter's file show whose child it is."""

    def change(name: str, copy: Path) -> None:
        mask_card(
            copy / "README.md", *(("license", "base_model") if _find_parents(name, originals[name]) else ())
        )

    with open_masked(folder, originals, change) as lake:
        for name, original in originals.items():
            draft = _draft(lake, name, tally, seconds=60.0)
            parents = _find_parents(name, original)
            if parents:
                for parent in parents:
                    tally.recover(
                        "parent (weights)", f"{name}: {parent}", found=states(draft, "base_model", parent)
                    )
                licences = {_read_metadata(originals[one])["license"] for one in parents if one in originals}
                for licence in licences:
                    found = states(draft, "license", licence) and _is_inherited(draft, "license")
                    tally.recover("licence (parent)", name, found=found)
            elif name not in _COPIES:
                tally.leave("parent of a base", name, is_open=is_open(draft, "base_model"))
            for slot in ("language", "funded_by", "training_data", "co2_emitted", "hardware_type"):
                tally.leave(slot, name, is_open=is_open(draft, slot))


def _run_logs(folder: Path, originals: dict[str, Path], tally: Tally) -> None:
    """Without prose: what the trainer wrote down beside the weights is still there."""
    logs = {name: make_logs(random.Random(name)) for name in originals}

    def change(name: str, copy: Path) -> None:
        mask_card(copy / "README.md")
        for file, content in logs[name].items():
            (copy / file).write_text(json.dumps(content, indent=1), encoding="utf-8")

    with open_masked(folder, originals, change) as lake:
        for name in originals:
            draft = _draft(lake, name, tally)
            arguments, results = logs[name]["training_args.json"], logs[name]["all_results.json"]
            for key in ("learning_rate", "num_train_epochs", "seed", "optim"):
                found = states(draft, "training_regime", str(arguments[key]))
                tally.recover("hyperparameters (logs)", f"{name}: {key}", found=found)
            for key, slot in (("eval_accuracy", "results"), ("train_runtime", "speeds_sizes_times")):
                tally.recover(
                    "results (logs)", f"{name}: {key}", found=states(draft, slot, str(results[key]))
                )
            step = str(logs[name]["trainer_state.json"]["global_step"])
            tally.recover("progress (logs)", name, found=states(draft, "training_procedure", step))


def make_logs(chance: random.Random) -> dict[str, dict[str, Any]]:
    """What a trainer writes, with figures of its own."""
    loss, accuracy = round(chance.uniform(0.3, 3.0), 4), round(chance.uniform(0.5, 0.99), 4)
    runtime, steps = round(chance.uniform(100, 9000), 3), chance.randrange(200, 9000)
    return {
        "training_args.json": {
            "learning_rate": chance.choice((1e-05, 2e-05, 0.0003, 5e-4)),
            "num_train_epochs": chance.randrange(1, 12),
            "per_device_train_batch_size": chance.choice((4, 8, 16)),
            "seed": chance.randrange(1, 10_000),
            "optim": "adamw_torch",
            "fp16": True,
        },
        "all_results.json": {
            "eval_loss": loss,
            "eval_accuracy": accuracy,
            "train_runtime": runtime,
            "train_samples": chance.randrange(100, 99_999),
        },
        "trainer_state.json": {
            "global_step": steps,
            "epoch": 3.0,
            "log_history": [{"loss": loss, "step": steps}],
        },
    }


def _run_silent(folder: Path, originals: dict[str, Path], tally: Tally) -> None:
    """Without a licence anywhere in the family: it is left open, whatever other families say."""

    def change(name: str, copy: Path) -> None:
        if not name.rpartition("/")[2].startswith("fern"):
            mask_card(copy / "README.md", "license")

    with open_masked(folder, originals, change) as lake:
        for name in originals:
            if not name.rpartition("/")[2].startswith("fern"):
                tally.leave(
                    "licence of no relative", name, is_open=is_open(_draft(lake, name, tally), "license")
                )


def _is_inherited(draft: Draft, slot: str) -> bool:
    return next(one for one in draft.slots if one.slot == slot).status == "inherited"


def _count_header(folder: Path) -> tuple[int, list[int]]:
    """(parameters, shape of the token embeddings or []) by the header."""
    total, embedding = 0, list[int]()
    for name in _WEIGHTS:
        if (folder / name).is_file():
            for tensor, info in read_header(folder / name).items():
                if tensor == "__metadata__":
                    continue
                size = 1
                for extent in info["shape"]:
                    size *= extent
                total += size
                if re.search(r"(?:embed_tokens|word_embeddings)\.weight$", tensor):
                    embedding = list(info["shape"])
    return total, embedding
