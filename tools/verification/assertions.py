"""What asserts something of a model without a word that could be looked up: "it supports that", "yes".

Ids of models are masked by `MASK` in the texts here.
"""

from __future__ import annotations

import re

from tools.verification.talk import MASK
from tools.verification.words import alternatives

_AGREES = alternatives("assertion", "agrees")
_HELPS = alternatives("assertion", "helps")
_DOES = alternatives("assertion", "does")
_DONE = alternatives("assertion", "done")
_AUX = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)"
_ORDINAL = r"the (?:first|second|third|last|former|latter|other)(?: one| two| model)?"
_WHO = (
    r"(?:it|they|this|that|these|those|both|neither|none|all|each|either"
    rf"|(?:both|neither|none|all|one|two) of (?:them|these|those)|{_ORDINAL}|{MASK}+)"
)
_ELLIPSIS = re.compile(
    rf"^\W*(?:{_AGREES}|{_HELPS})?[\s,;:.!–—-]*(?:{_WHO}(?:\s+{_AUX}(?:\s*not|n't)?)?)?\W*$", re.IGNORECASE
)
_SYMBOLS = re.compile("[✅✔✓☑❌✗✘✖🏆🥇🥈🥉⭐★👍👎\U0001f1e6-\U0001f1ff]")
_HELPFUL = re.compile(rf"\W*{_HELPS}\W*", re.IGNORECASE)
_LEADING = re.compile(rf"^\W*{_AGREES}\s*[,;:.!–—-]", re.IGNORECASE)
_YES_OR_NO = re.compile(rf"(?:^|[.!?,]\s*|\band\s+)(?:and |so |but )?{_AUX}\b[^.!?]*\?", re.IGNORECASE)
_COMPARED = re.compile(
    r"\b(?:more|less|fewer|better|worse|\w{2,}er)\b[^.;,]{0,40}?(?<!rather )(?<!other )\bthan\b"
    r"|\b(?:outperform|beat|surpass|exceed)\w*\b"
    r"|(?:\b(?:cannot|no|nothing|never)\b|n't)[^.;]{0,24}\b(?:better|worse|equal|close)\b",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"(?:\bnot|n't|\bnever|\bno longer)\s+(?:(?:\w+ly|yet|been|be|to be)\s+)*(?:available|released|published"
    r"|supported|allowed|recommended|working|work|intended|suitable|usable|provided|distributed"
    r"|maintained)\b",
    re.IGNORECASE,
)
_MODEL = (
    rf"(?:it|they|both|all|each|neither|none|{MASK}+|(?:the|this|these|those) (?:models?|ones?|two|three)"
    rf"|these|those|{_ORDINAL})"
)
_PROPERTY = re.compile(
    rf"(?:^|[\s(]){_MODEL}\s+"
    r"(?:(?:also|only|both|all|can|could|will|may|would|already|even|do|does|did|\w+ly)\s+)*"
    rf"(?:{_DOES}\b(?! (?:sense|no|you|your)\b)"
    rf"|(?:is|are|was|were|has been|have been)\s+(?:\w+ly\s+)?{_DONE}\b)"
    r"|\b(?:authors?|users?|writers?|creators?|developers?)\s+(?:(?:do|does|did|\w+ly)\s+)?"
    r"(?!(?:of|who|and|or|in|to)\b)[a-z]+",
    re.IGNORECASE,
)
_RELATED = re.compile(
    rf"{MASK}[^.;:?]*\b(?:made|com(?:es?|ing)|came|versions?|based|built|start(?:s|ed)?|from|same|belongs?"
    rf"|us(?:es?|ed)|includ\w+|contain\w*|tak(?:es|en)|inside|within)\b[^.;:?]*{MASK}"
    rf"|{MASK}\W{{0,6}}[<>=≥≤≻≺→⇒]+\s*{MASK}",
    re.IGNORECASE,
)


def is_elliptical(text: str) -> bool:
    """Whether a text only agrees, or says "it does": what it claims stands in the question."""
    bare = text.replace(MASK, "")
    if MASK in text and _SYMBOLS.search(bare) and not re.search(r"\w", bare):
        return True  # a name and a tick
    return _ELLIPSIS.match(text) is not None and re.search(r"\w", bare) is not None


def is_helpful(text: str) -> bool:
    """Whether a text is "sure", "of course" and the like: agreement, or mere willingness."""
    return _HELPFUL.fullmatch(text) is not None


def answers_first(text: str) -> bool:
    """Whether a text begins by agreeing or denying: "Yes, ..."."""
    return _LEADING.match(text) is not None


def asks_yes_or_no(text: str) -> bool:
    """Whether a person's text holds a question that "yes" would answer."""
    return _YES_OR_NO.search(text) is not None


def find_plain_claim(text: str) -> str:
    """What a text of plain words does all the same: "compares", "denies something", ...; "" if nothing."""
    if _COMPARED.search(text):
        return "compares"
    if _WITHDRAWN.search(text):
        return "denies something"
    if _PROPERTY.search(text) or _RELATED.search(text):
        return "says what a model has or does"
    return ""
