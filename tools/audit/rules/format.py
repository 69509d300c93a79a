"""The file itself: encoding, front matter, size."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding, Severity

_FIXES = {
    "encoding": "Save the file as UTF-8 without a byte order mark.",
    "control-character": "Delete the control character.",
    "front-matter-unclosed": "Add a line `---` after the last field.",
    "front-matter-second": "Move the fields of the second block into the first.",
    "front-matter-yaml": "Correct the YAML of this line (quote values with `:` or `#`, no tabs).",
    "duplicate-key": "Keep one of the two lines.",
    "line-ending": "Save the file with line feeds.",
    "comment-unclosed": "Add `-->` where the comment ends.",
    "fence-unclosed": "Add the closing fence.",
    "line-too-long": "Break the line, or move the data into a file of its own.",
    "card-too-large": "Move what is no description into files of its own.",
    "card-too-long": "Move what is no description into files of its own.",
    "too-many-cells": "Move the table into a file of its own.",
    "card-unreadable": "Put a text file in its place.",
}
_MILDER: dict[str, Severity] = {
    "card-too-large": "warning",
    "card-too-long": "warning",
    "too-many-passages": "warning",
    "too-many-cells": "warning",
    "line-too-long": "warning",
    "encoding": "warning",
    "comment-unclosed": "warning",
    "fence-unclosed": "note",
}
_ACTIVE = re.compile(
    r"<script[\s>]|<(?:iframe|object|embed|applet|form|base|meta|link)\s+[a-z-]{1,30}\s*="
    r"|<[a-z][\w-]{0,30}[\s/][^<>]{0,1000}?\bon[a-z]{3,20}\s*="
    r"|(?:\]\(\s*<?|\b(?:href|src|action)\s*=\s*[\"']?\s*)(?:(?:java|vb)script:|data:text/html)",
    re.IGNORECASE,
)
_CODE_SPAN = re.compile(r"(`+)[^`].{0,2000}?\1")
# Overrides of the direction of text and tags, which show one thing and mean another (CVE-2021-42574), and
# control characters; the zero-width space and its like only part words that look whole.
_HIDDEN = re.compile("[\u202d\u202e\U000e0000-\U000e007f\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{1,10}")  # of a region, as emoji write it
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")


@rule("card-missing", "error", "No model card", "A model without a card cannot be judged by anyone.")
def find_missing_card(subject: AuditSubject) -> Iterator[Finding]:
    if not subject.card.text.strip():
        yield find(
            subject, "card-missing", "There is no model card, or it is empty.", suggestion="Try: lake draft"
        )


@rule(
    "card-format",
    "error",
    "The file or its front matter is broken",
    "What a parser cannot read, the Hub does not show: fields after the break are lost.",
)
def find_broken_format(subject: AuditSubject) -> Iterator[Finding]:
    seen = set()
    for problem in (*subject.problems, *subject.card.problems):
        if problem.code in ("model-index", "no-card") or (problem.code, problem.line) in seen:
            continue
        seen.add((problem.code, problem.line))
        yield find(
            subject,
            "card-format",
            problem.message,
            line=problem.line or 1,
            suggestion=_FIXES.get(problem.code, ""),
            severity=_MILDER.get(problem.code),
        )


@rule(
    "front-matter-missing",
    "warning",
    "No metadata block",
    "Without front matter the Hub can neither filter nor show licence, task, language and parent.",
)
def find_missing_front_matter(subject: AuditSubject) -> Iterator[Finding]:
    card = subject.card
    if card.text.strip() and card.front_matter is None:
        yield find(
            subject,
            "front-matter-missing",
            "The card has no metadata: front matter is missing.",
            line=1,
            suggestion="Begin the card with `---`, `license: …`, `pipeline_tag: …`, `---`.",
        )


@rule(
    "active-content",
    "warning",
    "Script or active HTML in the card",
    "The Hub strips it; other viewers may run it.",
)
def find_active_content(subject: AuditSubject) -> Iterator[Finding]:
    code = {
        number
        for passage in subject.card.passages
        if passage.kind == "code"
        for number in range(passage.lines.start, passage.lines.end + 1)
    }
    for number, line in enumerate(subject.card.text.split("\n")[:50_000], 1):
        if number in code or not ("<" in line or "](" in line):
            continue
        if _ACTIVE.search(_CODE_SPAN.sub("", line[:5000])):
            yield find(
                subject,
                "active-content",
                "The card holds active HTML.",
                line=number,
                suggestion="Link to the page instead.",
            )


@rule(
    "hidden-characters",
    "warning",
    "Characters that nobody sees",
    "What a person reads differs from what a program is given.",
)
def find_hidden_characters(subject: AuditSubject) -> Iterator[Finding]:
    milder: Severity = "note"
    for pattern, severity in ((_HIDDEN, None), (_INVISIBLE, milder)):
        if not pattern.search(subject.card.text):
            continue
        lines = _find_lines(subject.card.text, pattern)
        if lines:
            number, sign = lines[0]
            more = f"; lines with such: {len(lines):,}" if len(lines) > 1 else ""
            yield find(
                subject,
                "hidden-characters",
                f"This line holds {_name_sign(sign)}, which is not shown{more}.",
                line=number,
                suggestion="Delete the character.",
                severity=severity,
            )


def _find_lines(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """Lines with a sign of `pattern`, each with the first; the mark at the very beginning is none."""
    plain = _FLAG.sub("", text.removeprefix("\ufeff"))
    return [
        (number, matched[0])
        for number, line in enumerate(plain.split("\n"), 1)
        if (matched := pattern.search(line))
    ]


def _name_sign(sign: str) -> str:
    name = unicodedata.name(sign, "a control character").lower()
    return f"U+{ord(sign):04X} ({name})"


@rule(
    "table-ragged",
    "note",
    "A row of a table with another number of cells than its header",
    "Cells beyond the header are not shown; those that lack move figures under another heading.",
)
def find_ragged_table(subject: AuditSubject) -> Iterator[Finding]:
    for table in subject.card.tables:
        first = subject.quote(table.lines.start)
        if "|" not in first or "<t" in first.lower():
            continue
        width = len(table.header)
        odd = [row for row in table.rows if len(row) > width or 1 < len(row) < width]
        if odd:
            row = odd[0]
            more = f"; such rows: {len(odd):,}" if len(odd) > 1 else ""
            yield find(
                subject,
                "table-ragged",
                f"The row has {len(row)} cells, the header {width}{more}.",
                line=row[0].line,
                suggestion="Add or delete cells; write a `|` inside a cell as `\\|`.",
            )


@rule(
    "file-unreadable",
    "warning",
    "A file beside the card cannot be read",
    "Programs that load the model will fail on it; what the card says of it cannot be checked.",
)
def find_unreadable_file(subject: AuditSubject) -> Iterator[Finding]:
    for sentence in subject.gathered.faults.values():
        yield find(subject, "file-unreadable", sentence, suggestion="Fetch the file again, or write it anew.")
