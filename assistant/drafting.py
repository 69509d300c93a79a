"""A language model words the sections of a drafted card; `tools.draft` decides which sentences may stand."""

from __future__ import annotations

import time

from assistant.engine import Engine
from assistant.llm import explain_failure
from assistant.llm.failures import ModelServiceError
from prompts import load_prompt
from tools.draft import SlotDraft

_MOST_TEXT = 700  # characters of a piece of evidence that are shown
_MOST_EVIDENCE = 40
_MOST_CALLS = 24


class ModelWriter:
    """Words sections with the language model of an engine; at most some calls and `seconds` in all."""

    def __init__(self, engine: Engine, *, seconds: float = 120.0) -> None:
        self._engine = engine
        self._ends = time.monotonic() + seconds
        self._calls = 0
        self._prompt = load_prompt("card_section")

    @property
    def prompt(self) -> str:
        """Name, version and hash of the prompt, for a record of how a card came about."""
        return f"{self._prompt.name} {self._prompt.version} {self._prompt.sha256}"

    def write(self, model: str, slot: SlotDraft) -> str:
        """See `tools.draft.SectionWriter`. Raises ModelServiceError when the service fails for good."""
        from langchain_core.messages import HumanMessage

        if self._calls >= _MOST_CALLS or time.monotonic() > self._ends:
            raise ModelServiceError("Writing the sections took longer than it may.")
        self._calls += 1
        section = " / ".join(slot.path) or slot.name
        text = self._prompt.render(model=model, section=section, evidence=_list_evidence(slot))
        try:
            reply = self._engine.model.invoke([HumanMessage(text)])
        except Exception as error:  # a boundary: each provider's client raises what it likes
            message = explain_failure(error, self._engine)
            if message is None:
                raise
            raise ModelServiceError(message) from error
        content = reply.text
        return content if isinstance(content, str) else str(content)


def _list_evidence(slot: SlotDraft) -> str:
    """One line a piece: its key, its place and its words, which cannot close the block they stand in."""
    items = dict.fromkeys(item for said in slot.statements for item in said.evidence)
    lines = []
    for item in list(items)[:_MOST_EVIDENCE]:
        text = " ".join(item.text.split())[:_MOST_TEXT].replace("<", "&lt;")
        lines.append(f"[{item.id}] {item.source} {item.locator}: {text}")
    return "\n".join(lines)
