"""Held-out errors in the card of a local model: sizes and classes that its files contradict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval.audit_blind_page import Error, open_page
from eval.audit_held_page import put

_KEYS = {
    "context": ("max_position_embeddings", "n_positions", "n_ctx"),
    "vocabulary": ("vocab_size",),
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
}
_FORMS = {
    "parameters": [
        "<table><tr><td>Parameters</td><td>{}</td></tr></table>",
        "With {} trainable parameters, it is small.",
        "#params: {}",
        "* Size\n  * {} params",
        "Anzahl der Parameter: {}",
        "A {}-parameter network.",
        "| | Params |\n|---|---|\n| this model | {} |",
        "参数量：{}",
        "We trained a model with {} parameters from scratch.",
    ],
    "context": [
        "Up to {} tokens fit into the context.",
        "<li>Max length: {} tokens</li>",
        "n_ctx = {}",
        "| max. tokens | {} |\n|---|---|\n| dropout | 0.1 |",
        "**Sequence length**: {}",
        "Trained with a context window of {} tokens.",
        "Inputs longer than {} tokens are truncated.",
        "Longueur de contexte : {} tokens",
        "max_position_embeddings: {}",
    ],
    "vocabulary": [
        "We use a BPE vocabulary with {} entries.",
        "<b>Vocabulary</b>: {} tokens",
        "| vocab | {} |\n|---|---|\n| case | lower |",
        "The vocabulary contains {} subwords.",
        "* vocab_size = {}",
        "Wortschatz: {} Token",
        "{} tokens make up its vocabulary.",
    ],
    "layers": [
        "{} encoder blocks are stacked.",
        "<li>Layers: {}</li>",
        "A {}-layer transformer.",
        "| depth (layers) | {} |\n|---|---|\n| norm | pre |",
        "num_hidden_layers={}",
        "Das Netz hat {} Schichten.",
        "* Transformer blocks: {}",
    ],
    "architecture": [
        "<table><tr><td>Architecture</td><td>{}</td></tr></table>",
        "The `{}` class implements it.",
        "Architektur: {}",
        "| Model class | {} |\n|---|---|\n| Dtype | float32 |",
        "It is implemented as {}.",
        '* architectures: ["{}"]',
    ],
}
_CLASSES = ["DebertaV2ForMaskedLM", "FalconForCausalLM", "PegasusForConditionalGeneration", "SwinModel"]


def _spell(kind: str, count: int) -> list[str]:
    """Ways of writing a count of one kind."""
    if kind == "parameters":
        spelt = [
            f"{count:,}".replace(",", " "),
            f"{count / 1e9:.2f} bn",
            f"{count / 1e6:.1f}m",
            f"{count / 1e6:.1f} Mio.",
            f"about {count / 1e6:.3g} million",
        ]
        return [one for one in spelt if "e+" not in one and not one.startswith("0.0")]
    if kind == "layers":
        return [str(count)]
    return [
        str(count),
        f"{count:,}",
        *([f"{count // 1024}k"] if count % 1024 == 0 and kind == "context" else []),
    ]


def inject_sizes(
    card: str, config: dict[str, Any], parameters: int, seed: int
) -> Iterator[tuple[str, Error]]:
    """(kind, error) for every size that is known, three of each, and for the class."""
    known = {"parameters": parameters}
    for kind, keys in _KEYS.items():
        found = [config[key] for key in keys if isinstance(config.get(key), int)]
        known |= {kind: found[0]} if found else {}
    for kind, true in known.items():
        for turn in range(3 if true > 0 else 0):
            page = open_page(card, seed, f"held {kind} {turn}")
            factor = page.chance.choice([0.25, 5, 12, 300] if kind == "parameters" else [3, 8, 16])
            wrong = true + page.chance.choice([2, 6, 30]) if kind == "layers" else round(true * factor)
            form = page.chance.choice(_FORMS[kind]).format(page.chance.choice(_spell(kind, wrong)))
            made, line, count = put(page, form)
            yield f"{kind}-untrue", (made, line, kind, f"{kind}: truly {true}, the card says {form!r}", count)
    classes = config.get("architectures") or []
    for turn in range(2 if classes else 0):
        page = open_page(card, seed, f"held architecture {turn}")
        other = page.chance.choice([one for one in _CLASSES if one not in classes])
        form = page.chance.choice(_FORMS["architecture"]).format(other)
        made, line, count = put(page, form)
        what = f"truly {classes}, the card says {form!r}"
        yield "architecture-untrue", (made, line, "architecture", what, count)
