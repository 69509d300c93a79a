"""Answers that stand on weights: was one model made from another, what changed, whose card is wrong.

What weights show comes as passages whose first sentence says it in a fixed form (`tools.comparing.finding`);
that sentence is repeated, and the statistic behind it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.draft import Draft
from assistant.offline.plan import Plan
from assistant.offline.wording import mark_keys, name_model, quote_text, shorten_value
from tools.comparing.finding import Finding, read_finding

Json = Mapping[str, Any]

_FIRST = re.compile(r"^(?P<said>.*?)\.(?:\s+(?P<statistic>.*))?$", re.DOTALL)
_OF_CHANGE = re.compile(r"\b(?:changed|differ most|pruned|exactly zero)\b")
_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z0-9])")
# Neither "yes" nor "no" answers these.
_OPEN_QUESTION = re.compile(r"\W*(?:and |but |so )*(?:how|what|where|which|who|why)\b", re.IGNORECASE)
_LISTED = 8
_FIELDS = {"base_model": "base model"}


def say_finding(entry: Json, *, opening: str = "") -> str:
    """The first sentence of a finding, its models in backticks, with its mark; `opening` is "Yes" or "No"."""
    said = _split(entry["text"])[0]
    for name in sorted({str(entry[side]) for side in ("child", "parent") if entry.get(side)}, key=len)[::-1]:
        quoted = name_model(name).replace("\\", r"\\")
        said = re.sub(rf"(?<![\w/`.-]){re.escape(name)}(?![\w/`-])", quoted, said)
    if opening:
        said = f"{opening}: {said[:1].lower()}{said[1:]}"
    return f"{said} [{entry['key']}]"


def lower_first(said: str) -> str:
    """A sentence as the second part of another."""
    return said[:1].lower() + said[1:]


def quote_statistic(entry: Json, *, words: int = 52) -> str:
    """The statistic of a finding, quoted; "" when it has none."""
    sentences = _SENTENCE.split(_split(entry["text"])[1])
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(f"{kept} {sentence}".split()) > words:
            break
        kept = f"{kept} {sentence}"
    quoted = quote_text(kept, words=words) if kept else ""
    return f"{quoted} [{entry['key']}]" if quoted else ""


def compose_pair(plan: Plan, compared: Json, lineage: Json | None, without_weights: Draft) -> Draft:
    """How two models stand to each other. `without_weights`: the answer from cards alone."""
    entry = _choose_finding(plan, compared)
    if entry is None:
        return _compose_without_finding(plan, compared, without_weights)
    opening = _answer_yes_or_no(plan, compared)
    said_first = "" if _OPEN_QUESTION.match(plan.question) else opening
    lines = [say_finding(entry, opening=said_first), *_declared_lines(compared)]
    said = {entry["key"]}
    further = list(compared["lineage"]["path"]) if plan.reason != "changes" else []
    if plan.reason in ("origin", "copy") and opening == "No" and lineage is not None:
        further += [edge for edge in lineage["found"] if edge["child"] == plan.models[0]][:2]
    lines.append(quote_statistic(entry))
    for edge in further:
        if edge["key"] and edge["key"] not in said:
            said.add(edge["key"])
            lines.append(say_finding(edge))
    if plan.reason == "changes":
        lines += [_quote_changes(entry), *_difference_lines(compared)]
    lines = [line for line in dict.fromkeys(lines) if line]
    return Draft(
        text="\n".join(f"- {line}" for line in lines),
        models=tuple(plan.models[:2]),
        memo={
            "intent": "lineage",
            "question": plan.question,
            "parents": _true_parents(plan.models[0], compared, lineage),
            "weighed": store_requests(plan),
        },
    )


def _compose_without_finding(plan: Plan, compared: Json, of_cards: Draft) -> Draft:
    """What files and cards say of two models where their weights say nothing."""
    absent = compared["without_weights"]
    told: list[str] = [] if len(absent) > 1 else _explain_absence(compared)
    declared: list[str] = []
    if plan.reason == "changes" and not absent:
        lines = [*told, *_difference_lines(compared)]
    else:
        declared = [] if plan.reason == "origin" else _declared_lines(compared)
        lines = [*declared, *(line.removeprefix("- ") for line in of_cards.text.split("\n")), *told]
    if told:
        lines = [line for line in lines if line != phrases.NO_WEIGHTS]  # why not is said more exactly
    return Draft(
        text="\n".join(f"- {line}" for line in dict.fromkeys(lines) if line),
        models=of_cards.models,
        suggestions=of_cards.suggestions,
        abstained=of_cards.abstained and not declared,
        memo=of_cards.memo,
        framing=(*of_cards.framing, *told),
    )


def compose_certainty(plan: Plan, results: Sequence[tuple[str, Json]]) -> Draft:
    """How sure what was just said is: the statistics and confidences behind it."""
    entries: list[Json] = []
    for name, found in results:
        if name == "compare_models" and found.get("weights", {}).get("key"):
            entries.append({**found["weights"], "child": found["a"], "parent": found["b"]})
        if name == "find_similar_by_weights":
            entries += [{**e, "child": found["model"], "parent": e["model"]} for e in found["models"]]
        entries += _list_entries(found)
    told: dict[frozenset[str], Json] = {}
    for entry in entries:
        told.setdefault(frozenset((entry["child"], entry["parent"])), entry)
    about = [e for e in told.values() if not plan.models or plan.models[0] in (e["child"], e["parent"])]
    lines = []
    for entry in about[:3]:
        lines += [say_finding(entry), quote_statistic(entry)]
    lines = [line for line in lines if line]
    if not lines:
        lines = [phrases.NO_WEIGHTS]
    return Draft(
        text="\n".join(f"- {line}" for line in lines),
        models=plan.models,
        memo={"intent": "lineage", "question": plan.question, "weighed": store_requests(plan)},
    )


def compose_lake_lineage(plan: Plan, found: Json) -> Draft:
    """Across the lake: false parents, copies, or parents that no card declares."""
    memo = {"intent": "lineage", "question": plan.question, "weighed": store_requests(plan)}
    if not found["models_with_weights"]:
        return Draft(phrases.NO_WEIGHTS_HERE, abstained=True, memo=memo)
    group = {"false_parents": "contradicted", "copies": "copies", "undeclared": "undeclared"}[plan.reason]
    entries = [entry for entry in found[group] if entry["key"]]
    if not entries:
        return Draft(phrases.NONE_BY_WEIGHTS[plan.reason], memo=memo)
    lines = [phrases.BY_WEIGHTS[plan.reason], ""]
    models: list[str] = []
    for entry in entries[:_LISTED]:
        said = say_finding(entry)
        if group == "contradicted":
            stated = f"{name_model(entry['child'])} declares {name_model(entry['parent'])}"
            lines.append(f"- {stated} {mark_keys(entry['declared_keys'])}, but {lower_first(said)}")
            lines.append(f"- {quote_statistic(entry, words=34)}")
            real = [e for e in found["undeclared"] if e["child"] == entry["child"] and e["key"]]
            lines += [f"- {say_finding(e)}" for e in real[:1]]
        else:
            lines.append(f"- {said}")
        models += [entry["child"], *([entry["parent"]] if group == "copies" else [])]
    if len(entries) > _LISTED:
        lines += ["", f"{len(entries) - _LISTED} more are like these."]
    named = tuple(dict.fromkeys(models))
    return Draft(
        "\n".join(lines),
        models=named,
        memo={**memo, "models": list(named)},
        framing=(f"{len(entries) - _LISTED} more are like these.",),
    )


def compose_alike(plan: Plan, found: Json) -> Draft:
    """Models whose weights are most like those of one, or that are copies of it."""
    model = str(found["model"])
    entries = list(found["models"])
    if plan.reason == "copies":
        entries = [e for e in entries if e["verdict"] == "identical" or e["relation"] == "duplicate"]
    memo = {"intent": "similar_weights", "question": plan.question, "weighed": store_requests(plan)}
    if not entries:
        nothing = phrases.NO_COPY if found["models"] else phrases.NOTHING_ALIKE
        abstained = not found["models"]
        return Draft(nothing, models=(model,), abstained=abstained, memo={**memo, "models": [model]})
    lines = [] if plan.reason == "copies" else [phrases.ALIKE_BY_WEIGHTS, ""]
    for entry in entries:
        both = {**entry, "child": model, "parent": entry["model"]}
        path = [edge for edge in entry["lineage"]["path"] if edge["key"]]
        if plan.reason == "copies":
            lines += [f"- {say_finding(both)}", f"- {quote_statistic(both)}"]
            continue
        line = f"- {say_finding(both)}"
        if len(path) == 1:
            line += f"; {lower_first(say_finding(path[0]))}"
        lines.append(line)
    models = tuple(str(entry["model"]) for entry in entries)
    return Draft("\n".join(lines), models=models, memo={**memo, "models": list(models)})


def weigh_lines(lineage: Json, model: str) -> list[str]:
    """What weights say of a model's own parents: the verdict on each declared one, and those found."""
    declared = [
        {**edge, "key": edge["weights_key"], "text": edge["weights_text"]}
        for edge in lineage["edges"]
        if edge["child"] == model and edge["weights_key"]
    ]
    found = [edge for edge in lineage["found"] if model in _children(edge) and edge["key"]]
    lines = []
    for entry in [*declared, *found]:
        lines += [say_finding(entry), quote_statistic(entry, words=45)]
    return [line for line in lines if line]


