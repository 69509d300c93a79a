"""Plans for questions that weights answer: of two models, of the whole lake, and of the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.offline.cues import is_yes_no
from assistant.offline.dialogue import Turn, shown_models
from assistant.offline.plan import Plan, Request
from assistant.offline.shapes import has_shape
from tools.metrics import asked_metrics

_LONGEST_FOLLOW_UP = 12  # words


def plan_pair(base: Plan, bare: str) -> Plan | None:
    """Two models held against each other, or one and what is like it by weights; None for other questions.

    `bare` is the question without the names. Where the weights are not at hand the cards answer.
    """
    models = base.models
    if len(models) == 1 and has_shape("similar_weights", bare):
        request = Request("find_similar_by_weights", {"model": models[0]})
        return replace(base, intent="similar_weights", requests=(request,))
    if len(models) == 1 and has_shape("copy_of", bare):
        request = Request("find_similar_by_weights", {"model": models[0]})
        return replace(base, intent="similar_weights", reason="copies", requests=(request,))
    if len(models) != 2 or asked_metrics(bare):
        return None
    compare = Request("compare_models", {"a": models[0], "b": models[1]})
    documents = Request("compare_documentation", {"models": list(models), "fields": [], "question": bare})
    of_two = (compare, _trace(models[0]), documents)
    if has_shape("copies", bare):
        return replace(base, intent="weigh", reason="copy", requests=of_two)
    if has_shape("independent", bare):
        return replace(base, intent="weigh", reason="unrelated", requests=of_two)
    descent = has_shape("lineage", bare) or has_shape("made_from", bare)
    if descent and not has_shape("about_data", bare) and (is_yes_no(bare) or has_shape("whether", bare)):
        reads = Request(
            "read_card",
            {"model": models[0], "question": f"{bare} fine-tuned from base model", "fields": ["base_model"]},
        )
        return replace(base, intent="weigh", reason="origin", requests=(_trace(models[0]), reads, compare))
    if has_shape("related", bare):
        return replace(base, intent="weigh", reason="related", requests=of_two)
    if has_shape("changes", bare) and not base.attributes:
        return replace(base, intent="weigh", reason="changes", requests=(compare, documents))
    return None


def plan_lake(question: str) -> Plan | None:
    """ "which models have a false parent", "which are copies of each other": asked of the whole lake."""
    for reason in ("false_parents", "undeclared", "copies"):
        if has_shape(f"lake_{reason}", question):
            request = Request("trace_lineage", {})
            return Plan(intent="lake_lineage", question=question, reason=reason, requests=(request,))
    return None


def plan_certainty(question: str, turns: Sequence[Turn]) -> Plan | None:
    """ "how sure is that?": the statistics behind the last answer, when it stood on weights."""
    weighed = turns[-1].memo.get("weighed")
    if not weighed or len(question.split()) > _LONGEST_FOLLOW_UP or not has_shape("certainty", question):
        return None
    return Plan(
        intent="certainty",
        question=question,
        models=shown_models(turns)[:1],
        requests=tuple(Request(entry["tool"], entry["arguments"]) for entry in weighed),
    )


def plan_really(question: str, turns: Sequence[Turn]) -> tuple[tuple[str, ...], str] | None:
    """ "and from which one really?": (the model last spoken of, the question in full)."""
    last = turns[-1]
    lineal = last.memo.get("weighed") or last.memo.get("intent") in ("lineage", "descendants")
    if not lineal or len(question.split()) > _LONGEST_FOLLOW_UP or not has_shape("really", question):
        return None
    return shown_models(turns)[:1], "what was it made from?"


def asks_descent(bare: str) -> bool:
    """ "does its card tell the truth about where it comes from?", "was it merged from A and B?"."""
    return has_shape("truth", bare) or (is_yes_no(bare) and has_shape("merged_from", bare))


def _trace(model: str) -> Request:
    return Request("trace_lineage", {"model": model})
