"""A lake of invented models for the assistant: families, gaps, contradictions, cycles, a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.answers import Answer
from assistant.retelling import Retelling
from tests.entries import write_dump
from tools.evidence import Evidence
from tools.ingest import ingest
from tools.lake import Lake
from tools.places import Places

CONTRACTS = "larkfield/lexi-contracts"
CONTRACTS_LARGE = "larkfield/lexi-contracts-large"
CONTRACTS_DUTCH = "osprey-lab/lexi-contracts-nl"
GERMAN = "tinwhistle/murmur-german"
GERMAN_2 = "tinwhistle/murmur-german-v2"
FRENCH = "osprey-lab/murmur-french"
SENTIMENT = "brackwater/gull-sentiment"
DISEASES = "brackwater/ward-diseases"
TERN_MIT = "brackwater/tern-embed"
TERN_APACHE = "larkfield/tern-embed"
FERRY = "osprey-lab/ferry-en-de"
EGG = "osprey-lab/egg-first"
HEN = "osprey-lab/hen-first"
PLAIN = "tinwhistle/image-classifier"
BARE = "tinwhistle/stub-one"
UPSTREAM = "openmill/quill-base"  # named by a card, in no lake
PAPER = "arxiv:2999.01234"


def _result(task: str, dataset: str, split: str, metrics: Mapping[str, float]) -> str:
    """A model-index block; the value of each metric by its name."""
    lines = [
        "model-index:", "- name: this", "  results:", f"  - task: {{type: {task}}}",
        f"    dataset: {{name: {dataset}, type: {dataset.lower().replace(' ', '_')}, split: {split}}}",
        "    metrics:",
    ]  # fmt: skip
    lines += [
        f"    - {{type: {name.lower()}, value: {value}, name: {name}}}" for name, value in metrics.items()
    ]
    return "\n".join(lines)


_SPEECH = "automatic-speech-recognition"
_VOICES = "Imagined Voices German"
# model -> (task, downloads, front matter, body)
_MODELS: dict[str, tuple[str | None, int, Sequence[str], str]] = {
    CONTRACTS: (
        "summarization",
        4200,
        (
            "license: apache-2.0", "language: en", f"base_model: {UPSTREAM}", "datasets: [larkfield/clauses]",
            _result("summarization", "ClauseBench", "test", {"ROUGE-1": 41.5, "ROUGE-2": 18.25}),
        ),
        """# Lexi Contracts

Lexi Contracts summarises legal contracts in plain words for people who are not lawyers.

## Training

It was trained on 31,000 pairs of contracts and summaries for 4 epochs on two A100 GPUs.

## Limitations

Contracts of more than 1,024 tokens are cut off. It must not be used as legal advice.
""",
    ),
    CONTRACTS_LARGE: (
        "summarization",
        900,
        ("license: mit", "language: [en, de]"),
        """# Lexi Contracts Large

The large version of Lexi Contracts has 406 million parameters and summarises longer legal contracts.
""",
    ),
    CONTRACTS_DUTCH: (
        "summarization",
        60,
        ("license: gpl-3.0", "language: nl", f"base_model: {CONTRACTS}"),
        """# Lexi Contracts Dutch

Summarises rental agreements written in Dutch.
""",
    ),
    GERMAN: (
        _SPEECH,
        12000,
        ("license: mit", "language: de", _result(_SPEECH, _VOICES, "test", {"WER": 8.1})),
        """# Murmur German

Murmur transcribes German speech, recorded at 16 kHz.
""",
    ),
    GERMAN_2: (
        _SPEECH,
        800,
        (
            "license: mit", "language: de", f"base_model: {GERMAN}",
            _result(_SPEECH, _VOICES, "test", {"WER": 6.4}),
        ),
        """# Murmur German v2

The second version of Murmur transcribes German speech, telephone calls included.
""",
    ),
    FRENCH: (
        _SPEECH,
        300,
        (
            "license: gpl-3.0", "language: fr",
            _result(_SPEECH, "Imagined Voices French", "test", {"WER": 11.2}),
        ),
        """# Murmur French

Transcribes French speech. It is a fine-tuned version of tinwhistle/murmur-german.
""",
    ),
    SENTIMENT: (
        "text-classification",
        5000,
        (
            "license: mit", "language: en",
            _result("text-classification", "Harbour Reviews", "test", {"Accuracy": 0.91}),
        ),
        """# Gull Sentiment

Gull tells whether a hotel review is positive or negative. See arXiv:2999.01234 for the method.

## License

The model is released under the Apache 2.0 license.

## Evaluation

On the Harbour Reviews test set it reaches an accuracy of 0.87.
""",
    ),
    DISEASES: (
        "token-classification",
        70,
        ("language: en",),
        """# Ward Diseases

Finds the names of diseases and drugs in notes that doctors write.
""",
    ),
    TERN_MIT: (
        "sentence-similarity",
        400,
        ("license: mit",),
        """# Tern