def list_parents(lineage: Json, model: str) -> list[str]:
    """A model's parents in the lake: those that weights show first, none that they contradict."""
    found = [edge["parent"] for edge in lineage["found"] if edge["child"] == model]
    declared = [
        edge["parent"]
        for edge in lineage["edges"]
        if edge["child"].lower() == model.lower()
        and edge["parent_in_lake"]
        and edge["weights"] != "contradicted"
    ]
    return list(dict.fromkeys([*found, *declared]))


def store_requests(plan: Plan) -> list[Json]:
    """The calls that an answer stood on, for the next turn to make again."""
    tools = ("compare_models", "trace_lineage", "find_similar_by_weights")
    return [{"tool": r.tool, "arguments": r.arguments} for r in plan.requests if r.tool in tools]


# -- parts ---------------------------------------------------------------------------------------


def _split(text: str) -> tuple[str, str]:
    found = _FIRST.match(text)
    return (found["said"], found["statistic"] or "") if found else (text, "")


def _children(edge: Json) -> tuple[str, ...]:
    return (edge["child"], edge["parent"]) if edge["mutual"] else (edge["child"],)


def _choose_finding(plan: Plan, compared: Json) -> Json | None:
    """The passage that answers: the lineage between the two, else the comparison of the two."""
    a, b = compared["a"], compared["b"]
    lineage = compared["lineage"]
    direct = [*lineage["declared"], *lineage["path"]]
    direct = [edge for edge in direct if edge["key"] and {edge["child"], edge["parent"]} == {a, b}]
    weighed = compared.get("weights")
    pair = {**weighed, "child": a, "parent": b} if weighed and weighed["key"] else None
    if plan.reason == "changes" and pair is not None:
        return pair
    return direct[0] if direct else pair


