"""Plans for questions on a card as a whole: audits, single findings of one, drafts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.offline.dialogue import Turn, read_ordinal, resolve_references, shown_list, shown_models
from assistant.offline.plan import Plan, Request
from assistant.offline.shapes import find_shape, has_shape

_LONGEST_FOLLOW_UP = 14  # words
_LONGEST_NAME = 4  # words
# "the first error", "the last warning"; "an error" says what something is.
_SEVERITY = re.compile(r"(?<!\ban )(?<!\ba )\b(error|warning|note)(s?)\b", re.IGNORECASE)
_LINE = re.compile(r"\b(?:line|zeile)\s+(\d{1,6})\b", re.IGNORECASE)
# What findings can be about, in the words that the rules of audits use.
_TOPICS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), topic)
    for words, topic in (
        (r"licen[cs](?:es?|ing)|lizenz(?:en)?", "licence"),
        (r"bases?|base[- ]?models?|parents?|origins?|ancest\w+|basismodell\w*|herkunft", "base"),
        (r"data ?sets?|(?:training )?data|datensatz|datensätze", "dataset"),
        (r"languages?|sprachen?", "language"),
        (r"results?|scores?|figures?|accurac(?:y|ies)|ergebnis(?:se)?", "result"),
        (r"metrics?|metrik(?:en)?", "metric"),
        (r"parameters?|parameter counts?|sizes?", "parameters"),
        (r"links?|urls?|addresses", "link"),
        (r"secrets?|tokens?|passwords?|keys?|credentials?", "secrets"),
        (r"e-?mails?(?: addresses)?", "email"),
        (r"sections?|headings?|abschnitte?|incomplete|unfinished", "section"),
        (r"boilerplate|template", "template"),
        (r"config\w*|architectures?", "config"),
        (r"libraries|library", "library"),
        (r"code|snippets?", "snippet"),
        (r"tasks?|pipeline[_ ]tags?", "pipeline"),
        (r"front ?matter|metadata block", "front matter"),
    )
)
# Topics that cards have and models have not: "what about the sections?" asks on.
_OF_CARDS = frozenset({"section", "link", "secrets", "email", "snippet", "front matter", "template"})
# What stands where a name would, and names no model.
_NO_NAME = re.compile(
    r"(?:(?:my|our|your|his|her|their|its|this|that|these|those)\b.*|it|them|me|us|one|some|something|anything"
    r"|cards?|models?|documentation|docs|readme|metadata|claims?)$",
    re.IGNORECASE,
)


def plan_of_card(base: Plan, bare: str) -> Plan | None:
    """A card of one model audited or drafted; None for other questions. `bare` is without the names."""
    if len(base.models) != 1:
        return None
    for intent, tool in (("draft", "draft_card"), ("audit", "audit_card")):
        if has_shape(intent, bare):
            return replace(
                base,
                intent=intent,  # type: ignore[arg-type]
                requests=(Request(tool, {"model": base.models[0]}),),
            )
    return None


def plan_lake_audit(question: str) -> Plan | None:
    """An audit of the whole lake, on one topic where one is named; None for other questions."""
    if not has_shape("lake_audit", question):
        return None
    topic = read_topic(question)
    return Plan(
        intent="audit",
        question=question,
        requests=(Request("audit_card", {"about": topic} if topic else {}),),
        reason="authors" if has_shape("whose", question) else "",
    )


def plan_without_model(question: str) -> Plan | None:
    """The question back whose card is meant; None for other questions."""
    if has_shape("order_card", question) and (has_shape("draft", question) or has_shape("audit", question)):
        return Plan(intent="nobody", question=question)
    return None


def read_subject(question: str) -> str:
    """Whose card is meant: "unicorn" of "draft a card for a unicorn model"; "" when nobody is named."""
    found = find_shape("card_of", question)
    if found is None or has_shape("lake_audit", question):
        return ""
    name = re.sub(
        r"^(?:an?|the|some|any)\s+|['’]s\b.*$|\s+(?:models?|cards?|please|now)\W*$",
        "",
        found["name"].strip(" ?.!,`'\""),
        flags=re.IGNORECASE,
    )
    name = re.sub(r"\s+models?$", "", name, flags=re.IGNORECASE)
    return "" if not name or len(name.split()) > _LONGEST_NAME or _NO_NAME.match(name) else name


def read_topic(question: str) -> str:
    """What the findings shall be about, as rules call it; "" for no topic."""
    return next((topic for words, topic in _TOPICS if words.search(question)), "")


def plan_finding(question: str, turns: Sequence[Turn]) -> Plan | None:
    """ "explain the second one", "how do I fix it?": one finding of the audit that was just shown."""
    last = next((turn for turn in reversed(turns) if turn.memo.get("intent") != "gaps"), turns[-1])
    models = shown_models(turns)[:1]
    if not models or len(question.split()) > _LONGEST_FOLLOW_UP:
        return None
    about_card = last.memo.get("intent") in ("audit", "finding", "draft")
    if about_card and has_shape("draft", question):
        base = Plan(intent="draft", question=question, models=models)
        return plan_of_card(base, question)
    if has_shape("gaps", question) or has_shape("lake_audit", question):
        return None
    if last.memo.get("intent") == "lake_audit":
        return _plan_listed(question, turns)
    line = _LINE.search(question)
    topic = read_topic(question)
    of_card = topic in _OF_CARDS and re.match(r"\W*(?:and|what about|how about|any)\b", question, re.I)
    onward = has_shape("next_finding", question)
    follows = onward or of_card or has_shape("finding", question) or (line and len(question.split()) <= 6)
    if last.memo.get("intent") not in ("audit", "finding") or not follows:
        return None
    severity = None if onward else _SEVERITY.search(question)
    place = read_ordinal(question)
    if place is None and not severity and not topic and not line and has_shape("audit", question):
        return None  # "what is wrong with it?": all of it
    arguments = {"model": models[0]}
    if severity and severity[2] and place is None:
        # "and the notes?": all of them
        return Plan(
            intent="audit",
            question=question,
            models=models,
            requests=(Request("audit_card", arguments),),
            reason=severity[1].lower(),
        )
    if line:
        arguments["about"] = f"line {int(line[1])}"
    elif topic and place is None:
        arguments["about"] = topic
    if onward:
        place = int(last.memo.get("finding", 0))
    elif place is None:
        place = 0 if severity or len(arguments) > 1 else int(last.memo.get("finding", 1)) - 1
    return Plan(
        intent="finding",
        question=question,
        models=models,
        requests=(Request("audit_card", arguments),),
        reason=severity[1].lower() if severity else "",
        limit=place + 1,
    )


def _plan_listed(question: str, turns: Sequence[Turn]) -> Plan | None:
    """ "explain the second one", said of the cards that an audit of the lake listed."""
    place = read_ordinal(question)
    listed = shown_list(turns)
    meant = resolve_references(question, turns)[:1]
    if place is not None and -len(listed) <= place < len(listed):
        meant = (listed[place],)
    if not meant or not (has_shape("finding", question) or has_shape("audit", question)):
        return None
    requests = (Request("audit_card", {"model": meant[0]}),)
    return Plan(intent="audit", question=question, models=meant, requests=requests)
