"""Honest scripted models: they look up what is asked and write only what the tools gave, quoted and marked.

`answer_honestly` is the simplest writer that deserves full marks from the verifier: one statement for each
piece of evidence. `SkilledWriter` plans and composes as the offline engine does, but on a language model's
way: what the two lose against each other is lost between the model and the answer. Both see the messages and
nothing else, as any language model would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eval.scripted import Call, Message, Reply, Tool

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from assistant.engine import Engine
    from tools.lake import Lake

_MODEL_ID = re.compile(r"(?<![\w/@.-])[\w.-]*\w/[\w.-]*\w")
_MOST_STATEMENTS = 6
_MOST_MODELS = 6
_QUOTED = 160  # characters
_NOT_QUOTABLE = re.compile(r"[“”„«»\"`\[\]]")
_NOTHING = "Nothing in this lake answers that."


def answer_honestly(messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
    """First the tool calls that the question asks for, then one statement for each piece of evidence."""
    latest = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=0)
    question = read_text(messages[latest]) if messages else ""
    results = [read_result(message) for message in messages[latest + 1 :] if message["role"] == "tool"]
    if not results and tools:
        return Reply(calls=list(_plan(question)))
    written = list(dict.fromkeys(line for result in results for line in _state(result)))
    return Reply("\n".join(written[:_MOST_STATEMENTS]) or _NOTHING)


class SkilledWriter:
    """A script that plans and writes with the offline engine's rules over the names of `lake`.

    What the engine tells the product of its own answers (models, abstention, fixed sentences) is not passed
    on: a language model could not either. What it noted for later turns it remembers by its answer's words.
    """

    def __init__(self, lake: Lake) -> None:
        from assistant.offline.mentions import MentionIndex
        from assistant.offline.model import OfflineChatModel
        from assistant.offline.planner import Planner

        index = MentionIndex(lake.catalog.list_models(), lake.catalog.iter_all_passages())
        self._engine = OfflineChatModel(planner=Planner(index))
        self._notes: dict[str, Any] = {}

    def __call__(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
        said = self._engine.invoke(self._read_messages(messages))
        if said.tool_calls:
            return Reply(calls=[Call(call["name"], call["args"]) for call in said.tool_calls])
        text = str(said.text)
        self._notes[text] = said.additional_kwargs["memo"]
        return Reply(text)

    def _read_messages(self, messages: Sequence[Message]) -> list[BaseMessage]:
        from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

        names: dict[str, str] = {}
        read: list[BaseMessage] = []
        for message in messages:
            text = read_text(message)
            if message["role"] == "user":
                read.append(HumanMessage(text))
            elif message["role"] == "assistant":
                calls = [
                    {"name": call["function"]["name"], "args": {}, "id": call["id"], "type": "tool_call"}
                    for call in message.get("tool_calls") or ()
                ]
                names |= {str(call["id"]): str(call["name"]) for call in calls}
                memo = {"memo": self._notes[text]} if text in self._notes else {}
                read.append(AIMessage(text, tool_calls=calls, additional_kwargs=memo))
            elif message["role"] == "tool":
                key = str(message["tool_call_id"])
                found = json.dumps(read_result(message))
                read.append(ToolMessage(found, name=names.get(key, ""), tool_call_id=key))
        return read


def make_engine(lake: Lake) -> Engine:
    """SkilledWriter as an engine for an Assistant, treated as a service's; nothing leaves the process."""
    from assistant.engine import Engine
    from eval.scripted import ScriptedChatModel

    model = ScriptedChatModel(script=SkilledWriter(lake))
    return Engine(name="scripted", model=model, service="this process", model_name="scripted")


def read_text(message: Message) -> str:
    """The text of a message, whose content may come in parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def read_result(message: Message) -> dict[str, Any]:
    """The JSON object of a tool message, whatever delimits it; {} when there is none."""
    text = read_text(message)
    start = text.find("{")
    if start < 0:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plan(question: str) -> Iterator[Call]:
    models = list(dict.fromkeys(_MODEL_ID.findall(question)))[:_MOST_MODELS]
    for model in models:
        yield Call("read_card", {"model": model, "question": question[:4000]})
    if not models:
        yield Call("search_models", {"query": question[:4000]})


def _state(result: Mapping[str, Any]) -> Iterator[str]:
    """One line for each passage of a result; the fields of a card where no passage can be quoted."""
    shown = result["models"] if isinstance(result.get("models"), list) else [result]
    for entry in shown:
        if not isinstance(entry, Mapping) or "model" not in entry:
            continue
        model = entry["model"]
        for passage in entry.get("passages") or ():
            quote = pick_quote(str(passage["text"]), model)
            if quote:
                yield f"- `{model}`: “{quote}” [{passage['key']}]"
        for name, values in (entry.get("facts") or {}).items():
            for fact in values if isinstance(values, list) else [values]:
                yield f"- `{model}`: its {name.replace('_', ' ')} is {fact['value']} [{fact['key']}]"


def pick_quote(passage: str, model: str) -> str:
    """A stretch of `passage`, verbatim and at least 12 characters long, that quotation marks can enclose."""
    for line in passage.split("\n"):
        for part in _NOT_QUOTABLE.split(line):
            part = part.strip(" \t#*_|>-")
            if len(part) > _QUOTED:
                part = part[:_QUOTED].rpartition(" ")[0]
            if len(part) >= 12 and len(part.split()) > 2 and part != model:
                return part
    return ""
