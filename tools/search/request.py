"""A question taken apart: what is asked for, and the material pasted with it.

People paste the text to be worked on after the request ("###Input: …", a quoted paragraph, a table). It says
little about which model is wanted, so only the request is searched for (measured: the material adds nothing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(
    r"(?:^|\s)(?:#{2,}\s*|<\w+>\s*)(?:input|context|text|data|instruction input)\b[:\s]*"
    r"|\n\s*(?:input|text|context|document|passage|table)\s*:\s*|```",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“«„]([^\"”»“]{60,})[\"”»“]|(?<!\w)'([^'\n]{80,})'(?!\w)")
_STRUCTURE = re.compile(r"[\[{]\s*[\"'{\[][^\n]{40,}[\]}]")
_MAX_REQUEST = 600


@dataclass(frozen=True, slots=True)
class Request:
    """`text` is what is asked, `material` what was pasted with it ("" when nothing was)."""

    text: str
    material: str


def read_request(question: str) -> Request:
    """Split `question`; when all of it looks like material, the beginning counts as the request."""
    text = question.strip()
    parts: list[str] = []
    if (marker := _MARKER.search(text)) and marker.start() > 0:
        parts.append(text[marker.end() :])
        text = text[: marker.start()]
    for pattern in (_STRUCTURE, _QUOTED):
        for found in pattern.finditer(text):
            parts.append(found.group(0))
        text = pattern.sub(" ", text)
    text = " ".join(text.split())
    if len(text) > _MAX_REQUEST:
        cut = text.rfind(" ", 0, _MAX_REQUEST)
        parts.append(text[cut:])
        text = text[:cut]
    if len(re.findall(r"\w+", text)) < 3:
        return Request(" ".join(question.split())[:_MAX_REQUEST], "")
    return Request(text, " ".join(" ".join(parts).split()))
