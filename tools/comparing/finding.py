"""What weights show of two models, as one passage that can be cited, and read back by the verifier.

The first sentence says what is found of which two models, in a fixed form; the statistic follows in words and
numbers. A statement that cites the passage is held against the first sentence by `tools.verification`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

# made: the first was made from the second. not_made: what a card declares so is contradicted.
# unknown: whether the first was made from the second, or is related to it at all, the weights do not tell.
FindingKind = Literal["made", "not_made", "related", "unrelated", "copies", "likely", "unknown", "like"]

_FORMS: dict[FindingKind, str] = {
    "made": "By their weights, {first} was made from {second}",
    "not_made": "By their weights, {first} was not made from {second}",
    "related": "By their weights, {first} and {second} have a common origin",
    "unrelated": "By their weights, {first} and {second} are unrelated",
    "copies": "By their weights, {first} and {second} are copies of each other",
    "likely": "By their weights, {first} was likely, not surely, made from {second}",
    "unknown": "By their weights, it is unknown whether {first} is related to {second}",
    "like": "The weights of {first} and of {second} have fingerprints",
}
_NAME = r"(?P<{}>\S*[^\s.,;:])"
_PATTERNS = {
    kind: re.compile(
        re.escape(form)
        .replace(r"\{first\}", _NAME.format("first"))
        .replace(r"\{second\}", _NAME.format("second"))
        + r"(?=[\s.,;:]|$)"
    )
    for kind, form in _FORMS.items()
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` of the models `first` and `second`."""

    kind: FindingKind
    first: str
    second: str


def write_finding(finding: Finding, *, detail: str = "", statistic: str = "") -> str:
    """The passage: what is found, `detail` in the same sentence, then the statistic's sentences."""
    said = _FORMS[finding.kind].format(first=finding.first, second=finding.second)
    return f"{said}{detail}. {statistic}".strip()


def read_finding(text: str) -> Finding | None:
    """What the first sentence of a passage says; None when it is no passage of this form."""
    for kind, pattern in _PATTERNS.items():
        if found := pattern.match(text):
            return Finding(kind, found["first"], found["second"])
    return None
