"""From a question to tool calls, without a language model.

The plan is a pure function of the conversation and the lake's names: the same messages always give the same
plan, so that nothing has to be remembered between the call that plans and the call that composes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assistant.offline.dialogue import Turn, resolve_references, shown_list, shown_models
from assistant.offline.mentions import Mention, MentionIndex
from assistant.offline.scope import read_scope
from tools.attributes import Attribute, asked_attributes
from tools.metrics import asked_metrics
from tools.search.constraints import read_constraints

Intent = Literal[
    "find", "similar", "fact", "overview", "compare", "lineage", "descendants", "results", "papers", "lake",
    "help", "greeting", "thanks", "decline", "unknown_model", "unclear",
]  # fmt: skip

_FIND_SHAPED = re.compile(
    r"^\W*(?:(?:please|hi|hello|hey|so|ok)[\s,]+)*(?:which|what|any|is there|are there"
    r"|do you (?:have|know)|does (?:that|such|this lake)|"
    r"i(?:['’]m| am)? (?:need|want|looking|search\w*|would like)|we(?:['’]re| are)? (?:need|want"
    r"|looking)|looking for|need|find|search|"
    r"recommend|suggest|show me|list|give me|got|an?|some|the best)\b.{0,80}?\b(?:models?|one|ones"
    r"|checkpoints?|something|tool|network|"
    r"classifiers?|generators?|detectors?|encoders?|embeddings?|summari[sz]ers?|translators?"
    r"|recogni[sz]ers?|taggers?|bots?|"
    r"systems?|transformers?|segmenters?|adapters?|llms?|agents?|solutions?)\b"
    r"|^\W*(?:is there|are there|any|looking for|recommend|suggest|find me|i need|we need|i want"
    r"|show me|list)\b"
    r"|\bdoes (?:that|such a thing|one|something like that) exist\b|\bwhat (?:could|can|should"
    r"|would) (?:i|we) use\b",
    re.IGNORECASE,
)
_DESCENDANTS = re.compile(
    r"\b(?:which|what|list|show|find|any\w*|something|models?|are there|how many"
    r"|all)\b.{0,60}\b(?:fine-?tuned|finetuned"
    r"|derived|descend\w*|based|built|trained|"
    r"made|distilled|adapted|come|came|stem)\b.{0,24}\b(?:from|on|of|upon)\b"
    r"|\b(?:children|descendants?|derivatives?|offspring|fine-?tunes|finetunes|variants|successors)\b"
    r"|\bwhich\b.{0,40}\b(?:use|uses|have|has)\b.{0,60}\bas (?:its|their|a|the) (?:base|backbone"
    r"|parent|starting)",
    re.IGNORECASE,
)
_LINEAGE = re.compile(
    r"\b(?:fine-?tuned|finetuned|derived|descend\w*|initiali[sz]ed|distilled|adapted|originat\w*"
    r"|come|came|stem\w*)\b.{0,30}\bfrom\b"
    r"|\bbase[- ]?models?\b|\bbackbone\b|\bparents?\b|\bancestors?\b|\blineage\b|\bprovenance\b"
    r"|\bpedigree\b|\bfamily tree\b"
    r"|\b(?:built|based|trained|build) (?:on top of|upon|on)\b(?!.*\b(?:data|dataset|corpus|images"
    r"|texts?)\b)|\bfine-?tuned version of\b"
    r"|\bstarting (?:point|checkpoint|model)\b|\bwhat (?:is|was) .{0,80} (?:made|built"
    r"|fine-?tuned) (?:from|of)\b|\boriginal model\b"
    r"|\bwhich (?:model|checkpoint|pre-?trained model) (?:was|is|did|does) .{0,80}(?:from|on|start|use)",
    re.IGNORECASE,
)
# "Which checkpoint did she start from": asks for an origin, not for a recommendation.
_ORIGIN_SHAPED = re.compile(
    r"^\W*(?:which|what|from (?:which|what))\b.{0,40}?\b(?:models?|checkpoints?|parent|backbone"
    r"|base|weights)\b.{0,12}\b(?:did|does|do|was|were|is|has)\b",
    re.IGNORECASE,
)
_ABOUT_DATA = re.compile(
    r"\b(?:how many|how much|which|what|the)\b.{0,30}\b(?:data|datasets?|data sets?|corpus|corpora"
    r"|images?|texts?|reviews?|hours|"
    r"tweets?|articles?|papers?|examples?|samples?|posts?|tokens|pairs)\b(?!.*\bfrom\b)",
    re.IGNORECASE,
)
_SUPERLATIVE = re.compile(
    r"\b(?:best|highest|lowest|top|greatest|smallest|largest|maximum|max|minimum|min|leader\w*"
    r"|rank\w*|state of the art|sota|winner|"
    r"wins|leads|record|strongest|worst|beats?|outperform\w*|better than|above|below|at least|who reports)\b",
    re.IGNORECASE,
)
_SIMILAR = re.compile(
    r"\b(?:similar to|models? like|alternatives? (?:to|for)|comparable to|something like|instead of"
    r"|replacement for|resembl\w+|related to)\b",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"\b(?:vs\.?|versus|compare[ds]?|comparison|differ\w*|difference|which (?:one|of|has|is)|or"
    r"|both|and|than)\b",
    re.IGNORECASE,
)
_PAPER = re.compile(r"\b(?:papers?|publications?|articles? in the lake|arxiv)\b", re.IGNORECASE)
_ABOUT_LAKE = re.compile(
    r"\b(?:how many|number of|which|what|list)\b.{0,40}\b(?:models?|tasks?|licen[cs]es?|papers?"
    r"|languages?|cards?)\b.{0,40}"
    r"\b(?:in (?:this|the|your) lake|are (?:there|here)|do you (?:have|know|cover|hold)"
    r"|does (?:this|the) lake|in total|altogether|here)\b"
    r"|\bwhat is in (?:this|the|your) lake\b|\bhow (?:big|large) is (?:this|the|your) lake\b",
    re.IGNORECASE,
)
_REFINE = re.compile(
    r"^\W*(?:and|but|or|what about|how about|only|just|now|same|instead|also|ok|okay|then|any"
    r"|anything|something|which of|no,?|not|"
    r"without|with|in|for|under|smaller|bigger|larger|cheaper|faster|lighter|newer|older|more|less"
    r"|other|another|else|are there|is there|do any|preferably)\b",
    re.IGNORECASE,
)
_CORRECTION = re.compile(r"^\W*(?:no|nope|not that|wrong|sorry|actually|i meant?|i mean)\b", re.IGNORECASE)
_MORE = re.compile(
    r"\b(?:more|other|another|else|further|additional|next)\b(?:\s+(?:ones?|models?"
    r"|options?|results?))?\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One tool call to make."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one question, and what the composer has to know."""

    intent: Intent
    question: str  # the effective question: references resolved, names of models taken out
    query: str = ""  # the effective search words
    models: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other models the words could have meant
    unknown: tuple[str, ...] = ()  # names that are not in the lake
    nearest: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    requests: tuple[Request, ...] = ()
    reason: str = ""  # why a request is declined
    skip: tuple[str, ...] = ()  # models already shown ("any others?")


