"""What a tool call works with: the lake, the conversation's evidence ledger and the record of calls."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from assistant.answers import ToolCall, ToolView
from assistant.documents import Document
from assistant.toolbox.results import describe_result
from tools.catalog.records import ModelRecord, PassageRow
from tools.errors import LakeError, ServiceError, UnknownModelError
from tools.evidence import Evidence, EvidenceLedger
from tools.lake import Lake

log = logging.getLogger(__name__)

_REPORTED_EVERY = 0.2  # seconds between two reports of progress


class Outcome(TypedDict):
    """How a tool call went: what a person sees of it."""

    ok: bool
    seconds: float
    found: str
    view: ToolView | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A tool's result for its caller, and the same as a document that a front end can draw."""

    result: dict[str, Any]
    view: ToolView


@dataclass
class ToolContext:
    """One turn's tools share this. `read` lists the keys of the evidence given out in this turn, in order."""

    lake: Lake
    ledger: EvidenceLedger
    documents: tuple[Document, ...] = ()  # attached to the conversation
    calls: list[ToolCall] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def cite(self, kind: Any, source: str, locator: str, text: str, sha256: str) -> Evidence:
        """Register evidence and note that it was read in this turn."""
        item = self.ledger.add(kind, source, locator, text, sha256)
        self.read.append(item.id)
        return item

    def cite_passage(self, row: PassageRow) -> Evidence:
        """Register a stored passage as evidence."""
        kind = "card" if row.owner_kind == "model" else "paper"
        return self.cite(kind, row.source, row.locator, row.text, row.sha256)

    def similarity(self) -> Callable[[str, Sequence[str]], Sequence[float]] | None:
        """Cosines between a question and texts, or None when the lake works lexically."""
        embedder = self.lake.embedder
        if embedder is None:
            return None

        def measure(question: str, texts: Sequence[str]) -> Sequence[float]:
            try:
                vectors = embedder.embed([question, *texts])
            except ServiceError:  # an embedder behind a service; the words alone rank then
                return [0.0] * len(texts)
            return [float(value) for value in vectors[1:] @ vectors[0]]

        return measure

    def report_progress(self, name: str) -> Callable[[int, int, str], None]:
        """Told how far the tool `name` has come, it tells whoever watches the turn, if anybody does."""
        told = {"at": 0.0}

        def report(done: int, of: int, what: str) -> None:
            now = time.monotonic()
            if now - told["at"] < _REPORTED_EVERY and done < of:
                return
            told["at"] = now
            from langgraph.config import get_stream_writer

            try:
                write = get_stream_writer()
            except RuntimeError:  # no agent runs this tool: a call over MCP
                return
            write({"tool": name, "done": done, "of": of, "what": what})

        return report

    def run(
        self, name: str, arguments: dict[str, Any], call: Callable[[], dict[str, Any] | Shown]
    ) -> tuple[str, Outcome]:
        """Run one tool: its result as JSON, or an error the caller can act on; both are recorded.

        The outcome is for people who watch; the JSON alone goes to the caller.
        """
        start = time.monotonic()
        ok = False
        view = None
        try:
            found = call()
            result, view = (found.result, found.view) if isinstance(found, Shown) else (found, None)
            ok = True
        except UnknownModelError as error:
            result = {"error": error.message, "hint": error.hint, "candidates": list(error.candidates)}
        except LakeError as error:
            result = {"error": error.message, "hint": error.hint}
        except Exception as error:  # the tool boundary: recorded here, shown to the caller as one line
            log.exception("tool %s failed", name)
            result = {
                "error": f"{name} failed: {type(error).__name__}.",
                "hint": "Try other arguments or another tool.",
            }
        given = {key: value for key, value in arguments.items() if value not in (None, "", [], ())}
        seconds = round(time.monotonic() - start, 3)
        outcome: Outcome = {"ok": ok, "seconds": seconds, "found": describe_result(result), "view": view}
        self.calls.append(ToolCall(name=name, arguments=given, **outcome))
        return json.dumps(result, ensure_ascii=False, allow_nan=False), outcome


def describe_model(record: ModelRecord) -> dict[str, Any]:
    """The few fields that every tool shows of a model."""
    shown: dict[str, Any] = {
        "model": record.model,
        "task": record.task,
        "license": record.license,
        "downloads": record.downloads,
    }
    if record.source_kind == "sample" and record.link:
        shown["our_summary_of"] = record.link
    return shown
