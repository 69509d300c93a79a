"""What is said to the person: questions and advice, and what of them is claimed all the same.

A question asks and advice advises, so their words claim nothing, unless they presuppose: "why was it
banned?", "shall I show its certificate?", "try X, the fastest one". Ids of models are masked by `MASK` in all
texts here.
"""

from __future__ import annotations

import re

from tools.verification.words import alternatives

Spans = list[tuple[int, int]]

MASK = "§"
_LEADS = alternatives("talk", "leads")
_VERBS = alternatives("talk", "verbs")
_OFFERS = alternatives("talk", "offers")
_THE = r"(?:the|this|that|these|those)"
_IT = rf"(?:it|they|this|these|that|those|both|{MASK}+|{_THE} (?:model|card|one|two|checkpoint)s?)"
_IS = r"(?:is|are|was|were|has|have|had|does|did|can|will)"
_ASKS = re.compile(
    rf"^\W*(?:{_LEADS},?\s+)*(?:{_IS}|do|could|would|shall|should|may|might|must|isn't|aren't|which|what|who"
    r"|whom|whose|where|when|why|how|any|anything|want|need|ready|interested|looking|prefer|sorry|pardon"
    r"|really)\b",
    re.I,
)
_RHETORICAL = re.compile(
    r"\b(?:did|do|have|are) you (?:know|realise|realize|see|remember|heard|aware|noticed?)\b"
    r"|^\W*(?:is|are|was|were|does|do|did|has|have|can|could|would|wo)n't\b"
    r"|^\W*(?:is|are|was|were|does|do|did|has|have|can|could|will)\b(?! (?:I|you|we)\b).*\bnot\b"
    r"|,\s*(?:right|no|correct|is(?:n't)? it|does(?:n't)? it|are(?:n't)? they|eh|huh|surely)\W*$"
    r"|\bwho (?:would|could|does|did|do)(?:n't| not)? (?:have|not|love|want|know)\b|\bwhy not\b"
    r"|\bhow (?:great|good|bad|much better|many more|cool|wonderful)\b",
    re.I,
)
_WHY = re.compile(
    r"\b(?:why|how come|since when|what makes|how is it that|when (?:was|were|did|has))\b", re.I
)
_OF_PERSON = re.compile(
    r"\b(?:why|how come|when|how|where) (?:do|would|did|are|will|should|must|have) (?:you|I|we)\b", re.I
)
# What is stated inside a question or a piece of advice, up to the end of its clause.
_REST = r"[^,;?]*"
_STATED = (
    re.compile(
        r"\b(?:given|now|considering|seeing|knowing|because|since|although|though|as)\s+(?:that\s+)?"
        rf"(?:it|they|this|these|both|the|all|{MASK}){_REST}",
        re.I,
    ),
    re.compile(
        rf"(?<!whether )(?<!if )\b(?<!{MASK} ){_IT}\s+(?:\w+ly\s+|also\s+)*{_IS}\b{_REST}"
        rf"|{MASK}\s+(?:\w+ly\s+|also\s+)*{_IS}\b{_REST}",
        re.I,
    ),
    re.compile(
        r"\b(?:the|its|their|this|these|those|both|one)\b[^,;?]{0,60}?\s(?:that|which|who)\s+"
        rf"(?:{_IS}|\w+s|\w+ed)\b{_REST}",
        re.I,
    ),
    re.compile(
        rf",\s*(?:which|who|whose)\b[^?]*|{MASK}`?\s*(?:[,:–—]|\s-)\s*(?!(?:or|and|then|but|if|on|before|after|for|please|too"
        rf"|first|would|which|what|do|is|are|shall|should)\b){_REST}",
        re.I,
    ),
    re.compile(rf"\b(?:that|how|about)\s+(?:it|they|both|these|this)\b{_REST}", re.I),
)
_POSSESSED = re.compile(
    rf"\b(?:its|their|{MASK}+(?:'s|')|(?:about|of|for) the)\s+(?P<what>[^,;.?!:]*?)"
    r"(?=\s+(?:is|are|was|were|in|on|for|with|at|to|by|from|and|or|before|after|if|first|than)\b|[,;.?!:]|$)",
    re.I,
)
_SUPERLATIVE = re.compile(r"\b(?:the|its|their)\s+(?:\w+est|most|only|least|first)\b[^,;.?!]*", re.I)

