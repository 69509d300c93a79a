"""Conversations as files that a stranger can check again: JSON for `lake verify`, Markdown for reading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from assistant.cli.safe_text import clean_line, clean_text
from tools.hashing import hash_text

if TYPE_CHECKING:
    from assistant.answers import Answer
    from assistant.conversations import Turn
    from tools.evidence import Evidence
    from tools.lake import Lake

FORMAT = "model-lake-answers"
FORMAT_VERSION = 1
DISTRIBUTION = "model-lake-assistant"
_HOW = (
    "Each evidence names its source, the place in it (lines are 1-based and inclusive, front matter "
    "counted), the verbatim text there and the sha256 of the whole source. `lake verify FILE` looks all of "
    "them up again, and judges every statement anew."
)
_LEVELS = {
    "quoted": "quoted: the words were found in the source",
    "facts": "facts found: numbers and names stand together in the source",
    "unchecked": "not checked: nothing in it can be checked",
    "failed": "failed: not supported by the sources",
}
# Code keeps its characters; everywhere else a tag of somebody's text is shown, not obeyed.
_CODE = re.compile(
    r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|(?P<ticks>`+)(?!`).+?(?P=ticks)(?!`)", re.DOTALL
)


def export_json(turns: Sequence[Turn], lake: Lake | None = None) -> str:
    """Turns of one conversation as one JSON document, indented, with a checksum over all of it.

    With `lake` the document says where it comes from. The checksum guards against damage and careless edits;
    against a forger stands only checking the content again.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "exported": _now(),
        "product": {"name": DISTRIBUTION, "version": find_version()},
        "lake": _describe_lake(lake),
        "how_to_check": _HOW,
        "thread": turns[0].answer.thread if turns else "",
        "turns": [
            {
                "number": turn.number,
                "question": turn.question,
                "asked_at": turn.asked_at,
                "answer": turn.answer.model_dump(mode="json"),
            }
            for turn in turns
        ],
    }
    document["sha256"] = hash_document(document)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate of a broken card: only an escape can carry it
        text = json.dumps(document, indent=1)
    return text + "\n"


def hash_document(document: Mapping[str, Any]) -> str:
    """sha256 of an exported document without its own `sha256`, keys sorted, whatever its layout."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    return hash_text(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def export_markdown(turns: Sequence[Turn], lake: Lake | None = None) -> str:
    """Turns of one conversation as Markdown: answers, how they were checked, and all sources cited."""
    title = _escape(clean_line(turns[0].question)) if turns else "Empty conversation"
    lines = [f"# {title}", "", f"*{_describe_origin(lake)}*", ""]
    for turn in turns:
        lines += _write_turn(turn, alone=len(turns) == 1)
    return "\n".join(lines).rstrip("\n") + "\n"


def find_version() -> str:
    """The installed version of this program, "unknown" in a tree that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def _write_turn(turn: Turn, *, alone: bool) -> list[str]:
    answer = turn.answer
    lines = [] if alone else [f"## {turn.number}. {_escape(clean_line(turn.question))}", ""]
    lines += [_escape(clean_text(answer.answer)), ""]
    levels = [statement.level for statement in answer.statements]
    counts = [f"{levels.count(level)} {said}" for level, said in _LEVELS.items() if level in levels]
    if counts:
        lines += ["How the statements were checked: " + "; ".join(counts) + ".", ""]
    lines += [f"Written by {_describe_engine(answer)}, asked {clean_line(turn.asked_at)} UTC.", ""]
    if answer.evidence:
        lines += ["### Sources", ""]
        for item in answer.evidence:
            lines += _write_source(item)
    return lines


def _write_source(item: Evidence) -> list[str]:
    text = clean_text(item.text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [
        f"**[{item.id}]** `{clean_line(item.source)}`, `{clean_line(item.locator)}`  ",
        f"sha256 `{item.sha256}`",
        "",
        f"{fence}text",
        text,
        fence,
        "",
    ]


def _describe_engine(answer: Answer) -> str:
    """The engine, and the version of the prompt it was given."""
    told = f"`{clean_line(answer.engine)}`"
    if service := answer.usage.get("service"):
        told += f" at `{clean_line(str(service))}`"
    prompt = answer.usage.get("prompt")
    if isinstance(prompt, Mapping) and answer.engine != "offline":
        told += f" (prompt {prompt.get('name')} {prompt.get('version')}, sha256 `{prompt.get('sha256')}`)"
    return told


def _describe_origin(lake: Lake | None) -> str:
    where = f"the lake `{lake.home.lake_id}`" if lake is not None else "a lake of model cards"
    return f"Answered from {where} by {DISTRIBUTION} {find_version()}, exported {_now()}."


def _describe_lake(lake: Lake | None) -> dict[str, Any] | None:
    if lake is None:
        return None
    status = lake.status()
    return {
        "id": lake.home.lake_id,
        "models": status.models,
        "papers": status.papers,
        "embedder": status.embedder,
    }


def _escape(text: str) -> str:
    """Markdown without HTML: outside of code, what opens a tag or a comment is shown as it is written."""
    shown: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        shown += [_escape_tags(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*shown, _escape_tags(text[at:])])


def _escape_tags(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
