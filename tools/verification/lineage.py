"""Who was made from whom: a statement's direction against the source's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.comparing.finding import read_finding
from tools.evidence import Evidence
from tools.verification.names import Names
from tools.verification.passages import read_passage
from tools.verification.readings import Reading, read_text

_MADE = (
    r"(?:fine-?\s?tun\w+|finetun\w+|distill?\w*|quanti[sz]\w+|adapted|derived|initiali[sz]\w+|built|based"
    r"|merged|"
    r"pruned|converted|continued|descend\w*|forked|trained|comes|made|created|version|variant|adapter"
    r"|child|started|"
    r"starting|resumed|ported|originat\w+)"
)
_ORIGIN = (
    r"(?:base(?:[- ]model)?|parent(?: model)?|teacher|backbone|origin|starting point|ancestor|source model)"
)
# "C is a fine-tuned version of P"
_CHILD_FIRST = re.compile(rf"\b{_MADE}\b[^.;]{{0,60}}?\b(?:from|of|on top of|on|upon|for)\b", re.IGNORECASE)
# "P is the base model of C", "P was used to train C"
_PARENT_FIRST = re.compile(
    rf"\b(?:is|was|as|being|serves? as|served as|are) (?:the |a )?{_ORIGIN} (?:of|for|to|behind)\b"
    r"|\bwas (?:used|taken) to (?:train|create|make|build|derive)\b|\b(?:gave rise to|became|led to)\b"
    r"|\bwas (?:fine-?tuned|distilled|quantized|turned|developed) (?:in)?to\b|\bunderl(?:ies|ay)\b",
    re.IGNORECASE,
)
# "the base model of C is P"
_ORIGIN_OF = re.compile(rf"\b{_ORIGIN} (?:of|for)\b", re.IGNORECASE)
# "C names P as its base model", "C's base model is P", "C has P as its parent"
_AS_ORIGIN = re.compile(
    rf"(?:\bas (?:its|the|a)|'s|\bits|\bthe)\s+{_ORIGIN}\b|(?<![\w/-]){_ORIGIN}\s*:", re.IGNORECASE
)


def check_direction(reading: Reading, names: Names, cited: Sequence[Evidence]) -> str:
    """Why a statement's line of descent is the wrong way round; "" when it is not, or none is claimed."""
    if not cited:
        return ""
    for child, parent in claimed_edges(reading.folded.text, names.ids(reading)):
        refused = ""
        for item in cited:
            own = item.model.lower()
            if item.kind == "weights" and read_finding(item.text) is not None:
                refused = ""  # held against the finding by `check_weighed`
                break
            if child.lower() == own:
                if _names_parent(item, parent):
                    break
                refused = refused or f"{item.id} does not name {parent} as its origin"
            elif parent.lower() == own:
                if _descends(item.text, child, parent):
                    break
                refused = refused or f"{item.id} does not say that {child} was made from {parent}"
        else:
            if refused:
                return refused
    return _check_order(reading, cited)


def claims_descent(reading: Reading, names: Names) -> bool:
    """Whether a statement says of two models that one was made from the other."""
    return bool(claimed_edges(reading.folded.text, names.ids(reading)))


def claimed_edges(text: str, ids: Sequence[tuple[str, int, int]]) -> list[tuple[str, str]]:
    """(child, parent) pairs a statement claims."""

    def around(match: re.Match[str]) -> tuple[list[str], list[str]]:
        before = [name for name, _, end in ids if end <= match.start()]
        return before, [name for name, start, _ in ids if start >= match.end()]

    edges: list[tuple[str, str]] = []
    for match in _PARENT_FIRST.finditer(text):
        before, after = around(match)
        if before and after:
            edges.append((after[0], before[-1]))
    if edges:
        return edges
    for match in _ORIGIN_OF.finditer(text):
        _, after = around(match)
        if len(after) > 1:
            edges.append((after[0], after[1]))
    if edges:
        return edges
    for match in _AS_ORIGIN.finditer(text):
        before, after = around(match)
        if len(before) > 1:
            edges.append((before[-2], before[-1]))
        elif before and after:
            edges.append((before[-1], after[0]))
    if edges:
        return edges
    for match in _CHILD_FIRST.finditer(text):
        children = [name for name, _, end in ids if end <= match.start()]
        parents = [(name, start) for name, start, _ in ids if start >= match.end()]
        if children and parents and parents[0][1] - match.end() < 40:
            edges.append((children[-1], parents[0][0]))
    return edges


def _check_order(reading: Reading, cited: Sequence[Evidence]) -> str:
    """Names without an owner: what the source puts behind "made from" must not stand before it."""
    text = reading.folded.text
    match = _CHILD_FIRST.search(text)
    if match is None:
        return ""
    children = [word for word in reading.words if word.end <= match.start() and _is_versioned(word.low)]
    for item in cited:
        passage = read_passage(item)
        for unit in passage.units:
            source = _CHILD_FIRST.search(unit.reading.folded.text)
            if source is None:
                continue
            before = read_text(unit.reading.folded.text[: source.start()])
            after = read_text(unit.reading.folded.text[source.end() :])
            for word in children:
                squashed = re.sub(r"[\W_]+", "", word.low)
                if passage.about.holds_run(squashed) or before.holds_run(squashed):
                    continue
                if after.holds_run(squashed):
                    return f"{item.id} says that something was made from {word.text}, not the other way round"
    return ""


def _is_versioned(low: str) -> bool:
    return len(low) > 3 and re.search(r"\d", low) is not None and re.search(r"[a-z]", low) is not None


def _descends(text: str, child: str, parent: str) -> bool:
    """Whether a text says in so many words that `child` was made from `parent` (or from "this model")."""
    low = text.lower()
    name = re.escape(child.lower().rpartition("/")[2])
    origin = re.escape(parent.lower().rpartition("/")[2])
    stated = rf"{name}[^.\n]{{0,80}}\b(?:from|of|on)\b[^.\n]{{0,40}}(?:{origin}|this model)"
    return re.search(stated, low) is not None


def _names_parent(item: Evidence, parent: str) -> bool:
    bare = re.sub(r"[\W_]+", "", parent.lower().rpartition("/")[2])
    return bare in re.sub(r"[\W_]+", "", item.text.lower())
