"""Whether a written sentence says of each thing what the evidence says of that thing.

The verifier of answers finds whether words and numbers stand in the evidence; two facts whose values changed
places have all of them. Here each value must stand beside the words it belongs to, and what is taken from a
passage must be a whole sentence of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from tools.draft.types import Statement
from tools.evidence import Evidence
from tools.reading import STOPWORDS, stem_word

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TOKEN = re.compile(rf"{_NUMBER.pattern}|{_WORD.pattern}")
_CLAUSE_END = re.compile(r"[;:()]|,(?!\d)|\b(?:and|while|whereas|but|or|with)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")


def find_fault(sentence: str, cited: Sequence[Evidence], own: Sequence[Statement]) -> str:
    """Why `sentence` may not stand on `cited`, "" when it may. `own`: our statements on that evidence.

    Refused are words or numbers of no evidence, values beside the words of another fact, anything but whole
    sentences of a passage, and sentences that mix a passage with our facts.
    """
    keys = {item.id for item in cited}
    facts = [one for one in own if one.values and {item.id for item in one.evidence} & keys]
    quotes = [one for one in own if not one.values and {item.id for item in one.evidence} & keys]
    if foreign := _find_foreign(
        sentence, cited, [one for one in own if {item.id for item in one.evidence} <= keys]
    ):
        return f"{foreign!r} is not in the evidence"
    if facts and quotes:
        return "it mixes a passage with facts of other files"
    if quotes:
        stands = any(_follows(sentence, one.evidence[0].text) for one in quotes)
        return "" if stands else "it says something else than the passage"
    return _find_unbound(sentence, facts)


def _find_foreign(sentence: str, cited: Sequence[Evidence], wording: Sequence[Statement]) -> str:
    """A word or number of `sentence` that neither its evidence nor our wording of it holds, or "".

    The verifier of answers lets common words pass, since an answer is read beside its evidence. A card is
    read alone: there, "was not trained" or "is safe" must not slip in between two facts.
    """
    texts = [*(one.text for one in wording), *(f"{item.text} {item.locator} {item.model}" for item in cited)]
    held = " ".join(texts)
    held_words = {word.lower() for word in _WORD.findall(held)}
    stems = {stem_word(word) for word in _WORD.findall(_split_names(held))}
    for found in _WORD.finditer(_split_names(sentence)):
        word = found[0].replace("’", "'").lower()
        if word in read_words("loaded") or word.endswith("n't"):
            if word not in held_words:
                return word
        elif not (word in STOPWORDS or word in read_words("neutral") or stem_word(word) in stems):
            return word
    numbers = set(_NUMBER.findall(held))
    return next((str(number) for number in _NUMBER.findall(sentence) if number not in numbers), "")


def _find_unbound(sentence: str, facts: Sequence[Statement]) -> str:
    """Each value must stand in one clause with a word of its own fact.

    A fact of several values (a result: metric, value, dataset) has a sentence of its own: with two of them in
    one, whose value is whose would be for grammar to tell.
    """
    rest = sentence
    for value in sorted({value for one in facts for value in one.values}, key=len, reverse=True):
        # A value may hold commas and "and"; as one token it does not end a clause.
        rest = re.sub(
            _bound(value), lambda found: f"\0{found[0].encode().hex()}\0", rest, flags=re.IGNORECASE
        )
    several: set[str] = set()
    for clause in _CLAUSE_END.split(rest):
        words = {stem_word(word) for word in _WORD.findall(_split_names(re.sub(r"\0\w+\0", " ", clause)))}
        for token in re.findall(r"\0(\w+)\0", clause):
            value = bytes.fromhex(token).decode().casefold()
            owners = [one for one in facts if value in _fold_values(one)]
            if all(len(one.values) > 1 for one in owners):
                several.add(value)
            elif not any(_list_subjects(one) & words for one in owners if len(one.values) == 1):
                return f"{value!r} stands beside other words than in the evidence"
    if several and not any(several == _fold_values(one) for one in facts):
        return f"{', '.join(sorted(several))} are not the values of one fact"
    return ""


def _fold_values(fact: Statement) -> set[str]:
    return {value.casefold() for value in fact.values}


def _list_subjects(fact: Statement) -> set[str]:
    """Stems of the words that say what a fact's value is the value of."""
    text = fact.text
    for value in sorted(fact.values, key=len, reverse=True):
        text = text.replace(value, " ")
    keys = " ".join(item.locator.rpartition("/")[2] for item in fact.evidence if "#/" in item.locator)
    words = {word.lower() for word in _WORD.findall(_split_names(f"{text} {keys}"))}
    return {stem_word(word) for word in words - STOPWORDS - read_words("neutral")}


def _bound(value: str) -> str:
    return rf"(?<![\w\0]){re.escape(value)}(?![\w\0]|[.,]\d)"


def _follows(sentence: str, passage: str) -> bool:
    """Whether the sentence is one of the passage's, word for word and as a whole.

    "Was not trained to rhyme" must not become "was not trained", nor "80 on A and 90 on B" 80 on B.
    """
    wanted = [word.lower() for word in _TOKEN.findall(sentence)]
    return any(
        wanted == [word.lower() for word in _TOKEN.findall(source)] for source in _SENTENCE_END.split(passage)
    )


def _split_names(text: str) -> str:
    """`num_hidden_layers` and `LlamaForCausalLM` as words, beside how they stand."""
    return text.replace("_", " ") + " " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("_", " "))


@cache
def read_words(name: str) -> frozenset[str]:
    """A list of words.toml."""
    text = resources.files("tools.draft").joinpath("words.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)[name].split())
