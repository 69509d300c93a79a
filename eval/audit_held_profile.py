"""Held-out errors that need more than a card: the EU's documentation form, and the licence of a parent."""

from __future__ import annotations

import random
from pathlib import Path

from eval.audit_blind import BlindInjection
from eval.audit_scoring import Score
from eval.draft_sample import list_models, open_masked
from tools.audit import AuditReport, audit_model, audit_target

# Fields of the form that no file of a model can tell: the word a finding must name, a heading, and its text.
_FIELDS = [
    ("provider", "Provider", "Legal name of the provider: Otterbrook Modelle GmbH, Bremen."),
    ("release", "Release date", "First released on 12 May 2025; on the Union market since 2 June 2025."),
    (
        "acceptable",
        "Acceptable use policy",
        "Any lawful use is accepted; see https://otterbrook.example/aup.",
    ),
    (
        "modalit",
        "Input and output modalities",
        "Input: text, at most 64 tokens. Output: text, at most 64 tokens.",
    ),
    ("compute", "Compute", "Training took 2.1e15 FLOP, 40 minutes on one GPU."),
    ("energy", "Energy consumption", "About 0.2 kWh, estimated from the rated power and the time."),
    ("distribution", "Distribution channels", "The weights are published on the Hugging Face Hub only."),
    ("data points", "Number of data points", "The training set has 640 texts."),
    (
        "integration",
        "Technical means for integration",
        "Loaded with transformers 4.40 or later; no service is needed.",
    ),
    (
        "provenance",
        "Data provenance and curation",
        "All texts are synthetic, written by a script of ours; duplicates were removed by hand.",
    ),
]
_PROFILED = (
    "example-lab/brook-base",
    "example-lab/fern-base",
    "example-lab/brook-chat",
    "example-lab/fern-reviews",
)
_RESTRICTED = ("cc-by-nc-nd-4.0", "agpl-3.0", "cc-by-nc-sa-4.0", "llama2", "gpl-2.0")


def run_profile_errors(folder: Path, score: Score) -> None:
    """Cards that fill all fields of the EU's form, and then all but one; `folder` is for copies."""
    originals = list_models()
    for name in _PROFILED:
        card = (originals[name] / "README.md").read_text("utf-8").rstrip("\n")
        before = _audit_form(folder / "full", card, dropped="")
        for key, heading, _ in _FIELDS:
            after = _audit_form(folder / "open", card, dropped=key)
            what = f"the EU's form without {heading!r}"
            score.count(name, BlindInjection("eu-field-gone", card, 0, key, what), before, after)


def _audit_form(folder: Path, card: str, *, dropped: str) -> AuditReport:
    sections = [f"## {heading}\n\n{text}" for key, heading, text in _FIELDS if key != dropped]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("\n\n".join([card, *sections, ""]), encoding="utf-8")
    return audit_target(None, str(folder), profile="eu")


def run_licence_errors(folder: Path, seed: int, score: Score) -> None:
    """Children under a permissive licence of parents whose licence was restrictive all along."""
    originals = list_models()
    licence = random.Random(f"held {seed}").choice(_RESTRICTED)
    children = {
        name: text
        for name in originals
        if "base_model:" in (text := (originals[name] / "README.md").read_text("utf-8"))
    }

    def restrict(name: str, copy: Path, *, children_too: bool) -> None:
        text = (copy / "README.md").read_text("utf-8")
        if name.startswith("example-lab/") and (children_too or name not in children):
            changed = text.replace("license: apache-2.0", f"license: {licence}", 1)
            (copy / "README.md").write_text(changed.replace("Apache-2.0", licence), encoding="utf-8")

    def audit_all(part: str, *, children_too: bool) -> dict[str, AuditReport]:
        def change(name: str, copy: Path) -> None:
            restrict(name, copy, children_too=children_too)

        with open_masked(folder / part, originals, change) as lake:
            return {name: audit_model(lake, name, seconds=20.0) for name in children}

    before = audit_all("same", children_too=True)
    after = audit_all("freed", children_too=False)
    for name, text in children.items():
        if "license: apache-2.0" in text:
            line = text.split("\n").index("license: apache-2.0") + 1
            what = f"apache-2.0 although the parent is under {licence}"
            error = BlindInjection("licence-freed", text, line, "license", what)
            score.count(name, error, before[name], after[name])
