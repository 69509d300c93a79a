"""Answers about named models: facts, overviews, comparisons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.answering_spans import COUNTED, accept_spans
from assistant.offline.compose_metrics import compose_metric_lines, write_result
from assistant.offline.draft import Draft
from assistant.offline.field_values import FIELD_WORDS, agree, disagreeing_facts, normal_values, write_field
from assistant.offline.plan import Plan
from assistant.offline.wording import (
    join_words,
    name_model,
    quote_text,
)
from tools.attributes import Attribute
from tools.metrics import Metric, asked_metrics
from tools.reading import content_words
from tools.search.vocabulary import language_label

Json = Mapping[str, Any]

_CODE_LINES, _CODE_COLUMNS = 20, 200


def compose_fact(plan: Plan, read: Json) -> Draft:
    """One model, one or more attributes; both places when two disagree; "not stated" when nothing says it."""
    model = str(read["model"])
    lines: list[str] = []
    answered = False
    metrics = asked_metrics(plan.question)
    attributes = list(plan.attributes)
    if _TWO_QUESTIONS.search(plan.question) and len(asked := _all_asked(attributes, metrics)) > 1:
        lines, answered = _compose_each(plan, read, asked)
    elif metrics and not any(a.name in ("license", "downloads", "language") for a in attributes):
        lines, answered = compose_metric_lines(plan, read, metrics)
    else:
        wanted: list[Attribute | None] = [*attributes[:2]] or [None]
        for attribute in wanted:
            told = _attribute_lines(plan, read, attribute)
            if told:
                answered = True
                lines += [line for line in told if line not in lines]
    if not lines:
        lines = [_not_stated(plan, model, metrics, attributes)]
    if answered:
        lines = _presupposition(plan, read) + lines
    lines += _not_here(plan)
    others = _ambiguity(plan)
    lines += others
    if len(lines) > 1:
        lines = [line if line.startswith("- ") else f"- {line}" for line in lines]
    return Draft(
        text="\n".join(lines),
        models=(model,),
        abstained=not answered,
        memo={"intent": "fact", "question": plan.question, "also": list(plan.also)},
        framing=tuple(others),
    )


# "who made it and on what was it trained?"
_TWO_QUESTIONS = re.compile(
    r"\band\s+(?:(?:by|on|in|for|with|under|from)\s+)?(?:what|which|how|who|whom|when|where)\b", re.IGNORECASE
)


def _all_asked(
    attributes: Sequence[Attribute], metrics: Sequence[Metric]
) -> list[Attribute | Sequence[Metric]]:
    """What a question of several parts asks: attributes, and all its metrics as one."""
    asked: list[Attribute | Sequence[Metric]] = [a for a in attributes if not metrics or a.name != "score"]
    return [*asked[:3], metrics] if metrics else asked[:3]


def _compose_each(
    plan: Plan, read: Json, asked: Sequence[Attribute | Sequence[Metric]]
) -> tuple[list[str], bool]:
    """Each part of a question answered, or said to be not stated."""
    model = str(read["model"])
    lines: list[str] = []
    answered = False
    for part in asked:
        if isinstance(part, Attribute):
            told = _attribute_lines(plan, read, part)
            absent = _not_stated(plan, model, [], [part])
        else:
            told, found = compose_metric_lines(plan, read, part)
            told = told if found else []
            absent = _not_stated(plan, model, part, [])
        answered = answered or bool(told)
        lines += [line for line in told or [absent] if line not in lines]
    return lines, answered


def compose_overview(plan: Plan, read: Json) -> Draft:
    """What a model is, in its card's words, and its usual facts."""
    model = str(read["model"])
    lines = []
    for passage in read["passages"][:2]:
        if quoted := quote_text(passage["text"], words=36):
            lines.append(f"{name_model(model)}: {quoted} [{passage['key']}]")
            break
    lines += [
        write_field(model, name, read["facts"][name][:1])
        for name in ("task", "license", "language", "dataset", "base_model", "downloads")
        if read["facts"].get(name)
    ]
    stated = bool(lines)
    if not stated:
        lines = [f"{name_model(model)} is in this lake, but its card does not state anything about it."]
    if "our_summary_of" in read:
        lines.append(phrases.OUR_SUMMARIES)
    others = _ambiguity(plan)
    return Draft(
        text="\n".join(f"- {line}" for line in [*lines, *_not_here(plan), *others]),
        models=(model,),
        abstained=not stated,
        memo={"intent": "overview", "question": plan.question, "also": list(plan.also)},
        framing=tuple(others),
    )