class Planner:
    """Plans over one lake's names."""

    def __init__(self, index: MentionIndex) -> None:
        self._index = index

    def plan(self, question: str, turns: Sequence[Turn] = ()) -> Plan:
        """The plan for `question` after `turns`."""
        mentions = self._index.find(question)
        known = _distinct([m for m in mentions if m.kind != "unknown"])
        unknown = [m for m in mentions if m.kind == "unknown"]
        bare = _without(question, mentions)
        find_shaped = _FIND_SHAPED.search(bare) is not None
        leaders = bool(asked_metrics(bare) and _SUPERLATIVE.search(bare))
        weak_names = leaders or (find_shaped and not _ORIGIN_SHAPED.search(question))
        strong = [m for m in known if _is_strong(m, question, weak_names=weak_names)]
        referred = () if strong or unknown else resolve_references(question, turns)
        scope = read_scope(question, names_model=bool(strong or referred))
        match scope:
            case "action" | "injection" | "world":
                return Plan(intent="decline", question=question, reason=scope)
            case "greeting" | "thanks" | "help":
                return Plan(intent=scope, question=question)
        if turns and _CORRECTION.search(question) and not referred:
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
                and _asks_descendants(question, strong[0])
            ):
                request = Request("declared_lineage", {"model": models[0]})
                return replace(plan, intent="descendants", requests=(request,))
            return plan
        if unknown and not self._is_parent_query(question):
            return self._not_here(question, bare, unknown)
        if turns and not find_shaped:
            followed = self._follow(question, bare, turns)
            if followed:
                return followed
        if turns and _REFINE.search(question) and len(question.split()) <= 12:
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
        attributes = tuple(asked_attributes(bare))
        if not attributes and not asked_metrics(bare) and turns and len(bare.split()) <= 6:
            bare, attributes = self._repeat(bare, turns)
        base = Plan(
            intent="fact",
            question=bare,
            models=models,
            also=also,
            unknown=tuple(m.model for m in unknown),
            nearest=tuple(self._index.nearest(unknown[0].model)) if unknown else (),
            attributes=attributes,
        )
        if _SIMILAR.search(bare) and len(models) == 1:
            return self._similar(base, question)
        if (
            _LINEAGE.search(bare)
            and not _ABOUT_DATA.search(bare)
            and (len(models) == 1 or _is_parent_check(bare))
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
                base, intent="lineage", requests=(Request("declared_lineage", {"model": models[0]}), reads)
            )
        if len(models) > 1:
            fields = [a.field for a in attributes if a.field]
            free = [a for a in attributes if not a.field] or asked_metrics(bare)
            arguments: dict[str, Any] = {"models": list(models[:6]), "fields": list(dict.fromkeys(fields))}
            if free or not fields or any(a.name == "data" for a in attributes):
                arguments["question"] = bare
            return replace(base, intent="compare", requests=(Request("compare_documentation", arguments),))
        overview = not attributes and not asked_metrics(bare) and _is_overview(bare)
        arguments = {"model": models[0], "question": "" if overview else bare}
        fields = [a.field for a in attributes if a.field]
        if fields:
            arguments["fields"] = list(dict.fromkeys(fields))
        return replace(
            base, intent="overview" if overview else "fact", requests=(Request("read_card", arguments),)
        )

    def _similar(self, base: Plan, question: str) -> Plan:
        record = self._index.record(base.models[0])
        assert record is not None
        words = " ".join(filter(None, [record.task, record.title, record.summary]))[:400]
        rest = _SIMILAR.sub(" ", base.question).strip(" ?.!,")
        request = Request("search_models", {"query": f"{words} {rest}".strip(), "limit": 6})
        return replace(base, intent="similar", query=question, requests=(request,))

    def _not_here(self, question: str, bare: str, unknown: Sequence[Mention]) -> Plan:
        name = unknown[0].model
        return Plan(
            intent="unknown_model",
            question=bare,
            unknown=tuple(m.model for m in unknown),
            nearest=tuple(self._index.nearest(name)),
            attributes=tuple(asked_attributes(bare)),
            # A model that is only named may still be somebody's parent.
            requests=(Request("declared_lineage", {"model": name}),),
        )

    def _is_parent_query(self, question: str) -> bool:
        return _DESCENDANTS.search(question) is not None

    # -- follow-ups ------------------------------------------------------------------------------

    def _follow(self, question: str, bare: str, turns: Sequence[Turn]) -> Plan | None:
        """ "and the licence?": an attribute without a subject is asked of the model last spoken of."""
        attributes = asked_attributes(question)
        metrics = asked_metrics(question)
        focus = shown_models(turns)
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
        if _SUPERLATIVE.search(question) and metrics:
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
        if _MORE.search(question):
            shown = tuple(m for turn in turns if turn.memo.get("query") == query for m in turn.models)
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

    def _correct(
        self, question: str, bare: str, strong: Sequence[Mention], turns: Sequence[Turn]
    ) -> Plan | None:
        """ "no, I meant the large one": the last question again, of the sibling these words describe."""
        last = turns[-1]
        models = [m.model for m in strong]
        if not models and last.models:
            family = [*last.memo.get("also", ()), *self._index.nearest(last.models[0], 8), *last.models[1:]]
            words = {
                w
                for w in re.findall(r"[a-z0-9]+", bare.lower())
                if w not in ("no", "one", "meant", "i", "the", "mean")
            }
            fitting = [
                m
                for m in family
                if m not in last.models[:1] and words & set(re.split(r"[^a-z0-9]+", m.lower()))
            ]
            models = fitting[:1]
        if not models:
            return None
        asked = str(last.memo.get("question", ""))
        return self._about(asked, asked, tuple(models), (), (), turns)

    # -- questions across the lake ---------------------------------------------------------------

    def _across(self, question: str, bare: str, unknown: Sequence[Mention]) -> Plan:
        metrics = asked_metrics(question)
        if unknown and self._is_parent_query(question):
            request = Request("declared_lineage", {"model": unknown[0].model})
            return Plan(
                intent="descendants",
                question=bare,
                unknown=tuple(m.model for m in unknown),
                nearest=tuple(self._index.nearest(unknown[0].model)),
                requests=(request,),
            )
        if metrics and _SUPERLATIVE.search(question):
            dataset = metrics[0].pattern.sub(" ", question)
            request = Request("list_results", {"metric": metrics[0].name, "dataset": dataset})
            return Plan(intent="results", question=question, query=question, requests=(request,))
        if _ABOUT_LAKE.search(question):
            return Plan(intent="lake", question=question, requests=(Request("describe_lake", {}),))
        if _PAPER.search(question) and not _FIND_SHAPED.search(question):
            return Plan(
                intent="papers", question=question, requests=(Request("search_papers", {"query": question}),)
            )
        if len(re.findall(r"\w", question)) < 3:
            return Plan(intent="unclear", question=question)
        request = Request("search_models", {"query": question})
        return Plan(intent="find", question=question, query=question, requests=(request,))


