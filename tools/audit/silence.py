"""Rules that a card silences for itself: `<!-- # lake: ignore[rule-id] -->`, several ids with commas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tools.audit.types import Finding, Silenced

_SILENCE = re.compile(r"<!--\s*#?\s*lake:\s*ignore\[([\w\s,-]{1,400})\]\s*-->")
_CODE_SPAN = re.compile(r"`[^`]{1,1000}`")  # a card may explain how to silence a rule


def find_silences(text: str) -> dict[str, int]:
    """Rule ids that the card silences, each with the line of its first comment."""
    silenced: dict[str, int] = {}
    if "ignore[" not in text:
        return silenced
    for number, line in enumerate(text.split("\n"), 1):
        if "ignore[" not in line:
            continue
        for matched in _SILENCE.finditer(_CODE_SPAN.sub("", line[:5000])):
            for name in matched[1].split(","):
                silenced.setdefault(name.strip(), number)
    return silenced


def silence_findings(
    text: str, findings: Sequence[Finding], known: Iterable[str]
) -> tuple[list[Finding], tuple[Silenced, ...]]:
    """The findings that remain, and what was silenced; a comment that hides nothing is told as well."""
    silenced = find_silences(text)
    hidden = Counter(finding.rule for finding in findings if finding.rule in silenced)
    ids = set(known)
    told = tuple(Silenced(name, line, hidden[name], name in ids) for name, line in silenced.items() if name)
    return [finding for finding in findings if finding.rule not in silenced], told
