"""Answers from across the lake: recommended models, results, lineage, papers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.compose_weights import list_parents, store_requests, weigh_lines
from assistant.offline.draft import Draft
from assistant.offline.field_values import FIELD_WORDS
from assistant.offline.plan import Plan
from assistant.offline.wording import (
    join_words,
    mark_keys,
    name_data,
    name_model,
    quote_text,
    shorten_value,
)
from tools.reading import content_words
from tools.search.vocabulary import language_label

Json = Mapping[str, Any]

_SHOWN_MODELS = 3
_SHOWN_CHILDREN = 6
_USUAL_LIMIT = 5
# Below this the best hit shares too little with the question to be called a match (see eval/ask.py).
_LOW_CONFIDENCE = 0.2
# Below this the question is most likely about something else altogether.
_FAR_OFF = 0.1
# Above this the words of the question that no card uses are told in other words there.
_SURE = 0.75
_MISSING_WORDS = {"text": "words you asked for", "derived_from": "model they come from"}
_CONSTRAINT_WORDS = {
    "task": "task", "language": "language", "license": "licence", "library": "library", "dataset": "dataset",
    "author": "author", "downloads": "downloads", "parameters": "parameters", "derived_from": "made from",
    "text": "mentioning",
}  # fmt: skip


def compose_find(plan: Plan, found: Json) -> Draft:
    """Ranked models, each with the words of its card that speak for it."""
    memo: dict[str, Any] = {
        "intent": plan.intent,
        "query": plan.query or plan.question,
        "question": plan.question,
    }
    skipped = set(plan.skip) | (set(plan.models) if plan.intent == "similar" else set())
    hits = [hit for hit in found["models"] if hit["model"] not in skipped]
    conditions = _conditions(found["constraints"])
    if not hits or found["confidence"] < _LOW_CONFIDENCE:
        return _nothing_fits(found, hits, conditions, memo, others=bool(plan.skip))
    unseen = ""
    if found.get("unseen") and found["confidence"] < _SURE:
        words = join_words([f"“{word}”" for word in found["unseen"]], last="or")
        unseen = f"No card of this lake speaks of {words}; nearest in meaning, with what their cards say:"
    lines = [unseen or phrases.MATCHES_FOLLOW, ""]
    for number, hit in enumerate(hits[:_SHOWN_MODELS], start=1):
        lines.append(f"{number}. {_hit_line(hit, plan.query)}")
    also = ""
    if len(hits) > _SHOWN_MODELS and plan.limit > _USUAL_LIMIT:
        also = f"Also found: {join_words([name_model(hit['model']) for hit in hits[_SHOWN_MODELS:]])}."
        lines += ["", also]
    read = f"Conditions I read from your words: {'; '.join(conditions)}."
    if conditions:
        lines += ["", read]
    left_out = ""
    # Everybody can see whose model it is: silence about an author is no news.
    unknown = [
        entry
        for entry in found["not_stated"]
        if entry["model"] not in skipped and tuple(entry["unknown"]) != ("author",)
    ][:2]
    if unknown:
        names = join_words([name_model(entry["model"]) for entry in unknown])
        fields = join_words(
            sorted({_name_field(f) for entry in unknown for f in entry["unknown"]}), last="or"
        )
        left_out = f"Not counted as matches, because their cards do not state the {fields}: {names}."
        lines += ["", left_out]
    summaries = [hit for hit in hits[:_SHOWN_MODELS] if "our_summary_of" in hit]
    if summaries:
        lines += ["", phrases.OUR_SUMMARIES]
    models = tuple(hit["model"] for hit in hits)
    memo["models"] = list(models)
    memo["shown"] = list(models if also else models[:_SHOWN_MODELS])
    return Draft(text="\n".join(lines), models=models, memo=memo, framing=(read, left_out, also, unseen))


_MOST_VALUE = 48


def _hit_line(hit: Json, query: str) -> str:
    facts = hit["facts"]
    told = []
    for name, word in (("task", ""), ("license", "licence ")):
        # A licence told in a sentence is read in its card, not squeezed into brackets.
        if name in facts and len(str(facts[name]["value"])) <= _MOST_VALUE:
            told.append(f"{word}{shorten_value(str(facts[name]['value']), 60)} [{facts[name]['key']}]")
    line = f"{name_model(hit['model'])} ({', '.join(told)})" if told else name_model(hit["model"])
    if not hit["passages"] and "dataset" in facts:
        data = facts["dataset"]
        return f"{line}: datasets {shorten_value(str(data['value']), 80)} [{data['key']}]"
    for passage in hit["passages"]:
        quoted = quote_text(passage["text"], about=content_words(query), words=26)
        if len(quoted) > 14:
            return f"{line}: {quoted} [{passage['key']}]"
    return line


def _conditions(constraints: Sequence[Json]) -> list[str]:
    told = []
    for constraint in constraints:
        if not constraint["hard"]:
            continue
        sign = {"min": "at least ", "max": "at most "}.get(constraint["op"], "")
        negated = "not " if constraint["negated"] else ""
        told.append(f"{_CONSTRAINT_WORDS[constraint['field']]} {negated}{sign}{_show_value(constraint)}")
    return told


def _name_field(field: str) -> str:
    return _MISSING_WORDS.get(field) or _CONSTRAINT_WORDS.get(field, field)


def _show_value(constraint: Json) -> str:
    value = str(constraint["value"])
    if constraint["field"] in ("downloads", "parameters") and value.isdigit():
        return f"{int(value):,}"
    if constraint["field"] == "language":
        return " to ".join(language_label(code) for code in value.split("-"))
    if value == "commercial":
        return "that allows commercial use"
    return value


def _nothing_fits(
    found: Json, hits: Sequence[Json], conditions: Sequence[str], memo: dict[str, Any], *, others: bool
) -> Draft:
    near = tuple(hit["model"] for hit in hits[:3]) or tuple(found["suggestions"][:3])
    nothing = f"I found no {'other ' if others else ''}model in this lake that fits"
    fitting = f"{nothing} ({'; '.join(conditions)})."
    lines = [fitting if conditions else f"{nothing}."]
    unknown = [entry["model"] for entry in found["not_stated"][:3]]
    if unknown:
        fields = sorted({_name_field(f) for entry in found["not_stated"][:3] for f in entry["unknown"]})
        lines.append(
            f"These might, but their cards do not state the {join_words(fields, last='or')}: "
            f"{join_words([name_model(m) for m in unknown])}."
        )
    elif near:
        lines.append(f"The nearest by their words are {join_words([name_model(m) for m in near])}.")
    lines.append(phrases.ONLY_MODELS if found["confidence"] < _FAR_OFF else phrases.OTHER_WORDS)
    suggestions = tuple(dict.fromkeys([*unknown, *near]))
    return Draft(
        text=" ".join(lines),
        suggestions=suggestions,
        abstained=True,
        memo={**memo, "models": list(suggestions), "near": True},
        framing=(fitting,),
    )


def compose_ranking(plan: Plan, found: Json) -> Draft:
    """Models in the order of a number of their own."""
    memo: dict[str, Any] = {"intent": "ranking", "query": plan.question, "question": plan.question}
    conditions = _conditions([{**constraint, "hard": True} for constraint in found["constraints"]])
    read = f"Conditions I read from your words: {'; '.join(conditions)}."
    if not found["models"]:
        lines = [phrases.NOTHING_RANKED, *([read] if conditions else [])]
        return Draft(text=" ".join(lines), abstained=True, memo=memo, framing=(read,))
    lines = [phrases.RANKED[found["by"], found["ascending"]], ""]
    for number, model in enumerate(found["models"], start=1):
        field = FIELD_WORDS[found["by"]]
        value = str(model["value"])
        told = value if field in value else f"{field} {value}"
        lines.append(f"{number}. {name_model(model['model'])}: {told} [{model['key']}]")
    if conditions:
        lines += ["", read]
    unstated = f"Of {found['fitting']:,} that fit, {found['unstated']:,} do not state it."
    if found["unstated"]:
        lines += ["", unstated]
    models = tuple(model["model"] for model in found["models"])
    memo["models"] = list(models)
    return Draft(text="\n".join(lines), models=models, memo=memo, framing=(read, unstated))


def compose_results(plan: Plan, found: Json) -> Draft:
    """A leaderboard: the best reported value, then the next ones."""
    rankings = [ranking for ranking in found["rankings"] if ranking["rows"]]
    if not rankings:
        return Draft(
            text=f"{phrases.NO_RESULT} {phrases.NAME_DATASET}",
            abstained=True,
            memo={"intent": "results", "question": plan.question},
        )
    ranking = rankings[0]
    rows = ranking["rows"]
    lines = [phrases.RESULTS_FOLLOW_REVERSED if ranking["worst_first"] else phrases.RESULTS_FOLLOW, ""]
    seen: set[str] = set()
    for row in rows:
        if row["model"] in seen:
            continue
        seen.add(row["model"])
        lines.append(f"{len(seen)}. {_row_line(row)}")
        if len(seen) == 4:
            break
    models = tuple(dict.fromkeys(row["model"] for row in rows))
    return Draft(
        text="\n".join(lines),
        models=models,
        memo={"intent": "results", "question": plan.question, "models": list(models)},
    )


def _row_line(row: Json) -> str:
    where = name_data(row)
    on = f" on {where}" if where else ""
    value = f"{row['metric']} {row['value']}{row['unit']}"
    return f"{name_model(row['model'])}: {value}{on} {mark_keys(row['keys'])}"


def compose_lineage(plan: Plan, lineage: Json, read: Json | None) -> Draft:
    """Where a model comes from, as its card declares it."""
    model = str(lineage["model"])
    own = [edge for edge in lineage["edges"] if edge["child"].lower() == model.lower()]
    lines = []
    for edge in own[:3]:
        # How it was derived is said only where the cited lines say so themselves.
        told = edge["relation"] and edge["relation"] in edge["text"]
        relation = f" ({edge['relation']})" if told else ""
        if edge["origin"] in ("metadata", "config"):
            parent = name_model(edge["parent"])
            lines.append(f"{name_model(model)}: base model {parent}{relation} [{edge['key']}]")
        else:
            quoted = quote_text(edge["text"], about=content_words(edge["parent"]), words=30)
            lines.append(f"{name_model(model)}: {quoted} [{edge['key']}]")
    if not own and read is not None:
        stated = [
            span
            for span in read["passages"]
            if span["states"]
            and re.search(
                r"fine-?tun|finetun|based on|initiali[sz]ed|distill|derived|built (?:on|upon)"
                r"|version of|backbone|pre-?train\w* (?:model|on|from)|"
                r"trained (?:from|on top)|checkpoint|starting",
                span["text"],
                re.IGNORECASE,
            )
        ]
        for span in stated[:1]:
            quoted = quote_text(
                span["text"], about=content_words("fine-tuned base model from version checkpoint"), words=32
            )
            lines.append(f"{name_model(model)}: {quoted} [{span['key']}]")
    weighed = weigh_lines(lineage, model)
    if not lines and weighed:
        lines.append(f"The card of {name_model(model)} does not state a base model.")
    lines += weighed
    abstained = not lines
    if abstained:
        lines.append(f"The card of {name_model(model)} does not state a base model.")
    else:
        further = [name for name in lineage["ancestors"] if name not in {edge["parent"] for edge in own}]
        if further:
            upper = [edge for edge in lineage["edges"] if edge["parent"] in further][:2]
            lines += [
                f"{name_model(e['child'])} in turn comes from {name_model(e['parent'])} [{e['key']}]"
                for e in upper
            ]
        lines += _circle_lines(lineage, model)
        if not weighed:
            lines.append(phrases.NO_WEIGHTS)
    return Draft(
        text="\n".join(f"- {line}" for line in lines),
        models=(model,) if lineage["in_lake"] else (),
        abstained=abstained,
        memo={
            "intent": "lineage",
            "question": plan.question,
            "also": list(plan.also),
            "parents": list_parents(lineage, model),
            **({"weighed": store_requests(plan)} if weighed else {}),
        },
    )


def _circle_lines(lineage: Json, model: str) -> list[str]:
    """That a card further up names this model as its origin: a mistake somewhere, shown and not judged."""
    around = {name.lower() for cycle in lineage["cycles"] for name in cycle if model in cycle}
    closing = [
        edge
        for edge in lineage["edges"]
        if edge["parent"].lower() == model.lower() and edge["child"].lower() in around - {model.lower()}
    ]
    if not closing:
        return []
    edge = closing[0]
    told = f"{name_model(edge['child'])} in turn comes from {name_model(edge['parent'])} [{edge['key']}]"
    return [told, phrases.IN_A_CIRCLE]


def compose_papers(plan: Plan, found: Json) -> Draft:
    """Passages of papers, quoted."""
    asked = set(content_words(plan.question)) - {"paper", "publicat"}
    passages = [p for p in found["passages"] if len(asked & set(p["covered"])) >= max(1, len(asked) // 3)]
    if not passages:
        reason = phrases.NOTHING_IN_PAPERS if found["papers"] else phrases.NO_PAPERS
        return Draft(text=reason, abstained=True, memo={"intent": "papers", "question": plan.question})
    # A line of two words, such as a heading or an id, tells nothing beside sentences.
    passages = [p for p in passages if len(p["text"].split()) > 3] or passages
    lines = []
    for passage in passages[:3]:
        quoted = quote_text(passage["text"], about=asked, words=34)
        lines.append(f"- {name_model(passage['paper'])}: {quoted} [{passage['key']}]")
    models = tuple(dict.fromkeys(model for p in passages[:3] for model in p["models"]))
    return Draft(text="\n".join(lines), models=models, memo={"intent": "papers", "question": plan.question})


def compose_unknown(plan: Plan, lineage: Json | None) -> Draft:
    """A model the lake does not hold: say so, name the nearest, and who mentions it."""
    name = plan.unknown[0]
    if plan.also:
        # the name of a family
        named = join_words([name_model(model) for model in plan.also], last="or")
        question = f"Did you mean {named}?"
        return Draft(
            f"{name_model(name)} alone is not in this lake.\n\n{question}",
            suggestions=plan.also,
            abstained=True,
            memo={"intent": "unknown_model", "question": plan.question, "models": list(plan.also)},
            framing=(question,),
        )
    lines = [f"{name_model(name)} is not in this lake, so nothing about it can be cited here."]
    if plan.nearest:
        lines.append(f"The closest names are {join_words([name_model(m) for m in plan.nearest], last='or')}.")
    edges = lineage["edges"] if lineage and "edges" in lineage else []
    children = list(dict.fromkeys(edge["child"] for edge in edges if edge["child"] != name))
    if children:
        edge = next(edge for edge in edges if edge["child"] == children[0])
        quoted = quote_text(edge["text"], about=content_words(name), words=20)
        lines.append(f"{name_model(children[0])} names it: {quoted} [{edge['key']}]")
    return Draft(
        text=" ".join(lines),
        suggestions=plan.nearest,
        abstained=True,
        memo={"intent": "unknown_model", "question": plan.question, "models": list(plan.nearest)},
    )
