"""Statements without a mark: which of them claim nothing, and which are facts that should have been cited."""

from __future__ import annotations

import re
from collections.abc import Collection

from tools.evidence import EvidenceLedger
from tools.verification.claims import read_need
from tools.verification.names import Names
from tools.verification.readings import Reading, read_text
from tools.verification.words import is_free

_ABSENCE = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|could|can)(?: not|n't)|cannot)\s+(?:\w+\s+){0,3}?"
    r"(?:state|stated|say|mention|mentioned|specify|specified|give|given|report|reported|list|listed"
    r"|include|document|"
    r"documented|declare|declared|provide|provided|contain|record|recorded|describe|described|disclose"
    r"|disclosed|find|found|"
    r"indicate|name|known|cover|show|tell|answer|determine|confirm)\b"
    r"|\bnot (?:explicitly |directly |otherwise )?(?:stated|specified|mentioned|given|documented|recorded"
    r"|reported|listed|"
    r"available|provided|disclosed|declared|known)\b"
    r"|\b(?:is|are|was|were) (?:unknown|undisclosed|unspecified|undocumented|unstated|silent)\b|\bunknown\b"
    r"|\b(?:no|none of the|nothing in)\b[^.;]{0,80}\b(?:state[sd]?|sa(?:y|ys|id)|mentions?|mentioned"
    r"|reports?|reported|gives?|"
    r"given|lists?|listed|names?|found|fits?|in (?:this|the) lake|documents?|matches)\b"
    r"|\b(?:found|find|see|have|has|there is|there are|holds?) (?:no|nothing|none)\b|\bno information\b"
    r"|\bnothing (?:about|on)\b",
    re.IGNORECASE,
)
_NOT_HERE = re.compile(
    r"\b(?:is|are|was)(?: not|n't) (?:\w+ )?(?:in|part of|among|from) (?:this|the|my) (?:lake|collection"
    r"|catalogue|models)",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"[;:]|,?\s*\b(?:but|however|although|though|while|yet|because|since|as)\b|\.\s"
    r"|\s[-–—]\s",
    re.IGNORECASE,
)
_ASSERTION = re.compile(
    r"\b(?:it|which|that|model|card|they)\s+(?:is|are|was|were|has|have|reach\w*|achiev\w*|support\w*)\b",
    re.I,
)
_RHETORICAL = re.compile(
    r"\b(?:did|do) you (?:know|realise|realize|see|remember)\b|^\W*(?:is|are|was|were|does|do|did|has"
    r"|have|can|could|would|"
    r"wo)n't\b|,\s*(?:right|no|correct|is(?:n't)? it|does(?:n't)? it|eh)\W*$|\bwho (?:would|could) have\b"
    r"|\bwhy not\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"^\W*(?:please |then |also |so |or |and |next,? |first,? |finally,? )*(?:try|check|ask|see|look|tell"
    r"|say|let|start|pick|choose|"
    r"compare|consider|test|read|go on|feel free|remember|make sure|keep in mind|be sure)\b"
    r"|\byou (?:can|could|may|might|should|will|would) (?:also |still |then |want to |like to "
    r"|need to )*(?:try|check|ask|see|look|"
    r"start|pick|choose|compare|consider|test|read|find|want|like|tell|verify)\b|\blet me know\b|\b(?:I"
    r"|we) can (?:also )?"
    r"(?:look|search|compare|check|show|list|tell|help|find)\b",
    re.IGNORECASE,
)
_DEGREES = frozenset({"more", "most", "less", "least", "very", "rather", "quite"})


def judge_uncited(
    reading: Reading, names: Names, ledger: EvidenceLedger, allowed: Collection[str], *, lead: bool
) -> str:
    """Why a statement without marks fails; "" when it claims nothing that could be checked.

    `allowed` are texts whose words may be repeated (the question). `lead`: the statement ends in a colon.
    """
    text = reading.folded.text
    spans = names.spans(reading)
    unknown = names.unknown_ids(reading)
    echoes = [read_text(entry) for entry in allowed]
    if _NOT_HERE.search(text):
        for model in names.known_in(reading):
            return f"{model} is in this lake"
        rest = _NOT_HERE.sub(" ", text)
        return _judge_rest(rest, names, echoes, unknown_allowed=True)
    if unknown and not _ABSENCE.search(text):
        return f"{unknown[0]} is in no source"
    if text.rstrip().endswith("?") and not _RHETORICAL.search(text):
        hard = [n for n in reading.numbers if not n.in_words and not _echoed_number(n.value, echoes)]
        return "uncited: it gives " + hard[0].written if hard else ""
    if _ABSENCE.search(text):
        return _judge_absence(reading, names, ledger, echoes)
    if _ADVICE.search(text):
        need = read_need(reading, spans)
        hard = [n for n in need.numbers if not n.in_words and not _echoed_number(n.value, echoes)]
        if not hard and not need.licences and not need.metrics and not _asserts(text):
            return ""
    return _judge_rest(text, names, echoes)


def _asserts(text: str) -> bool:
    """Whether something is said of a third person, beside the advice."""
    return _ASSERTION.search(text) is not None


def _judge_rest(
    text: str, names: Names, echoes: Collection[Reading], *, unknown_allowed: bool = False
) -> str:
    reading = read_text(text)
    spans = names.spans(reading)
    if unknown_allowed:
        spans = [*spans, *names.unknown_spans(reading)]
    need = read_need(reading, spans)
    hard = [n for n in need.numbers if not n.in_words and not _echoed_number(n.value, echoes)]
    if hard:
        return f"uncited: it gives {hard[0].written} and names no evidence"
    licences = [
        item for item in need.licences if not _echoed(reading.folded.text[item.start : item.end], echoes)
    ]
    if licences:
        return f"uncited: it names the licence {licences[0]} and no evidence"
    metrics = [
        name for name, start, end in need.metrics if not _echoed(reading.folded.text[start:end], echoes)
    ]
    if metrics:
        return f"uncited: it speaks of {metrics[0]} and names no evidence"
    words = [
        word
        for word in (*need.names, *need.words)
        if not any(word.stem in echo.stems for echo in echoes)
        and not (word.initial and is_free(word.low))
        and word.low not in _DEGREES
    ]
    if words:
        said = ", ".join(word.text for word in words[:4])
        return f"uncited: it says {said!r} and names no evidence"
    return ""


def _judge_absence(
    reading: Reading, names: Names, ledger: EvidenceLedger, echoes: Collection[Reading]
) -> str:
    """ "Not stated" is no claim, unless what was read states it; what is said beside it is judged as ever."""
    text = reading.folded.text
    numbers = [n for n in reading.numbers if not n.in_words and not _echoed_number(n.value, echoes)]
    if numbers:
        return f"uncited: it gives {numbers[0].written} and names no evidence"
    for part in _BUT.split(text):
        if (
            part
            and not _ABSENCE.search(part)
            and (reason := _judge_rest(part, names, echoes, unknown_allowed=True))
        ):
            at_start = text.startswith(part)
            if not at_start:
                return reason
    return names.contradiction(reading, ledger)


def _echoed(phrase: str, echoes: Collection[Reading]) -> bool:
    wanted = re.sub(r"[\W_]+", "", phrase.lower())
    return any(echo.holds_run(wanted) for echo in echoes)


def _echoed_number(value: object, echoes: Collection[Reading]) -> bool:
    return any(number.value == value for echo in echoes for number in echo.numbers)
