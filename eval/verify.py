"""Score the verifier on labelled statements over real cards.

`eval/data/statements.jsonl` holds statements of our own about real cards. It copies no card text: evidence is
given as `model#L18-L20`, `model#/license`, `model#record/downloads` or `model=FILE.md#L1` (a file of
`table_cards`), and a quote as the words of its evidence (`{E1:2-9}`, with `|4=other` for one altered word).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tools.cards import parse_card
from tools.cards.types import Card, LineSpan
from tools.errors import UsageError
from tools.evidence import EvidenceLedger
from tools.hashing import hash_text
from tools.verification import verify_answer

_PLACE = re.compile(r"^(?P<model>[^=#]+)(?:=(?P<file>[^#]+))?#(?P<place>.+)$")
_LINES = re.compile(r"^L(?P<start>\d+)(?:-L(?P<end>\d+))?$")
_QUOTE = re.compile(r"\{(?P<key>E\d+):(?P<first>\d+)-(?P<last>\d+)(?:\|(?P<at>\d+)=(?P<other>[^}]+))?\}")
_MODELS = "model_cards_with_metadata.parquet"


@dataclass(frozen=True, slots=True)
class Case:
    """A statement with its evidence's places, the level it deserves and the kind of truth or error it is."""

    id: str
    text: str
    evidence: tuple[str, ...]
    level: str
    kind: str


def load_cases(name: str) -> list[Case]:
    """Cases of a corpus in `eval/data`."""
    lines = resources.files("eval.data").joinpath(name).read_text("utf-8").splitlines()
    return [
        Case(row["id"], row["text"], tuple(row["evidence"]), row["level"], row["kind"])
        for row in map(json.loads, filter(None, lines))
    ]


class Cards:
    """Real cards by model id, parsed once each."""

    def __init__(self, shared: Path) -> None:
        import pyarrow.parquet as pq

        path = shared / _MODELS
        if not path.is_file():
            raise UsageError(f"{path} does not exist.", hint="Give the folder that holds the dump of cards.")
        self._rows = {row["modelId"]: row for row in pq.read_table(path).to_pylist()}
        self._folder = shared / "table_cards"
        self._cards: dict[str, Card] = {}

    @property
    def names(self) -> list[str]:
        return list(self._rows)

    def add(self, ledger: EvidenceLedger, place: str) -> str:
        """Register the evidence at `place` and return its text."""
        match = _PLACE.match(place)
        if match is None:
            raise UsageError(f"{place!r} is no place of a card.", hint="Write model#L18 or model#/license.")
        model, where = match["model"], match["place"]
        source = f"{model}@main"
        if where.startswith("record/"):
            key = where.removeprefix("record/")
            text = f'"{key}": {json.dumps(self._rows[model][key])}'
            return ledger.add("metadata", source, f"record.json#/{key}", text, hash_text(text)).text
        card = self._card(model, match["file"])
        if lines := _LINES.match(where):
            span = LineSpan(int(lines["start"]), int(lines["end"] or lines["start"]))
            kind = "card"
        else:
            span = card.metadata_lines[where]
            kind = "results" if "model-index" in where else "metadata"
        locator = f"README.md#{span if kind == 'card' else where}"
        return ledger.add(kind, source, locator, card.lines_text(span).strip(), card.sha256).text  # type: ignore[arg-type]

    def _card(self, model: str, file: str | None) -> Card:
        key = file or model
        if key not in self._cards:
            text = (self._folder / file).read_text("utf-8") if file else self._rows[model]["card"]
            self._cards[key] = parse_card(text)
        return self._cards[key]


def judge_case(case: Case, cards: Cards) -> tuple[str, str]:
    """(level, reason) that the verifier gives: the worst of the case's statements."""
    ledger = EvidenceLedger()
    texts = [cards.add(ledger, place) for place in case.evidence]

    def quote(match: re.Match[str]) -> str:
        words = texts[int(match["key"][1:]) - 1].split()
        if match["at"]:
            words[int(match["at"])] = match["other"]
        return " ".join(words[int(match["first"]) : int(match["last"]) + 1])

    known = {*cards.names, *(item.model for item in ledger)}
    verification = verify_answer(_QUOTE.sub(quote, case.text), ledger, known_models=known)
    order = ("failed", "unchecked", "facts", "quoted")
    stated = [
        s
        for s in verification.statements
        if not (s.level == "unchecked" and len(verification.statements) > 1)
    ]
    worst = min(stated or verification.statements, key=lambda statement: order.index(statement.level))
    return worst.level, worst.reason


def run_verify(shared: Path, corpus: str = "statements.jsonl") -> dict[str, Any]:
    """Confusion matrix (labelled level to given level), overall and per kind, and what was judged wrongly.

    `leaks` counts statements labelled failed that came out higher: the figure that must be zero.
    """
    cards = Cards(shared)
    matrix: dict[str, Counter[str]] = defaultdict(Counter)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = []
    cases = load_cases(corpus)
    for case in cases:
        level, reason = judge_case(case, cards)
        matrix[case.level][level] += 1
        kinds[case.kind]["right" if level == case.level else "wrong"] += 1
        if level != case.level:
            judged = {"id": case.id, "text": case.text, "kind": case.kind, "label": case.level}
            wrong.append({**judged, "given": level, "reason": reason})
    right = sum(row[level] for level, row in matrix.items())
    return {
        "corpus": corpus,
        "statements": len(cases),
        "accuracy": round(right / len(cases), 4),
        "leaks": sum(n for level, n in matrix["failed"].items() if level != "failed"),
        "false_alarms": sum(row["failed"] for level, row in matrix.items() if level != "failed"),
        "matrix": {level: dict(row) for level, row in sorted(matrix.items())},
        "kinds": {kind: dict(row) for kind, row in sorted(kinds.items())},
        "wrong": wrong,
    }
