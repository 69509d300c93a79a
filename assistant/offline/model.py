"""The offline engine: a LangChain chat model that plans and composes by rules instead of weights.

It drives the same agent and the same tools as a language model would. Each call is a pure function of the
messages: with no tool results after the question it answers with tool calls, with them it composes the
answer.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict

from assistant.offline.composer import compose
from assistant.offline.dialogue import read_documents, read_turns
from assistant.offline.phrases import FRAMING
from assistant.offline.planner import Planner


class OfflineChatModel(BaseChatModel):
    """A chat model without a language model. `planner` knows the names of the lake's models."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    planner: Planner

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **_: Any
    ) -> Runnable[Any, AIMessage]:
        """The planner knows the tools by name; nothing has to be bound."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turns, question, since = read_turns(messages)
        plan = self.planner.plan(question, turns, read_documents(messages))
        results = [(str(m.name), json.loads(str(m.text))) for m in since if isinstance(m, ToolMessage)]
        if plan.requests and not results:
            calls = [
                {
                    "name": r.tool,
                    "args": r.arguments,
                    "id": f"call_{uuid.uuid4().hex[:12]}",
                    "type": "tool_call",
                }
                for r in plan.requests
            ]
            message = AIMessage(content="", tool_calls=calls)
        else:
            draft = compose(plan, results)
            memo = {"models": list(draft.models), **draft.memo}
            outline = {
                "models": list(draft.models),
                "suggestions": list(draft.suggestions),
                "abstained": draft.abstained,
                "framing": [*FRAMING, *draft.framing],
            }
            message = AIMessage(content=draft.text, additional_kwargs={"memo": memo, "outline": outline})
        return ChatResult(generations=[ChatGeneration(message=message)])