def _answer_yes_or_no(plan: Plan, compared: Json) -> str:
    """ "Yes" or "No" where the weights settle the question; "" otherwise."""
    a = plan.models[0]
    weighed = compared.get("weights") or {"verdict": "incomparable", "relation": None}
    way = compared["lineage"]["way"]
    if compared["a"] != a:
        way = {"a_from_b": "b_from_a", "b_from_a": "a_from_b"}.get(way, way)
    refused = any(
        edge["weights"] == "contradicted" and edge["child"] == a for edge in compared["lineage"]["declared"]
    )
    apart = weighed["verdict"] == "unrelated" and not way
    kin = bool(way) or weighed["verdict"] in ("related", "identical")
    match plan.reason:
        case "origin":
            if way == "a_from_b":
                return "Yes"
            if not way and not refused and (pair := _read_pair(weighed)):
                return "Yes" if pair.first == a else "No"
            return "No" if refused or apart or way in ("b_from_a", "siblings") else ""
        case "unrelated":
            return "No" if kin else "Yes" if apart or refused else ""
        case "copy":
            if way == "copies" or weighed["verdict"] == "identical" or weighed["relation"] == "duplicate":
                return "Yes"
            return "No" if way or apart or weighed["verdict"] == "related" else ""
        case "related":
            return "Yes" if kin else "No" if apart else ""
    return ""


