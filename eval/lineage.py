"""`lake eval lineage`: what `lake recover` finds in a zoo of known lineage, beside an obvious method.

A zoo is a folder made by `python -m eval.zoo`. It is recovered through the command itself, in a process and a
home of its own, so that time and memory are those a user sees.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eval.lineage_baseline import recover_by_distance
from eval.lineage_scores import score_lineage
from eval.zoo.truth import TRUTH_FILE, read_truth
from tools.errors import LakeError, UsageError

_COMMAND = (sys.executable, "-c", "import sys; from assistant.cli import main; sys.exit(main())")

# What is shown side by side: the name, the path to it, and what it must reach (at most 0 for the last three).
_TABLE: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("same-family F1", ("same_family", "f1"), 0.97),
    ("family ARI", ("family_ari",), 0.95),
    ("edge precision", ("edges", "precision"), 0.0),
    ("edge recall", ("edges", "recall"), 0.0),
    ("edge F1", ("edges", "f1"), 0.80),
    ("edge F1 without direction", ("links", "f1"), 0.0),
    ("direction accuracy", ("direction_accuracy",), 0.85),
    ("relation accuracy", ("relation_accuracy",), 0.80),
    ("contradicted precision", ("declared", "contradicted", "precision"), 1.0),
    ("contradicted recall", ("declared", "contradicted", "recall"), 0.90),
    ("supported precision", ("declared", "supported", "precision"), 0.0),
    ("supported recall", ("declared", "supported", "recall"), 0.0),
    ("disguises seen through", ("disguises", "seen_through"), 0.0),
    ("independents given a parent", ("false_parents", "independents"), -1.0),
    ("students given a parent", ("false_parents", "student"), -1.0),
    ("parents from other families", ("false_parents", "from_other_families"), -1.0),
)


def run_lineage(folder: Path | None = None, report: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Figures for the zoo in `folder`, ours and the baseline's; without a folder one is trained first.

    Raises UsageError when `folder` is no zoo, or when there is none and torch is missing; LakeError when the
    recovery fails.
    """
    if folder is not None:
        if not (folder / TRUTH_FILE).is_file():
            raise UsageError(
                f"{str(folder)!r} is no zoo: it has no {TRUTH_FILE}.",
                hint="Make one with `python -m eval.zoo FOLDER --size full` (needs torch).",
            )
        return _measure(folder)
    from eval.zoo.making import make_zoo

    with tempfile.TemporaryDirectory(prefix="lake-zoo-") as place:
        make_zoo(Path(place), "full", 0, report or (lambda _: None))
        return _measure(Path(place))


def recover_zoo(folder: Path) -> dict[str, Any]:
    """What `lake recover FOLDER --json` prints, with `seconds` and `peak_megabytes`. Raises LakeError."""
    with tempfile.TemporaryDirectory(prefix="lake-eval-") as home:
        began = time.monotonic()
        command = [*_COMMAND, "--home", home, "--json", "recover", str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603
        seconds = time.monotonic() - began
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = {"error": {"message": f"`lake recover` printed no JSON (exit code {done.returncode})."}}
    if "error" in found:
        raise LakeError(str(found["error"].get("message")), hint="Run `lake recover` on the folder itself.")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {**found, "seconds": round(seconds, 1), "peak_megabytes": round(peak)}


def _measure(folder: Path) -> dict[str, Any]:
    truth = read_truth(folder)
    found = recover_zoo(folder)
    ours = score_lineage(truth, found)
    baseline = score_lineage(truth, recover_by_distance(folder, list(truth["models"])))
    return {
        "zoo": str(folder),
        "seconds": found["seconds"],
        "peak_megabytes": found["peak_megabytes"],
        "candidates": len(found.get("candidates", ())),
        "table": [_make_row(name, path, goal, ours, baseline) for name, path, goal in _TABLE],
        "ours": ours,
        "baseline": {key: value for key, value in baseline.items() if not isinstance(value, list)},
    }


def _make_row(
    name: str, path: tuple[str, ...], goal: float, ours: Mapping[str, Any], baseline: Mapping[str, Any]
) -> dict[str, Any]:
    value = _follow(ours, path)
    wanted = "0" if goal < 0 else f"≥ {goal:.2f}" if goal else ""
    if not wanted or value is None:
        reached = ""
    else:
        reached = "yes" if (value == 0 if goal < 0 else value >= goal) else "no"
    shown = {"ours": value, "baseline": _follow(baseline, path)}
    if path[0] == "disguises":
        shown = {side: f"{count} of {ours['disguises']['of']}" for side, count in shown.items()}
    return {"figure": name, **shown, "wanted": wanted, "reached": reached}


def _follow(figures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = figures
    for key in path:
        value = value[key]
    return value
