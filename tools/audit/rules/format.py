"""The file itself: encoding, front matter, size."""

from __future__ import annotations

from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Finding

_FIXES = {
    "encoding": "Save the file as UTF-8 without a byte order mark.",
    "control-character": "Delete the control character.",
    "front-matter-unclosed": "Add a line `---` after the last field.",
    "front-matter-second": "Move the fields of the second block into the first.",
    "front-matter-yaml": "Correct the YAML of this line (quote values with `:` or `#`, no tabs).",
    "duplicate-key": "Keep one of the two lines.",
}


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
            severity="warning" if problem.code.startswith(("card-too", "too-many", "encoding")) else None,
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
            "The card has no front matter.",
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
        lowered = line[:5000].lower()
        if number not in code and ("<script" in lowered or "javascript:" in lowered or "<iframe" in lowered):
            yield find(
                subject,
                "active-content",
                "The card holds active HTML.",
                line=number,
                suggestion="Link to the page instead.",
            )
