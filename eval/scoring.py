"""Scores answers of `lake ask` against questions with machine-checkable expectations.

A question is `{"id", "kind", "question" | "turns": [{"user", …}], expectations…}`, an answer one line of
`lake ask --batch` (CONTRACT "Answers"). All expectations present on a question or turn must hold:

- `expect_models_any`, `forbid_models`: some, or none, of these ids among the first three of `models`;
- `expect_no_models`: `models` is empty although there is an answer;
- `expect_any`, `expect_all`, `forbid_any`: regexes searched, case-insensitively, in the answer as written
  and in its plain reading (no emphasis, plain dashes and quotes, `1,162` as `1162`);
- `expect_cited`: one of these ids is the source of an evidence the answer marks;
- `expect_abstain`: true when the answer says in words that something is not known, or one of these regexes.

A dialogue passes when each of its turns does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypedDict

from tools.errors import UsageError

TOP = 3
"""How many of the ranked models count."""

_MARK = re.compile(r"\[\s*(E\d+(?:\s*[,;]\s*E\d+)*)\s*\]")
_HUB_ADDRESS = re.compile(r"^https?://(?:www\.)?huggingface\.co/", re.I)
_PLAIN_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u202f", " "),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)


class Tally(TypedDict):
    """How many of how many passed."""

    passed: int
    total: int


class QuestionScore(TypedDict):
    """One question's outcome; `reasons` is empty when it passed."""

    id: str
    kind: str
    passed: bool
    reasons: list[str]
    words: int
    turns: int
    turns_passed: int


class AnswerScores(TypedDict):
    """The outcome over all questions; `overall` and `macro` (mean over kinds) are between 0 and 1."""

    questions: int
    passed: int
    overall: float
    macro: float
    kinds: dict[str, Tally]
    checks: dict[str, Tally]
    dialogue_turns: Tally
    unanswered: list[str]
    words_per_turn: float
    abstained_on_facts: list[str]
    results: list[QuestionScore]


def score_answers(
    questions: Sequence[Mapping[str, Any]], answers: Iterable[Mapping[str, Any]]
) -> AnswerScores:
    """Score the product's answers, matched to the questions by `id`.

    A question without an answer, or whose line is an `error`, fails. `abstained_on_facts` lists the fact
    questions on which the product's own `abstained` is true, whether or not the text passes.
    """
    by_id = {str(answer.get("id")): answer for answer in answers if "error" not in answer}
    results: list[QuestionScore] = []
    checks: dict[str, Tally] = {}
    unanswered: list[str] = []
    abstained: list[str] = []
    for question in questions:
        identity = str(question["id"])
        answer = by_id.get(identity)
        if answer is None:
            unanswered.append(identity)
        elif question["kind"] == "fact" and answer.get("abstained"):
            abstained.append(identity)
        results.append(_score_question(question, answer, checks))

    kinds: dict[str, Tally] = {}
    for result in results:
        _count(kinds, result["kind"], result["passed"])
    dialogues = [result for result in results if result["turns"] > 1]
    passed = sum(result["passed"] for result in results)
    turns = sum(result["turns"] for result in results)
    return {
        "questions": len(results),
        "passed": passed,
        "overall": passed / len(results) if results else 0.0,
        "macro": sum(t["passed"] / t["total"] for t in kinds.values()) / len(kinds) if kinds else 0.0,
        "kinds": kinds,
        "checks": checks,
        "dialogue_turns": {
            "passed": sum(result["turns_passed"] for result in dialogues),
            "total": sum(result["turns"] for result in dialogues),
        },
        "unanswered": unanswered,
        "words_per_turn": sum(result["words"] for result in results) / turns if turns else 0.0,
        "abstained_on_facts": abstained,
        "results": results,
    }


def list_cited_sources(answer: Mapping[str, Any]) -> list[str]:
    """The distinct sources, without revision, of the evidence that the answer's text marks."""
    marked = {
        key.strip()
        for group in _MARK.findall(str(answer.get("answer") or ""))
        for key in re.split(r"[,;]", group)
    }
    sources = (
        str(evidence["source"]).partition("@")[0]
        for evidence in answer.get("evidence") or []
        if evidence.get("id") in marked
    )
    return list(dict.fromkeys(sources))


