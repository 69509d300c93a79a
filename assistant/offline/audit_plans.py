"""Plans for questions on a card as a whole: audits, single findings of one, drafts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.offline.dialogue import Turn, read_ordinal, shown_models
from assistant.offline.plan import Plan, Request
from assistant.offline.shapes import has_shape

_LONGEST_FOLLOW_UP = 14  # words
_COMMAND = re.compile(
    r"\W*(?:(?:please|can you|could you|would you|help me(?: to)?)\s+)*"
    r"(?:audit|draft|check|review|write|compose|make|create)\b",
    re.IGNORECASE,
)
# "the first error", "the last warning"; "an error" says what something is.
_SEVERITY = re.compile(r"(?<!\ban )(?<!\ba )\b(error|warning|note)s?\b", re.IGNORECASE)


def plan_of_card(base: Plan, bare: str) -> Plan | None:
    """A card of one model audited or drafted; None for other questions. `bare` is without the names."""
    if len(base.models) != 1:
        return None
    for intent, tool in (("draft", "draft_card"), ("audit", "audit_card")):
        if has_shape(intent, bare):
            request = Request(tool, {"model": base.models[0]})
            return replace(base, intent=intent, requests=(request,))  # type: ignore[arg-type]
    return None


def plan_without_model(question: str) -> Plan | None:
    """An audit of the whole lake, or the question back whose card is meant; None for other questions."""
    if has_shape("lake_audit", question):
        return Plan(intent="audit", question=question, requests=(Request("audit_card", {}),))
    if _COMMAND.match(question) and (has_shape("draft", question) or has_shape("audit", question)):
        return Plan(intent="nobody", question=question)
    return None


def plan_finding(question: str, turns: Sequence[Turn]) -> Plan | None:
    """ "explain the second one", "how do I fix it?": one finding of the audit that was just shown."""
    last = turns[-1]
    models = shown_models(turns)[:1]
    if last.memo.get("intent") not in ("audit", "finding") or not models:
        return None
    if len(question.split()) > _LONGEST_FOLLOW_UP or not has_shape("finding", question):
        return None
    if has_shape("draft", question) or has_shape("audit", question):
        return None
    severity = _SEVERITY.search(question)
    place = read_ordinal(question)
    if place is None:
        place = 0 if severity else int(last.memo.get("finding", 1)) - 1
    return Plan(
        intent="finding",
        question=question,
        models=models,
        requests=(Request("audit_card", {"model": models[0]}),),
        reason=severity[1].lower() if severity else "",
        limit=place + 1,
    )
