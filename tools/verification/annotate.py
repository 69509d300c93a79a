"""An answer as it is shown: statements that failed stay in place, visibly marked with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.verification.types import Statement, Verification

_LABEL = "⚠ not supported"
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def annotate_answer(text: str, verification: Verification) -> str:
    """`text` with "⚠ not supported: reason" behind each failed statement; nothing is deleted.

    Within failed statements HTML comments are opened to view and direction-changing characters taken out, so
    that the note cannot be hidden by what it speaks of.
    """
    shown: list[str] = []
    at = 0
    for statement in sorted(verification.statements, key=lambda statement: statement.start):
        if statement.level != "failed" or statement.start < at:
            continue
        shown.append(text[at : statement.start])
        shown.append(_note(text[statement.start : statement.end], statement))
        at = statement.end
    shown.append(text[at:])
    return "".join(shown)


def write_note(reason: str) -> str:
    """The words that stand behind a statement that failed for `reason`."""
    reason = re.sub(r"[\[\]|`*_<>\n]+", " ", reason).strip()
    return f"**{_LABEL}: {reason}**" if reason else f"**{_LABEL}**"


def _note(written: str, statement: Statement) -> str:
    written = _REORDERING.sub("", written).replace("<!--", "&lt;!--").replace("-->", "--&gt;")
    note = write_note(statement.reason)
    if re.match(r"\s*(?:`{3,}|~{3,})", written):
        fence = re.match(r"\s*(`{3,}|~{3,})", written)
        assert fence is not None
        closed = written.rstrip().endswith(fence[1]) and written.strip() != fence[1]
        return f"{written}{'' if closed else chr(10) + fence[1]}\n\n{note}\n"
    if written.startswith("|") or (written.rstrip().endswith("|") and "|" in written.rstrip()[:-1]):
        inner = written.rstrip()
        return f"{inner[:-1].rstrip()} {note} |" if inner.endswith("|") else f"{inner} {note}"
    return f"{written} {note}"


def strip_notes(shown: str, reasons: Iterable[str]) -> str:
    """`shown` without the notes for these reasons: for those who show in another way what failed."""
    notes = sorted(map(write_note, reasons), key=len, reverse=True)
    return re.sub(rf"\n*[ \t]?(?:{'|'.join(map(re.escape, notes))})", "", shown) if notes else shown


def find_written(statement: str, level: str) -> str:
    """A statement's text as it stands in what `annotate_answer` made, without the note."""
    if level != "failed":
        return statement
    return _REORDERING.sub("", statement).replace("<!--", "&lt;!--").replace("-->", "--&gt;")