def _read_pair(weighed: Json) -> Finding | None:
    """Of two models, which was made from which, where their comparison alone says so."""
    finding = read_finding(str(weighed.get("text", "")))
    return finding if finding is not None and finding.kind == "made" else None


def _quote_changes(entry: Json) -> str:
    """Where the weights of two models differ, quoted from the finding."""
    sentences = _SENTENCE.split(_split(entry["text"])[1])
    where = [s for s in sentences if _OF_CHANGE.search(s)]
    quoted = quote_text(" ".join(where[-1:]), words=40) if where else ""
    return f"{quoted} [{entry['key']}]" if quoted else ""


def _declared_lines(compared: Json) -> list[str]:
    return [
        f"{name_model(edge['child'])}: declared base model {name_model(edge['parent'])} "
        f"{mark_keys(edge['declared_keys'])}"
        for edge in compared["lineage"]["declared"]
        if edge["declared_keys"]
    ]


def _explain_absence(compared: Json) -> list[str]:
    """Why no weights speak; fixed sentences of our own."""
    absent = compared["without_weights"]
    if not absent:
        weighed = compared.get("weights")
        return [str(weighed["text"])] if weighed else list(compared["notes"])
    return [f"The weights of {name_model(name)} are not at hand; this is what cards say." for name in absent]


def _difference_lines(compared: Json) -> list[str]:
    lines = []
    if same := compared.get("same_config"):
        lines.append(f"{same['text'].rstrip('.')} [{same['key']}]")
    for entry in compared.get("config", ())[:4]:
        told = [
            f"{name_model(side['model'])}: {entry['field']} {_show(side['value'])} [{side['key']}]"
            for side in entry["sides"]
            if side["key"]
        ]
        lines.append("; ".join(told))
    if tokenizer := compared.get("tokenizer"):
        lines.append(f"{tokenizer['text'].rstrip('.')} [{tokenizer['key']}]")
    for entry in compared["cards"][:4]:
        field = _FIELDS.get(entry["field"], entry["field"])
        told = [
            f"{name_model(side['model'])}: {field} {shorten_value(str(side['value']))} [{side['key']}]"
            for side in entry["sides"]
            if side["key"]
        ]
        lines.append("; ".join(told))
    return lines


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _true_parents(model: str, compared: Json, lineage: Json | None) -> list[str]:
    edges = [*(lineage["found"] if lineage else ()), *compared["lineage"]["path"]]
    parents = [e["parent"] for e in edges if e["child"] == model and e["weights"] == "supported"]
    return list(dict.fromkeys(parents))


def _list_entries(found: Json) -> list[Json]:
    """All findings of a tool's result."""
    entries: list[Json] = [
        {**edge, "key": edge["weights_key"], "text": edge["weights_text"]}
        for edge in found.get("edges", ())
        if edge.get("weights_key")
    ]
    for group in ("found", "contradicted", "copies", "undeclared"):
        entries += [entry for entry in found.get(group, ()) if entry["key"]]
    return entries
