"""What earlier turns leave for the next one: which models were shown, asked about, and in what words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_BACKTICKED_ID = re.compile(r"`([\w.-]+(?:/[\w.+-]+)?)`")
_ORDINALS = {
    "first": 0, "1st": 0, "top": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3,
    "fifth": 4, "5th": 4, "last": -1,
}  # fmt: skip
_GERMAN_ORDINALS = {"erst": 0, "zweit": 1, "dritt": 2, "viert": 3, "fünft": 4, "letzt": -1}
_WHICH = "|".join(_ORDINALS)
_ORDINAL = re.compile(
    rf"\b(?:the\s+)?(?P<word>{_WHICH})"
    r"(?=\s+(?:one|model|two|result|option|hit|suggestion|candidate|recommendation|of)\b|\s*[?.,!]"
    r"|['’]s\b|\s*$|\s+(?:was|is|has|does|under|trained|fine)"
    rf"|\s+(?:and|or|with|to)\s+(?:the\s+)?(?:{_WHICH})\b)"
    r"|(?:\bnumber|\bno\.?|#)\s*(?P<digit>[1-9])\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:(?:those|these|the(?: first| top| last)?|them|all)\s+(?P<count>two|three|four"
    r"|five)(?:\s+(?:models|ones))?"
    r"|them(?: all| both)?|both(?: of (?:them|those|these))?|those(?: models| ones)?"
    r"|these(?: models| ones)?|all of (?:them|those|these)"
    r"|the (?:two|three))\b",
    re.IGNORECASE,
)
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5}
_SINGLE = re.compile(
    r"\b(?:its|this one|that one|this model|that model|the model|the same (?:model|one)|the one)\b",
    re.IGNORECASE,
)
_BASE = re.compile(r"\b(?:that|the|its|this) (?:base|parent)(?: model)?\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:it|it['’]s|that)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn: `models` in the order its answer showed them, `memo` what the engine noted."""

    user: str
    answer: str
    models: tuple[str, ...]
    memo: dict[str, Any] = field(default_factory=dict)


def read_turns(messages: Sequence[BaseMessage]) -> tuple[list[Turn], str, list[BaseMessage]]:
    """(earlier turns, the question now asked, messages that came after it)."""
    humans = [number for number, message in enumerate(messages) if message.type == "human"]
    if not humans:
        return [], "", list(messages)
    turns = []
    for start, end in pairwise(humans):
        said = [m for m in messages[start + 1 : end] if m.type == "ai" and not getattr(m, "tool_calls", None)]
        answer = str(said[-1].text) if said else ""
        memo = dict(said[-1].additional_kwargs.get("memo", {})) if said else {}
        models = memo.get("models")
        if models is None:
            models = list(dict.fromkeys(_BACKTICKED_ID.findall(answer)))
        turns.append(Turn(str(messages[start].text), answer, tuple(models), memo))
    return turns, str(messages[humans[-1]].text), list(messages[humans[-1] + 1 :])


def read_ordinal(question: str) -> int | None:
    """The place that "the second one", "number 3" names, from 0; -1 for the last, None when none is named."""
    if found := re.search(rf"\b(?:{_WHICH})\b", question, re.IGNORECASE):
        return _ORDINALS[found[0].lower()]
    if found := re.search(r"\b(erst|zweit|dritt|viert|fünft|letzt)e[nrsm]?\b", question, re.IGNORECASE):
        return _GERMAN_ORDINALS[found[1].lower()]
    digit = re.search(r"(?:\b(?:number|no\.?|finding|error|warning|note)\s*|#\s?)(\d{1,2})\b", question, re.I)
    return int(digit[1]) - 1 if digit else None


def strip_references(question: str) -> str:
    """The question without the words that point to an earlier model: what is asked of it."""
    if ordinal := _ORDINAL.search(question):
        end = re.compile(r"\s*(?:one|model|two|result|option|hit|suggestion|candidate)?\b\W{0,2}", re.I)
        matched = end.match(question, ordinal.end())
        tail = question[matched.end() if matched else ordinal.end() :]
        question = f"{question[: ordinal.start()].rstrip()} {tail}".strip()
    return _SEVERAL.sub(" ", question) if len(_SEVERAL.sub("", question).split()) > 1 else question


def strip_base(question: str) -> str:
    """The question without "that base model's", once it is known which model that is."""
    return " ".join(re.sub(rf"(?:\bof )?{_BASE.pattern}(?:['’]s\b)?", " ", question, flags=re.I).split())


def read_documents(messages: Sequence[BaseMessage]) -> tuple[str, ...]:
    """Ids of the documents attached to the conversation, as the last question carries them."""
    asked = [message for message in messages if message.type == "human"]
    return tuple(asked[-1].additional_kwargs.get("documents", ())) if asked else ()


def shown_models(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The models of the latest turn that showed any; near misses only when nothing else was shown."""
    shown = [turn for turn in reversed(turns) if turn.models]
    return next((t.models for t in shown if not t.memo.get("near")), shown[0].models if shown else ())


def shown_list(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The latest list of two or more; "the second one" speaks of it even after a look at the first."""
    return next((turn.models for turn in reversed(turns) if len(turn.models) > 1), shown_models(turns))


# "which version does it need": asked of what was spoken of, whatever else is named.
_INVERTED = re.compile(r"\b(?:does|do|did|is|was|were|can|could|will|has|had|should) (?:it|they)\b", re.I)


def resolve_references(question: str, turns: Sequence[Turn], *, pronouns: bool = True) -> tuple[str, ...]:
    """Models that words such as "the second one", "those two" or "its" stand for; () when there are none.

    `pronouns` False: "that" and "it" are part of a description ("a model that writes code").
    """
    if not turns:
        return ()
    if _BASE.search(question) and (parents := turns[-1].memo.get("parents")):
        return tuple(parents[:1])
    several = _SEVERAL.search(question)
    ordinals = list(_ORDINAL.finditer(question))
    listed = shown_list(turns)
    if several and not (ordinals and several.start() > ordinals[0].start()):
        count = _COUNTS.get((several["count"] or "").lower(), 0)
        if not count and re.search(r"\bboth|\btwo\b", several[0], re.IGNORECASE):
            count = 2
        return _latest_distinct(turns, count) if count and len(listed) < count else listed[: count or None]
    if ordinals and listed:
        chosen = []
        for found in ordinals:
            place = int(found["digit"]) - 1 if found["digit"] else _ORDINALS[found["word"].lower()]
            if -len(listed) <= place < len(listed):
                chosen.append(listed[place])
        if chosen:
            return tuple(dict.fromkeys(chosen))
    if _SINGLE.search(question) or (pronouns and _PRONOUN.search(question)) or _INVERTED.search(question):
        return shown_models(turns)[:1]
    return ()


def _latest_distinct(turns: Sequence[Turn], count: int) -> tuple[str, ...]:
    """The models the last turns spoke of, one after the other."""
    found: list[str] = []
    for turn in reversed(turns):
        for model in turn.models[:1]:
            if model not in found:
                found.append(model)
    return tuple(reversed(found[:count]))