def compose_definition(plan: Plan) -> Draft:
    """A term of the field is in no card's gift; which models report it can be asked."""
    text = (
        f"I keep no dictionary, and explain {plan.reason} only as far as a card of this lake does. "
        f"Ask which model reports the best {plan.reason}, or for the {plan.reason} of one model."
    )
    return Draft(text, abstained=True, framing=(text,), memo={"intent": "definition", "models": []})


def compose_usage(plan: Plan, read: Json) -> Draft:
    """The code that a card gives for its model, and the library that its metadata names."""
    model = str(read["model"])
    lines = [write_field(model, "library", facts[:1])] if (facts := read["facts"].get("library")) else []
    if code := read.get("code"):
        block, call = _shorten_code(code["text"], model)
        lines += ["", f"{name_model(model)}: {quote_text(call, words=40)} [{code['key']}]"]
        lines += ["", phrases.CODE_FOLLOWS, "", block]
    else:
        lines.append(f"The card of {name_model(model)} does not state any code.")
    return Draft(
        text="\n".join(lines).strip(),
        models=(model,),
        abstained=len(lines) == 1 and not code,
        memo={"intent": "fact", "question": plan.question},
    )


def _shorten_code(fenced: str, model: str) -> tuple[str, str]:
    """(the first lines of a fenced block, fenced again; its line that names the model, else its first)."""
    fence, _, rest = fenced.partition("\n")
    name = model.rpartition("/")[2].lower()
    lines = [line for line in rest.split("\n") if not line.startswith(("```", "~~~"))]
    first: list[str] = []
    for line in lines[:_CODE_LINES]:
        if len(line) > _CODE_COLUMNS:
            break
        first.append(line)
    told = [line for line in lines if line.strip()]
    call = next((line for line in told if name in line.lower()), told[0] if told else "")
    block = "\n".join(first).rstrip()
    return f"{fence}\n{block}\n{fence[: len(fence) - len(fence.lstrip('`~'))]}", call.removeprefix(">>> ")


def compose_gaps(plan: Plan, read: Json, audited: Json | None = None) -> Draft:
    """Which of the usual fields a model's documentation states, and which it leaves out."""
    model = str(read["model"])
    stated = [write_field(model, name, facts[:1]) for name, facts in read["facts"].items() if facts]
    absent = [FIELD_WORDS[name] for name, facts in read["facts"].items() if not facts]
    if any(parent for parent in read.get("parents", ())) and "base model" in absent:
        absent.remove("base model")
        stated += _parent_lines(read)[:1]
    lines = []
    if absent:
        lines.append(f"The card of {name_model(model)} does not state its {join_words(absent, last='or')}.")
    if audited is not None:
        told = audited["summary"]["text"].replace(model, name_model(model), 1)
        lines += ["", f"{told} [{audited['summary']['key']}]"]
    if stated:
        lines += ["", phrases.CARD_STATES, "", *(f"- {line}" for line in stated)]
    if "our_summary_of" in read:
        lines += ["", phrases.OUR_SUMMARIES]
    return Draft(
        text="\n".join(lines).strip(),
        models=(model,),
        memo={"intent": "gaps", "question": plan.question, "also": list(plan.also)},
    )


