"""Who was made from whom: a statement's direction against the source's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.evidence import Evidence
from tools.verification.names import Names
from tools.verification.passages import Reading

_MADE = (
    r"(?:fine-?\s?tun\w+|finetun\w+|distill?\w*|quanti[sz]\w+|adapted|derived|initiali[sz]\w+|built|based"
    r"|merged|"
    r"pruned|converted|continued|descend\w*|forked|trained|comes|made|created|version|variant|adapter"
    r"|child)"
)
_CHILD_FIRST = re.compile(rf"\b{_MADE}\b[^.;]{{0,60}}?\b(?:from|of|on top of|on|upon|for)\b", re.IGNORECASE)
_PARENT_FIRST = re.compile(
    r"\b(?:is|was|as|being|serves? as|served as|are) (?:the |a )?(?:base(?: model)?|parent|teacher"
    r"|backbone|origin|"
    r"starting point|ancestor)(?: model)? (?:of|for|to)\b"
    r"|\bwas (?:used|taken) to (?:train|create|make|build|derive)\b|\b(?:gave rise to|became)\b"
    r"|\bwas (?:fine-?tuned|distilled|quantized|turned) (?:in)?to\b",
    re.IGNORECASE,
)
_HAS_PARENT = re.compile(
    r"(?:'s|\bits|\bas (?:its|the)|\bdeclares?\b.*\bas)\s+(?:base model|parent|teacher|backbone)\b"
    r"|\bbase model (?:of|for)\b",
    re.IGNORECASE,
)


def check_direction(reading: Reading, names: Names, cited: Sequence[Evidence]) -> str:
    """Why a statement's line of descent is the wrong way round; "" when it is not, or none is claimed."""
    text = reading.folded.text
    ids = names.ids(reading)
    if not ids or not cited:
        return ""
    for item in cited:
        own = item.model.lower()
        for child, parent in _claimed_edges(text, ids):
            if parent.lower() == own and child.lower() != own and not _descends(item.text, child, parent):
                return f"{item.id} does not say that {child} was made from {parent}"
            if child.lower() == own and parent and not _names_parent(item, parent):
                return f"{item.id} does not name {parent} as its origin"
    return ""


def _claimed_edges(text: str, ids: Sequence[tuple[str, int, int]]) -> list[tuple[str, str]]:
    """(child, parent) pairs a statement claims."""
    edges = []
    for match in _PARENT_FIRST.finditer(text):
        before = [name for name, _, end in ids if end <= match.start()]
        after = [name for name, start, _ in ids if start >= match.end()]
        if before and after:
            edges.append((after[0], before[-1]))
    if edges:
        return edges
    if _HAS_PARENT.search(text):
        return edges
    for match in _CHILD_FIRST.finditer(text):
        children = [name for name, _, end in ids if end <= match.start()]
        parents = [(name, start) for name, start, _ in ids if start >= match.end()]
        if children and parents and parents[0][1] - match.end() < 40:
            edges.append((children[-1], parents[0][0]))
    return edges


def _descends(text: str, child: str, parent: str) -> bool:
    """Whether a text says in so many words that `child` was made from `parent` (or from "this model")."""
    low = text.lower()
    name = re.escape(child.lower().rpartition("/")[2])
    origin = re.escape(parent.lower().rpartition("/")[2])
    return (
        re.search(rf"{name}[^.\n]{{0,80}}\b(?:from|of|on)\b[^.\n]{{0,40}}(?:{origin}|this model)", low)
        is not None
    )


def _names_parent(item: Evidence, parent: str) -> bool:
    low = item.text.lower()
    bare = parent.lower().rpartition("/")[2]
    squashed = re.sub(r"[\W_]+", "", bare)
    return bare in low or squashed in re.sub(r"[\W_]+", "", low)
