"""Answers about named models: facts, overviews, comparisons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.offline import phrases
from assistant.offline.draft import Draft
from assistant.offline.planner import Plan
from assistant.offline.wording import (
    join_words,
    mark_keys,
    name_data,
    name_model,
    plain_text,
    quote_text,
    shorten_value,
)
from tools.attributes import Attribute
from tools.metrics import Metric, asked_metrics
from tools.reading import content_words, stem_word
from tools.search.vocabulary import language_names, matches_license, normalize_language, normalize_license

Json = Mapping[str, Any]

_FIELD_WORDS = {
    "license": "licence", "language": "language", "dataset": "datasets", "task": "task", "library": "library",
    "downloads": "downloads", "likes": "likes", "parameters": "parameters", "base_model": "base model",
    "author": "author", "tags": "tags", "last_modified": "last modified",
}  # fmt: skip
_COUNTED = re.compile(
    r"\b(?:how many|number of|amount of)\s+(?:different |distinct "
    r"|total )?(?P<noun>[\w-]+(?:[ -][\w-]+){0,3})",
    re.I,
)
# What looks like the name of a model: a Hub link, an id, a capitalised name with a version.
_MODEL_LIKE = re.compile(
    r"huggingface\.co/\w|`[\w./-]+`|\b[\w-]+/[\w-]+\b|\b[A-Z][\w-]*[ -](?:[\w-]+[ -]){0,2}v?\d"
)
_NUMBER = re.compile(
    r"\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen"
    r"|hundred|thousand|million)\b",
    re.I,
)


def compose_fact(plan: Plan, read: Json) -> Draft:
    """One model, one or more attributes; both places when two disagree; "not stated" when nothing says it."""
    model = str(read["model"])
    lines: list[str] = []
    answered = False
    metrics = asked_metrics(plan.question)
    attributes = list(plan.attributes)
    if metrics and not any(a.name in ("license", "downloads", "language") for a in attributes):
        lines, answered = _metric_lines(plan, read, metrics)
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


def compose_overview(plan: Plan, read: Json) -> Draft:
    """What a model is, in its card's words, and its usual facts."""
    model = str(read["model"])
    lines = []
    for passage in read["passages"][:2]:
        if quoted := quote_text(passage["text"], words=36):
            lines.append(f"{name_model(model)}: {quoted} [{passage['key']}]")
            break
    lines += [
        _field_line(model, name, read["facts"][name][:1])
        for name in ("task", "license", "language", "dataset", "base_model", "downloads")
        if read["facts"].get(name)
    ]
    if not lines:
        lines = [f"{name_model(model)} is in this lake, but its card does not state anything about it."]
    if "our_summary_of" in read:
        lines.append(phrases.OUR_SUMMARIES)
    return Draft(
        text="\n".join(f"- {line}" for line in [*lines, *_not_here(plan)]),
        models=(model,),
        memo={"intent": "overview", "question": plan.question, "also": list(plan.also)},
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
        free = [None] if any(_accepted_spans(plan, entry, None) for entry in read["models"]) else []
        fields = [] if free else ["task", "license", "language", "downloads"]
    lines: list[str] = []
    missing = 0
    for entry in read["models"]:
        model = str(entry["model"])
        for name in dict.fromkeys(fields):
            facts = entry["facts"].get(name) or []
            if facts:
                lines.append(_field_line(model, name, _disagreeing(name, facts)))
            elif not _free_lines(plan, entry, [a for a in plan.attributes if a.field == name]):
                missing += 1
                lines.append(f"The card of {name_model(model)} does not state its {_FIELD_WORDS[name]}.")
        if metrics:
            told, found = _metric_lines(plan, entry, metrics)
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
    counted = _COUNTED.search(plan.question)
    lines: list[str] = []
    if attribute is not None and attribute.field:
        facts = read["facts"].get(attribute.field) or []
        own_words = attribute.name in ("data", "base_model", "developers", "released")
        if facts and not (counted and attribute.name not in ("parameters", "downloads", "likes")):
            shown = _disagreeing(attribute.field, facts)
            lines += [_field_line(model, attribute.field, [fact]) for fact in shown]
            if len(shown) > 1:
                lines.insert(0, phrases.DISAGREEMENT)
        if lines and not own_words:
            return lines
    origin = attribute is not None and attribute.name == "base_model" and not lines
    if origin and (parents := _parent_lines(read)):
        return parents
    spans = _accepted_spans(plan, read, attribute)
    for span in spans[: 1 if lines else 2]:
        about = set(content_words(plan.question))
        quoted = quote_text(span["text"], about=about, words=34)
        if quoted:
            lines.append(f"{name_model(model)}: {quoted} [{span['key']}]")
    return lines


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
        for span in _accepted_spans(plan, read, attribute)[:1]:
            quoted = quote_text(span["text"], about=content_words(plan.question), words=24)
            if quoted:
                lines.append(f"{name_model(str(read['model']))}: {quoted} [{span['key']}]")
    return lines


def _accepted_spans(plan: Plan, read: Json, attribute: Attribute | None) -> list[Json]:
    """Spans that answer, not only touch: the counted noun with its number, or the attribute's own words."""
    asked = set(content_words(plan.question, drop=[str(read["model"])]))
    if attribute is not None:
        # The attribute's own words are accounted for by what states it.
        asked -= {
            stem for found in attribute.asked.finditer(plan.question) for stem in content_words(found[0])
        }
    counted = _COUNTED.search(plan.question)
    head = _head_noun(counted["noun"]) if counted else ""
    accepted = []
    for span in read["passages"]:
        text = plain_text(span["text"])
        covered = set(span["covered"])
        if head:
            if _number_beside(text, head):
                accepted.append(span)
            continue
        matched = len(covered & asked) / len(asked) if asked else 0.0
        if attribute is not None and not span["states"] and (matched < 0.6 or len(asked) < 3):
            continue
        if attribute is not None and attribute.numeric and not _NUMBER.search(text):
            continue
        # Meaning may stand in for shared words, but never for all of them.
        share = (matched if asked else 1.0) + 0.5 * max(0.0, span["nearness"] - 0.2)
        specific = attribute is not None and attribute.name not in (
            "data",
            "limitations",
            "intended_use",
            "labels",
            "task",
        )
        if share >= (0.0 if specific else 0.34) and (specific or covered or not asked):
            accepted.append(span)
    if attribute is not None and attribute.name == "base_model":
        accepted.sort(key=lambda span: _MODEL_LIKE.search(span["text"]) is None)
    return accepted


def _head_noun(phrase: str) -> str:
    """The noun that is counted: the last word before a verb ("text-music pairs did ..." -> pair)."""
    words = []
    for word in re.findall(r"[\w-]+", phrase):
        if re.fullmatch(
            r"(?:each|did|does|do|is|are|was|were|has|have|had|can|could|in|of|for|from|on"
            r"|to|it|the|went|go|used?)",
            word,
            re.I,
        ):
            break
        words.append(word)
    return stem_word(words[-1].rpartition("-")[2]) if words else ""


def _number_beside(text: str, stem: str) -> bool:
    """Whether a number stands within a few words of a word with this stem."""
    words = text.split()
    at = [
        n
        for n, word in enumerate(words)
        if any(stem_word(part) == stem for part in re.findall(r"[A-Za-z]+", word))
    ]
    return any(
        _NUMBER.search(word)
        for n in at
        for word in words[max(0, n - 6) : n + 5]
        if not re.fullmatch(r"\W*", word)
    )


def _metric_lines(plan: Plan, read: Json, metrics: Sequence[Metric]) -> tuple[list[str], bool]:
    """Reported results of the asked metrics; text lines that state them too; both when values differ."""
    model = str(read["model"])
    metric = metrics[0]
    rows = _distinct_rows(
        [row for row in read["results"] if metric in asked_metrics(f"{row['metric']}".replace("_", " "))]
    )
    lines = [_result_line(model, row) for row in rows[:3]]
    if all(row["origin"] == "metadata" for row in rows):
        lines += _metric_quotes(plan, read, metric, [v for row in rows for v in _scaled(str(row["value"]))])
    if not lines:
        lines = _unnamed_metric(model, metric, read["passages"])
    elif (len(rows) > 1 and len({row["origin"] for row in rows}) > 1) or (
        rows and len(lines) > len(rows[:3])
    ):
        lines.insert(0, phrases.TWO_PLACES)
    return lines[:5], bool(lines)


def _distinct_rows(rows: Sequence[Json]) -> list[Json]:
    """Rows whose value no row before them has, metadata first."""
    kept: list[Json] = []
    seen: list[float] = []
    for row in sorted(rows, key=lambda row: row["origin"] != "metadata"):
        values = _scaled(str(row["value"]))
        if not values or any(abs(values[0] - known) < 5e-5 for known in seen):
            continue
        seen.append(values[0])
        kept.append(row)
    # One of each origin before a second of any.
    first = {row["origin"]: row for row in reversed(kept)}
    return [*first.values(), *(row for row in kept if row not in first.values())]


def _metric_quotes(plan: Plan, read: Json, metric: Metric, known: Sequence[float]) -> list[str]:
    """The card's sentences that give the metric a value other than those known."""
    spans = [
        span
        for span in read["passages"]
        if metric.pattern.search(plain_text(span["text"])) and re.search(r"\d", span["text"])
    ]
    lines = []
    for span in [s for s in spans if s["score"] > spans[0]["score"] - 0.1][:2]:
        found = _scaled(plain_text(metric.pattern.sub(" ", span["text"])))
        if known and all(any(abs(value - k) < 5e-5 for k in known) for value in found):
            continue
        quoted = quote_text(span["text"], about=content_words(f"{plan.question} {metric.name}"), words=30)
        if quoted:
            lines.append(f"The text of {name_model(str(read['model']))} says {quoted} [{span['key']}]")
    return lines[: 1 if known else 2]


def _unnamed_metric(model: str, metric: Metric, spans: Sequence[Json]) -> list[str]:
    """A bare "Result: 0.79" under a heading such as Performance: quoted, and said to be unnamed."""
    for span in spans:
        text = plain_text(span["text"])
        if re.match(r"(?:results?|score|value)\s*[:=]\s*[-\d.\"{\[]", text, re.I) and not asked_metrics(text):
            return [
                f"{name_model(model)}: {quote_text(text)} [{span['key']}]",
                f"The card does not state whether that is {metric.name}.",
            ]
    return []


def _result_line(model: str, row: Json) -> str:
    where = name_data(row)
    on = f" on {where}" if where else ""
    value = f"{row['metric']} {row['value']}{row['unit']}"
    return f"{name_model(model)} reports {value}{on} {mark_keys(row['keys'])}"


def _scaled(text: str) -> list[float]:
    """Numbers of a text on one scale, so that .9106 and 91.06 % are the same value."""
    values = []
    for raw in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text.replace(",", "")):
        value = float(raw)
        values.append(value / 100 if value > 1 else value)
    return values


