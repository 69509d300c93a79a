"""The text: sections missing, left at the template's default, or generated and never touched."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from tools.audit.registry import find, rule
from tools.audit.subject import AuditSubject
from tools.audit.types import Coverage, Finding

# What a reader looks for, with the headings under which cards have it. The first heading of a passage, from
# the innermost outwards, that is any of these decides which of them the passage fills.
# https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/templates/modelcard_template.md
WANTED = {
    "Intended uses": r"intended|direct use|use[- ]cases?|(?<!how to )uses?\b(?! (?:with|in|it)\b)|purpose"
    r"|applications?\b",
    "How to use": r"how to|usage|quick ?start|get(?:ting)? started|inference|examples?\b|using|demo",
    "Limitations": r"limitation|out[- ]of[- ]scope|caveat|known issues|misuse",
    "Bias and risks": r"bias|risk|ethic|safety|fairness|harm",
    "Training data": r"(?:training|tuning)[- ](?:data|corp|set)|data ?sets?\b|data\b|corpus"
    r"|corpora|train(?:ing)?$",
    "Training procedure": r"(?:pre-?)?train(?:ing|ed)?(?! *(?:and \w+ )?(?:data|set|corp))|procedure|hyper"
    r"|fine-?tun",
    "Evaluation": r"evaluat|results?\b|performance|metrics?\b|benchmark|accuracy|scores?\b",
}
_DEFAULT = re.compile(r"\[?more information needed\]?|needs more information", re.IGNORECASE)
# Whole lines that stand in for a text.
_STAND_IN = re.compile(
    r"(?:to-?do|tbd|tba|coming soon|work in progress|wip|n/?a|xxx+|lorem ipsum\b.*"
    r"|(?:this section )?(?:is )?to be (?:added|done|completed|written|filled(?: in)?|determined|announced)"
    r"|will be added(?: later| soon)?|fill (?:this |it )?(?:in|out)(?: later)?"
    r"|(?:please )?(?:add|insert|write|describe|provide|put)\b.{0,60}\bhere"
    r"|(?:add|insert|write|describe|your)\b.{2,60}|to-?do\s*[:\-–].{0,120}|\{\{.{1,100}\}\})",
    re.IGNORECASE,
)
_BRACKETED = re.compile(
    r"\s*(?:[-*+>#]\s*)?(?:\*\*[^*]{1,60}\*\*:?\s*)?(?P<open>[\[<{(]{0,3})\s*(?P<said>[^\[\]<>]{1,140}?)[\]>}).!…]*\s*"
)
_TEMPLATE = re.compile(
    r"^\s*(?:<!--\s*)?provide a (?:quick|longer) summary|\{\{\s*[\w.]+\s*\|\s*default|"
    r"this modelcard aims to be a base template",
    re.IGNORECASE,
)


def measure_coverage(subject: AuditSubject) -> Coverage:
    """How many of the sections a reader looks for hold something."""
    filled: set[str] = set()
    titles: dict[str, frozenset[str]] = {}
    for passage in subject.card.passages:
        if passage.text.lstrip().startswith("#") or not _says_something(passage.text):
            continue
        for heading in reversed(passage.section):
            if heading not in titles:
                titles[heading] = _name_section(heading)
            if titles[heading]:
                filled |= titles[heading]
                break
    missing = tuple(name for name in WANTED if name not in filled)
    return Coverage(len(WANTED) - len(missing), len(WANTED), missing)


_TITLES = {name: re.compile(rf"\b(?:{words})", re.IGNORECASE) for name, words in WANTED.items()}
_LEAST = 15  # characters; less is no answer


def _name_section(heading: str) -> frozenset[str]:
    return frozenset(name for name, title in _TITLES.items() if title.search(heading[:300].strip(" :*_#")))


def _says_something(text: str) -> bool:
    return len(_DEFAULT.sub("", _drop_comments(text)).strip(" *-:_\n")) > _LEAST


def _drop_comments(text: str) -> str:
    """The text without HTML comments; one that is never closed hides all that follows, as in a browser."""
    kept, start = [], 0
    while (begin := text.find("<!--", start)) >= 0:
        kept.append(text[start:begin])
        end = text.find("-->", begin + 4)
        if end < 0:
            return "".join(kept)
        start = end + 3
    return "".join((*kept, text[start:]))


@rule("section-empty", "note", "A heading with nothing below it", "It looks answered and is not.")
def find_empty_section(subject: AuditSubject) -> Iterator[Finding]:
    sections = [section for section in subject.card.sections if section.level]
    starts = [section.lines.start for section in sections]
    followed = {
        bisect_right(starts, passage.lines.start) - 1
        for passage in subject.card.passages
        # A heading alone is a passage as well, and a comment is not seen by readers.
        if passage.lines.start not in starts and _drop_comments(passage.text).strip()
    }
    for number, section in enumerate(sections):
        deeper = number + 1 < len(sections) and sections[number + 1].level > section.level
        # The first heading is the card's title, and one such as "WER: 4.7 %" says something itself.
        titled = (number == 0 and len(sections) > 1) or re.search(r":\s*\S", section.title[:300])
        if number in followed or deeper or titled:
            continue
        yield find(
            subject,
            "section-empty",
            f"Nothing stands below {section.title[:120]!r}.",
            line=section.lines.start,
            suggestion="Write it, or delete the heading.",
        )


@rule(
    "section-missing",
    "note",
    "A section is missing",
    "Uses, limits, training and evaluation are what readers need.",
)
def find_missing_section(subject: AuditSubject) -> Iterator[Finding]:
    if not subject.card.text.strip():
        return
    for name in measure_coverage(subject).missing:
        yield find(
            subject,
            "section-missing",
            f"No section tells of: {name}.",
            suggestion=f"Add `## {name}`; `lake draft` proposes what evidence has.",
            severity="note",
        )


@rule(
    "section-default",
    "note",
    "Left at the template's default",
    "A heading without a text looks answered and is not.",
)
def find_default_section(subject: AuditSubject) -> Iterator[Finding]:
    front = subject.card.front_matter
    start = front.end if front else 0
    told = 0
    code = {
        number
        for passage in subject.card.passages
        if passage.kind == "code"
        for number in range(passage.lines.start, passage.lines.end + 1)
    }
    for number, line in enumerate(subject.card.text.split("\n")[start:20_000], start + 1):
        if told < 60 and (_DEFAULT.search(line[:2000]) or (number not in code and _is_stand_in(line))):
            told += 1
            yield find(
                subject,
                "section-default",
                "This is the template's default, not an answer.",
                line=number,
                suggestion="Write it, or delete the heading.",
            )


def _is_stand_in(line: str) -> bool:
    """Whether a line is nothing but a word in place of a text: "TODO", "[Add description here]"."""
    plain = line.strip()
    if not plain or len(plain) > 200:
        return False
    if re.fullmatch(r"[-*+>\s]*(?:\{\{.{1,100}\}\}\W*|\[optional\]:?.*)", plain, re.IGNORECASE):
        return True
    matched = _BRACKETED.fullmatch(plain)
    if matched is None or not _STAND_IN.fullmatch(matched["said"].strip(" *_`.:")):
        return False
    said = matched["said"].strip(" *_`.:").lower()
    # "Add a head to the model" is an instruction unless brackets or "here" mark it as a gap.
    gap = re.match(r"(?:please )?(?:add|insert|write|describe|provide|put|your)\b", said)
    return not gap or bool(matched["open"]) or said.endswith("here")


@rule("card-boilerplate", "warning", "Boilerplate card", "The template says nothing of the model.")
def find_boilerplate(subject: AuditSubject) -> Iterator[Finding]:
    text = subject.card.text
    if not text.strip():
        return
    for number, line in enumerate(text.split("\n")[:20_000], 1):
        if _TEMPLATE.search(line[:500]) and not line.lstrip().startswith("<!--"):
            yield find(
                subject,
                "card-boilerplate",
                "This line is the template's, unfilled.",
                line=number,
                suggestion="Fill it in, or delete it.",
            )
            return
    words = sum(
        len(passage.text.split())
        for passage in subject.card.passages
        if passage.kind in ("prose", "list", "table") and not _DEFAULT.search(passage.text)
    )
    if words < 15:
        yield find(
            subject,
            "card-boilerplate",
            f"The card's text has {words} words beside headings and defaults.",
            suggestion="Say what the model is, what it was trained on and what it is for; try: lake draft",
        )
