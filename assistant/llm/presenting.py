"""The conversation as a language model is shown it: within its budget, and with found text marked as data.

What is stored stays whole; only the request is shortened. Keys of evidence are never lost, because a later
answer may cite any of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

DATA_OPEN, DATA_CLOSE = "<lake_data>", "</lake_data>"
_KEY = re.compile(r"E\d+")
_MARK = re.compile(r"\[(E\d+(?:\s*,\s*E\d+)*)\]")
# Control tokens of chat templates, e.g. [INST]: no card text may reach a server that would take them as such.
_CONTROL = re.compile(r"\[(?=/?[A-Z_]{3,24}\])")
_MOST_WORDS = 12
_MOST_QUESTION = 200  # characters of an old question
_MOST_ANSWER = 400  # and of an old answer, in a conversation that must be shortened
_KEPT_RESULTS = 2  # of the turn at hand, whole as long as anything else can go
_CALL_TOKENS = 8  # what a message costs beside its text

Count = Callable[[str], int]


def present_messages(messages: Sequence[BaseMessage], budget: int, count: Count) -> list[BaseMessage]:
    """The messages of a request of at most `budget` tokens, if shortening can reach that.

    First the tool results of earlier turns are shortened to their keys and first words, oldest first, then
    earlier answers, then the older results of this turn, and at last all of them.
    """
    shown = list(messages)
    costs = [_cost(message, count) for message in shown]
    for index, shorten in _plan(shown):
        if sum(costs) <= budget:
            break
        shorter = shorten(shown[index])
        cost = _cost(shorter, count)
        if cost < costs[index]:
            shown[index], costs[index] = shorter, cost
    return [mark_data(message) if isinstance(message, ToolMessage) else message for message in shown]


def count_message_tokens(messages: Sequence[BaseMessage], count: Count) -> int:
    """Tokens of messages as a service would count them, roughly."""
    return sum(_cost(message, count) for message in messages)


def mark_data(message: ToolMessage) -> ToolMessage:
    """A tool's result between delimiters that nothing inside can close.

    Results are JSON, in which `<` can be written as an escape: no delimiter and no control token of a chat
    template survives in what cards say, and the text means the same.
    """
    inside = _CONTROL.sub(r"\\u005b", str(message.text).replace("<", "\\u003c"))
    return message.model_copy(update={"content": f"{DATA_OPEN}\n{inside}\n{DATA_CLOSE}", "artifact": None})


def _plan(messages: Sequence[BaseMessage]) -> Iterator[tuple[int, Callable[[BaseMessage], BaseMessage]]]:
    """What can be shortened, in the order in which it goes."""
    asked = [n for n, message in enumerate(messages) if isinstance(message, HumanMessage)]
    now = asked[-1] if asked else 0
    results = [n for n, message in enumerate(messages) if isinstance(message, ToolMessage)]
    yield from ((n, shorten_result) for n in results if n < now)
    yield from ((n, _shorten_turn_text) for n in range(now) if n not in results)
    late = [n for n in results if n > now]
    yield from ((n, shorten_result) for n in late[:-_KEPT_RESULTS])
    yield from ((n, shorten_result) for n in late[-_KEPT_RESULTS:])


def shorten_result(message: BaseMessage) -> BaseMessage:
    """A tool's result as the keys of its evidence, each with its first words."""
    text = str(message.text)
    try:
        found = dict(_iterate_evidence(json.loads(text), ""))
    except (ValueError, RecursionError):
        found = dict.fromkeys(_KEY.findall(text), "")
    return message.model_copy(
        update={"content": json.dumps({"shortened": True, "evidence": found}, ensure_ascii=False)}
    )


def _iterate_evidence(value: Any, model: str) -> Iterator[tuple[str, str]]:
    """(key, model and first words) of each piece of evidence in a tool's result."""
    if isinstance(value, dict):
        named = value.get("model")
        model = named if isinstance(named, str) else model
        for key in (value.get("key"), *(value.get("keys") or ())):
            if isinstance(key, str) and _KEY.fullmatch(key):
                said = next((value[name] for name in ("text", "value", "quote") if value.get(name)), "")
                words = " ".join(str(said).split()[:_MOST_WORDS])
                yield key, f"{model}: {words}" if model else words
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _iterate_evidence(item, model)


def _shorten_turn_text(message: BaseMessage) -> BaseMessage:
    """An earlier question or answer, cut; the marks that the cut took are kept at its end."""
    text = str(message.text)
    most = _MOST_QUESTION if isinstance(message, HumanMessage) else _MOST_ANSWER
    if len(text) <= most:
        return message
    head = text[:most].rpartition(" ")[0] or text[:most]
    kept = set(_KEY.findall(" ".join(_MARK.findall(head))))
    lost = dict.fromkeys(k for marks in _MARK.findall(text) for k in _KEY.findall(marks) if k not in kept)
    marks = "".join(f" [{key}]" for key in lost)
    return message.model_copy(update={"content": f"{head} …{marks}"})


def _cost(message: BaseMessage, count: Count) -> int:
    tokens = count(str(message.text)) + _CALL_TOKENS
    if isinstance(message, AIMessage):
        tokens += sum(
            count(json.dumps(call["args"], default=str)) + _CALL_TOKENS for call in message.tool_calls
        )
    return tokens
