"""One client's session: its evidence ledger, and the tools run against it."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from assistant.agent import Assistant
from assistant.events import Event, Finished
from assistant.mcp.schemas import ASK, CHECK_ANSWER, Ask, CheckAnswer, explain_arguments
from assistant.toolbox import ToolContext, make_tools
from tools.errors import LakeError, UsageError
from tools.evidence import Evidence, EvidenceLedger
from tools.verification import verify_answer

# A session that reads on and on must not fill the memory: older evidence is let go, its keys are not reused.
_MOST_EVIDENCE = 5_000

# Told what goes on during a turn.
Watch = Callable[[Event], None]


class ToolFailedError(Exception):
    """A tool call that gave no result; `content` says why and what to do, for the caller."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        super().__init__(str(content.get("error", "")))
        self.content = dict(content)


class McpSession:
    """Tools of one client. Not for two threads at once, except that a call may be abandoned half-way."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._owner = f"mcp:{uuid.uuid4().hex}"
        self._ledger = EvidenceLedger()

    def run(
        self, name: str, arguments: Mapping[str, Any], watch: Watch, stop: threading.Event
    ) -> dict[str, Any]:
        """Run a tool: its result with the whole `evidence` it stands on. Raises ToolFailedError.

        Setting `stop` from another thread ends a question that is being answered.
        """
        try:
            if name == ASK.name:
                return self._ask(_read(ASK.arguments, arguments), watch, stop)
            if name == CHECK_ANSWER.name:
                return self._check(_read(CHECK_ANSWER.arguments, arguments))
            return self._run_tool(name, arguments)
        except LakeError as error:
            candidates = list(getattr(error, "candidates", ()))
            more = {"candidates": candidates} if candidates else {}
            raise ToolFailedError({"error": error.message, "hint": error.hint, **more}) from error

    def _run_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        context = ToolContext(lake=self._assistant.lake, ledger=self._make_room())
        tools: dict[str, Any] = {tool.name: tool for tool in make_tools(context)}
        tool = tools.get(name)
        if tool is None:
            known = ", ".join([ASK.name, CHECK_ANSWER.name, *tools])
            raise UsageError(f"There is no tool {name[:100]!r}.", hint=f"The tools are: {known}.")
        wanted = _read(tool.args_schema, arguments)
        text, outcome = tool.func(**wanted.model_dump(exclude_unset=True))
        result: dict[str, Any] = json.loads(text)
        if not outcome["ok"]:
            raise ToolFailedError(result)
        return {**result, "evidence": _show(self._find(context.read))}

    def _ask(self, wanted: BaseModel, watch: Watch, stop: threading.Event) -> dict[str, Any]:
        assert isinstance(wanted, Ask)
        thread = wanted.thread
        if thread is None:
            thread = self._assistant.new_thread(self._owner)
        elif self._assistant.owner_of(thread) != self._owner:
            raise UsageError(
                f"This session has no conversation {thread!r}.", hint="Leave `thread` out to begin one."
            )
        # Keys of the conversation go on from those of the session: in both, a key means one thing.
        self._assistant.reserve_keys(thread, self._make_room().last)
        turn: Any = self._assistant.stream(wanted.question, thread, stop=stop)
        with contextlib.closing(turn):  # a watcher that raises stops the turn
            for event in turn:
                if isinstance(event, Finished):
                    break
                watch(event)
            else:
                raise ToolFailedError({"error": "The question was stopped.", "hint": "Ask it again."})
        answer = event.answer
        self._ledger = EvidenceLedger(
            [*self._ledger, *answer.evidence, *answer.retrieved], last=self._ledger.last
        )
        # Documents to draw are for front ends; here they would fill the caller's context.
        return answer.model_dump(mode="json", exclude={"tools": {"__all__": {"view"}}})

    def _check(self, wanted: BaseModel) -> dict[str, Any]:
        assert isinstance(wanted, CheckAnswer)
        found = verify_answer(
            wanted.text,
            self._ledger,
            known_models=self._assistant.lake.catalog.model_names(),
            allowed=[wanted.question] if wanted.question else (),
        )
        return {
            "ok": not found.unsupported,
            "statements": [
                {"text": s.text, "level": s.level, "marks": list(s.marks), "reason": s.reason}
                for s in found.statements
            ],
            "citations": [
                {"evidence": c.evidence, "quote": c.quote, "status": c.status} for c in found.citations
            ],
            "evidence": _show(self._find(citation.evidence for citation in found.citations)),
        }

    def _find(self, keys: Iterable[str]) -> list[Evidence]:
        found = (self._ledger.get(key) for key in dict.fromkeys(keys))
        return [item for item in found if item is not None]

    def _make_room(self) -> EvidenceLedger:
        if len(self._ledger) > _MOST_EVIDENCE:
            kept = list(self._ledger)[-_MOST_EVIDENCE // 2 :]
            self._ledger = EvidenceLedger(kept, last=self._ledger.last)
        return self._ledger


def _read(schema: type[BaseModel], arguments: Mapping[str, Any]) -> BaseModel:
    try:
        return schema.model_validate(dict(arguments))
    except ValidationError as error:
        message, hint = explain_arguments(error, schema)
        raise UsageError(message, hint=hint) from None


def _show(items: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [item.model_dump(mode="json") for item in items]