Maps sentences to vectors with 384 dimensions, for semantic search.
""",
    ),
    TERN_APACHE: (
        "sentence-similarity",
        90,
        ("license: apache-2.0",),
        """# Tern, retrained

Sentence vectors for finding duplicate questions.
""",
    ),
    FERRY: (
        "translation",
        2500,
        ("license: cc-by-nc-4.0", "language: [en, de]"),
        """# Ferry

Translates English news into German.
""",
    ),
    EGG: ("text-generation", 10, (f"base_model: {HEN}",), "# Egg\n\nWrites short verses about farms.\n"),
    HEN: ("text-generation", 11, (f"base_model: {EGG}",), "# Hen\n\nWrites long verses about farms.\n"),
    PLAIN: (
        "image-classification",
        40,
        ("license: mit",),
        """# Image classifier

Tells ripe fruit from unripe fruit in photographs.
""",
    ),
    BARE: (None, 0, (), "# Stub\n"),
}  # fmt: skip
MODELS = tuple(_MODELS)

_PAPER = """# Gulls and tides: moods of harbour guests

arXiv:2999.01234

## Method

We asked 512 hotel guests of three harbours for reviews and let two students label their mood.

## Results

Reviews written at low tide were 7 percent more negative.
"""


def make_card(front_matter: Sequence[str], body: str) -> str:
    """A card's text; without front matter only the body."""
    return "---\n" + "\n".join(front_matter) + f"\n---\n{body}" if front_matter else body


def write_cards(folder: Path) -> list[str]:
    """Write the models as a dump and the paper as Markdown; gives both as sources."""
    rows = [
        {
            "modelId": model,
            "author": model.partition("/")[0],
            "pipeline_tag": task,
            "downloads": downloads,
            "card": make_card([*([f"pipeline_tag: {task}"] if task else []), *head], body),
        }
        for model, (task, downloads, head, body) in _MODELS.items()
    ]
    paper = folder / "2999.01234.md"
    paper.write_text(_PAPER, encoding="utf-8")
    return [write_dump(folder / "cards.jsonl", rows), str(paper)]


def make_home(folder: Path) -> Path:
    """The home of a lake of these models in `folder`, searched by words only."""
    with Lake.open(folder / "home", embedder=None) as lake:
        assert ingest(lake, write_cards(folder)).failed == []
    return folder / "home"


def ingest_cards(home: Path, cards: Mapping[str, str], **columns: Any) -> None:
    """Put `cards` (text by model) into the lake at `home`; `columns` are the same for each row."""
    rows = [
        {"modelId": model, "author": model.partition("/")[0], "downloads": 5, "card": text, **columns}
        for model, text in cards.items()
    ]
    dump = write_dump(home.parent / f"{home.name}.jsonl", rows)
    with Lake.open(home, embedder=None) as lake:
        assert ingest(lake, [dump]).failed == []


_MOST_WORDS = 150
ANSWER_KEYS = {
    "answer", "models", "suggestions", "evidence", "retrieved", "citations", "statements", "unsupported",
    "abstained", "tools", "engine", "thread", "usage",
}  # fmt: skip


def find_faults(answer: Answer, lake: Lake) -> list[str]:
    """What is wrong with an answer of the offline engine, whatever was asked; empty for a good one."""
    faults = []
    told = answer.model_dump(mode="json")
    if missing := ANSWER_KEYS - set(told):
        faults.append(f"keys missing: {sorted(missing)}")
    if (words := len(answer.answer.split())) > _MOST_WORDS:
        faults.append(f"{words} words")
    faults += [f"failed: {s.text!r}: {s.reason}" for s in answer.statements if s.level == "failed"]
    cited = {item.id for item in answer.evidence}
    marked = {citation.evidence for citation in answer.citations}
    if cited != marked:
        faults.append(f"marks {sorted(marked)} but evidence {sorted(cited)}")
    if cited & {item.id for item in answer.retrieved}:
        faults.append("evidence is both cited and only retrieved")
    faults += [
        f"{citation.evidence}: {citation.status} {citation.quote!r}"
        for citation in answer.citations
        if citation.status not in ("exact", "normalized")
    ]
    known = set(lake.catalog.model_names())
    faults += [f"{model!r} is in no lake" for model in answer.models if model not in known]
    if len(set(answer.models)) != len(answer.models):
        faults.append(f"models repeat: {answer.models}")
    return faults + _misplaced([*answer.evidence, *answer.retrieved], lake)


def _misplaced(evidence: Sequence[Evidence], lake: Lake) -> list[str]:
    """Evidence whose text does not stand at its locator."""
    described = [item.text for item in evidence if item.source == "lake"]
    places = Places(lake.catalog, described=lambda _: described, retell=Retelling(lake).tell)
    return [
        f"{item.id} {item.source} {item.locator}: {standing.reason}"
        for item in evidence
        if (standing := places.check(item)).verdict != "holds"
    ]
