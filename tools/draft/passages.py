"""Passages of the model's own card, quoted in the slot of the template that their headings belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tools.cards.types import LineSpan, Passage
from tools.draft.gathering import Gathered
from tools.draft.sections import list_slots
from tools.draft.types import Statement

# First match wins; what a heading says decides, the innermost heading first.
_HEADINGS: tuple[tuple[str, str], ...] = (
    ("out_of_scope_use", r"out[- ]of[- ]scope|misuse|malicious|not (?:intended|be used)"),
    ("bias_recommendations", r"recommendation"),
    ("societal_impact", r"societal|red[- ]team"),
    ("bias_risks_limitations", r"\bbias|\brisks?\b|limit|caveat|ethic|safety|disclaimer|known issues"),
    ("downstream_use", r"downstream"),
    (
        "get_started_code",
        r"how to (?:use|get|run|load)|get(?:ting)? started|quick ?start|\busage\b|example|inference",
    ),
    ("direct_use", r"intended|direct use|\buses?\b|use cases?|what it does|applications?|purpose"),
    ("training_regime", r"hyper-?param|training (?:arg|config|regime|setting)"),
    ("preprocessing", r"pre-?process|tokeni[sz]"),
    ("speeds_sizes_times", r"\bspeeds?\b|throughput|\btimes\b"),
    ("testing_data", r"(?:test(?:ing)?|eval(?:uation)?|validation) (?:data|set)"),
    ("testing_factors", r"\bfactors\b"),
    ("testing_metrics", r"^metrics"),
    ("training_data", r"training (?:and \w+ )?(?:data|corpus)|\bdata ?sets?\b|^data\b|corpus"),
    ("results", r"result|performance|evaluation|benchmark|accuracy|metrics|score"),
    ("training_procedure", r"training|fine-?tun|pre-?train|how .*(?:trained|made|built)"),
    ("co2_emitted", r"carbon|emission|co2"),
    ("citation_bibtex", r"cit(?:e|ation|ing)|bibtex|reference"),
    ("glossary", r"glossary"),
    ("model_card_contact", r"contact"),
    ("model_card_authors", r"card authors?|authors?"),
    ("software", r"framework versions?|software|requirements|dependencies"),
    ("hardware_requirements", r"hardware"),
    ("model_specs", r"architecture|specification|technical|model details"),
    ("model_examination", r"examination|interpretab|explainab"),
    ("model_description", r"description|overview|introduction|about|summary|details|what is"),
    ("more_information", r"more information|acknowledg|links|further|see also"),
)  # fmt: skip
_COMPILED = tuple((slot, re.compile(pattern, re.IGNORECASE)) for slot, pattern in _HEADINGS)
# Labelled lines of a list: "- **Funded by [optional]:** somebody".
_LABELS: dict[str, str] = {
    "funded_by": r"funded by",
    "shared_by": r"shared by",
    "repo": r"repository|github|code",
    "demo": r"demo|space",
    "paper": r"paper(?: or resources for more information)?",
    "hardware_type": r"hardware(?: type)?",
    "hours_used": r"hours used",
    "cloud_provider": r"cloud provider",
    "cloud_region": r"compute region|region",
    "co2_emitted": r"carbon emitted(?: ?\([^)]{0,40}\))?",
}
# Read by tools.facts with more care; here only known as labels of the template.
_LABELS |= {
    "developers": r"developed by",
    "model_type": r"model type",
    "language": r"language\(s\)(?: ?\(nlp\))?|languages?",
    "license": r"licen[cs]e",
    "base_model": r"finetuned from(?: model)?",
    "training_regime": r"training regime",
}
_QUOTED = frozenset(_LABELS) - {"developers", "model_type", "language", "license", "base_model"}
_LINE = re.compile(
    r"^[\s>*+-]*(?P<label>[\w][\w ()/]{1,60}?)\s*(?:\[optional\])?[\s*_]*[:：][\s*_]*(?P<value>\S.*)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[?more information needed\]?|\bTODO\b|\[needs more information\]", re.IGNORECASE)
# Sentences and papers of the template itself, which say nothing of a model.
_TEMPLATE = re.compile(r"mlco2\.github\.io/impact|Use the code below to get started", re.IGNORECASE)
_TEMPLATE_PAPERS = ("1910.09700", "1810.03993")
_CONTENTS = re.compile(r"\]\(#")
_MARK = re.compile(r"\[E\d+\]|\[\^")
_TRAINED = re.compile(r"\b(?:fine-?tuned|trained|pre-?trained)\b[^.\n]{0,120}\bon\b", re.IGNORECASE)
_MOST_CHARACTERS = 1_800
_MOST_PASSAGES = 6


def quote_slots(gathered: Gathered) -> dict[str, list[Statement]]:
    """What the card itself says, by slot: labelled lines, then passages under fitting headings."""
    slots: dict[str, list[Statement]] = {}
    for slot, statement in (*_quote_labels(gathered), *_quote_links(gathered), *_quote_passages(gathered)):
        kept = slots.setdefault(slot, [])
        if len(kept) < _MOST_PASSAGES:
            kept.append(statement)
    return slots


def _quote_labels(gathered: Gathered) -> Iterator[tuple[str, Statement]]:
    card = gathered.subject.card
    for passage in card.passages:
        if passage.kind not in ("list", "prose"):
            continue
        for offset, line in enumerate(passage.text.split("\n")):
            found = _LINE.match(line)
            if found is None or _PLACEHOLDER.search(found["value"]) or _MARK.search(line):
                continue
            for slot, label in _LABELS.items():
                if slot in _QUOTED and re.fullmatch(label, found["label"].strip(), re.IGNORECASE):
                    number = passage.lines.start + offset
                    yield (
                        slot,
                        _cite(gathered, found["value"].strip(" *_"), line.strip(), LineSpan(number, number)),
                    )


def _quote_links(gathered: Gathered) -> Iterator[tuple[str, Statement]]:
    """Papers that the card names by their arXiv number."""
    card = gathered.subject.card
    lines = card.text.split("\n")
    for paper in [paper for paper in card.arxiv_ids if paper not in _TEMPLATE_PAPERS][:3]:
        number = next((n for n, line in enumerate(lines, 1) if paper in line), None)
        if number is not None and len(lines[number - 1]) <= _MOST_CHARACTERS:
            span = LineSpan(number, number)
            yield "paper", _cite(gathered, f"{paper}", lines[number - 1].strip(), span)


def _quote_passages(gathered: Gathered) -> Iterator[tuple[str, Statement]]:
    card = gathered.subject.card
    has_data = any(fact.origin in ("metadata", "record") for fact in gathered.known.get("dataset", ()))
    for passage in card.passages:
        if passage.kind not in ("prose", "list", "code") or not is_content(passage):
            continue
        slot = find_slot(passage)
        if slot == "citation_bibtex":
            slot = _sort_citation(passage.text)
        if (
            slot != "training_data"
            and not has_data
            and passage.kind in ("prose", "list")
            and _TRAINED.search(passage.text)
        ):
            yield from _quote_sentence(gathered, passage)
        if slot is None or (passage.kind == "code" and slot not in ("get_started_code", "citation_bibtex")):
            continue
        if passage.kind == "code":
            yield slot, _cite(gathered, passage.text, passage.text, passage.lines)
            continue
        text = passage.text.strip("\n")
        quoted = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
        yield slot, _cite(gathered, quoted, text, passage.lines)


@cache
def _list_titles() -> dict[str, str]:
    """The template's own headings, folded, and their slots."""
    return {_fold_title(form.path[-1]): form.slot for form in list_slots() if form.path and not form.label}


