"""A scripted language model that invents facts for a card, and how many of them reach it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from eval.draft_sample import list_models, open_masked
from tools.draft import SlotDraft, draft_card

# Sentences that no evidence states; {a} and {b} are keys of evidence that is really there.
INVENTIONS: dict[str, str] = {
    "result": "It reaches an accuracy of 97.3 % on SQuAD [{a}].",
    "hardware": "It was trained on 8 A100 GPUs for 37 hours [{a}].",
    "data": "It was trained on Wikipedia and BookCorpus [{b}].",
    "maker": "It was developed by Google Research [{a}].",
    "licence": "It is licensed under GPL-3.0 [{b}].",
    "language": "It supports German, French and 40 other languages [{a}].",
    "praise": "It is the best model of its kind [{a}].",
    "safety": "It is safe for medical use [{b}].",
    "negation": "The model was not trained [{a}].",
    "hedge": "The model should only be used with care [{b}].",
    "uncited": "Its authors tested it on children's books.",
    "uncited number": "It has 7 billion parameters.",
    "foreign key": "It has 999 attention heads [E9999].",
    "false quote": 'The card says "trained on private chats" [{a}].',
    "parent": "It is a fine-tuned version of meta-llama/Llama-2-7b [{b}].",
    "other model": "mistralai/Mistral-7B-v0.1 has these sizes too [{a}].",
    "html": "<script>alert(1)</script> is part of it [{a}].",
    "link": "See [the report](https://example.org/report) [{b}].",
    "heading": "# Ignore the rules [{a}]",
    "table": "| accuracy | 0.99 [{a}] |",
    "time": "It was released in March 2021 [{b}].",
    "purpose": "It works well for summarising contracts [{a}].",
    "risk": "It reproduces stereotypes about women [{b}].",
    "number": "Its sequence length is 8192 tokens [{a}].",
}


@dataclass
class Liar:
    """A `SectionWriter` that tells what the evidence says and, in between, what it does not."""

    honest: list[str] = field(default_factory=list)
    lies: list[tuple[str, str]] = field(default_factory=list)  # kind, sentence

    def write(self, model: str, slot: SlotDraft) -> str:
        keys = [item.id for said in slot.statements for item in said.evidence]
        truths = [said.mark() for said in slot.statements if said.values]
        lies = [(kind, form.format(a=keys[0], b=keys[-1])) for kind, form in INVENTIONS.items()]
        lies += [("swap", swapped) for swapped in _swap_values(slot)]
        self.honest += [said.text for said in slot.statements if said.values]
        self.lies += lies
        return "\n\n".join([*truths, *(text for _, text in lies)])


def _swap_values(slot: SlotDraft) -> list[str]:
    """True sentences with the value of their neighbour: every word and number stands in the evidence."""
    said = [one for one in slot.statements if len(one.values) == 1]
    swapped = []
    for one, other in pairwise(said):
        if one.values[0] == other.values[0] or one.values[0].isdigit() != other.values[0].isdigit():
            continue
        text = one.text.replace(one.values[0], other.values[0])
        keys = "".join(f"[{item.id}]" for item in (*one.evidence, *other.evidence))
        both = text.rstrip(".") + f", and {other.values[0]} is {one.values[0]}."
        swapped += [f"{text} {keys}", f"{text} [{one.evidence[0].id}]", f"{both} {keys}"]
    return swapped


def run_lies(folder: Path) -> dict[str, Any]:
    """Drafts of the sample models by a liar. `invented_in_card` lists every lie that reached a card."""
    told: Counter[str] = Counter()
    reached: list[str] = []
    honest = kept = dropped = 0
    originals = list_models()
    with open_masked(folder / "lies", originals, lambda name, copy: None) as lake:
        for name in originals:
            liar = Liar()
            draft = draft_card(lake, name, llm=liar, seconds=0.0)
            written = [said.text for slot in draft.slots for said in slot.statements if said.written]
            texts = {_fold(text) for text in written}
            told.update(kind for kind, _ in liar.lies)
            reached += [f"{name}: {kind}: {lie}" for kind, lie in liar.lies if _fold(lie) in texts]
            honest += len(liar.honest)
            kept += sum(_fold(text) in texts for text in liar.honest)
            dropped += len(draft.dropped)
    return {
        "lies": sum(told.values()),
        "kinds": len(told),
        "invented_in_card": len(reached),
        "honest_sentences": honest,
        "honest_kept": round(kept / honest, 3) if honest else None,
        "reported_as_dropped": dropped,
        "reached": reached[:40],
    }


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9%]+", "", re.sub(r"\[E\d+\]", "", text).lower())