def compose_comparison(plan: Plan, read: Json) -> Draft:
    """The same fields of several models, a line for each model and field; first what follows from numbers."""
    models = [str(entry["model"]) for entry in read["models"]]
    metrics = asked_metrics(plan.question)
    fields = [a.field for a in plan.attributes if a.field]
    free: list[Attribute | None] = [
        a for a in plan.attributes if not a.field or a.name in ("data", "base_model")
    ]
    if not plan.attributes and not metrics:
        # Nothing of the vocabulary is asked: what the words themselves find, else the usual fields.
        free = [None] if any(accept_spans(plan, entry, None) for entry in read["models"]) else []
        fields = [] if free else ["task", "license", "language", "downloads"]
    lines: list[str] = []
    missing = 0
    for entry in read["models"]:
        model = str(entry["model"])
        absent: list[str] = []
        for name in dict.fromkeys(fields):
            facts = entry["facts"].get(name) or []
            if facts:
                lines.append(write_field(model, name, disagreeing_facts(name, facts)))
            elif told := _free_lines(plan, entry, [a for a in plan.attributes if a.field == name]):
                lines += told[:1]
            else:
                absent.append(FIELD_WORDS[name])
        if absent:
            missing += 1
            lines.append(
                f"The card of {name_model(model)} does not state its {join_words(absent, last='or')}."
            )
        if metrics:
            told, found = compose_metric_lines(plan, entry, metrics)
            told = [line for line in told if line != phrases.TWO_PLACES]
            lines += told[:2] if found else [_not_stated(plan, model, metrics, [])]
        lines += _free_lines(plan, entry, free)[:2]
        if not fields and not metrics and not free:
            lines += [
                f"{name_model(model)}: {quote_text(p['text'])} [{p['key']}]" for p in entry["passages"][:1]
            ]
        if not any(line.startswith(name_model(model)) or f"of {name_model(model)}" in line for line in lines):
            missing += 1
            lines.append(_not_stated(plan, model, metrics, plan.attributes))
    lines = [f"- {line}" for line in dict.fromkeys(lines)]
    if verdict := _larger(plan, read["models"]):
        lines.insert(0, f"- {verdict}")
    lines += [f"- {line}" for line in _not_here(plan)]
    return Draft(
        text="\n".join(lines),
        models=tuple(models),
        abstained=bool(lines) and missing == len(lines),
        memo={"intent": "compare", "question": plan.question},
    )


# -- parts ---------------------------------------------------------------------------------------


def _attribute_lines(plan: Plan, read: Json, attribute: Attribute | None) -> list[str]:
    """Structured facts first, unless a count is asked that only prose can give."""
    model = str(read["model"])
    counted = COUNTED.search(plan.question)
    lines: list[str] = []
    if attribute is not None and attribute.field:
        facts = read["facts"].get(attribute.field) or []
        # "multilingual" leaves open which languages; the card's sentences may say.
        vague = attribute.name == "language" and all(
            str(fact["value"]).lower() in ("multilingual", "multiple") for fact in facts
        )
        own_words = vague or attribute.name in ("data", "base_model", "developers", "released")
        if facts and not (counted and attribute.name not in ("parameters", "downloads", "likes")):
            shown = _asked_part(plan, attribute.field, disagreeing_facts(attribute.field, facts))
            lines += [write_field(model, attribute.field, [fact]) for fact in shown]
            if len(shown) > 1:
                lines.insert(0, phrases.DISAGREEMENT)
        if lines and not own_words:
            return lines
    if attribute is not None and attribute.name == "score" and read["results"]:
        return [write_result(model, row) for row in read["results"][:3]]
    origin = attribute is not None and attribute.name == "base_model" and not lines
    if origin and (parents := _parent_lines(read)):
        return parents
    spans = accept_spans(plan, read, attribute)
    for span in spans[: 1 if lines else 2]:
        about = set(content_words(plan.question))
        quoted = quote_text(span["text"], about=about, words=34)
        if quoted:
            lines.append(f"{name_model(model)}: {quoted} [{span['key']}]")
    return lines


