"""What an answer says is not there: "the card does not state its licence", "I found no model that fits".

Not to state something is no claim about a model, so it needs no evidence; but it must not presuppose anything
(“does not mention its recall by the maker”), nor be said of what the evidence does state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.verification.words import alternatives

_SAYS = alternatives("absence", "says")
_SAID = alternatives("absence", "said")
_UNSAID = alternatives("absence", "unsaid")
_DOCUMENT = alternatives("absence", "documents")
_FIELD = alternatives("absence", "fields")
_NOT = r"(?:(?:do|does|did|is|are|was|were|has|have|had|can|could)(?: not|n't)|never|nowhere)"
_ADVERBS = r"(?:(?:\w+ly|even|itself|also|otherwise|anywhere|been|be)\s+)*"
_HOLDS = r"(?:contain|include|provide|hold|have|offer|show)"


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# What the writer cannot do: "I can't tell", "I did not find".
_REFUSAL = _compile(
    r"\bI(?: ca(?:n't|nnot)| can not| won't| will not| am (?:unable|not able) to"
    r"|'m (?:unable|not able) to| do(?:n't| not)| did(?:n't| not)| could(?:n't| not)"
    rf"| have(?:n't| not))\s+{_ADVERBS}" + alternatives("absence", "done") + r"\b"
)
# Each matches up to the end of the denial: behind it stands what is not there.
DENIALS = (
    # "does not state", "never says"
    _compile(rf"\b{_NOT}\s+{_ADVERBS}{_SAYS}\b"),
    # "the card does not contain", "the card has no", "the card says nothing"
    _compile(
        rf"\b{_DOCUMENT}\b(?:(?! not |n't |[.;:]| but | and ).){{0,80}}?\s"
        rf"(?:{_NOT}\s+{_ADVERBS}{_HOLDS}|(?:{_HOLDS}|has|{_SAYS})s?\s+(?:no|nothing|neither|none))\b"
    ),
    # "X has no licence", "there is no licence for X": fields of a record only
    _compile(
        r"\b(?:gives?|states?|lists?|reports?|names?|mentions?|has|have|with|there (?:is|are|was|were))\s+"
        rf"(?=no (?:\w+ (?!limitation|bias))?{_FIELD}\b)no\b"
    ),
    _compile(rf"\b(?:has|have|with|there (?:is|are)) no(?= (?:\w+ ){{1,3}}{_SAID}\b)"),
    _compile(r"\bthere (?:is|are|was|were) no (?:information|word|mention|statement|detail|data|figure)s?\b"),
    # "I found no ...", "I have no information", "I know of none"
    _compile(
        r"\b(?:I|we) (?:(?:have|had|could|can|also) )*(?:found|find|see|saw|know of|hold|have|got)"
        r" (?:no|nothing|none)\b"
    ),
    _REFUSAL,
    _compile(rf"\bno information\b|\bnothing (?:about|on)\b(?=.*\b(?:is|was|are) (?:\w+ly )?{_SAID}\b)"),
    _compile(r"\bnothing (?:in (?:this|the) lake|here|(?:is|was) (?:said|stated|given|known))\b"),
)
# "is not stated", "is unknown": what it is about stands before.
PASSIVES = (
    _compile(rf"\b(?:is|are|was|were|been|be|remains?|left)(?: not|n't)?\s+{_ADVERBS}{_UNSAID}\b(?!\s+\w)"),
    _compile(rf"(?:\bnot|n't|\bnever|\bnowhere)\s+{_ADVERBS}{_SAID}\b(?! to\b)"),
    _compile(rf"\b(?:{_UNSAID}|silent)\b(?! to\b)"),
    # "no card states it", "neither card says", "none of the models lists one"
    _compile(
        r"\b(?:no|none of (?:the|these|those|my)|neither|neither of (?:the|these|those))(?: \w+)?"
        rf" (?:{_DOCUMENT}|models?|two|three|them|ones?|candidates?)\b[^.;:]{{0,60}}?\b"
        rf"(?:(?:{_SAYS}|fit|match|answer)(?:s|es|ed)?|was found|were found|has|have|with|in this lake"
        r"|in the lake|here)\b"
    ),
    _compile(rf"^\W*no\b[^.;:]{{0,60}}\b(?:is|are|was|were) (?:\w+ly )?(?:{_SAID}|available|found|here)\b"),
)
_WORD = re.compile(r"[^\W_](?:[\w+]|[-.'/:@&](?=\w))*")
_LOCKS = frozenset(
    {"that", "which", "who", "whose", "whom", "because", "since", "although", "though", "while"}
)
_CLOSES = frozenset(
    {"its", "their", "his", "her", "the", "this", "these", "those", "all", "both", "every", "each", "how",
     "why", "when", "where", "as", "but", "yet", "while", "so", "and", "then", "except"}
)  # fmt: skip
_VERBS = frozenset({"is", "are", "was", "were", "has", "have", "had", "does", "did", "will", "can"})
_CLAUSES = frozenset({"whether", "if"})
_OPENS = frozenset(
    {"a", "an", "any", "no", "nor", "or", "about", "regarding", "concerning", "either", "for", "to"}
)


# "none of the models lists one": what stands behind the verb is not there.
_NO_ONE = _compile(
    r"\b(?:no|none of (?:the|these|those|my)|neither|neither of (?:the|these|those))(?: \w+)?"
    rf" (?:{_DOCUMENT}|models?|two|three|them|ones?|candidates?)\b[^.;:,]{{0,40}}?\b{_SAYS}(?:s|es)?\b"
)
_HOW = _compile(r"\bhow (?:long|many|much|large|big|often|far|well|old|fast|small|good)\b")


def is_absence(text: str) -> bool:
    """Whether a folded text says that something is not stated, not found or not to be had from the writer."""
    return any(pattern.search(text) for pattern in (*DENIALS, *PASSIVES))


def find_open_spans(text: str) -> list[tuple[int, int]]:
    """Spans of a folded text that name what is said not to be there: words in them are claimed by nobody.

    Behind "does not state" a bare noun, "a", "any", "whether" open such a span; "its", "the", a relative
    clause and the end of the clause close it, for what they name is presupposed.
    """
    starts = [match.end() for pattern in (*DENIALS, _NO_ONE) for match in pattern.finditer(text)]
    own = [match.span() for match in _REFUSAL.finditer(text)]
    return [*own, *(match.span() for match in _HOW.finditer(text)), *_find_open(text, starts)]


def _find_open(text: str, starts: list[int]) -> list[tuple[int, int]]:
    if lead := re.match(r"^\W*(?:no|whether|neither|none)\b", text, re.IGNORECASE):
        stop = min((match.start() for pattern in PASSIVES[:3] for match in pattern.finditer(text)), default=0)
        if stop > lead.end():
            return [*_open(text, lead.end(), stop, lead[0].strip().lower()), *_open_all(text, starts)]
    return _open_all(text, starts)


def _open_all(text: str, starts: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start in sorted(starts):
        stop = re.search(r"[.;:!?()]|\s[-–—]\s", text[start:])
        spans += _open(text, start, start + stop.start() if stop else len(text), "")
    return spans


def _open(text: str, start: int, stop: int, opener: str) -> Iterator[tuple[int, int]]:
    clause = opener in _CLAUSES
    opened: int | None = start
    for match in _WORD.finditer(text, start, stop):
        low = match[0].lower()
        locks = low in _LOCKS or (low in _VERBS and not clause)
        if locks or low in _CLOSES:
            if opened is not None:
                yield opened, match.start()
            opened = None
            clause = False
            if locks:
                return
        elif low in _CLAUSES or low in _OPENS:
            clause = clause or low in _CLAUSES
            opened = match.end() if opened is None else opened
    if opened is not None:
        yield opened, stop
