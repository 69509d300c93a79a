"""Which spans of a card answer a question, and which only touch it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assistant.offline.planner import Plan
from assistant.offline.wording import plain_text
from tools.attributes import Attribute
from tools.reading import content_words, stem_word

Json = Mapping[str, Any]

COUNTED = re.compile(
    r"\b(?:how many|number of|amount of)\s+(?:different |distinct "
    r"|total )?(?P<noun>[\w-]+(?:[ -][\w-]+){0,3})",
    re.I,
)
# What looks like the name of a model: a Hub link, an id, a capitalised name with a version.
_MODEL_LIKE = re.compile(
    r"huggingface\.co/\w|`[\w./-]+`|\b[\w-]+/[\w-]+\b|\b[A-Z][\w-]*[ -](?:[\w-]+[ -]){0,2}v?\d"
)
# "trained on the Example Corpus": the sentence that names the data, before those that only speak of it.
_TRAINED_ON = re.compile(
    r"\b(?:train(?:ed)?|fine-?tuned|finetuned)\b.{0,60}?\b(?:on|using|with|from)\b(?=.*\b(?:[A-Z][\w-]*[A-Z0-9-]|"
    r"[A-Z]\w+|data ?sets?|corpus|\d))"
)
_NUMBER = re.compile(
    r"\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen"
    r"|hundred|thousand|million)\b",
    re.I,
)


_UNITS = {
    stem_word(unit): tuple(short.split())
    for unit, short in (
        ("gigabytes", "gb gib"), ("megabytes", "mb mib"), ("terabytes", "tb tib"), ("hours", "h hr"),
        ("minutes", "min"), ("parameters", "param m b"), ("gb", "gigabyt"),
    )
}  # fmt: skip

_APT = 0.5  # nearness from which a span that holds all that is asked needs no words of the attribute


def accept_spans(plan: Plan, read: Json, attribute: Attribute | None) -> list[Json]:
    """Spans that answer, not only touch: the counted noun with its number, or the attribute's own words."""
    asked = set(content_words(plan.question, drop=[str(read["model"])])) - _words_of(str(read["model"]))
    whole = frozenset(asked)
    if attribute is not None:
        # The attribute's own words are accounted for by what states it.
        asked -= {
            stem for found in attribute.asked.finditer(plan.question) for stem in content_words(found[0])
        }
    counted = _find_counted(plan.question, attribute)
    heads = _head_nouns(counted) if counted else []
    head = next((noun for noun in heads if _is_counted(read["passages"], noun)), heads[0] if heads else "")
    accepted = []
    for span in read["passages"]:
        text = plain_text(span["text"])
        if len(text.split()) < 2:
            continue  # "None." says of nothing that there is none
        covered = set(span["covered"])
        if head:
            if _number_beside(text, head):
                accepted.append(span)
            continue
        matched = len(covered & asked) / len(asked) if asked else 0.0
        apt = len(whole) > 1 and whole <= covered and span["nearness"] >= _APT
        if attribute is not None and not span["states"] and not apt and (matched < 0.6 or len(asked) < 3):
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
    if attribute is not None and attribute.name == "data":
        accepted.sort(key=lambda span: _TRAINED_ON.search(plain_text(span["text"])) is None)
    return accepted


def _find_counted(question: str, attribute: Attribute | None) -> str:
    """What is counted; of several ("how many layers, how many parameters") what the attribute asks."""
    found = [match["noun"] for match in COUNTED.finditer(question)]
    if len(found) > 1 and attribute is not None:
        found = [noun for noun in found if attribute.asked.search(noun)]
    return found[0] if found else ""


def _head_nouns(phrase: str) -> list[str]:
    """The nouns that may be counted, the last word before a verb first ("text-music pairs did" -> pair)."""
    words = []
    for word in re.findall(r"[\w-]+", phrase):
        if re.fullmatch(
            r"(?:each|did|does|do|is|are|was|were|has|have|had|can|could|in|of|for|from|on"
            r"|to|it|the|went|go|used?)",
            word,
            re.I,
        ):
            break
        words.append(stem_word(word.rpartition("-")[2]))
    return [*words[-1:], *words[:-1]]


def _is_counted(passages: list[Json], noun: str) -> bool:
    return any(_number_beside(plain_text(span["text"]), noun) for span in passages)


def _words_of(model: str) -> set[str]:
    """The parts of an id, which name the model and describe nothing."""
    return {stem for part in re.split(r"[^A-Za-z0-9]+", model) for stem in content_words(part)}


def _number_beside(text: str, stem: str) -> bool:
    """Whether a number stands within a few words of a word with this stem."""
    words = text.split()
    forms = {stem, *_UNITS.get(stem, ())}
    at = [
        n
        for n, word in enumerate(words)
        if any(stem_word(part) in forms for part in re.findall(r"[A-Za-z]+", word))
    ]
    return any(
        _NUMBER.search(word)
        for n in at
        for word in words[max(0, n - 6) : n + 5]
        if not re.fullmatch(r"\W*", word)
    )