def _fold_title(title: str) -> str:
    return re.sub(r"\[optional\]|[^a-z0-9]", "", title.lower())


def _sort_citation(text: str) -> str | None:
    """Which slot a passage under a heading on citation fills, None for a line that only leads over."""
    if re.search(r"@\w+\s*\{", text):
        return "citation_bibtex"
    return "citation_apa" if re.search(r"\b(?:19|20)\d\d\b", text) else None


def _quote_sentence(gathered: Gathered, passage: Passage) -> Iterator[tuple[str, Statement]]:
    """The lines of a passage, standing elsewhere, that say what the model was trained on."""
    for offset, line in enumerate(passage.text.split("\n")):
        if _TRAINED.search(line):
            number = passage.lines.start + offset
            yield (
                "training_data",
                _cite(gathered, f"> {line.strip()}", line.strip(), LineSpan(number, number)),
            )
            return


def find_slot(passage: Passage) -> str | None:
    """The slot whose heading the passage stands under, None where its headings tell nothing."""
    for depth, title in reversed(list(enumerate(passage.section))):
        above = passage.section[depth - 1] if depth else ""
        named = _list_titles().get(_fold_title(title))
        # "Summary" is the template's only below "Results"; elsewhere it may sum up anything.
        if named is not None and (named != "results_summary" or _fold_title(above) == "results"):
            return named
        for slot, pattern in _COMPILED:
            if pattern.search(title):
                return slot
    return "model_description" if len(passage.section) <= 1 else None


def find_label(line: str) -> str | None:
    """The slot of a labelled line of the template ("- **License:** …"), None for any other line."""
    found = _LINE.match(line)
    label = found["label"].strip() if found else ""
    return next((slot for slot, form in _LABELS.items() if re.fullmatch(form, label, re.IGNORECASE)), None)


def is_content(passage: Passage) -> bool:
    """Whether a passage says something: not a heading, an image, a template's default or our marks."""
    text = passage.text.strip()
    if not text or len(text) > _MOST_CHARACTERS or text.startswith(("#", "![", "[![", "<!--", "|")):
        return False
    if passage.kind == "list" and len(_CONTENTS.findall(text)) > text.count("\n") / 2:
        return False  # a table of contents
    return not _TEMPLATE.search(text) and not _PLACEHOLDER.search(text) and not _MARK.search(text)


def _cite(gathered: Gathered, said: str, text: str, lines: LineSpan) -> Statement:
    subject = gathered.subject
    evidence = gathered.ledger.add(
        "card", subject.record.source, f"README.md#{lines}", text, subject.card.sha256
    )
    whole = said == text or said.startswith(">")
    return Statement(said, (evidence,), () if whole else (said,))
