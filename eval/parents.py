"""How well parents are read from sentences: precision, recall and F1 over hand-labelled ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.cards.model_names import same_model
from tools.cards.parent_sentences import read_parent_sentence

SENTENCES = Path(__file__).parent / "data" / "parents.jsonl"


def run_parents(path: Path = SENTENCES) -> dict[str, Any]:
    """Score every sentence of `path` and return precision, recall, F1 in all and per split.

    A parent counts as found when its name is the labelled one (whatever the case, with or without its
    organisation). `relation_accuracy` is over found parents. `missed` and `wrong` list sentence ids.
    """
    counts: dict[str, dict[str, int]] = {}
    missed: list[str] = []
    wrong: list[str] = []
    sentences = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    for sentence in sentences:
        found = read_parent_sentence(sentence["text"])
        wanted = list(sentence["parents"])
        tally = counts.setdefault(
            sentence["split"], dict.fromkeys(("found", "wrong", "missed", "relation"), 0)
        )
        for claim in found:
            label = next((item for item in wanted if same_model(claim.name, item["name"])), None)
            if label is None:
                tally["wrong"] += 1
                wrong.append(f"{sentence['id']}: {claim.name}")
                continue
            wanted.remove(label)
            tally["found"] += 1
            tally["relation"] += claim.relation == label["relation"]
        tally["missed"] += len(wanted)
        missed.extend(f"{sentence['id']}: {item['name']}" for item in wanted)
    total = {
        key: sum(tally[key] for tally in counts.values()) for key in ("found", "wrong", "missed", "relation")
    }
    return {
        "sentences": len(sentences),
        "negatives": sum(not sentence["parents"] for sentence in sentences),
        **_score(total),
        "splits": {split: _score(tally) for split, tally in sorted(counts.items())},
        "missed": missed,
        "wrong": wrong,
    }


def _score(tally: dict[str, int]) -> dict[str, float]:
    found = tally["found"]
    precision = found / max(1, found + tally["wrong"])
    recall = found / max(1, found + tally["missed"])
    return {
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 3),
        "relation_accuracy": round(tally["relation"] / max(1, found), 3),
    }
