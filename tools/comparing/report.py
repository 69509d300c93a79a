"""The comparison of two models as one document: what `lake compare` prints and the assistant cites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tools.comparing.card_diff import diff_cards
from tools.comparing.config_diff import diff_configs
from tools.comparing.places import ModelPlace
from tools.comparing.tokenizer_diff import diff_tokenizers
from tools.evidence import EvidenceLedger
from tools.weights.compare import compare_weights

if TYPE_CHECKING:
    from tools.weights.comparison import WeightComparison

Progress = Callable[[int, int, str], None]


def compare_places(
    a: ModelPlace,
    b: ModelPlace,
    *,
    full: bool = False,
    progress: Progress | None = None,
    ledger: EvidenceLedger | None = None,
) -> dict[str, Any]:
    """Compare two models by all that lies in their folders; the keys are those of `lake compare --json`.

    Evidence is numbered in `ledger`, a new one unless given. Raises WeightsError when weights cannot be read.
    """
    with a.open() as first, b.open() as second:
        found = compare_weights(first, second, full=full, progress=progress)
        config = diff_configs(first.config, second.config)
        read = first.bytes_read + second.bytes_read
        names = {first.source: a.source, second.source: b.source}
    document = describe_comparison(
        found, a.model, b.model, names, EvidenceLedger() if ledger is None else ledger
    )
    document["bytes_read"] = read
    document["config_diff"] = config
    with a.open_files() as files_a, b.open_files() as files_b:
        document["tokenizer_diff"] = diff_tokenizers(files_a, files_b)
        document["card_diff"] = diff_cards(files_a, files_b)
    return document


_VERDICTS = {
    "identical": "{a} and {b} are identical.",
    "related": "{a} and {b} are related.",
    "unrelated": "{a} and {b} are unrelated: they were trained independently.",
    "incomparable": "Whether {a} and {b} are related, their weights do not tell.",
}


def summarize_comparison(document: Mapping[str, Any]) -> list[str]:
    """The verdict of a comparison, its relation and its direction, as sentences."""
    said = [_VERDICTS[document["verdict"]].format(a=document["a"], b=document["b"])]
    if document["relation"] and document["verdict"] == "related":
        said.append(f"Relation: {document['relation']} (confidence {document['confidence']:.2f}).")
    if document["direction"] in ("a_to_b", "b_to_a"):
        first, second = ("a", "b") if document["direction"] == "a_to_b" else ("b", "a")
        made = f"Direction: {document[second]} was made from {document[first]}."
        said.append(f"{made} {document['direction_reason']}")
    elif document["direction_reason"]:
        said.append(f"Direction: {document['direction']}. {document['direction_reason']}")
    return said


def describe_comparison(
    found: WeightComparison, a: str, b: str, names: Mapping[str, str], ledger: EvidenceLedger
) -> dict[str, Any]:
    """What the weights say, without the differences of the other files.

    `names` says how evidence names a source that was opened by its path.
    """
    evidence = []
    for fact in found.facts:
        source = names.get(fact.source, fact.source)
        evidence.append(ledger.add("weights", source, fact.locator, fact.text, fact.sha256))
    return {
        "a": a,
        "b": b,
        "verdict": found.verdict,
        "relation": found.relation,
        "direction": found.direction,
        "p_value": found.p_value,
        "log10_p": None if found.log10_p is None else round(found.log10_p, 3),
        "confidence": round(found.confidence, 3),
        "direction_confidence": round(found.direction_confidence, 3),
        "direction_reason": found.direction_reason,
        "aligned": found.aligned,
        "layers": [
            {
                "name": layer.name,
                "cosine": layer.cosine,
                "relative_l2": layer.relative_l2,
                "delta_rank": layer.delta_rank,
            }
            for layer in found.layers
        ],
        "config_diff": None,
        "tokenizer_diff": None,
        "card_diff": None,
        "reasons": list(found.reasons),
        "problems": list(found.problems),
        "evidence": [item.model_dump() for item in dict.fromkeys(evidence)],
        "bytes_read": found.bytes_read,
        "bytes_total": found.bytes_total,
        "seconds": round(found.seconds, 3),
    }
