"""From tool results to a short answer in plain English, every statement marked with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.compose_audit import compose_audit, compose_drafted, compose_finding
from assistant.offline.compose_descendants import compose_descendants
from assistant.offline.compose_facts import (
    compose_comparison,
    compose_definition,
    compose_fact,
    compose_gaps,
    compose_overview,
    compose_usage,
)
from assistant.offline.compose_search import (
    compose_find,
    compose_lineage,
    compose_papers,
    compose_ranking,
    compose_results,
    compose_unknown,
)
from assistant.offline.compose_weights import (
    compose_alike,
    compose_certainty,
    compose_lake_lineage,
    compose_pair,
)
from assistant.offline.draft import Draft
from assistant.offline.plan import Plan
from assistant.offline.wording import join_words, name_model


def compose(plan: Plan, results: Sequence[tuple[str, Mapping[str, Any]]]) -> Draft:
    """The answer to `plan` from its tools' results, (tool name, JSON), in the order they were called."""
    by_tool = {name: result for name, result in results if "error" not in result}
    failed = [result for _, result in results if "error" in result]
    match plan.intent:
        case "greeting":
            return Draft(phrases.HELLO)
        case "thanks":
            return Draft(phrases.WELCOME)
        case "help":
            return Draft(phrases.HELP)
        case "decline":
            return Draft(phrases.DECLINED[plan.reason], abstained=True)
        case "nobody":
            return Draft(phrases.WHICH_MODEL, abstained=True)
        case "definition":
            return compose_definition(plan)
        case "unclear":
            return Draft(phrases.UNCLEAR, abstained=True)
        case "unknown_model":
            return compose_unknown(plan, by_tool.get("trace_lineage"))
        case "descendants" if "trace_lineage" not in by_tool and plan.unknown:
            return compose_unknown(plan, None)
    if not by_tool:
        return _compose_failure(failed)
    match plan.intent:
        case "find" | "similar":
            return compose_find(plan, by_tool["search_models"])
        case "fact":
            return compose_fact(plan, by_tool.get("read_card") or by_tool["read_document"])
        case "usage":
            return compose_usage(plan, by_tool["read_card"])
        case "gaps":
            return compose_gaps(plan, by_tool["read_card"], by_tool.get("audit_card"))
        case "audit":
            return compose_audit(plan, by_tool["audit_card"])
        case "finding":
            return compose_finding(plan, by_tool["audit_card"])
        case "draft":
            return compose_drafted(plan, by_tool["draft_card"])
        case "overview":
            return compose_overview(plan, by_tool.get("read_card") or by_tool["read_document"])
        case "compare":
            return compose_comparison(plan, by_tool["compare_documentation"])
        case "lineage":
            return compose_lineage(plan, by_tool["trace_lineage"], by_tool.get("read_card"))
        case "weigh":
            return _compose_weighed(plan, by_tool)
        case "certainty":
            return compose_certainty(plan, results)
        case "lake_lineage":
            return compose_lake_lineage(plan, by_tool["trace_lineage"])
        case "similar_weights":
            return compose_alike(plan, by_tool["find_similar_by_weights"])
        case "descendants":
            return compose_descendants(plan, by_tool["trace_lineage"])
        case "results":
            lists = [found for name, found in results if name == "list_results" and "error" not in found]
            told = (found for found in lists if any(ranking["rows"] for ranking in found["rankings"]))
            return compose_results(plan, next(told, lists[0]))
        case "ranking":
            return compose_ranking(plan, by_tool["rank_models"])
        case "papers":
            return compose_papers(plan, by_tool["search_papers"])
        case "lake":
            return _compose_lake(by_tool["describe_lake"])
        case "count":
            return _compose_count(plan, by_tool["count_models"])
    raise AssertionError(f"no composer for {plan.intent!r}")


def _compose_weighed(plan: Plan, by_tool: Mapping[str, Mapping[str, Any]]) -> Draft:
    """An answer from the weights of two models; from their cards where the weights are not at hand."""
    lineage = by_tool.get("trace_lineage")
    if "compare_documentation" in by_tool:
        of_cards = compose_comparison(plan, by_tool["compare_documentation"])
    elif lineage is not None:
        of_cards = compose_lineage(plan, lineage, by_tool.get("read_card"))
    else:
        return _compose_failure([])
    compared = by_tool.get("compare_models")
    return compose_pair(plan, compared, lineage, of_cards) if compared is not None else of_cards


def _compose_lake(described: Mapping[str, Any]) -> Draft:
    lines = [f"- {line['text']} [{line['key']}]" for line in described["lines"]]
    return Draft("\n".join(lines), memo={"intent": "lake"})


def _compose_count(plan: Plan, counted: Mapping[str, Any]) -> Draft:
    memo = {"intent": "count", "query": plan.query, "question": plan.question, "models": counted["models"]}
    text = "\n\n".join(f"{line['text']} [{line['key']}]" for line in counted["lines"])
    return Draft(text, models=tuple(counted["models"]), memo=memo)


def _compose_failure(failed: Sequence[Mapping[str, Any]]) -> Draft:
    first = failed[0] if failed else {"error": "No tool answered.", "hint": "Ask again in other words."}
    near = tuple(first.get("candidates", ()))[:3]
    closest = (
        f" The closest names are {join_words([name_model(m) for m in near], last='or')}." if near else ""
    )
    return Draft(
        f"I could not answer: {first['error']} {first['hint']}{closest}", suggestions=near, abstained=True
    )
