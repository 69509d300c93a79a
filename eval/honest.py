"""An honest scripted model: it looks up what is asked and writes only what the tools gave, quoted and marked.

It is the simplest writer that deserves full marks from the verifier: one statement for each piece of
evidence. It knows nothing of the lake and sees what any language model would see, the messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval.scripted import Call, Message, Reply, Tool

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