def _asked_part(plan: Plan, name: str, facts: Sequence[Json]) -> Sequence[Json]:
    """Of a long list of languages, those the question names, when they are on it."""
    asked = normal_values(name, plan.question, codes=False) if name == "language" else frozenset()
    held = asked & normal_values(name, str(facts[0]["value"])) if asked else frozenset()
    if not held:
        return facts
    return [{**facts[0], "value": join_words([language_label(code) for code in sorted(held)])}]


def _parent_lines(read: Json) -> list[str]:
    """Where the card says the model comes from."""
    return [
        f"{name_model(str(read['model']))}: {quoted} [{parent['key']}]"
        for parent in read.get("parents", ())[:2]
        if (quoted := quote_text(parent["text"], about=content_words(parent["parent"]), words=26))
    ]


def _free_lines(plan: Plan, read: Json, attributes: Sequence[Attribute | None]) -> list[str]:
    lines = []
    for attribute in attributes:
        if attribute is not None and attribute.name == "base_model" and (parents := _parent_lines(read)):
            lines += parents
            continue
        if attribute is not None and attribute.name == "score" and read["results"]:
            lines += [write_result(str(read["model"]), row) for row in read["results"][:2]]
            continue
        for span in accept_spans(plan, read, attribute)[:1]:
            quoted = quote_text(span["text"], about=content_words(plan.question), words=24)
            if quoted:
                lines.append(f"{name_model(str(read['model']))}: {quoted} [{span['key']}]")
    return lines


def _presupposition(plan: Plan, read: Json) -> list[str]:
    """When a question takes something for granted that the card denies, say so first."""
    model = str(read["model"])
    lines = []
    for attribute in plan.attributes:
        facts = read["facts"].get(attribute.field) or []
        if attribute.name not in ("license", "language") or not facts:
            continue
        asked = normal_values(attribute.field, plan.question, codes=False)
        stated = frozenset().union(*(normal_values(attribute.field, str(fact["value"])) for fact in facts))
        if asked and stated and not agree(attribute.field, asked, stated):
            lines.append(f"No: the card of {name_model(model)} does not state that.")
    return lines[:1]


def _not_stated(plan: Plan, model: str, metrics: Sequence[Metric], attributes: Sequence[Attribute]) -> str:
    counted = COUNTED.search(plan.question)
    if metrics:
        what = join_words([metric.name for metric in metrics[:2]], last="or")
        return f"The card of {name_model(model)} does not state a value for {what}."
    if attributes:
        what = join_words([attribute.label for attribute in attributes[:2]], last="or")
        return f"The card of {name_model(model)} does not state the {what}."
    if counted:
        return f"The card of {name_model(model)} does not state that number."
    return f"The card of {name_model(model)} does not state this."


def _not_here(plan: Plan) -> list[str]:
    return [f"{name_model(name)} is not in this lake." for name in plan.unknown]


def _ambiguity(plan: Plan) -> list[str]:
    if not plan.also or len(plan.also) > 3:
        return []
    return [f"Did you mean {join_words([name_model(model) for model in plan.also], last='or')}?"]


def _larger(plan: Plan, entries: Sequence[Json]) -> str:
    """ "A has more downloads than B": only for numbers that both state."""
    for attribute in plan.attributes:
        if attribute.field not in ("downloads", "likes"):
            continue
        stated = []
        for entry in entries:
            for fact in (entry["facts"].get(attribute.field) or [])[:1]:
                digits = re.sub(r"\D", "", str(fact["value"]))
                if digits:
                    stated.append((int(digits), str(entry["model"]), str(fact["key"])))
        if len(stated) > 1:
            stated.sort(reverse=True)
            first, second = stated[0], stated[1]
            return (
                f"{name_model(first[1])} has more {attribute.field} than {name_model(second[1])}: "
                f"{first[0]:,} [{first[2]}] against {second[0]:,} [{second[2]}]"
            )
    return ""