def check_turn(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, str | None]:
    """For each expectation of a question or turn, None when it holds, else why it does not."""
    reply = _Reply(answer)
    return {
        name: judge(expected[name], reply)
        for name, judge in _JUDGES.items()
        if name in expected and expected[name] not in (None, False)
    }


def _score_question(
    question: Mapping[str, Any], answer: Mapping[str, Any] | None, checks: dict[str, Tally]
) -> QuestionScore:
    turns: list[Mapping[str, Any]] = list(question.get("turns") or [question])
    replies: list[Mapping[str, Any]] = []
    if answer is not None:
        replies = list(answer.get("turns") or []) if "turns" in question else [answer]
    reasons: list[str] = [] if answer is not None else ["no answer with this id"]
    turns_passed = 0
    for number, expected in enumerate(turns, start=1):
        reply = replies[number - 1] if number <= len(replies) else {}
        try:
            outcome = check_turn(expected, reply)
        except re.error as error:
            raise UsageError(
                f"question {question['id']!r} holds the invalid regex {error.pattern!r}",
                hint="correct the expectation in the question file",
            ) from error
        for name, reason in outcome.items():
            _count(checks, name, reason is None and answer is not None)
        failed = [f"{name}: {reason}" for name, reason in outcome.items() if reason is not None]
        turns_passed += not failed and answer is not None
        if answer is not None:
            prefix = f"turn {number} " if len(turns) > 1 else ""
            reasons.extend(prefix + reason for reason in failed)
    return {
        "id": str(question["id"]),
        "kind": str(question["kind"]),
        "passed": not reasons,
        "reasons": reasons,
        "words": sum(len(str(reply.get("answer") or "").split()) for reply in replies[: len(turns)]),
        "turns": len(turns),
        "turns_passed": turns_passed,
    }


def _count(tallies: dict[str, Tally], name: str, passed: bool) -> None:
    tally = tallies.setdefault(name, {"passed": 0, "total": 0})
    tally["passed"] += passed
    tally["total"] += 1


