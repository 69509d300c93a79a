"""Statements without a mark: which of them claim nothing, and which are facts that should have been cited."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Literal

from tools.evidence import EvidenceLedger
from tools.verification.absence import find_open_spans, is_absence
from tools.verification.assertions import (
    answers_first,
    asks_yes_or_no,
    find_plain_claim,
    is_elliptical,
    is_helpful,
)
from tools.verification.names import Names
from tools.verification.needs import is_within, read_need
from tools.verification.numbers import Number
from tools.verification.readings import Reading, read_text
from tools.verification.talk import (
    MASK,
    find_assertions,
    find_presuppositions,
    is_advice,
    is_question,
)
from tools.verification.words import Word, is_free, label_words, talk_words

Role = Literal["text", "label"]  # a label: a heading, a table's header, a lead-in that ends in a colon

_NOT_HERE = re.compile(
    r"\b(?:is|are|was)(?: not|n't) (?:\w+ )?(?:in|part of|among|from) "
    r"(?:this|the|my) (?:lake|collection|catalogue|models)",
    re.IGNORECASE,
)
# What may name a model that is nowhere: a search that did not find it.
_SEARCHED = re.compile(
    r"\b(?:I|we) (?:have |had |could )?(?:found|find|see|saw|know of|hold|have|got) (?:no|nothing|none)\b"
    r"|\b(?:did(?:n't| not)|do(?:n't| not)|could(?:n't| not)|ca(?:n't|nnot)) (?:find|know|see|have)\b"
    r"|\bno (?:models?|cards?|evidence|documentation|entr(?:y|ies)|records?|information)\b",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"[;:]|,?\s*\b(?:but|however|although|though|yet|because|since|except)\b"
    r"|,?\s*\band (?=(?:it|they|this|that|these|both|all|is|are|was|were|has|have)\b)|\.\s|\s[-–—]\s",
    re.IGNORECASE,
)
# "... though it was", "because it has none": what was said not to be stated is then said after all.
_AFTER_ALL = re.compile(
    r"\b(?:it|they|this|that|he|she)\s+(?:\w+ly\s+)?(?:is|are|was|were|does|do|did|has|have|had|can|will)"
    r"(?: not|n't)?(?: one| none| some| so| both| all| it)?\s*[.!]?\s*$",
    re.IGNORECASE,
)
# Words that make a statement of what would else repeat the question.
_ASSERTIVE = re.compile(
    r"^\W*(?:yes|indeed|correct|right|sure|true|absolutely|certainly|no)\b"
    r"|\b(?:is|are|was|were|has|have|had|can|does|do|did|will|supports?|speaks?|reach\w*|achiev\w*|trained"
    r"|covers?|contains?|includes?|allows?|works?|handles?|beats?|uses?|needs?|runs?|understands?)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:\b(?:it|they|this|these|those|both|all|each|which|who|that|models?|ones?|cards?|two|three)\b"
    rf"|{MASK})(?=\W+"
    r"(?:(?:also|only|both|all|can|could|will|may|would|already|really|\w+ly)\s+)*(?P<verb>[^\W\d_]+))",
    re.IGNORECASE,
)
# "I looked for models that ..." says of no model that it does.
_WANTED = re.compile(
    r"\b(?:for|find|want|need|wanted)\s+(?:an?\s+|any\s+)?(?:\w+\s+)?(?:models?|ones?)\s+"
    r"(?:that|which|who)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"^\W*(?:I(?:'d| would|'ll| will|'m| am| have|'ve)?\b|let me\b|for (?:your|that|this)\b"
    r"|(?:the )?(?:conditions?|filters?|criteria)\b"
    r"|you(?:'re| are)? (?:asked|want|wanted|need|are looking|looking|said|mentioned|gave))",
    re.IGNORECASE,
)
_COMPARATIVE = re.compile(r"\b(?:more|most|less|least|better|best|worse|worst|higher|lower)\b", re.IGNORECASE)
_MOST_COUNTED = 12  # number words up to here may count what the answer lists
_NEGATED = re.compile(r"\b(?:no|not|never|without|free of)\b|n't\b", re.IGNORECASE)


def judge_uncited(
    reading: Reading,
    names: Names,
    ledger: EvidenceLedger,
    allowed: Collection[str],
    *,
    role: Role = "text",
    subjects: Sequence[str] = (),
) -> str:
    """Why a statement without marks fails; "" when it claims nothing that could be checked.

    `allowed` are texts (the question) whose words may be repeated where nothing is asserted of them;
    `subjects` the models (lower case) that the text before spoke of.
    """
    judge = _Judge(reading, names, [read_text(entry) for entry in allowed])
    text = reading.folded.text
    if _NOT_HERE.search(text):
        for model in _find_missed(reading, names):
            return f"{model} is in this lake"
        return _Judge(read_text(_NOT_HERE.sub(" ", text)), names, judge.echoes).judge_words(
            unknown_allowed=True
        )
    absent = is_absence(text)
    unknown = names.unknown_ids(reading)
    if unknown and not (absent and _SEARCHED.search(text)):
        return f"{unknown[0]} is in no source"
    short = judge.judge_short(allowed)
    if short is not None:
        return short
    if is_question(text):
        return judge.judge_talk()
    if absent:
        return judge.judge_absence() or names.contradiction(reading, ledger, subjects)
    if is_advice(judge.masked):
        return judge.judge_talk()
    if role == "label":
        plain = not _NEGATED.search(text)
        return judge.judge_words(echoed=not names.ids(reading), labels=plain)
    return judge.judge_text()


def split_turns(text: str) -> list[tuple[int, int]]:
    """Spans of the clauses of a text, at "but", "although", a semicolon and the like."""
    spans = []
    at = 0
    for match in _TURN.finditer(text):
        spans.append((at, match.start()))
        at = match.end()
    return [*spans, (at, len(text))]


def _find_missed(reading: Reading, names: Names) -> list[str]:
    """Models of the lake that a text says are not in it."""
    denial = _NOT_HERE.search(reading.folded.text)
    assert denial is not None
    clause = max(
        (m.end() for m in re.finditer(r"[;,:.]\s", reading.folded.text[: denial.start()])), default=0
    )
    spoken = [name for name, start, end in names.ids(reading) if clause <= start and end <= denial.start()]
    return [name for name in names.known_in(reading) if name in spoken]


def _is_nothing(word: Word) -> bool:
    return False


class _Judge:
    """One text without marks, its ids masked, and the questions whose words it may echo."""

    def __init__(self, reading: Reading, names: Names, echoes: Sequence[Reading]) -> None:
        self.reading = reading
        self.names = names
        self.echoes = echoes
        self.text = reading.folded.text
        masked = self.text
        for _, start, end in names.ids(reading):
            masked = masked[:start] + MASK * (end - start) + masked[end:]
        self.masked = masked

    def judge_short(self, allowed: Collection[str]) -> str | None:
        """A bare "Yes." or "It does." claims what was asked, and names no evidence; None for other texts."""
        if not is_elliptical(self.masked):
            return None
        if is_helpful(self.text) and not any(asks_yes_or_no(entry) for entry in allowed):
            return ""
        return "uncited: it answers without saying what, and names no evidence"

    def judge_talk(self) -> str:
        """A question or a piece of advice: only what it states, or takes to be there, is claimed."""
        said = find_assertions(self.masked)
        numbers = bool(said) or not re.search(r"\byou(?:r)?\b", self.text, re.IGNORECASE)
        echoed = is_question(self.text)
        return self.judge_words(stated=said, echoed=echoed, numbers=numbers) or self.judge_words(
            stated=find_presuppositions(self.masked), labels=True, numbers=False, free=_is_told
        )

    def judge_text(self) -> str:
        """A plain sentence: echoes count for nothing where something is asserted."""
        asserted = self._is_asserted(self.masked)
        if asserted and answers_first(self.text):
            return "uncited: it answers the question and names no evidence"
        personal = _PERSONAL.match(self.text) and not self._is_asserted(self.masked[2:], strict=True)
        if not personal and (claim := find_plain_claim(self.masked)):
            return f"uncited: it {claim} and names no evidence"
        if personal:
            return self.judge_words(echoed=not asserted, labels=True, free=_is_done)
        return self.judge_words(echoed=not asserted)

    def judge_absence(self) -> str:
        """ "Not stated" is no claim; what is presupposed, or said beside it, is judged as ever."""
        if hard := self._hard_numbers(self.reading.numbers):
            return f"uncited: it gives {hard[0]} and names no evidence"
        denied = False
        for part in _TURN.split(self.text):
            if not part or not part.strip():
                continue
            judge = _Judge(read_text(part), self.names, self.echoes)
            if is_absence(part):
                denied = True
                spans = find_open_spans(judge.text)
                for match in _COMPARATIVE.finditer(judge.text):
                    if judge.reading.metrics and not is_within(*match.span(), spans):
                        return "uncited: it compares and names no evidence"
                reason = judge.judge_words(spans=spans, labels=True)
            elif denied and _AFTER_ALL.search(part):
                return "uncited: it claims what it says is not stated"
            else:
                asserted = judge._is_asserted(judge.masked)
                free = _is_done if _PERSONAL.match(part.strip()) else _is_nothing
                reason = judge.judge_words(echoed=not asserted, labels=not asserted, free=free)
            if reason:
                return reason
        return ""

    def _is_asserted(self, text: str, *, strict: bool = False) -> bool:
        """Whether something is said of a model; `strict`: also where the writer speaks of himself."""
        if not strict and _PERSONAL.match(text):
            return self._is_asserted(re.sub(r"^\W*\w+", "", text), strict=True)
        if _ASSERTIVE.search(text) and not strict:
            return True
        for match in _SUBJECT.finditer(_WANTED.sub(" ", text)):
            low = match["verb"].lower()
            if _ASSERTIVE.fullmatch(low) or (not is_free(low) and self._is_of_question(low)):
                return True
        return False

    def _is_of_question(self, low: str) -> bool:
        words = (word.low.rstrip("s") for echo in self.echoes for word in echo.words)
        return low.rstrip("s") in words

    def judge_words(
        self,
        *,
        stated: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] = (),
        echoed: bool = True,
        labels: bool = False,
        unknown_allowed: bool = False,
        numbers: bool = True,
        free: Callable[[Word], bool] = _is_nothing,
    ) -> str:
        """Why the words of the text fail; "" when they claim nothing.

        `stated`: only words in these spans claim anything; `spans`: words in these claim nothing. `echoed`:
        words of the question are free; `labels`: names of fields and metrics are free; so are `free` words.
        """
        known = self.names.spans(self.reading)
        if unknown_allowed:
            known = [*known, *self.names.unknown_spans(self.reading)]
        need = read_need(self.reading, known)
        echoes = self.echoes if echoed else ()

        def is_claimed(start: int, end: int) -> bool:
            if stated is not None and not any(a < end and start < b for a, b in stated):
                return False
            return not is_within(start, end, spans)

        if numbers and (hard := self._hard_numbers(need.numbers)):
            return f"uncited: it gives {hard[0]} and names no evidence"
        for licence in need.licences:
            if is_claimed(licence.start, licence.end) and not self._echoes(
                licence.start, licence.end, echoes
            ):
                return f"uncited: it names the licence {licence} and no evidence"
        for name, start, end in need.metrics:
            if not labels and is_claimed(start, end) and not self._echoes(start, end, echoes):
                return f"uncited: it speaks of {name} and names no evidence"
        fields = label_words() if labels else frozenset[str]()
        all_said = re.search(r"\b(?:that's|that is|this is) all\b", self.text, re.IGNORECASE) is not None
        words = [
            word
            for word in (*need.names, *need.words)
            if not (word.low == "all" and all_said)
            and is_claimed(word.start, word.end)
            and not any(word.stem in echo.stems for echo in echoes)
            and not (word.initial and is_free(word.low))
            and word.low not in fields
            and word.low not in talk_words("degrees")
            and not free(word)
        ]
        if words:
            said = ", ".join(word.text for word in words[:4])
            return f"uncited: it says {said!r} and names no evidence"
        return ""

    def _hard_numbers(self, numbers: Sequence[Number]) -> list[str]:
        """Numbers the question does not give: in digits, or in words where they count a property."""
        known = {number.value for echo in self.echoes for number in echo.numbers}
        return [n.written for n in numbers if n.value not in known and (not n.in_words or self._counts(n))]

    def _counts(self, number: Number) -> bool:
        if number.kind or number.value > _MOST_COUNTED:
            return True
        following = [word.low for word in self.reading.words if word.start >= number.end][:2]
        return bool(following) and not talk_words("counted").isdisjoint(following)

    def _echoes(self, start: int, end: int, echoes: Sequence[Reading]) -> bool:
        wanted = re.sub(r"[\W_]+", "", self.text[start:end].lower())
        return any(echo.holds_run(wanted) for echo in echoes)


def _is_done(word: Word) -> bool:
    """Whether a word is what the writer says to have done."""
    return word.low in talk_words("writer")


def _is_told(word: Word) -> bool:
    """Whether a word is what the person is told to do."""
    return word.low in talk_words("told")
