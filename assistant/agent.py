"""One question in, one checked answer out: LangChain's agent over the lake's tools.

question -> chat model plans tool calls -> tools give evidence -> chat model writes -> verifier decides ->
answer
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from assistant.answers import Answer, Outline, build_answer
from assistant.conversations import ConversationStore
from assistant.toolbox import ToolContext, make_tools
from prompts import load_prompt
from tools.errors import UsageError
from tools.lake import Lake

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_MAX_QUESTION = 20_000  # characters
_MAX_TOOL_CALLS = 12
_MAX_MODEL_CALLS = 8


class Assistant:
    """Answers questions over one open lake. Not for several threads at once."""

    def __init__(self, lake: Lake, *, llm: str = "auto") -> None:
        if llm not in ("auto", "offline"):
            raise UsageError(
                f"{llm!r} is not available: this version answers with its offline engine.",
                hint="Use --llm offline, or leave it out.",
            )
        self._lake = lake
        self._store = ConversationStore(lake.home.path / "conversations.db")
        self._model: BaseChatModel | None = None
        self.engine = "offline"

    def close(self) -> None:
        self._store.close()

    def ask(self, question: str, thread: str | None = None) -> Answer:
        """Answer one question; `thread` continues a conversation, None starts one.

        Raises UsageError for an empty or overlong question or an impossible thread name.
        """
        from langchain.agents import create_agent
        from langchain.agents.middleware import (
            AgentMiddleware,
            ModelCallLimitMiddleware,
            ToolCallLimitMiddleware,
        )
        from langchain_core.messages import AIMessage, HumanMessage
        from langgraph.checkpoint.sqlite import SqliteSaver

        question = question.strip()
        if not question:
            raise UsageError("The question is empty.", hint='Try: lake ask "which model transcribes German?"')
        if len(question) > _MAX_QUESTION:
            raise UsageError(
                f"The question has {len(question):,} characters; {_MAX_QUESTION:,} are the most.",
                hint="Ask in fewer words; a document belongs into the lake (lake ingest FILE).",
            )
        start = time.monotonic()
        thread = self._store.open_thread(thread)
        context = ToolContext(lake=self._lake, ledger=self._store.load_ledger(thread))
        prompt = load_prompt("assistant")
        limits: list[AgentMiddleware[Any, None, Any]] = [
            ToolCallLimitMiddleware(run_limit=_MAX_TOOL_CALLS),
            ModelCallLimitMiddleware(run_limit=_MAX_MODEL_CALLS),
        ]
        agent = create_agent(
            self._chat_model(),
            make_tools(context),
            system_prompt=prompt.render(lake_summary=self._summarize_lake()),
            middleware=limits,
            checkpointer=SqliteSaver(self._store.connection),
        )
        # "exit": a turn is stored whole or not at all, so that a killed process leaves no half turn behind.
        state = agent.invoke(
            {"messages": [HumanMessage(question)]},
            config={"configurable": {"thread_id": thread}},
            durability="exit",
        )
        said = state["messages"][-1]
        extra: dict[str, Any] = said.additional_kwargs if isinstance(said, AIMessage) else {}
        answer = build_answer(
            str(said.text),
            outline=Outline(**extra.get("outline", {})),
            ledger=context.ledger,
            read=context.read,
            known_models=self._lake.catalog.model_names(),
            tools=context.calls,
            engine=self.engine,
            thread=thread,
            asked=[str(m.text) for m in state["messages"] if isinstance(m, HumanMessage)],
            usage={
                "seconds": round(time.monotonic() - start, 3),
                "tool_calls": len(context.calls),
                "prompt": {"name": prompt.name, "version": prompt.version, "sha256": prompt.sha256},
            },
        )
        self._store.save_turn(thread, question, answer, context.ledger)
        return answer

    def _chat_model(self) -> BaseChatModel:
        if self._model is None:
            from assistant.offline.mentions import MentionIndex
            from assistant.offline.model import OfflineChatModel
            from assistant.offline.planner import Planner

            catalog = self._lake.catalog
            index = MentionIndex(catalog.list_models(), catalog.iter_all_passages())
            self._model = OfflineChatModel(planner=Planner(index))
        return self._model

    def _summarize_lake(self) -> str:
        status = self._lake.catalog.status()
        return f"{status.models} models, {status.papers} papers, {status.results} reported results."
