"""How complete, how faithful and how honest drafted cards are (`lake eval draft`).

- completeness: of the facts that were masked at one place while another still holds them, the share that
  the draft states; by kind;
- faithfulness: of all statements of all drafts, the share whose evidence stands where it says and carries
  them;
- honesty: of the slots for which no place says anything, the share left open;
- invented facts of a lying language model that reach a card: none may.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from eval.draft_lies import run_lies, run_passage_lies
from eval.draft_masks import mask_results, mask_row, read_rows
from eval.draft_reading import find_untrue, is_open, list_statements, states
from eval.draft_sample import run_sample
from tools.draft.drafting import draft_subject

_BENT_CARDS = 100


class Tally:
    """Counts of one run; `wrong` lists what went wrong, to be read."""

    def __init__(self) -> None:
        self.recoverable: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.honest: Counter[str] = Counter()
        self.statements = 0
        self.wrong: list[str] = []
        self.missed: list[str] = []
        self.untrue: list[str] = []

    def recover(self, kind: str, subject: str, *, found: bool) -> None:
        """Count a fact that another place still holds."""
        self.recoverable[kind] += 1
        self.filled[kind] += found
        if not found:
            self.missed.append(f"{kind}: {subject}")

    def leave(self, kind: str, subject: str, *, is_open: bool) -> None:
        """Count a fact that no place holds."""
        self.unknown[kind] += 1
        self.honest[kind] += is_open
        if not is_open:
            self.wrong.append(f"{kind}: {subject}")

    def describe(self) -> dict[str, Any]:
        untrue = len(self.untrue)
        return {
            "completeness": _share(sum(self.filled.values()), sum(self.recoverable.values())),
            "recoverable": sum(self.recoverable.values()),
            "faithfulness": _share(self.statements - untrue, self.statements),
            "statements": self.statements,
            "honesty": _share(sum(self.honest.values()), sum(self.unknown.values())),
            "unknown": sum(self.unknown.values()),
            "by_kind": {
                kind: {"recoverable": count, "completeness": _share(self.filled[kind], count)}
                for kind, count in sorted(self.recoverable.items())
            },
            "open_by_kind": {
                kind: {"unknown": count, "honesty": _share(self.honest[kind], count)}
                for kind, count in sorted(self.unknown.items())
            },
            "missed": self.missed[:40],
            "untrue": self.untrue[:40],
            "guessed": self.wrong[:40],
        }


def run_draft(shared: Path | None, *, limit: int | None = None) -> dict[str, Any]:
    """All figures. `shared` is the folder with the dump of real cards, None to leave them out; `limit`: how
    many of its rows are taken."""
    started = time.perf_counter()
    result: dict[str, Any] = {}
    if shared is not None:
        result["real_cards"] = run_real_cards(shared, limit=limit)
        result["bent_passages"] = run_passage_lies(
            read_rows(shared)[: min(limit or _BENT_CARDS, _BENT_CARDS)]
        )
    with tempfile.TemporaryDirectory(prefix="lake-draft-") as folder:
        tally = Tally()
        run_sample(Path(folder), tally)
        result["sample_models"] = tally.describe()
        result["lying_model"] = run_lies(Path(folder))
    return result | {"seconds": round(time.perf_counter() - started, 1)}


def run_real_cards(shared: Path, *, limit: int | None = None) -> dict[str, Any]:
    """Masked metadata of real cards, whose body or record may still hold it."""
    tally = Tally()
    rows = read_rows(shared)[:limit]
    for row in rows:
        for masked in (*mask_row(row), *mask_results(row)):
            draft = draft_subject(masked.subject)
            name = masked.subject.record.model
            if masked.wanted:
                found = states(draft, masked.slot, masked.wanted)
                tally.recover(masked.field, f"{name}: {masked.wanted}", found=found)
            else:
                tally.leave(masked.field, name, is_open=is_open(draft, masked.slot))
            tally.statements += sum(1 for _ in list_statements(draft))
            tally.untrue += find_untrue(draft, {masked.subject.record.source: masked.subject})
    return {"cards": len(rows)} | tally.describe()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
