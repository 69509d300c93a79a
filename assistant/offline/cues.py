"""Cues in a question: what kind of thing its words ask, before any tool is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from assistant.offline.dialogue import Turn
from assistant.offline.mentions import Mention
from assistant.offline.shapes import find_shape, has_shape, sub_shape
from tools.attributes import asked_attributes
from tools.metrics import Metric, asked_metrics
from tools.reading import content_words
from tools.search.constraints import read_constraints

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
WHICH_OF_THEM = re.compile(r"\bwhich (?:one |ones )?(?:of (?:them|those|these))", re.IGNORECASE)
SIBLING = re.compile(
    r"\W*(?:and|ok|okay|then|now|so|but|what about|how about)*\W*(?:the )?(?P<name>[\w.]+(?: [\w.]+)?)"
    r"(?: (?:one|model|version|size|variant|itself|too|as well|please|instead))*(?=\W*$|,)",
    re.IGNORECASE,
)
NO_NAME = frozenset(
    {
        *("one", "ones", "model", "models", "version", "size", "variant", "itself", "too", "as", "well"),
        *("please", "instead", "it", "its", "this", "that", "the", "and", "them", "both", "thanks"),
        *("license", "licence", "licences", "dataset", "data", "first", "second", "third", "last", "other"),
    }
)
_BEST = re.compile(r"\bbest\b", re.IGNORECASE)
_WORST = re.compile(r"\b(?:worst|least accurate|weakest|poorest)\b", re.IGNORECASE)
_HIGHEST = re.compile(r"\b(?:highest|greatest|largest|maximum|max)\b", re.IGNORECASE)
_LOWEST = re.compile(r"\b(?:lowest|smallest|minimum|min|least)\b", re.IGNORECASE)
_RESULT_WORDS = frozenset(
    content_words(
        "model models one lake here report reports have has reach reaches get gets achieve achieves score "
        "value values result results give gives show shows overall ever far now"
    )
)
_EMPTY_WORDS = frozenset(content_words("model models lake here have list show tell name number five ten one"))


def read_ranking(question: str) -> dict[str, Any] | None:
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
        return {"by": by, "ascending": ascending, "query": " ".join(rest.split())}
    return None


def ask_results(question: str, metric: Metric) -> list[dict[str, Any]]:
    """Which results of a metric are asked for: on the data the words name, else of the task they name."""
    dataset = metric.pattern.sub(" ", question)
    wanted: dict[str, Any] = {"metric": metric.name}
    far_end = _HIGHEST if metric.lower_is_better else _LOWEST
    if _WORST.search(question) or (far_end.search(dataset) and not _BEST.search(dataset)):
        wanted["worst_first"] = True
    if not set(content_words(sub_shape("superlative", " ", dataset))) - _RESULT_WORDS:
        return [wanted]
    constraints = [c for c in read_constraints(question) if not c.negated]
    tasks = [c.value for c in constraints if c.field == "task"]
    languages = [c.value for c in constraints if c.field == "language"]
    if len(languages) == 1:
        wanted["language"] = languages[0]
    return [{**wanted, "dataset": dataset}, *({**wanted, "task": task} for task in tasks[:1])]


def is_strong(mention: Mention, question: str, *, weak_names: bool) -> bool:
    """Whether the question is about this model, or only uses its name to describe something."""
    before = question[: mention.start].rstrip()
    if mention.kind in ("exact", "bare"):
        return not (weak_names and re.search(r"\b(?:an?|any|some|other|which|what)$", before, re.IGNORECASE))
    # "a model by someone" is looked for; "the model by someone" is spoken of.
    sought = re.search(
        r"\b(?:an?|any|some)\s+(?:\w+\s+){0,2}models?\s+(?:by|from|of)$", before, re.IGNORECASE
    )
    several = re.search(r"\b(?:which|what|any|list|all|show)\b.*\bmodels\b", before, re.IGNORECASE)
    return not (weak_names or (mention.kind == "author" and (sought or several)))


def choose_meant(mention: Mention, family: Sequence[str]) -> list[str]:
    """Of the models that an earlier name could have meant, the one that "the one by someone" names."""
    choices = {mention.model, *mention.also}
    author = mention.model.partition("/")[0] if mention.kind == "author" else ""
    return [model for model in family if model in choices or model.partition("/")[0] == author][:1]


# "and on German XQuAD?", said of a score
ELSEWHERE = re.compile(
    r"\W*(?:(?:and|but)\s+)?(?:(?:what|how) about\s+)?(?:on|for|over)\s+(?!the (?:first|second|third|last))",
    re.IGNORECASE,
)


def sets_condition(question: str, turns: Sequence[Turn]) -> bool:
    """ "it has to be free for commercial use", said of what was searched for."""
    return (
        turns[-1].memo.get("intent") in ("find", "similar")
        and bool(re.match(r"\W*(?:it|they|that) (?:has|have|needs?|must|should|ought)\b", question, re.I))
        and bool(read_constraints(question))
    )


def asks_descendants(question: str, mention: Mention) -> bool:
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


def asks_fact_first(question: str) -> bool:
    """ "what licence has ...", "what does X's ... score": a fact of a described model is asked first."""
    begins = re.match(r"\W*(?:what|which|name|how)\b((?:\W+\w+){0,3})", question, re.IGNORECASE)
    if begins is None or re.search(r"\bmodels?\b", begins[1], re.IGNORECASE):
        return False
    return bool(
        asked_metrics(begins[1])
        or asked_attributes(begins[1])
        or re.match(r"\W+(?:does|do|did|is|was|are|were)\b", begins[1], re.IGNORECASE)
    )


def is_yes_no(bare: str) -> bool:
    """ "is A fine-tuned from B?", "does it speak German?"."""
    return re.search(r"^\W*(?:is|was|are|does|did)\b", bare, re.IGNORECASE) is not None


def is_overview(bare: str) -> bool:
    """Whether a question asks what a model is at all."""
    words = re.findall(r"\w+", bare)
    if re.match(
        r"\W*(?:(?:so|and|but|then)\W+)?(?:does|did|can|is|was|will)\b.*\b(?:know|about)\b", bare, re.I
    ):
        return False
    bare_name = len(words) <= 2 and not re.match(r"\W*(?:who|whose|when|where|why|how|which)\b", bare, re.I)
    return bare_name or bool(
        re.search(
            r"\b(?:tell me|what is|what['’]s|describe|about|overview|summar\w+|do you have"
            r"|know|explain|info\w*)\b",
            bare,
            re.I,
        )
    )


def drop_mentions(question: str, mentions: Sequence[Mention]) -> str:
    """The question without the words that name models."""
    text = question
    for mention in sorted(mentions, key=lambda m: -m.start):
        text = text[: mention.start] + " " + text[mention.start + len(mention.words) :]
    return " ".join(re.sub(r"\s['’]s\b", " ", text).split())


def distinct_models(mentions: list[Mention]) -> list[Mention]:
    """One mention for each model, in order."""
    return list({mention.model: mention for mention in reversed(mentions)}.values())[::-1]
