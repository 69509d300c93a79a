"""The assistant's tools: the same for the offline engine, for a language model and, later, over MCP.

Each has typed arguments, a docstring written for the model that calls it, evidence keys in its result and
errors the caller can act on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assistant.toolbox import auditing, counting, finding, reading, weighing
from assistant.toolbox.arguments import (
    AuditCard,
    CompareDocumentation,
    CompareModels,
    CountModels,
    DescribeLake,
    DraftCard,
    FindSimilarByWeights,
    ListResults,
    RankModels,
    ReadCard,
    ReadDocument,
    SearchModels,
    SearchPapers,
    TraceLineage,
)
from assistant.toolbox.context import Outcome, Shown, ToolContext

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["TOOL_NAMES", "ToolContext", "make_tools"]

# (name, arguments, what runs, description for the model)
_TOOLS: tuple[tuple[str, type[BaseModel], Callable[[ToolContext, Any], dict[str, Any] | Shown], str], ...] = (
    (
        "search_models",
        SearchModels,
        finding.search_models,
        "Find models for a need. Reads constraints (task, language, licence, size, negation) from the query "
        "itself. Gives ranked models with passages that speak for them, the constraints it applied, and "
        "models that would fit but whose card does not state a required value. Low confidence: nothing fits.",
    ),
    (
        "rank_models",
        RankModels,
        finding.rank_models,
        "Models ordered by downloads, likes, parameters or last change: 'the most downloaded', 'the smallest "
        "German model'. Models that do not state the number are counted, not ranked.",
    ),
    (
        "read_card",
        ReadCard,
        reading.read_card,
        "Read one model's documentation: structured facts (several entries for a field are several places, "
        "which may disagree), the passages that answer the question, and reported results.",
    ),
    (
        "list_results",
        ListResults,
        finding.list_results,
        "Reported evaluation results across the lake, best first per metric. Use it for 'which model reports "
        "the best METRIC on DATASET'.",
    ),
    (
        "compare_documentation",
        CompareDocumentation,
        reading.compare_documentation,
        "The same fields of two to six models side by side, each value with its evidence.",
    ),
    (
        "compare_models",
        CompareModels,
        weighing.compare_models,
        "Two models held against each other: whether their weights are related, how, which came first, with "
        "the statistic; what their configurations, tokenizers and cards say differently. Use it for 'is X "
        "really made from Y', 'is X a copy of Y', 'what changed from X to Y'.",
    ),
    (
        "trace_lineage",
        TraceLineage,
        weighing.trace_lineage,
        "Where a model comes from and what was made of it: what cards declare, whether weights support or "
        "contradict it, and relatives that no card declares. Without a model: false parents, copies and "
        "undeclared parents in the whole lake.",
    ),
    (
        "find_similar_by_weights",
        FindSimilarByWeights,
        weighing.find_similar_by_weights,
        "Models of the lake whose weights are most like those of one model, and how they are related to it.",
    ),
    (
        "search_papers",
        SearchPapers,
        finding.search_papers,
        "Passages of the papers in the lake.",
    ),
    (
        "audit_card",
        AuditCard,
        auditing.audit_card,
        "Check a model's card: its claims held against other places, its faults with line and fix, its "
        "missing sections. For 'audit X', 'can I trust its card', 'what is wrong or missing'.",
    ),
    (
        "draft_card",
        DraftCard,
        auditing.draft_card,
        "Draft a model card from evidence: what can be filled, from where, and what stays open. The whole "
        "card is shown beside your answer.",
    ),
    (
        "count_models",
        CountModels,
        counting.count_lake,
        "How many models meet conditions ('German, under MIT'), the most frequent values of a field among "
        "them, or which of them state no value of it.",
    ),
    (
        "describe_lake",
        DescribeLake,
        finding.describe_lake,
        "What this lake holds: how many models, papers and results, the most frequent tasks and licences.",
    ),
)
# Offered only where a document is attached to the conversation.
_DOCUMENT_TOOL: tuple[str, type[BaseModel], Callable[[ToolContext, Any], dict[str, Any] | Shown], str] = (
    "read_document",
    ReadDocument,
    reading.read_document,
    "Read a document that the person attached to this conversation, as read_card reads a card. It is no part "
    "of the lake.",
)
TOOL_NAMES = tuple(name for name, _, _, _ in _TOOLS)


def make_tools(context: ToolContext) -> list[BaseTool]:
    """LangChain tools bound to one turn's context."""
    from langchain_core.tools import StructuredTool

    def bind(
        name: str,
        schema: type[BaseModel],
        run: Callable[[ToolContext, Any], dict[str, Any] | Shown],
        description: str,
    ) -> BaseTool:
        def call(**arguments: Any) -> tuple[str, Outcome]:
            return context.run(name, arguments, lambda: run(context, schema(**arguments)))

        return StructuredTool.from_function(
            func=call,
            name=name,
            description=description,
            args_schema=schema,
            infer_schema=False,
            response_format="content_and_artifact",
        )

    if not context.documents:
        return [bind(*entry) for entry in _TOOLS]
    name, schema, run, description = _DOCUMENT_TOOL
    attached = ", ".join(f"{document.name} ({document.kind})" for document in context.documents)
    return [bind(name, schema, run, f"{description} Attached: {attached}."), *(bind(*e) for e in _TOOLS)]