def _field_line(model: str, name: str, facts: Sequence[Json]) -> str:
    values = [f"{shorten_value(str(fact['value']))} [{fact['key']}]" for fact in facts]
    return f"{name_model(model)}: {_FIELD_WORDS[name]} {join_words(values)}"


def _disagreeing(name: str, facts: Sequence[Json]) -> list[Json]:
    """The first fact, and those that say something else about the same field."""
    first = facts[0]
    if name not in ("license", "language"):
        return [first]
    known = _normal_values(name, str(first["value"]))
    others = [
        fact
        for fact in facts[1:]
        if (values := _normal_values(name, str(fact["value"]))) and known and not _agree(name, values, known)
    ]
    return [first, *others[:1]]


def _agree(name: str, some: frozenset[str], others: frozenset[str]) -> bool:
    if name == "license":
        return any(matches_license(a, b) or matches_license(b, a) for a in some for b in others)
    return bool(some & others) or "multilingual" in some | others


def _normal_values(name: str, value: str, *, codes: bool = True) -> frozenset[str]:
    """Licence families or language codes that a text names; `codes`: two-letter codes count as languages."""
    if name == "license":
        return frozenset(_read_licenses(value))
    known = set(language_names().values())
    words = re.findall(r"[A-Za-z-]{2,}", value) if codes else re.findall(r"\b[A-Z][a-z]{3,}\b", value)
    return frozenset(code for word in words if (code := normalize_language(word)) in known)


