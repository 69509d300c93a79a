"""From a question to tool calls, without a language model.

The plan is a pure function of the conversation and the lake's names: the same messages always give the same
plan, so that nothing has to be remembered between the call that plans and the call that composes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assistant.offline.dialogue import (
    Turn,
    resolve_references,
    shown_list,
    shown_models,
    strip_references,
)
from assistant.offline.field_values import normal_values
from assistant.offline.mentions import Mention, MentionIndex, name_parts
from assistant.offline.scope import read_scope
from assistant.offline.shapes import find_shape, has_shape, sub_shape
from tools.attributes import Attribute, asked_attributes
from tools.metrics import asked_metrics
from tools.reading import content_words
from tools.search.constraints import read_constraints

Intent = Literal[
    "find", "similar", "fact", "overview", "compare", "lineage", "descendants", "results", "ranking",
    "papers", "lake",
    "help", "greeting", "thanks", "decline", "unknown_model", "unclear",
]  # fmt: skip


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
    limit: int = 5  # how many models are wanted


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
        find_shaped = has_shape("find", bare)
        leaders = bool(asked_metrics(bare) and has_shape("superlative", bare))
        weak_names = leaders or (
            find_shaped and not has_shape("origin", question) and not _asks_fact_first(question)
        )
        strong = [m for m in known if _is_strong(m, question, weak_names=weak_names)]
        referred = (
            ()
            if strong or unknown or leaders
            else resolve_references(question, turns, pronouns=not find_shaped)
        )
        if turns and not strong and not unknown and (sibling := self._sibling(question, bare, turns)):
            return sibling
        scope = read_scope(question, names_model=bool(strong or referred))
        match scope:
            case "action" | "injection" | "world":
                return Plan(intent="decline", question=question, reason=scope)
            case "greeting" | "thanks" | "help":
                return Plan(intent=scope, question=question)
        if turns and not strong and not unknown and _sets_condition(question, turns):
            refined = self._refine(question, turns)
            if refined:
                return refined
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
        if turns and has_shape("refine", question) and len(question.split()) <= 12:
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
        asks_yes_no = _is_yes_no(bare) or _WHICH_OF_THEM.search(bare)
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
        if has_shape("similar", bare) and len(models) == 1:
            return self._similar(base, question)
        if (
            has_shape("lineage", bare)
            and not has_shape("about_data", bare)
            and (len(models) == 1 or _is_yes_no(bare))
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
        rest = sub_shape("similar", " ", base.question).strip(" ?.!,")
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
        return has_shape("descendants", question)

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

    def _sibling(self, question: str, bare: str, turns: Sequence[Turn]) -> Plan | None:
        """ "and the small?", "the 13b, its F1?": the last question of the sibling that these words name."""
        last = next((turn for turn in reversed(turns) if turn.models), None)
        named = _SIBLING.match(question)
        if last is None or named is None or len(question.split()) > 8:
            return None
        words = {word.lower() for word in re.findall(r"[\w.]+", named["name"])} - _NO_NAME
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
        if metrics and has_shape("superlative", question):
            dataset = metrics[0].pattern.sub(" ", question)
            request = Request("list_results", {"metric": metrics[0].name, "dataset": dataset})
            return Plan(intent="results", question=question, query=question, requests=(request,))
        if ranking := _read_ranking(question):
            return Plan(intent="ranking", question=question, query=question, requests=(ranking,))
        if has_shape("about_lake", question):
            return Plan(intent="lake", question=question, requests=(Request("describe_lake", {}),))
        if has_shape("paper", question) and not has_shape("find", question):
            return Plan(
                intent="papers", question=question, requests=(Request("search_papers", {"query": question}),)
            )
        if len(re.findall(r"\w", question)) < 3:
            return Plan(intent="unclear", question=question)
        limit = 12 if has_shape("list_all", question) else 5
        request = Request("search_models", {"query": question, "limit": limit})
        return Plan(intent="find", question=question, query=question, requests=(request,), limit=limit)


def _read_ranking(question: str) -> Request | None:
    """ "the most downloaded", "the smallest German model": an order of models, and nothing else is asked.

    A question that describes more ("the smallest model that reads X-rays") is for search.
    """
    for by, ascending, shape in _ORDERS:
        found = find_shape(shape, question)
        if found is None:
            continue
        rest = f"{question[: found.start()]} {question[found.end() :]}"
        described = rest
        for constraint in read_constraints(rest):
            if constraint.words:
                described = described.replace(constraint.words, " ")
        if set(content_words(described)) - _EMPTY_WORDS:
            return None
        return Request("rank_models", {"by": by, "ascending": ascending, "query": " ".join(rest.split())})
    return None


_ORDERS: tuple[tuple[str, bool, str], ...] = (
    ("downloads", False, "most_downloaded"),
    ("downloads", True, "least_downloaded"),
    ("likes", False, "most_liked"),
    ("likes", True, "least_liked"),
    ("parameters", False, "largest"),
    ("parameters", True, "smallest"),
    ("last_modified", False, "newest"),
    ("last_modified", True, "oldest"),
)
_WHICH_OF_THEM = re.compile(r"\bwhich (?:one |ones )?(?:of (?:them|those|these))", re.IGNORECASE)
_SIBLING = re.compile(
    r"\W*(?:and|ok|okay|then|now|so|but|what about|how about)*\W*(?:the )?(?P<name>[\w.]+(?: [\w.]+)?)"
    r"(?: (?:one|model|version|size|variant|itself|too|as well|please|instead))*(?=\W*$|,)",
    re.IGNORECASE,
)
_NO_NAME = frozenset(
    {
        *("one", "ones", "model", "models", "version", "size", "variant", "itself", "too", "as", "well"),
        *("please", "instead", "it", "its", "this", "that", "the", "and", "them", "both", "thanks"),
        *("license", "licence", "licences", "dataset", "data", "first", "second", "third", "last", "other"),
    }
)
_EMPTY_WORDS = frozenset(content_words("model models lake here have list show tell name number five ten one"))


def _is_strong(mention: Mention, question: str, *, weak_names: bool) -> bool:
    """Whether the question is about this model, or only uses its name to describe something."""
    if mention.kind in ("exact", "bare"):
        before = question[: mention.start].rstrip()
        return not (weak_names and re.search(r"\b(?:an?|any|some|other)$", before, re.IGNORECASE))
    return not weak_names


def _sets_condition(question: str, turns: Sequence[Turn]) -> bool:
    """ "it has to be free for commercial use", said of what was searched for."""
    return (
        turns[-1].memo.get("intent") in ("find", "similar")
        and bool(re.match(r"\W*(?:it|they|that) (?:has|have|needs?|must|should|ought)\b", question, re.I))
        and bool(read_constraints(question))
    )


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
    return before is not None and has_shape("descendants", question[: mention.start])


def _asks_fact_first(question: str) -> bool:
    """ "what licence has ...", "what does X's ... score": a fact of a described model is asked first."""
    begins = re.match(r"\W*(?:what|which|name|how)\b((?:\W+\w+){0,3})", question, re.IGNORECASE)
    if begins is None or re.search(r"\bmodels?\b", begins[1], re.IGNORECASE):
        return False
    return bool(
        asked_metrics(begins[1])
        or asked_attributes(begins[1])
        or re.match(r"\W+(?:does|do|did|is|was|are|were)\b", begins[1], re.IGNORECASE)
    )


def _is_yes_no(bare: str) -> bool:
    """ "is A fine-tuned from B?", "does it speak German?"."""
    return re.search(r"^\W*(?:is|was|are|does|did)\b", bare, re.IGNORECASE) is not None


def _is_overview(bare: str) -> bool:
    words = re.findall(r"\w+", bare)
    bare_name = len(words) <= 2 and not re.match(r"\W*(?:who|whose|when|where|why|how|which)\b", bare, re.I)
    return bare_name or bool(
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
