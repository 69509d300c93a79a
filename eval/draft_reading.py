"""An independent reading of drafts: evidence looked up anew, and statements held against it.

Nothing of `tools.draft` decides here, so that a fault of its own checks shows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.draft import Draft, Statement
from tools.draft.subject import DraftSubject

_LINES = re.compile(r"L(\d+)(?:-L(\d+))?")


def fold(text: str) -> str:
    """Letters and digits only, lower case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def states(draft: Draft, slot: str, wanted: str) -> bool:
    """Whether the slot says `wanted`, whatever its spelling."""
    found = next((one for one in draft.slots if one.slot == slot), None)
    return found is not None and any(fold(wanted) in fold(said.text) for said in found.statements)


def is_open(draft: Draft, slot: str) -> bool:
    """Whether the slot is left open, in its status and in the card."""
    return next(one for one in draft.slots if one.slot == slot).status == "unknown"


def list_statements(draft: Draft) -> Iterator[Statement]:
    for slot in draft.slots:
        yield from slot.statements


def find_untrue(draft: Draft, subjects: Mapping[str, DraftSubject]) -> list[str]:
    """Statements that their evidence does not carry, or whose evidence is not where it says.

    `subjects`: the models that may be cited, by `org/name@revision`.
    """
    wrong = []
    for said in list_statements(draft):
        faults = [fault for item in said.evidence if (fault := _check_place(item.model_dump(), subjects))]
        text = " ".join(part for item in said.evidence for part in (item.text, item.model))
        if not said.evidence:
            faults.append("cites nothing")
        for value in said.values or (_strip_quote(said.text),):
            pieces = [piece for piece in value.split(", ") if piece] or [value]
            if fold(value) not in fold(text) and not all(fold(piece) in fold(text) for piece in pieces):
                faults.append(f"{value[:60]!r} is not in its evidence")
        stray = set(re.findall(r"\d+", said.text)) - set(re.findall(r"\d+", text))
        faults += [f"{number} is not in its evidence" for number in stray]
        if faults:
            wrong.append(f"{draft.model}: {said.text[:80]!r}: {faults[0]}")
    return wrong


def _strip_quote(text: str) -> str:
    return re.sub(r"^(?:> ?|```\w*$)", "", text, flags=re.MULTILINE)


def _check_place(item: dict[str, Any], subjects: Mapping[str, DraftSubject]) -> str:
    """Why a piece of evidence is not where it says, "" where it is."""
    subject = subjects.get(item["source"])
    if subject is None:
        return f"{item['source']} is no model that was given"
    name, _, place = item["locator"].partition("#")
    if name == "README.md":
        return _check_card(item, subject, place)
    if name == "record.json":
        digest = hashlib.sha256(subject.record.record_json.encode()).hexdigest()
        inside = _flat(item["text"]) in _flat(subject.record.record_json)
        return "" if inside and digest == item["sha256"] else "it is not what the record says"
    if name == "files":
        path, _, size = item["text"].partition("\t")
        held = {file.path: file.size for file in subject.files}
        return "" if held.get(path) == int(size.split()[0]) else "there is no such file"
    if subject.folder is None:
        return "the model has no files"
    if item["kind"] == "weights":
        return _check_header(item, subject.folder, name, place)
    return _check_file(item, subject.folder / name, place)


def _check_card(item: dict[str, Any], subject: DraftSubject, place: str) -> str:
    card = subject.card.text
    if hashlib.sha256(card.encode()).hexdigest() != item["sha256"]:
        return "its hash is another"
    if lines := _LINES.fullmatch(place):
        block = "\n".join(card.split("\n")[int(lines[1]) - 1 : int(lines[2] or lines[1])])
        return "" if item["text"] in block else "it does not stand on these lines"
    return "" if item["text"] in card else "it does not stand in the card"


def _check_file(item: dict[str, Any], path: Path, pointer: str) -> str:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != item["sha256"] or item["text"] not in data.decode():
        return "it is not what the file says"
    value: Any = json.loads(data)
    for key in pointer.strip("/").split("/"):
        value = value[int(key)] if isinstance(value, list) else value[key]
    told = json.loads(f"{{{item['text']}}}")
    return "" if told == {pointer.rpartition("/")[2]: value} else "it is not what stands at its pointer"


def _check_header(item: dict[str, Any], folder: Path, name: str, place: str) -> str:
    """Counts of a safetensors header, read by hand."""
    if place != "header":
        return ""  # lineage found by weights, embeddings: other suites measure those
    data = (folder / name).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if hashlib.sha256(data[: 8 + length]).hexdigest() != item["sha256"]:
        return "its hash is another"
    total = 0
    for tensor, info in json.loads(data[8 : 8 + length]).items():
        if tensor != "__metadata__":
            size = 1
            for extent in info["shape"]:
                size *= extent
            total += size
    return "" if f"{total:,} parameters" in item["text"] else "the header counts another number"


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", text)