def _read_licenses(text: str) -> set[str]:
    """Licence identifiers and families that a text names."""
    names = re.findall(
        r"apache(?:[- ]?(?:license,?)?[- ]?(?:version )?2(?:\.0)?)?|\bmit\b"
        r"|\b[al]?gpl(?:[- ]?v?[23](?:\.0)?)?|\bbsd(?:-\d-clause)?|"
        r"cc[- ]by(?:[- ](?:nc|sa|nd))*(?:[- ]\d\.\d)?|cc0|(?:creativeml-"
        r"|bigscience-)?open ?rail(?:[-+ ]?\+*m)?|\bllama\d?|\bunlicense\b",
        text,
        re.IGNORECASE,
    )
    return {normalize_license(name) for name in names}


def _presupposition(plan: Plan, read: Json) -> list[str]:
    """When a question takes something for granted that the card denies, say so first."""
    model = str(read["model"])
    lines = []
    for attribute in plan.attributes:
        facts = read["facts"].get(attribute.field) or []
        if attribute.name not in ("license", "language") or not facts:
            continue
        asked = _normal_values(attribute.field, plan.question, codes=False)
        stated = frozenset().union(*(_normal_values(attribute.field, str(fact["value"])) for fact in facts))
        if asked and stated and not _agree(attribute.field, asked, stated):
            lines.append(f"No: the card of {name_model(model)} does not state that.")
    return lines[:1]


def _not_stated(plan: Plan, model: str, metrics: Sequence[Metric], attributes: Sequence[Attribute]) -> str:
    counted = _COUNTED.search(plan.question)
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
