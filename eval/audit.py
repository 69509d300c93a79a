"""How many injected errors an audit finds, and how many true cards it blames (`lake eval audit`).

- recall: of known errors put one at a time into real cards and into cards of local models, the share that is
  found (see `eval.audit_scoring`), by kind, for three sets: `own`, written beside the rules, `blind`, written
  by someone who never read them, and `held`, likewise after the rules were mended against `blind`;
- precision: of the findings that an error brought about, the share that points at it;
- specificity: of truth-preserving rewritings, the share that no new error or warning blames;
- `untouched`: a sample of the error findings on the cards as they are, to be read by eye.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from eval.audit_blind import BLIND_TWINS, BlindInjection, inject_blind, inject_blind_folder
from eval.audit_held import inject_held, inject_held_folder, make_held_twins
from eval.audit_held_profile import run_licence_errors, run_profile_errors
from eval.audit_injections import inject
from eval.audit_models import audit_folder, read_model, run_folders, run_lineage_errors
from eval.audit_scoring import Score, TwinScore, list_lines, pick_evenly
from eval.audit_twins import make_twins
from eval.draft_masks import make_subject, read_rows
from eval.draft_sample import list_models
from tools.audit import AuditReport, audit_subject
from tools.audit.subject import prepare_subject
from tools.cards import parse_card

_CARDS = 600
_PER_KIND = 14
_TWINS_PER_KIND = 20
_READ = 100


def audit_text(model: str, text: str) -> AuditReport:
    """The audit of a card alone: no record repeats what the card said before it was changed."""
    subject = make_subject({"modelId": model}, text, {})
    return audit_subject(prepare_subject(subject, model))


def read_cards(shared: Path, *, limit: int, seed: int) -> list[tuple[str, str]]:
    """(model, card) of a seeded sample of the dump, and all cards of the folder of tables."""
    rows = [row for row in read_rows(shared) if len(row["card"] or "") > 300]
    random.Random(seed).shuffle(rows)
    cards = [(row["modelId"], row["card"].replace("\r\n", "\n")) for row in rows[:limit]]
    tables = sorted((shared / "table_cards").glob("*.md"))[: max(limit // 6, 1)]
    return cards + [(f"tables/{path.stem[-80:]}", path.read_text("utf-8")) for path in tables]


class _Untouched(dict[str, AuditReport]):
    """Reports on the cards as they are, each made when it is first asked for."""

    def __init__(self, cards: list[tuple[str, str]]) -> None:
        self._texts = dict(cards)

    def __missing__(self, model: str) -> AuditReport:
        self[model] = audit_text(model, self._texts[model])
        return self[model]


def _swallows(text: str) -> bool:
    """Whether something is never closed, so that what is added at the end of the card is part of it."""
    return any(problem.code.endswith("-unclosed") for problem in parse_card(text).problems)


def run_audit(
    shared: Path, *, seed: int = 5, limit: int = _CARDS, per_kind: int = _PER_KIND, models: bool = True
) -> dict[str, Any]:
    """All figures. `shared` holds the real cards; `limit` of them are taken, `per_kind` errors of each kind
    (twice as many of the blind ones); `models` adds the local sample models with their files and lineage."""
    started = time.perf_counter()
    cards = [card for card in read_cards(shared, limit=limit, seed=seed) if not _swallows(card[1])]
    plain = _Untouched(cards)
    scores: dict[str, Score] = {}
    twins: dict[str, TwinScore] = {}
    for half, share in (("own", 1), ("blind", 2), ("held", 2)):
        scores[half], twins[half] = run_half(half, cards, plain, seed=seed, per_kind=per_kind * share)
    if models:
        with tempfile.TemporaryDirectory(prefix="lake-audit-") as folder:
            run_folders(Path(folder) / "own", seed, scores["own"], twins["own"])
            run_unread_folders(Path(folder) / "blind", inject_blind_folder, seed, scores["blind"])
            run_unread_folders(Path(folder) / "held", inject_held_folder, seed, scores["held"])
            run_lineage_errors(Path(folder) / "lineage", seed, scores["own"])
            run_profile_errors(Path(folder) / "profile", scores["held"])
            run_licence_errors(Path(folder) / "licences", seed, scores["held"])
    return {
        "suite": "audit",
        "cards": len(cards),
        "injected": sum(score.injected.total() for score in scores.values()),
        "kinds": len(set().union(*(score.injected for score in scores.values()))),
        **{half: score.describe() for half, score in scores.items()},
        "twins": twins["own"].describe(),
        "blind_twins": twins["blind"].describe(),
        "held_twins": twins["held"].describe(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def run_half(
    half: str,
    cards: list[tuple[str, str]],
    plain: dict[str, AuditReport],
    *,
    seed: int,
    per_kind: int,
) -> tuple[Score, TwinScore]:
    """Errors and rewritings of one set, a key of `_MAKERS`, over cards alone; `plain`: the untouched ones."""
    make, rewrite = _MAKERS[half]
    score, twins = Score(), TwinScore()
    for model, error in _spread(cards, per_kind, lambda model, text: make(model, text, seed)):
        score.count(model, error, plain[model], audit_text(model, error.card))
    for model, twin in _spread(cards, _TWINS_PER_KIND, lambda model, text: rewrite(model, text, seed)):
        twins.count(model, twin.kind, twin.what, plain[model], audit_text(model, twin.card))
    return score, twins


def list_untouched(shared: Path, *, seed: int = 5, limit: int = 2000) -> dict[str, Any]:
    """Findings on the cards as they are: counts, and a seeded sample of the errors for reading."""
    cards = read_cards(shared, limit=limit, seed=seed)
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for model, text in cards:
        report = audit_text(model, text)
        counts.update(f"{finding.severity} {finding.rule}" for finding in report.findings)
        lines += list_lines(report, [one for one in report.findings if one.severity == "error"])
    random.Random(seed).shuffle(lines)
    return {
        "suite": "audit",
        "cards": len(cards),
        "findings": dict(counts.most_common()),
        "errors": len(lines),
        "read": lines[:_READ],
    }


def _spread(
    cards: list[tuple[str, str]], per_kind: int, make: Callable[[str, str], Iterable[Any]]
) -> Iterator[tuple[str, Any]]:
    """Changed cards with their model, at most `per_kind` of a kind, over as many cards as there are."""
    taken: Counter[str] = Counter()
    for model, text in cards:
        for item in pick_evenly(make(model, text), 1):
            if taken[item.kind] < per_kind:
                taken[item.kind] += 1
                yield model, item


Maker = Callable[[str, str, int], Iterable[Any]]
# What makes the errors and the rewritings of each set from (model, card, seed).
_MAKERS: dict[str, tuple[Maker, Maker]] = {
    "own": (
        lambda model, text, seed: inject(text, seed, model),
        lambda model, text, seed: make_twins(text, seed, model),
    ),
    "blind": (
        lambda model, text, seed: inject_blind(text, seed),
        lambda model, text, seed: BLIND_TWINS(text, seed),
    ),
    "held": (
        lambda model, text, seed: inject_held(text, seed, model),
        lambda model, text, seed: make_held_twins(text, seed),
    ),
}


def run_unread_folders(
    folder: Path,
    make: Callable[[str, dict[str, Any], int, int], Iterable[BlindInjection]],
    seed: int,
    score: Score,
) -> None:
    """Errors that `make` puts into the cards of the sample models with files; `folder`: for copies."""
    for name, original in list_models().items():
        text, config, parameters = read_model(original)
        if config and not config.get("quantization_config"):
            shutil.copytree(original, folder / name)
            (folder / name / "record.json").unlink(missing_ok=True)
            before = audit_folder(folder, name, text)
            for error in make(text, config, parameters, seed):
                score.count(name, error, before, audit_folder(folder, name, error.card))
