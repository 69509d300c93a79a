"""Answers on what was made from a model: as cards declare it, and as weights show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.offline import phrases
from assistant.offline.compose_weights import lower_first, say_finding, store_requests
from assistant.offline.draft import Draft
from assistant.offline.plan import Plan
from assistant.offline.wording import name_model, quote_text
from tools.reading import content_words

Json = Mapping[str, Any]

_SHOWN_CHILDREN = 12


def compose_descendants(plan: Plan, lineage: Json) -> Draft:
    """Models whose cards name this one as their origin, or whose weights show it; refuted ones last."""
    name = str(lineage["model"])
    wanted = set(lineage["descendants"])
    if plan.among:
        wanted &= set(plan.among)
    declared = [edge for edge in lineage["edges"] if edge["child"] in wanted]
    # A name that cards write in several ways has no edges of exactly its own.
    own = [edge for edge in declared if edge["parent"].lower() == name.lower()] or declared
    declared = [*own, *(edge for edge in declared if edge not in own)]
    declared = [edge for edge in declared if edge["weights"] != "contradicted"]
    found = [edge for edge in lineage["found"] if edge["child"] in wanted and edge["key"]]
    refuted = [
        edge
        for edge in lineage["edges"]
        if edge["weights"] == "contradicted"
        and edge["parent"] == name
        and (not plan.among or edge["child"] in plan.among)
    ]
    weighed = bool(found or refuted or any(edge["weights_key"] for edge in declared))
    memo = {
        "intent": "descendants",
        "question": plan.question,
        **({"weighed": store_requests(plan)} if weighed else {}),
    }
    lines: list[str] = []
    children: list[str] = []
    for edge in declared:
        if edge["child"] in children or len(children) >= _SHOWN_CHILDREN:
            children += [edge["child"]] if edge["child"] not in children else []
            continue
        children.append(edge["child"])
        if edge in own:
            quoted = quote_text(edge["text"], about=content_words(edge["parent"]), words=14)
            line = f"- {name_model(edge['child'])}: {quoted} [{edge['key']}]"
        else:
            parent = name_model(edge["parent"])
            line = f"- {name_model(edge['child'])} in turn comes from {parent} [{edge['key']}]"
        if edge["weights_key"] and edge["weights"] == "supported":
            line += f"; the weights support it [{edge['weights_key']}]"
        lines.append(line)
    for edge in found:
        if edge["child"] not in children:
            children.append(edge["child"])
            lines.append(f"- {say_finding(edge)}")
    if not lines and not refuted:
        return Draft(
            text=f"No card in this lake names {name_model(name)} as its base model.",
            models=(name,) if lineage["in_lake"] else (),
            abstained=True,
            memo=memo,
        )
    if lines:
        lines = [phrases.DESCENDANTS_FOLLOW if weighed else phrases.CHILDREN_FOLLOW, "", *lines]
    if refuted:
        lines += ["", phrases.BY_WEIGHTS["false_parents"], ""]
    for edge in refuted[:_SHOWN_CHILDREN]:
        weighing = {**edge, "key": edge["weights_key"], "text": edge["weights_text"]}
        declares = f"{name_model(edge['child'])} declares {name_model(name)} [{edge['key']}]"
        lines.append(f"- {declares}, but {lower_first(say_finding(weighing))}")
    more = f"{len(children) - _SHOWN_CHILDREN} more cards do."
    lines += ["", more] if len(children) > _SHOWN_CHILDREN else []
    lines += [] if weighed else ["", phrases.NO_WEIGHTS]
    return Draft(
        text="\n".join(lines).strip(),
        models=tuple(children) or ((name,) if lineage["in_lake"] else ()),
        memo={**memo, "models": children},
        framing=(more,),
    )
