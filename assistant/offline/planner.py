"""From a question to tool calls, without a language model.

The plan is a pure function of the conversation and the lake's names: the same messages always give the same
plan, so that nothing has to be remembered between the call that plans and the call that composes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assistant.offline.audit_plans import (
    plan_finding,
    plan_lake_audit,
    plan_of_card,
    plan_without_model,
    read_subject,
)
from assistant.offline.count_plans import plan_count
from assistant.offline.cues import (
    ELSEWHERE,
    NO_NAME,
    SIBLING,
    WHICH_OF_THEM,
    ask_results,
    asks_descendants,
    asks_fact_first,
    choose_meant,
    distinct_models,
    drop_mentions,
    is_overview,
    is_strong,
    is_yes_no,
    read_ranking,
    sets_condition,
)
from assistant.offline.dialogue import (
    Turn,
    resolve_references,
    shown_list,
    shown_models,
    strip_base,
    strip_references,
)
from assistant.offline.field_values import normal_values
from assistant.offline.mentions import Mention, MentionIndex, name_parts
from assistant.offline.plan import Intent, Plan, Request
from assistant.offline.scope import read_scope
from assistant.offline.shapes import has_shape, sub_shape
from assistant.offline.weight_plans import (
    asks_descent,
    plan_certainty,
    plan_lake,
    plan_pair,
    plan_really,
)
from tools.attributes import Attribute, asked_attributes
from tools.metrics import asked_metrics
from tools.search.constraints import read_constraints

__all__ = ["Intent", "Plan", "Planner", "Request"]

_CARD_FIELDS = ("task", "license", "language", "dataset", "base_model", "parameters", "library")


class Planner:
    """Plans over one lake's names."""

    def __init__(self, index: MentionIndex) -> None:
        self._index = index

    def plan(self, question: str, turns: Sequence[Turn] = (), documents: Sequence[str] = ()) -> Plan:
        """The plan for `question` after `turns`; `documents` are attached to the conversation."""
        mentions = self._index.find(question)
        known = distinct_models([m for m in mentions if m.kind not in ("unknown", "family")])
        # A family describes what is looked for, unless a fact is asked of it as of a model.
        of_family = asks_fact_first(question)
        mentions = [m for m in mentions if m.kind != "family" or of_family]
        unknown = [m for m in mentions if m.kind in ("unknown", "family")]
        bare = drop_mentions(question, mentions)
        find_shaped = has_shape("find", bare)
        leaders = bool(asked_metrics(bare) and has_shape("superlative", bare))
        weak_names = leaders or (
            find_shaped and not has_shape("origin", question) and not asks_fact_first(question)
        )
        strong = [m for m in known if is_strong(m, question, weak_names=weak_names)]
        referred = (
            ()
            if strong or unknown or leaders
            else resolve_references(question, turns, pronouns=not find_shaped)
        )
        if referred and referred == tuple(turns[-1].memo.get("parents", ()))[:1]:
            bare = strip_base(bare)
        if turns and not strong and (asked := plan_finding(question, turns)):
            return asked
        if turns and not strong and not unknown and (sibling := self._sibling(question, bare, turns)):
            return sibling
        scope = read_scope(question, names_model=bool(strong or referred))
        match scope:
            case "action" | "injection" | "world":
                return Plan(intent="decline", question=question, reason=scope)
            case "greeting" | "thanks" | "help":
                return Plan(intent=scope, question=question)
        if turns and not strong and not unknown and sets_condition(question, turns):
            refined = self._refine(question, turns)
            if refined:
                return refined
        if not strong and not unknown and (weighed := plan_lake(question)):
            return weighed
        if not strong and not referred and has_shape("definition", bare) and (defined := asked_metrics(bare)):
            return Plan(intent="definition", question=question, reason=defined[0].name)
        if not strong and not unknown and (audited := plan_lake_audit(question)):
            return audited
        if turns and not strong and (followed := plan_certainty(question, turns)):
            return followed
        if turns and not strong and (really := plan_really(question, turns)):
            return self._about(really[1], really[1], really[0], (), (), turns)
        if documents and not strong:
            spoken_of = [model for model in referred if model in documents]
            finds = find_shaped and not has_shape("lineage", question)
            of_lake = bool(referred) or bool(unknown) or finds or leaders or has_shape("about_lake", question)
            if spoken_of or has_shape("document", question) or not of_lake:
                return self._read_document(question, bare, (*spoken_of, documents[-1])[0])
        if turns and has_shape("correction", question) and not referred:
            corrected = self._correct(question, bare, strong, turns)
            if corrected:
                return corrected
        if strong or referred:
            models = tuple(m.model for m in strong) or referred
            also = strong[0].also if strong and strong[0].kind in ("bare", "loose") else ()
            plan = self._about(question, bare, models, also, unknown, turns)
            if (
                strong
                and plan.intent in ("fact", "lineage", "overview")
                and asks_descendants(question, strong[0])
            ):
                request = Request("trace_lineage", {"model": models[0]})
                among = shown_list(turns) if WHICH_OF_THEM.search(question) else ()
                return replace(plan, intent="descendants", requests=(request,), among=among)
            return plan
        if unknown and not self._is_parent_query(question):
            plan = self._not_here(bare, *(mention.model for mention in unknown))
            return replace(plan, also=unknown[0].also)
        if turns and not find_shaped:
            followed = self._follow(question, bare, turns)
            if followed:
                return followed
        refines = has_shape("refine", question) or has_shape("more", question)
        if turns and refines and len(question.split()) <= 12:
            refined = self._refine(question, turns)
            if refined:
                return refined
        return self._across(question, bare, unknown)

    # -- questions about named models ------------------------------------------------------------

    def _about(
        self,
        question: str,
        bare: str,
        models: tuple[str, ...],
        also: tuple[str, ...],
        unknown: Sequence[Mention],
        turns: Sequence[Turn],
    ) -> Plan:
        bare = strip_references(bare)
        attributes = tuple(asked_attributes(bare))
        vague = not asked_metrics(bare) and all(a.name == "score" for a in attributes)
        if vague and turns and not has_shape("lineage", bare):
            last = turns[-1].memo.get("intent")
            same_results = last == "results" and (attributes or len(bare.split()) <= 6)
            if same_results or (len(models) > 1 and last == "fact"):
                bare = str(turns[-1].memo.get("question", bare))
                attributes = tuple(asked_attributes(bare))
            elif not attributes and len(bare.split()) <= 6:
                bare, attributes = self._repeat(bare, turns)
        if not attributes and normal_values("license", bare):
            # "X is MIT, isn't it?"
            attributes = tuple(asked_attributes("which licence?"))
        asks_yes_no = is_yes_no(bare) or WHICH_OF_THEM.search(bare)
        if not attributes and asks_yes_no and normal_values("language", bare, codes=False):
            # "does it translate into German?"
            attributes = tuple(asked_attributes("which languages?"))
        base = Plan(
            intent="fact",
            question=bare,
            models=models,
            also=also,
            unknown=tuple(m.model for m in unknown),
            nearest=tuple(self._index.nearest(unknown[0].model)) if unknown else (),
            attributes=attributes,
        )
        if weighed := plan_pair(base, bare):
            return weighed
        if of_card := plan_of_card(base, bare):
            return of_card
        if has_shape("usage", bare) and len(models) == 1 and all(a.name == "library" for a in attributes):
            code = {"model": models[0], "question": f"{bare} code", "fields": ["library"]}
            return replace(base, intent="usage", requests=(Request("read_card", code),))
        if has_shape("similar", bare) and len(models) == 1:
            return self._similar(base, question)
        if (
            (has_shape("lineage", bare) or asks_descent(bare))
            and not has_shape("about_data", bare)
            and (len(models) == 1 or is_yes_no(bare))
        ):
            reads = Request(
                "read_card",
                {
                    "model": models[0],
                    "question": f"{bare} fine-tuned from base model",
                    "fields": ["base_model"],
                },
            )
            return replace(
                base, intent="lineage", requests=(Request("trace_lineage", {"model": models[0]}), reads)
            )
        if len(models) > 1:
            fields = [a.field for a in attributes if a.field]
            arguments: dict[str, Any] = {
                "models": list(models[:6]),
                "fields": list(dict.fromkeys(fields)),
                "question": bare,
            }
            return replace(base, intent="compare", requests=(Request("compare_documentation", arguments),))
        if has_shape("gaps", bare):
            reads = Request("read_card", {"model": models[0], "fields": list(_CARD_FIELDS)})
            return replace(base, intent="gaps", requests=(reads, Request("audit_card", {"model": models[0]})))
        overview = not attributes and not asked_metrics(bare) and is_overview(bare)
        arguments = {"model": models[0], "question": "" if overview else bare}
        fields = [a.field for a in attributes if a.field]
        if fields:
            arguments["fields"] = list(dict.fromkeys(fields))
        return replace(
            base, intent="overview" if overview else "fact", requests=(Request("read_card", arguments),)
        )

    def _read_document(self, question: str, bare: str, document: str) -> Plan:
        """A question about a document of the conversation, which no catalog holds."""
        bare = sub_shape("document", "", strip_references(bare)).strip()
        attributes = tuple(asked_attributes(bare))
        overview = not attributes and not asked_metrics(bare) and is_overview(bare)
        arguments: dict[str, Any] = {"document": document, "question": "" if overview else bare or question}
        if fields := [a.field for a in attributes if a.field]:
            arguments["fields"] = list(dict.fromkeys(fields))
        return Plan(
            intent="overview" if overview else "fact",
            question=bare,
            models=(document,),
            attributes=attributes,
            requests=(Request("read_document", arguments),),
        )

    def _similar(self, base: Plan, question: str) -> Plan:
        rest = " ".join(sub_shape("similar", " ", base.question).strip(" ?.!,").split())
        request = Request("search_models", {"query": rest, "similar_to": base.models[0]})
        return replace(base, intent="similar", query=question, requests=(request,))

    def _not_here(self, bare: str, *names: str) -> Plan:
        return Plan(
            intent="unknown_model",
            question=bare,
            unknown=names,
            nearest=tuple(self._index.nearest(names[0])),
            attributes=tuple(asked_attributes(bare)),
            # A model that is only named may still be somebody's parent.
            requests=(Request("trace_lineage", {"model": names[0]}),),
        )

    def _is_parent_query(self, question: str) -> bool:
        return has_shape("descendants", question)

    # -- follow-ups ------------------------------------------------------------------------------

    def _follow(self, question: str, bare: str, turns: Sequence[Turn]) -> Plan | None:
        """ "and the licence?": an attribute without a subject is asked of the model last spoken of."""
        attributes = asked_attributes(question)
        metrics = asked_metrics(question)
        focus = shown_models(turns)
        asked = str(turns[-1].memo.get("question", "")) if turns[-1].memo.get("intent") == "fact" else ""
        if focus and (again := asked_metrics(asked)) and ELSEWHERE.match(question) and not metrics:
            # "and on German XQuAD?": the same score, on other data.
            other = f"{again[0].name} {question}"
            return self._about(other, other, focus[:1], (), (), turns)
        if not focus or not (attributes or metrics) or len(question.split()) > 9:
            return None
        if re.search(
            r"\bwhich (?:one |of (?:them|those|these) )?(?:has|have|is"
            r"|are)\b",
            question,
            re.IGNORECASE,
        ):
            return self._about(question, bare, shown_list(turns)[:5], (), (), turns)
        if read_constraints(question) and turns[-1].memo.get("intent") in ("find", "similar"):
            return None
        if has_shape("superlative", question) and metrics:
            return None
        return self._about(question, bare, focus[:1], (), (), turns)

    def _repeat(self, bare: str, turns: Sequence[Turn]) -> tuple[str, tuple[Attribute, ...]]:
        """ "what about the second one?" asks the last question again of another model."""
        if not re.search(r"\b(?:what|how) about\b|^\W*and\b|\btoo\b|\bsame\b|^\W*$", bare, re.IGNORECASE):
            return bare, ()
        for turn in reversed(turns):
            if turn.memo.get("intent") in ("fact", "compare", "lineage"):
                asked = str(turn.memo.get("question", ""))
                return asked, tuple(asked_attributes(asked))
        return bare, ()

    def _refine(self, question: str, turns: Sequence[Turn]) -> Plan | None:
        """ "and in German?", "only under MIT": the last search again, with this as well."""
        last = next(
            (turn for turn in reversed(turns) if turn.memo.get("intent") in ("find", "similar")), None
        )
        if last is None:
            return None
        query = str(last.memo.get("query", last.user))
        if has_shape("more", question):
            asked = [turn for turn in turns if turn.memo.get("query") == query]
            shown = tuple(m for turn in asked for m in turn.memo.get("shown", turn.models))
            request = Request("search_models", {"query": query, "limit": 12})
            return Plan(intent="find", question=question, query=query, requests=(request,), skip=shown)
        new = {constraint.field for constraint in read_constraints(question) if constraint.hard}
        for constraint in read_constraints(query):
            if constraint.field in new and constraint.words:
                query = query.replace(constraint.words, " ")
        added = re.sub(
            r"^\W*(?:and|but|or|what about|how about|ok(?:ay)?|now"
            r"|then)\b[\s,]*",
            "",
            question,
            flags=re.IGNORECASE,
        )
        query = " ".join(f"{query.rstrip(' ?.!')}, {added}".split())
        return Plan(
            intent="find", question=query, query=query, requests=(Request("search_models", {"query": query}),)
        )

    def _sibling(self, question: str, bare: str, turns: Sequence[Turn]) -> Plan | None:
        """ "and the small?", "the 13b, its F1?": the last question of the sibling that these words name."""
        last = next((turn for turn in reversed(turns) if turn.models), None)
        named = SIBLING.match(question)
        if last is None or named is None or len(question.split()) > 8:
            return None
        words = {word.lower() for word in re.findall(r"[\w.]+", named["name"])} - NO_NAME
        if not words or resolve_references(named[0], turns, pronouns=False):
            return None
        told = [model for turn in reversed(turns) for model in turn.models[:5]]
        near = [*told, *self._index.siblings(last.models[0])] if last.memo.get("intent") != "find" else told
        fitting = [model for model in dict.fromkeys(near) if words <= set(name_parts(model))]
        if not fitting:
            return None
        rest = question[named.end() :]
        if not (asked_attributes(rest) or asked_metrics(rest)):
            rest = str(last.memo.get("question", "")) if last.memo.get("intent") != "find" else rest
        return self._about(question, rest, tuple(fitting[:1]), (), (), turns)

    def _correct(
        self, question: str, bare: str, strong: Sequence[Mention], turns: Sequence[Turn]
    ) -> Plan | None:
        """ "no, I meant the large one": the last question again, of the sibling these words describe."""
        last = turns[-1]
        models = [m.model for m in strong]
        if strong and strong[0].kind != "exact":
            models = choose_meant(strong[0], last.memo.get("also", ())) or models
        if not models and last.models:
            family = [*last.memo.get("also", ()), *self._index.nearest(last.models[0], 8), *last.models[1:]]
            words = set(re.findall(r"[a-z0-9]+", bare.lower())) - {"no", "one", "meant", "i", "the", "mean"}
            others = [m for m in family if m not in last.models[:1]]
            models = [m for m in others if words & set(re.split(r"[^a-z0-9]+", m.lower()))][:1]
        if not models:
            return None
        asked = str(last.memo.get("question", ""))
        return self._about(asked, asked, tuple(models), (), (), turns)

    # -- questions across the lake ---------------------------------------------------------------

    def _across(self, question: str, bare: str, unknown: Sequence[Mention]) -> Plan:
        if subject := read_subject(question):
            return self._not_here(bare, subject)
        if of_card := plan_without_model(question):
            return of_card
        metrics = asked_metrics(question)
        if unknown and self._is_parent_query(question):
            request = Request("trace_lineage", {"model": unknown[0].model})
            return Plan(
                intent="descendants",
                question=bare,
                unknown=tuple(m.model for m in unknown),
                nearest=tuple(self._index.nearest(unknown[0].model)),
                requests=(request,),
            )
        if metrics and has_shape("superlative", question):
            requests = tuple(Request("list_results", asked) for asked in ask_results(question, metrics[0]))
            return Plan(intent="results", question=question, query=question, requests=requests)
        if counted := plan_count(question):
            return counted
        if order := read_ranking(question):
            request = Request("rank_models", order)
            return Plan(intent="ranking", question=question, query=question, requests=(request,))
        if has_shape("about_lake", question):
            return Plan(intent="lake", question=question, requests=(Request("describe_lake", {}),))
        asks_paper = has_shape("paper", question) and not has_shape("find", question)
        if asks_paper or has_shape("paper_says", question):
            return Plan(
                intent="papers", question=question, requests=(Request("search_papers", {"query": question}),)
            )
        if len(re.findall(r"\w", question)) < 3:
            return Plan(intent="unclear", question=question)
        if has_shape("pointing", question):
            return Plan(intent="nobody", question=question)
        limit = 12 if has_shape("list_all", question) else 5
        arguments: dict[str, Any] = {"query": question, "limit": limit}
        if author := self._index.find_author(question):
            arguments["author"] = author
        request = Request("search_models", arguments)
        return Plan(intent="find", question=question, query=question, requests=(request,), limit=limit)
