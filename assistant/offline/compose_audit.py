"""Answers on a card as a whole: an audit, one of its findings, a draft."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.cues import is_yes_no
from assistant.offline.draft import Draft
from assistant.offline.plan import Plan
from assistant.offline.wording import join_words, mark_keys, name_model, plain_text, quote_text

Json = Mapping[str, Any]

_SHOWN_FINDINGS = 6
_SHOWN_STATEMENTS = 8
_SHOWN_OPEN = 8
_MAY_I = re.compile(r"\W*(?:can|may|should|could|would)\s+(?:i|we|one|you|they)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b|\bwie viele\b", re.IGNORECASE)
_HOW_GOOD = re.compile(
    r"\bhow (?:good|reliable|trustworthy|honest|accurate|correct|sound|far)\b|\bkann ich\b|\bist\b",
    re.IGNORECASE,
)
_ASKS_FAULT = re.compile(
    r"\b(?:errors?|mistakes?|faults?|faulty|wrong|false|lies?|lying|incorrect|inaccurate|inconsistent\w*"
    r"|contradict\w*|misleading|dubious|problems?|issues?|bad)\b",
    re.IGNORECASE,
)
_ORDERS_CHANGE = re.compile(
    r"^\W*(?:(?:please|can you|could you|then|ok|now)\W+)*(?:fix|mend|repair|correct|change|solve)\b",
    re.IGNORECASE,
)
_ASKS_RULE = re.compile(r"\brules?\b|\bregel\b|\bsays who\b", re.IGNORECASE)
# Slots whose statement is a bare value, with what the value is called.
_FIELDS = {"License": "licence", "Model type": "task", "Finetuned from model": "base model"}


def compose_audit(plan: Plan, audited: Json) -> Draft:
    """The counts, then the findings, most severe first, each with its line and its fix."""
    if "findings" not in audited:
        return _compose_lake(plan, audited)
    findings = audited["findings"]
    sound = not audited["counts"]["error"] and not audited["claims"]["contradicted"]
    asks = bool(is_yes_no(plan.question) or _MAY_I.match(plan.question) or _HOW_GOOD.search(plan.question))
    opening = []
    if asks and not sound:
        fault = _ASKS_FAULT.search(plan.question) and not _HOW_GOOD.search(plan.question)
        opening = [phrases.HAS_ERRORS if fault else phrases.NOT_AS_IT_STANDS, ""]
    elif asks:
        opening = [phrases.NOTHING_CONTRADICTED, ""]
    elif _HOW_MANY.search(plan.question):
        opening = [_say_told(audited, "found"), ""]
    lines = [*opening, _say_told(audited), ""]
    serious = [
        found
        for found in findings
        if found["severity"] == plan.reason or (not plan.reason and found["severity"] != "note")
    ]
    shown = (serious if serious or plan.reason else findings)[:_SHOWN_FINDINGS]
    for found in shown:
        first, *more = _say(audited["model"], found)
        lines += [f"{found['number']}. {first}", *more]
    if sound and not asks:
        lines += ["", phrases.NOTHING_CONTRADICTED]
    if len(findings) + audited["more"] > len(shown):
        lines += ["", phrases.ALL_FINDINGS]
    return Draft(
        "\n".join(lines).strip(),
        models=(audited["model"],),
        memo={"intent": "audit", "question": plan.question, "models": [audited["model"]], "finding": 1},
    )


def _compose_lake(plan: Plan, audited: Json) -> Draft:
    """Which cards of the lake have errors, each with its gravest."""
    told = audited["authors"] if plan.reason == "authors" else audited["summary"]
    lines = [f"{told['text']} [{told['key']}]", ""]
    for number, entry in enumerate(audited["models"], 1):
        name = str(entry["model"])
        said = plain_text(entry["text"]).replace(name, name_model(name), 1)
        lines.append(f"{number}. {said} [{entry['key']}]")
    models = tuple(entry["model"] for entry in audited["models"])
    lines += ["", phrases.WHOLE_AUDIT]
    memo = {"intent": "lake_audit", "question": plan.question, "models": list(models)}
    return Draft("\n".join(lines), models=models, memo=memo)


def compose_finding(plan: Plan, audited: Json) -> Draft:
    """One finding whole: what it says, the line, why it matters, the evidence against it."""
    findings = [f for f in audited["findings"] if plan.reason in ("", f["severity"])]
    place = len(findings) if plan.limit == 0 else plan.limit  # "the last one"
    model = str(audited["model"])
    memo = {"intent": "finding", "question": plan.question, "models": [model], "finding": place}
    lines = []
    if line := audited.get("line"):
        lines.append(f"{name_model(model)}: {quote_text(line['text'], words=40)} [{line['key']}]")
    if not 1 <= place <= len(findings):
        lines.append(_say_told(audited, "about" if "about" in audited else "found"))
        return Draft(_list_lines(lines), models=(model,), memo={**memo, "finding": 1})
    found = findings[place - 1]
    memo["finding"] = found["number"]
    if len(findings) > 1 and "about" in audited:
        lines.append(_say_told(audited, "about"))
    first, *more = [line.strip().removeprefix("- ") for line in _say(model, found)]
    if lines and found.get("quote_key") == (audited.get("line") or {}).get("key"):
        more = more[1:]
    if _ASKS_RULE.search(plan.question):
        lines.append(f"{plain_text(found['what'])} [{found['key']}]")
    lines += [first, f"Why it matters: {plain_text(found['why'])} [{found['key']}]", *more]
    for item in found["evidence"]:
        if quoted := quote_text(item["text"], words=40):
            lines.append(f"{quoted} [{item['key']}]")
    text = _list_lines(lines)
    if _ORDERS_CHANGE.match(plan.question):
        text = f"{phrases.CHANGES_NOTHING}\n\n{text}"
    return Draft(text, models=(model,), memo=memo)


def _list_lines(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def compose_drafted(plan: Plan, drafted: Json) -> Draft:
    """What a draft could fill, its main statements with their evidence, and what is open."""
    lines = [_say_told(drafted), ""]
    told: set[str] = set()
    for said in drafted["statements"]:
        text = plain_text(said["text"])
        if told.issuperset(said["keys"]) or len(lines) == _SHOWN_STATEMENTS + 2:
            continue  # slots of the template ask for the same fact more than once
        if not text.endswith("."):
            if (field := _FIELDS.get(said["slot"])) is None:
                continue
            text = f"{name_model(drafted['model'])}: {field} {text}"
        told.update(said["keys"])
        lines.append(f"- {text} {mark_keys(said['keys'])}")
    lines += ["", phrases.WHOLE_DRAFT]
    if open_slots := drafted["open"]:
        more = len(open_slots) - _SHOWN_OPEN
        named = [*open_slots[:_SHOWN_OPEN], *([f"{more} more"] if more > 0 else [])]
        lines += ["", f"{phrases.OPEN_SLOTS} {join_words(named)}."]
    return Draft(
        "\n".join(lines),
        models=(drafted["model"],),
        memo={"intent": "draft", "question": plan.question, "models": [drafted["model"]]},
        framing=(lines[-1],) if open_slots else (),
    )


def _say_told(found: Json, part: str = "summary") -> str:
    """A sentence of the lake on a model, with its mark."""
    name = str(found["model"])
    return f"{found[part]['text'].replace(name, name_model(name), 1)} [{found[part]['key']}]"


def _say(model: str, found: Json) -> list[str]:
    """A finding, its line quoted below it, and its fix, each with its mark."""
    lines = [f"{plain_text(found['text'])} [{found['key']}]"]
    if found.get("quote_key") and (quoted := quote_text(found["quote"], words=24)):
        lines.append(f"   - {name_model(model)}: {quoted} [{found['quote_key']}]")
    if found["fix"]:
        lines.append(f"   - Fix: {plain_text(found['fix'])} [{found['key']}]")
    return lines
