"""Text from cards and files, made harmless for a terminal: it may inform, not paint."""

from __future__ import annotations

import re

# Escape sequences as terminals read them (ECMA-48): CSI, OSC and the other string commands, two-byte ones.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# Control characters other than newline and tab, and those that reorder, hide or forge what is read:
# bidirectional controls (UAX #9), the zero-width space, tags, separators, surrogates. Joiners stay: scripts
# and emoji need them.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def clean_text(text: str) -> str:
    """`text` without escape sequences, control and bidirectional characters; newlines and tabs stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", _NEWLINES.sub("\n", text)))


def clean_line(text: str) -> str:
    """`clean_text` on one line, runs of white space as one space."""
    return " ".join(clean_text(text).split())