_ADVICE = re.compile(
    rf"^\W*(?:{_LEADS},?\s+)*(?:(?:before|after|when|if|for|to|in|with)\b[^,.;:]{{0,60}},\s*)?"
    rf"(?:{_LEADS},?\s+)*(?:do not |don't |never )?{_VERBS}\b"
    r"|\byou (?:can|could|may|might|should|will|would|must|will need to|need to|have to)\s+"
    r"(?:(?:\w+ly|also|still|then|always|first|just|want to|like to|need to|have to|wish to)\s+)*"
    rf"(?:{_VERBS}|want|like|wish|need)\b"
    r"|\blet me know\b"
    rf"|\b(?:I|we) (?:can|could|will|would|shall) (?:(?:also|then|gladly|happily) )*{_OFFERS}\b"
    r"|\bif you (?:want|like|tell|need|prefer|wish|care|have|are|can|only|also|plan|work|do)\b",
    re.I,
)
# "Keep in mind that it leaks data" and "you can use it for surgery" state something.
_STATES = re.compile(
    r"^\W*(?:please |also |and |but )*(?:keep in mind|remember|note|be aware|mind|be warned|see)\b"
    r"(?: also| too)?,?\s*"
    rf"(?:that\b|how\b|:|(?=[^.]*\b{_IT}\b))",
    re.I,
)
_USE = re.compile(
    r"\byou (?:can|could|may|might|will) (?:\w+ly |also |then )*(?:use|run|trust|take|need)\b", re.I
)
# What is open: the person's own, what is to be done first, what to try it on.
_OPEN = re.compile(
    r"\b(?:your|you|before|after|if|whether|when|until|unless|a few|some|any)\b[^,;.!?:]*"
    r"|\b(?:test|try|evaluate|run|check|measure|compare|validate|benchmark|verify)(?:s|ing)?\s+(?:\w+\s+)?"
    rf"(?:it|them|both|each|these|{MASK}+|the (?:models?|two))(?: and {MASK}+)?\s+(?:on|with|against)\b"
    r"[^,;.!?:]*"
    r"|\b(?:tell|ask|let) (?:me|us)\b[^,;.!?:]*",
    re.I,
)


def is_question(text: str) -> bool:
    """Whether a folded text asks, in form and not for show."""
    return text.rstrip("\"'*_) ").endswith("?") and (_ASKS.search(text) is not None or " you" in text.lower())


def find_assertions(text: str) -> Spans:
    """Spans of a question or a piece of advice that state something in so many words."""
    if is_question(text) and (
        _RHETORICAL.search(text) or (_WHY.search(text) and not _OF_PERSON.search(text))
    ):
        return [(0, len(text))]
    return [match.span() for pattern in _STATED for match in pattern.finditer(text)]


def find_presuppositions(text: str) -> Spans:
    """Spans of a question or a piece of advice that name what is taken to be there."""
    if is_advice(text):
        return _closed(text)
    spans = [match.span("what") for match in _POSSESSED.finditer(text)]
    return spans + [match.span() for match in _SUPERLATIVE.finditer(text)]


def is_advice(text: str) -> bool:
    """Whether a folded text tells the person what to do or what the writer can do."""
    return _ADVICE.search(text) is not None and not _STATES.search(text) and not _USE.search(text)


def _closed(text: str) -> Spans:
    """All of a piece of advice but what is the person's own, or still to be tried."""
    spans = []
    at = 0
    for match in _OPEN.finditer(text):
        if MASK in text and re.match(r"if|whether|when|unless|until", match[0], re.I):
            continue  # "if you need German, take X" says that X has it
        spans.append((at, match.start()))
        at = match.end()
    return [*spans, (at, len(text))]
