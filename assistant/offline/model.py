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

_MOST_WORDS = 4000  # characters that a tool takes in one argument


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
        results = [(str(m.name), _read_result(m)) for m in since if isinstance(m, ToolMessage)]
        if plan.requests and not results:
            calls = [
                {
                    "name": r.tool,
                    "args": {key: _shorten(value) for key, value in r.arguments.items()},
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


def _shorten(value: Any) -> Any:
    """What a tool takes of a very long question: its beginning."""
    return value[:_MOST_WORDS] if isinstance(value, str) else value


def _read_result(message: ToolMessage) -> dict[str, Any]:
    """What a tool gave; arguments that it refused to take are an error like any other."""
    try:
        found: dict[str, Any] = json.loads(str(message.text))
    except ValueError:
        return {"error": "The question does not fit into a look-up.", "hint": "Ask it in fewer words."}
    return found