class _Reply:
    """One answer in the forms the checks need: both readings of its text, its models and cited ids."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        written = str(answer.get("answer") or "")
        self.written = written
        self._readings = (written, _read_plainly(written))
        self.models = [_normalize_id(model) for model in answer.get("models") or []]
        self.cited = [_normalize_id(source) for source in list_cited_sources(answer)]

    def has(self, pattern: str) -> bool:
        expression = _compile(pattern)
        return any(expression.search(text) for text in self._readings)

    @property
    def top(self) -> list[str]:
        return self.models[:TOP]


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _read_plainly(text: str) -> str:
    """The text as one reads it aloud: markdown emphasis gone, typography plain, digit groups joined."""
    text = text.translate(_PLAIN_CHARACTERS)
    text = re.sub(r"\\(?=[_*~`-])", "", text)
    text = text.replace("*", "").replace("`", "")
    # underscores inside a name (base_model) stay, those around a word are emphasis
    text = re.sub(r"(?<!\w)_{1,2}|_{1,2}(?!\w)", "", text)
    return re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", text)


def _normalize_id(model: object) -> str:
    bare = str(model).strip().strip("`*[]()<> ")
    return _HUB_ADDRESS.sub("", bare).rstrip("/").lower()


def _normalize_ids(value: object) -> list[str]:
    return [_normalize_id(model) for model in (value if isinstance(value, list) else [value])]


def _patterns(value: object) -> Iterator[str]:
    return (str(pattern) for pattern in (value if isinstance(value, list) else [value]))


def _judge_models_any(want: object, reply: _Reply) -> str | None:
    wanted = _normalize_ids(want)
    return None if set(reply.top) & set(wanted) else f"none of {wanted[:6]} in the first {TOP}: {reply.top}"


def _judge_forbidden_models(want: object, reply: _Reply) -> str | None:
    hits = sorted(set(reply.top) & set(_normalize_ids(want)))
    return f"forbidden in the first {TOP}: {hits}" if hits else None


def _judge_no_models(_want: object, reply: _Reply) -> str | None:
    if reply.models:
        return f"models given: {reply.top}"
    return None if reply.written else "no answer"


def _judge_any(want: object, reply: _Reply) -> str | None:
    return None if any(map(reply.has, _patterns(want))) else f"none of {list(_patterns(want))}"


def _judge_all(want: object, reply: _Reply) -> str | None:
    missing = [pattern for pattern in _patterns(want) if not reply.has(pattern)]
    return f"missing {missing}" if missing else None


def _judge_forbidden_text(want: object, reply: _Reply) -> str | None:
    hits = [pattern for pattern in _patterns(want) if reply.has(pattern)]
    return f"forbidden text {hits}" if hits else None


def _judge_cited(want: object, reply: _Reply) -> str | None:
    wanted = _normalize_ids(want)
    return None if set(reply.cited) & set(wanted) else f"cited {reply.cited[:5]}, wanted one of {wanted[:6]}"


def _judge_abstention(want: object, reply: _Reply) -> str | None:
    patterns = ABSTENTIONS if want is True else tuple(_patterns(want))
    return None if any(map(reply.has, patterns)) else "does not abstain"


_JUDGES: dict[str, Callable[[object, _Reply], str | None]] = {
    "expect_models_any": _judge_models_any,
    "forbid_models": _judge_forbidden_models,
    "expect_no_models": _judge_no_models,
    "expect_any": _judge_any,
    "expect_all": _judge_all,
    "forbid_any": _judge_forbidden_text,
    "expect_cited": _judge_cited,
    "expect_abstain": _judge_abstention,
}

# How people say that something is not there: a denial, then close behind it what is missing.
_TOLD = (
    r"(?:(?:mention|document|record|report|list|cover|contain|appear|show|say)(?:s|ed|ing|n)?|said"
    r"|(?:stat|provid|describ|includ|declar|disclos|indicat)(?:e|es|ed|ing)|giv(?:e|es|en|ing)"
    r"|specif(?:y|ies|ied)|publish(?:es|ed)?)"
)
_THINGS = (
    r"(?:information|record|mention|data|models?|entry|card|figures?|values?|numbers?|statement|details?"
    r"|match|matches|documentation|licen[cs]e|evidence|answer|such|trace)"
)
_HOLDINGS = r"(?:lake|collection|catalogu?e|index|corpus)"
_FIND = r"(?:find|found|locate|answer|determine|tell|confirm|see|help|verify|able)"
_HEDGE = r"(?:explicitly|directly|actually|clearly|publicly|yet)"
_AUXILIARY_DENIAL = r"\b(?:do|does|did|is|are|was|were|has|have)(?:\s+not|n'?t)\b"

ABSTENTIONS = (
    rf"\bnot (?:{_HEDGE} )?(?:available|known|there|{_TOLD})\b",
    rf"{_AUXILIARY_DENIAL}[^.\n]{{0,40}}?\b{_TOLD}\b",
    r"\b(?:unknown|unstated|unspecified|undisclosed|undocumented)\b",
    rf"\bno\b[^.\n]{{0,60}}\b{_THINGS}\b",
    rf"\bnot\b[^.\n]{{0,40}}\b{_HOLDINGS}\b",
    rf"\b(?:no|none)\b[^.\n]{{0,60}}\b(?:{_HOLDINGS}|models?|cards?)\b",
    r"\b(?:is|are|was)(?:\s+not|n't)\b[^.\n]{0,30}\b(?:in|part of|among|available|here|included)\b",
    rf"\b(?:could|can|did|was|were|am|are)(?:\s+not|n'?t)\b[^.\n]{{0,25}}\b{_FIND}\b",
    rf"\b(?:cannot|unable to|failed to)\b[^.\n]{{0,25}}\b{_FIND}\b",
    r"\bmore information needed\b|\bsilent (?:on|about)\b|\bnothing\b[^.\n]{0,30}\b(?:about|on|in|found)\b",
    r"\bcard\b[^.\n]{0,30}\b(?:empty|blank|missing|truncated|incomplete|cut off)\b",
    r"\bout(?:side)?(?: of)?(?: the| my| its)? scope\b|\bbeyond (?:the|my|what)\b",
    r"\bonly (?:answer|help|talk|cover|know|deal)|\bnot something (?:i|the)\b",
)
"""Regexes any of which shows that an answer admits not knowing."""
