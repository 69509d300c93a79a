"""Questions that are answered by counting: how many models, which values are frequent, who states none."""

from __future__ import annotations

import re

from assistant.offline.plan import Plan, Request
from assistant.offline.shapes import find_shape
from tools.reading import content_words
from tools.search.constraints import read_constraints

# (how a field is asked for, the field), the first that fits counts.
_FIELDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), field)
    for words, field in (
        (r"licen[cs](?:es?|ing)", "license"),
        (r"(?:training |evaluation )?data ?sets?|(?:training )?data|corpora|corpus", "dataset"),
        (r"languages?", "language"),
        (r"tasks?|pipeline[ _]tags?", "task"),
        (r"librar(?:y|ies)|frameworks?", "library"),
        (r"authors?|organi[sz]ations?|publishers?|makers?|who|whose", "author"),
    )
)
_EMPTY_WORDS = frozenset(
    content_words(
        "model models checkpoint checkpoints card cards lake here there this the hold holds have has all any "
        "them these of in are is exist number count many much how do does not don't use uses used stated "
        "which what list show give name me their its it information most often frequent common total can "
        "you know altogether among between metadata under licensed licence come without available covered "
        "cover one ones"
    )
)


def plan_count(question: str) -> Plan | None:
    """The plan of a question that counting answers, None for others.

    What the words ask beyond conditions that the catalog can judge is for search, which reads the cards.
    """
    for shape, unstated in (("unstated", True), ("frequent", False), ("how_many", False)):
        found = find_shape(shape, question)
        if found is None:
            continue
        field = None
        rest = question
        if shape != "how_many":
            named = [(match, field) for words, field in _FIELDS if (match := words.search(found[0]))]
            if not named:
                continue
            # The field stands last in "which models come without a licence".
            match, field = max(named, key=lambda pair: pair[0].start()) if unstated else named[0]
            rest = f"{question[: found.start()]} {found[0][: match.start()]} {question[found.end() :]}"
            if not unstated:
                rest = f"{question[: found.start()]} {question[found.end() :]}"
        constraints = read_constraints(rest)
        left = rest
        for constraint in constraints:
            if constraint.words:
                left = left.replace(constraint.words, " ")
        if shape == "how_many":
            left = left.replace(found[0], " ")
        if set(content_words(left)) - _EMPTY_WORDS - set(content_words(found[0])):
            return None
        if shape == "how_many" and not constraints:
            return None
        query = " ".join(rest.split()) if constraints else ""
        arguments = {"query": query, "by": field, "unstated": unstated}
        return Plan(
            intent="count", question=question, query=question, requests=(Request("count_models", arguments),)
        )
    return None
