"""Blind errors in the card of a local model: sizes and names that its files contradict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval.audit_blind_page import Error, open_page

_KEYS = {
    "context": ("max_position_embeddings", "n_positions", "n_ctx"),
    "vocabulary": ("vocab_size",),
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
}
_FORMS = {
    "parameters": ["This is a {} parameter model.", "It has {} parameters in total.",
                   "- **Model size:** {} parameters",
                   "| Parameters | Licence |\n| --- | --- |\n| {} | see above |", "**Parameters:** {}",
                   "Das Modell hat {} Parameter.", "Le modèle compte {} paramètres.",
                   "El modelo tiene {} parámetros."],
    "context": ["The model has a context length of {} tokens.", "- **Context length:** {}",
                "It reads up to {} tokens at once.",
                "Inputs are limited to a maximum sequence length of {}.",
                "| Context window | {} |\n| --- | --- |\n| Heads | see config |",
                "Kontextlänge: {} Token"],
    "vocabulary": ["The tokenizer has a vocabulary of {} tokens.", "- Vocabulary size: {}",
                   "**Vocab size:** {}",
                   "| Setting | Value |\n| --- | --- |\n| Vocabulary size | {} |",
                   "A vocabulary size of {} is used."],
    "layers": ["The network is a stack of {} transformer layers.", "- Number of layers: {}",
               "It has {} hidden layers.",
               "| Setting | Value |\n| --- | --- |\n| Layers | {} |", "**Layers:** {}"],
    "architecture": ["- **Architecture:** {}", "The model is a `{}`.", "Model class: {}",
                     "| Setting | Value |\n| --- | --- |\n| Architecture | {} |"],
}  # fmt: skip
_CLASSES = [
    "MixtralForCausalLM",
    "RobertaForSequenceClassification",
    "BartForConditionalGeneration",
    "ViTModel",
]


def _spell(count: int, kind: str) -> list[str]:
    """Ways of writing a count."""
    if kind == "layers":
        return [str(count)]
    spelt = [str(count), f"{count:,}"]
    if kind == "parameters":
        spelt += [
            f"{count / 1e9:.3g}B",
            f"{count / 1e9:.3g} billion",
            f"{count / 1e6:.4g}M",
            f"{count / 1e6:.4g} million",
        ]
    elif count % 1024 == 0:
        spelt += [f"{count // 1024}K", f"{count // 1024}k"]
    return [one for one in spelt if "e" not in one and not one.startswith("0.0")]


def inject_sizes(
    card: str, config: dict[str, Any], parameters: int, seed: int
) -> Iterator[tuple[str, Error]]:
    """(kind, error) for every size that is known; two spellings of each."""
    inner = config.get("text_config") if isinstance(config.get("text_config"), dict) else {}
    known = {"parameters": parameters}
    for kind, keys in _KEYS.items():
        found = [
            part[key] for part in (config, inner or {}) for key in keys if isinstance(part.get(key), int)
        ]
        if found:
            known[kind] = found[0]
    for kind, true in known.items():
        for turn in range(2 if true > 0 else 0):
            page = open_page(card, seed, f"{kind} {turn}")
            if kind == "parameters":
                wrong = round(true * page.chance.choice([0.3, 0.55, 2.4, 7, 1000]))
            else:
                wrong = (
                    true * page.chance.choice([2, 4])
                    if kind != "layers"
                    else true + page.chance.choice([3, 8, 20])
                )
            form = page.chance.choice(_FORMS[kind]).format(page.chance.choice(_spell(wrong, kind)))
            rows = form.split("\n")
            made, line = page.add(*rows)
            yield (
                f"wrong-{kind}",
                (made, line, kind, f"{kind}: truly {true}, the card says: {form}", len(rows)),
            )
    classes = config.get("architectures")
    if isinstance(classes, list) and classes:
        page = open_page(card, seed, "architecture")
        other = page.chance.choice([one for one in _CLASSES if one not in classes])
        rows = page.chance.choice(_FORMS["architecture"]).format(other).split("\n")
        made, line = page.add(*rows)
        yield (
            "wrong-architecture",
            (made, line, "architecture", f"truly {classes[0]}, the card says {other}", len(rows)),
        )
