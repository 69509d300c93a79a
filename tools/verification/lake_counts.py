"""Counts that the lake gives of itself ("1 error, 5 notes"): each number belongs to the noun behind it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from tools.evidence import LAKE_SOURCE, Evidence
from tools.verification.claims import CONTRADICTED

_COUNT = re.compile(r"(?<![\w.,])(?P<number>\d[\d,]*|no|zero|one)\s+(?P<noun>[a-z]{3,})\b", re.IGNORECASE)
_WORDS = {"no": "0", "zero": "0", "one": "1"}


def find_other_count(text: str, items: Iterable[Evidence]) -> str:
    """Why `text` fails: it counts something otherwise than what the lake says of itself; "" when it does not.

    The number alone may stand in the evidence before another noun: "0 errors" beside "1 error, 0 warnings".
    """
    counted: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.source == LAKE_SOURCE:
            for number, noun in _read_counts(item.text):
                counted[noun].add(number)
    for number, noun in _read_counts(text):
        if noun in counted and number not in counted[noun]:
            told = " or ".join(sorted(counted[noun]))
            return f"{CONTRADICTED}: the lake counts {told} of {noun!r}, not {number}"
    return ""


def _read_counts(text: str) -> Iterable[tuple[str, str]]:
    for found in _COUNT.finditer(text):
        number = found["number"].lower().replace(",", "")
        yield _WORDS.get(number, number), found["noun"].lower().removesuffix("s")
