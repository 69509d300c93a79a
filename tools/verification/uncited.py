"""Statements without a mark: which of them claim nothing, and which are facts that should have been cited."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

from tools.evidence import EvidenceLedger
from tools.verification.names import Names
from tools.verification.needs import read_need
from tools.verification.numbers import Number
from tools.verification.readings import Reading, read_text
from tools.verification.words import is_free, label_words

Role = Literal["text", "label"]  # a label: a heading, a table's header, a lead-in that ends in a colon

_STATES = (
    r"(?:state|stated|say|mention|mentioned|specify|specified|give|given|report|reported|list|listed|include|"
    r"document|documented|declare|declared|provide|provided|contain|record|recorded|describe|described|"
    r"disclose|disclosed|indicate|indicated|name|known)"
)
_DOCUMENTS = (
    r"(?:cards?|evidence|passages?|sources?|documents?|documentation|entr(?:y|ies)|results?|papers?|metadata)"
)
_ABSENCE = re.compile(
    rf"\b(?:do|does|did|is|are|was|were|has|have|had)(?: not|n't)\s+(?:\w+\s+){{0,1}}(?:\w+ly\s+)?"
    rf"(?:been\s+|be\s+)?{_STATES}\b"
    r"|\bnot (?:\w+ly |otherwise )?(?:stated|specified|mentioned|given|documented|recorded|reported|listed|"
    r"available|provided|disclosed|declared|known)\b"
    r"|\b(?:is|are|was|were) (?:unknown|undisclosed|unspecified|undocumented|unstated|silent)\b"
    rf"|\b(?:no|none of the|neither) {_DOCUMENTS}\b[^.;]{{0,60}}\b(?:state[sd]?|sa(?:y|ys|id)|mentions?"
    r"|mentioned|reports?|reported|gives?|given|lists?|listed|names?|here|lake)\b"
    r"|\bno models? (?:here |in (?:this|the) lake |that |which )*"
    r"(?:fits?|was found|were found|in (?:this|the) lake)\b"
    r"|\b(?:gives?|states?|lists?|reports?|names?|mentions?|contains?|has|have|there (?:is|are)) no \w+"
    r"|\b(?:I|we) (?:have )?(?:found|find|see|saw|know of|hold) (?:no|nothing|none)\b|\bno information\b"
    r"|\bnothing (?:about|on|is said)\b"
    r"|\bI(?: ca(?:n't|nnot)| can not| won't| will not| am (?:unable|not able|sorry)|'m (?:unable|not able|"
    r"sorry)| do(?:n't| not)| did(?:n't| not)| could(?:n't| not))(?! (?:deny|believe|"
    r"help but|overstate|stress|"
    r"recommend|praise|ignore|forget|imagine|wait|doubt|think of))",
    re.IGNORECASE,
)
_NOT_HERE = re.compile(
    r"\b(?:is|are|was)(?: not|n't) (?:\w+ )?(?:in|part of|among|from) "
    r"(?:this|the|my) (?:lake|collection|catalogue|models)",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"[;:]|,?\s*\b(?:but|however|although|though|while|yet|because|since|as|and|except)\b|\.\s|\s[-–—]\s",
    re.IGNORECASE,
)
# "... though it was": what was said not to be stated is then said after all.
_AFTER_ALL = re.compile(
    r"\b(?:it|they|this|that|he|she)\s+(?:\w+ly\s+)?(?:is|are|was|were|does|do|did|has|have|had|can"
    r"|will)\s*[.!]?\s*$",
    re.I,
)
_ASSERTION = re.compile(
    r"\b(?:it|which|that|model|card|they)\s+(?:is|are|was|were|has|have|reach\w*|achiev\w*"
    r"|support\w*)\b",
    re.I,
)
# Words that make a statement of what would else repeat the question.
_ASSERTIVE = re.compile(
    r"^\W*(?:yes|indeed|correct|right|sure|true|absolutely|certainly|no)\b"
    r"|\b(?:is|are|was|were|has|have|had|can|does|do|did|will|supports?|speaks?|reach\w*|achiev\w*"
    r"|trained|covers?|"
    r"contains?|includes?|allows?|works?|handles?|beats?|uses?|needs?|runs?|understands?)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"^\W*(?:I(?:'d| would|'ll| will|'m| am| have|'ve)?\b|let me\b|for (?:your|that|this)\b)", re.IGNORECASE
)
_RHETORICAL = re.compile(
    r"\b(?:did|do) you (?:know|realise|realize|see|remember)\b"
    r"|^\W*(?:is|are|was|were|does|do|did|has|have|can|could|would|wo)n't\b"
    r"|,\s*(?:right|no|correct|is(?:n't)? it|does(?:n't)? it|eh)\W*$|\bwho (?:would|could) have\b"
    r"|\bwhy not\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"^\W*(?:please |then |also |so |or |and |next,? |first,? |finally,? )*(?:try|check|ask|see|look|tell"
    r"|say|let|start|"
    r"pick|choose|compare|consider|test|read|go on|feel free|remember|make sure|keep in mind|be sure)\b"
    r"|\byou (?:can|could|may|might|should|will|would) (?:also |still |then |want to |like to |need to )*"
    r"(?:try|check|ask|see|look|start|pick|choose|compare|consider|test|read|want|like|tell|verify)\b"
    r"|\blet me know\b"
    r"|\b(?:I|we) can (?:also )?(?:look|search|compare|check|show|list|tell|help|find)\b"
    r"|\bif you (?:want|like|tell|need|prefer|wish)\b",
    re.IGNORECASE,
)
_DEGREES = frozenset(
    {"more", "most", "less", "least", "very", "rather", "quite", "only", "question", "questions"}
)


def judge_uncited(
    reading: Reading, names: Names, ledger: EvidenceLedger, allowed: Collection[str], *, role: Role
) -> str:
    """Why a statement without marks fails; "" when it claims nothing that could be checked.

    `allowed` are texts (the question) whose words may be repeated where nothing is asserted of them.
    """
    text = reading.folded.text
    unknown = names.unknown_ids(reading)
    echoes = [read_text(entry) for entry in allowed]
    if _NOT_HERE.search(text):
        for model in names.known_in(reading):
            return f"{model} is in this lake"
        return _judge_rest(_NOT_HERE.sub(" ", text), names, echoes, unknown_allowed=True)
    absent = _ABSENCE.search(text) is not None
    if unknown and not absent:
        return f"{unknown[0]} is in no source"
    if text.rstrip().endswith("?") and not _RHETORICAL.search(text):
        hard = _hard_numbers(reading.numbers, echoes)
        return f"uncited: it gives {hard[0]}" if hard else ""
    if absent:
        return _judge_absence(reading, names, ledger, echoes)
    if _ADVICE.search(text) and not _ASSERTION.search(text):
        need = read_need(reading, names.spans(reading))
        foreign = [
            word for word in need.names if not _is_echoed(word.stem, echoes) and word.text[:1].isupper()
        ]
        if not _hard_numbers(need.numbers, echoes) and not need.licences and not need.metrics and not foreign:
            return ""
    if role == "label":
        return _judge_rest(text, names, echoes, labels=True)
    asserted = _ASSERTIVE.search(text) is not None and not _PERSONAL.search(text)
    return _judge_rest(text, names, [] if asserted else echoes)


def _judge_rest(
    text: str,
    names: Names,
    echoes: Sequence[Reading],
    *,
    unknown_allowed: bool = False,
    labels: bool = False,
) -> str:
    """Why a text that is no absence, question or advice fails; `labels`: names of fields are free."""
    reading = read_text(text)
    spans = names.spans(reading)
    if unknown_allowed:
        spans = [*spans, *names.unknown_spans(reading)]
    need = read_need(reading, spans)
    folded = reading.folded.text
    if hard := _hard_numbers(need.numbers, echoes):
        return f"uncited: it gives {hard[0]} and names no evidence"
    licences = [item for item in need.licences if not _echoed(folded[item.start : item.end], echoes)]
    if licences:
        return f"uncited: it names the licence {licences[0]} and no evidence"
    metrics = [name for name, start, end in need.metrics if not _echoed(folded[start:end], echoes)]
    if metrics and not labels:
        return f"uncited: it speaks of {metrics[0]} and names no evidence"
    free = label_words() if labels else _DEGREES
    words = [
        word
        for word in (*need.names, *need.words)
        if not _is_echoed(word.stem, echoes)
        and not (word.initial and is_free(word.low))
        and word.low not in free
        and word.low not in _DEGREES
    ]
    if words:
        said = ", ".join(word.text for word in words[:4])
        return f"uncited: it says {said!r} and names no evidence"
    return ""


def _judge_absence(reading: Reading, names: Names, ledger: EvidenceLedger, echoes: Sequence[Reading]) -> str:
    """ "Not stated" is no claim, unless what was read states it; what is said beside it is judged as ever."""
    text = reading.folded.text
    if hard := _hard_numbers(reading.numbers, echoes):
        return f"uncited: it gives {hard[0]} and names no evidence"
    denied = False
    for part in _TURN.split(text):
        if not part or not part.strip():
            continue
        if _ABSENCE.search(part):
            denied = True
            continue
        if _AFTER_ALL.search(part):
            return "uncited: it claims what it says is not stated"
        # Before the denial stands what it is about; after it, only what claims nothing.
        if denied and (reason := _judge_rest(part, names, echoes, unknown_allowed=True, labels=True)):
            return reason
    return names.contradiction(reading, ledger)


def _hard_numbers(numbers: Sequence[Number], echoes: Sequence[Reading]) -> list[str]:
    """Numbers in digits that the question does not give, as written; small ones in words count nothing."""
    known = {number.value for echo in echoes for number in echo.numbers}
    return [n.written for n in numbers if not n.in_words and n.value not in known]


def _is_echoed(stem: str, echoes: Sequence[Reading]) -> bool:
    return any(stem in echo.stems for echo in echoes)


def _echoed(phrase: str, echoes: Sequence[Reading]) -> bool:
    wanted = re.sub(r"[\W_]+", "", phrase.lower())
    return any(echo.holds_run(wanted) for echo in echoes)