def _is_strong(mention: Mention, question: str, *, weak_names: bool) -> bool:
    """Whether the question is about this model, or only uses its name to describe something."""
    if mention.kind in ("exact", "bare"):
        before = question[: mention.start].rstrip()
        return not (weak_names and re.search(r"\b(?:an?|any|some|other)$", before, re.IGNORECASE))
    return not weak_names


def _asks_descendants(question: str, mention: Mention) -> bool:
    """ "which models are fine-tuned from X", "X's children": the name stands where the parent does."""
    if re.search(
        r"\b(?:children|descendants?|derivatives?|offspring|fine-?tunes)\b", question, re.IGNORECASE
    ):
        return True
    before = re.search(
        r"\b(?:from|on|of|upon|use|uses|using|have)\s+(?:the\s+)?[`'\"]?$", question[: mention.start]
    )
    # "what was X based on" has its model before the verb; "which model is X made from" too.
    return before is not None and _DESCENDANTS.search(question[: mention.start]) is not None


def _is_parent_check(bare: str) -> bool:
    """ "is A fine-tuned from B?" names two models and still asks for one origin."""
    return re.search(r"^\W*(?:is|was|are|does|did)\b", bare, re.IGNORECASE) is not None


def _is_overview(bare: str) -> bool:
    words = re.findall(r"\w+", bare)
    return len(words) <= 4 or bool(
        re.search(
            r"\b(?:tell me|what is|what['’]s|describe|about|overview|summar\w+|do you have"
            r"|know|explain|info\w*)\b",
            bare,
            re.I,
        )
    )


def _without(question: str, mentions: Sequence[Mention]) -> str:
    """The question without the words that name models."""
    text = question
    for mention in sorted(mentions, key=lambda m: -m.start):
        text = text[: mention.start] + " " + text[mention.start + len(mention.words) :]
    return " ".join(re.sub(r"\s['’]s\b", " ", text).split())


def _distinct(mentions: list[Mention]) -> list[Mention]:
    return list({mention.model: mention for mention in reversed(mentions)}.values())[::-1]
