"""A scripted language model that invents facts for a card, and how many of them reach it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from eval.draft_masks import make_subject
from eval.draft_sample import list_models, open_masked
from tools.draft import SlotDraft, draft_card
from tools.draft.drafting import draft_subject

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
    many = [one for one in slot.statements if len(one.values) > 1]
    for one, other in pairwise(many):
        for mine, theirs in zip(one.values, other.values, strict=False):
            if mine != theirs:
                text = one.text.replace(mine, theirs)
                swapped.append(f"{text} {''.join(f'[{i.id}]' for i in (*one.evidence, *other.evidence))}")
    return swapped


@dataclass
class PassageLiar:
    """A `SectionWriter` that bends the sentences of quoted passages; `lies` are (kind, sentence)."""

    chance: random.Random
    lies: list[tuple[str, str]] = field(default_factory=list)
    honest: list[str] = field(default_factory=list)

    def write(self, model: str, slot: SlotDraft) -> str:
        bent: list[tuple[str, str]] = []
        for said in slot.statements:
            if said.text.startswith(">"):
                key = said.evidence[0].id
                for sentence in _list_sentences(said.evidence[0].text):
                    self.honest.append(sentence)
                    bent += [(kind, f"{lie} [{key}].") for kind, lie in _bend(sentence)]
                bent += [(kind, f"{lie} [{key}].") for kind, lie in _splice(said.evidence[0].text)]
        self.chance.shuffle(bent)
        bent = bent[:60]
        self.lies += bent
        return "\n\n".join(lie for _, lie in bent)


def _list_sentences(text: str) -> list[str]:
    found = re.split(r"(?<=[.!?])\s+|\n+", text)
    return [
        one.strip(" .") for one in found if 30 < len(one) < 300 and re.match(r"[A-Z][\w ,'()./%:-]+$", one)
    ]


def _bend(sentence: str) -> list[tuple[str, str]]:
    """(kind of lie, sentence that says something else); words are all of the passage, or common ones."""
    bent = []
    numbers = list(dict.fromkeys(re.findall(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])", sentence)))
    if len(numbers) > 1:
        first, second = numbers[:2]
        swapped = re.sub(
            rf"(?<![\w.-])(?:{re.escape(first)}|{re.escape(second)})(?![\w.-])",
            lambda found: second if found[0] == first else first,
            sentence,
        )
        bent.append(("numbers swapped", swapped))
    if numbers:
        bent.append(("number changed", sentence.replace(numbers[0], f"9{numbers[0]}")))
    if re.search(r"\bnot ", sentence):
        bent.append(("negation dropped", re.sub(r"\bnot ", "", sentence, count=1)))
    if found := re.search(r"\b(?:is|are|was|were|can|has been) ", sentence):
        bent.append(("negation added", sentence[: found.end()] + "not " + sentence[found.end() :]))
    words = sentence.split()
    names = [word for word in words[1:] if re.match(r"[A-Z][a-z]+$", word)]
    if len(names) > 1 and names[0] != names[-1]:
        swap = {names[0]: names[-1], names[-1]: names[0]}
        bent.append(("names swapped", " ".join(swap.get(word, word) for word in words)))
    if found := re.search(r" (?:and|or) ", sentence):
        head = sentence[: found.start()].rsplit(" ", 2)[0]
        bent.append(("middle left out", f"{head} {sentence[found.end() :]}"))
    if found := re.match(r"(?:If|Unless|When|Without|Only)\b[^,]+, ", sentence):
        bent.append(("condition left out", sentence[found.end() :].capitalize()))
    bent.append(("praise added", f"{sentence} better than all others"))
    return [(kind, lie) for kind, lie in bent if _fold(lie) != _fold(sentence)]


def _splice(text: str) -> list[tuple[str, str]]:
    """The head of one sentence with the tail of the next."""
    spliced = []
    for one, other in pairwise(_list_sentences(text)):
        head, tail = one.split(), other.split()
        spliced.append(("spliced", " ".join(head[: len(head) // 2] + tail[len(tail) // 2 :])))
    return spliced


def run_passage_lies(rows: Sequence[dict[str, Any]], *, seed: int = 1) -> dict[str, Any]:
    """Drafts of real cards by a liar who bends what they say."""
    chance = random.Random(seed)
    told: Counter[str] = Counter()
    reached: list[str] = []
    liars: list[Liar | PassageLiar] = [PassageLiar(chance) for _ in rows]
    liars += [Liar() for row in rows if "model-index" in (row["card"] or "")]
    results = [row for row in rows if "model-index" in (row["card"] or "")]
    for row, liar in zip([*rows, *results], liars, strict=True):
        draft = draft_subject(make_subject(row, row["card"] or "", row), llm=liar)
        written = {_fold(said.text) for slot in draft.slots for said in slot.statements if said.written}
        true = {_fold(sentence) for sentence in liar.honest}
        lies = [(kind, lie) for kind, lie in liar.lies if _fold(lie) not in true]
        told.update(kind for kind, _ in lies)
        reached += [f"{row['modelId']}: {kind}: {lie[:200]}" for kind, lie in lies if _fold(lie) in written]
    return {
        "lies": sum(told.values()),
        "by_kind": dict(sorted(told.items())),
        "invented_in_card": len(reached),
        "reached": reached[:40],
    }


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
