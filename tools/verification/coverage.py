"""What of a claim's needs a unit of a passage does not cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tools.search.vocabulary import language_names, license_family
from tools.verification.anchors import ROLES, is_tied, right_noun
from tools.verification.licences import Licence, find_licences
from tools.verification.needs import Need, squash_name
from tools.verification.numbers import Number, supports_number, unit_names
from tools.verification.passages import Passage, Unit
from tools.verification.readings import Reading, read_text
from tools.verification.words import Word, is_free, stem_word, talk_words

# What can be said of a model that was made from another one.
_MADE_FROM = frozenset({"finetune", "base", "build", "built", "derive", "initialize"})
_MADE = _MADE_FROM | {"adapt", "distil", "quantize", "prune", "merge"}
_UNSEEN = frozenset(
    stem_word(word) for word in ("held-out", "heldout", "held", "holdout", "unseen", "benchmark")
)
_EVALUATED = frozenset({"evaluate", "test", "validation", "dev"})
_DENIES = re.compile(r"\b(?:not|no|never|neither|nor|less|more)\b|n't\b", re.IGNORECASE)
_CONNECTORS = frozenset(
    {"to", "of", "in", "on", "and", "the", "based", "level", "sized", "size", "as", "a", "for"}
)
_SHARES = frozenset(
    {"MOS", "FID", "PSNR", "SI-SNR", "PESQ", "perplexity", "loss", "mean reward", "RMSE", "MSE", "MAE"}
)


@dataclass(frozen=True, slots=True)
class Missing:
    """The parts of a need that stand nowhere in the unit and what it is read with."""

    numbers: tuple[Number, ...]
    licences: tuple[Licence, ...]
    metrics: tuple[str, ...]
    names: tuple[Word, ...]
    words: tuple[Word, ...]

    def say(self) -> list[str]:
        """What the passage does not say, worst first."""
        problems = []
        if self.numbers:
            problems.append(
                "the cited passage does not give " + ", ".join(n.written for n in self.numbers[:3])
            )
        if self.licences:
            problems.append(
                "the cited passage does not name the licence " + ", ".join(map(str, self.licences[:2]))
            )
        if self.metrics:
            problems.append("the cited passage does not give it for " + ", ".join(self.metrics[:3]))
        if self.names:
            problems.append("the cited passage does not mention " + ", ".join(w.text for w in self.names[:4]))
        if self.words:
            problems.append("the cited passage does not say " + ", ".join(w.text for w in self.words[:5]))
        return problems


def find_missing(
    reading: Reading, need: Need, passage: Passage, unit: Unit, elsewhere: Sequence[Reading]
) -> Missing:
    """What `unit` lacks of a claim's need; `elsewhere` may supply names and plain words."""
    numbers = tuple(number for number in need.numbers if not _gives(reading, number, need, passage, unit))
    licences = tuple(
        licence
        for licence in need.licences
        if not any(
            licence.is_supported_by(given)
            for given in [*find_licences(unit.reading.folded.text), *find_licences(unit.around.folded.text)]
        )
    )
    pools = [unit.reading, unit.around, passage.about, *elsewhere]
    given = {name for pool in (unit.reading, unit.around, passage.about) for name, _, _ in pool.metrics}
    metrics = tuple(
        dict.fromkeys(
            name
            for name, start, end in need.metrics
            if name not in given
            and not any(pool.holds_run(squash_name(reading.folded.lower[start:end])) for pool in pools)
        )
    )
    names = tuple(word for word in need.names if not _covers(word, passage, pools, reading))
    names += tuple(word for word in _torn_names(need, reading, pools) if word not in names)
    if unit.cells:
        names += tuple(
            word
            for word in need.names
            if word not in names and is_of_another_row(squash_name(word.low), passage, unit)
        )
    words = tuple(word for word in need.words if not _covers(word, passage, pools, reading))
    return Missing(numbers, licences, metrics, names, words)


def _torn_names(need: Need, reading: Reading, pools: Sequence[Reading]) -> list[Word]:
    """Words of names of several words ("BERTimbau Large") that stand in the source, but not side by side."""
    torn = []
    text = reading.folded.text
    names = [word for word in need.names if word.stem not in ROLES]
    for first, second in pairwise(names):
        if text[first.end : second.start] != " " or (first.initial and not first.text[0].isupper()):
            continue
        near = any(
            0 < b - a <= 4 for pool in pools for a in _places(first, pool) for b in _places(second, pool)
        )
        if not near and all(any(_places(word, pool) for pool in pools) for word in (first, second)):
            torn.append(second)
    return torn


def _places(word: Word, pool: Reading) -> list[int]:
    return [
        n
        for n, other in enumerate(pool.words)
        if other.stem == word.stem or squash_name(other.low) == squash_name(word.low)
    ]


def is_of_another_row(wanted: str, passage: Passage, unit: Unit) -> bool:
    """Whether a name (letters and digits only) labels other rows of the table, and not this one."""
    if unit.reading.holds_run(wanted):
        return False
    return any(other.cells and read_text(other.cells[0][1]).holds_run(wanted) for other in passage.units)


def _gives(reading: Reading, number: Number, need: Need, passage: Passage, unit: Unit) -> bool:
    """Whether the unit gives the number, tied to what the claim ties it to."""
    metrics = [name for name, _, _ in need.metrics]
    share = not metrics or any(name not in _SHARES for name in metrics)
    # A unit that stands behind a number is that number's own.
    units = frozenset[str]().union(*(_free_lows(r) for r in (unit.reading, unit.around, passage.about)))
    if not _is_counted_there(reading, number, passage, unit):
        return False
    for given in unit.reading.numbers:
        if _lacks_unit(reading, number, given):
            continue
        if supports_number(number, given, share=share and bool(metrics), units=units) and is_tied(
            reading, number, unit, given
        ):
            return True
    if number.value == _count_items(unit) and right_noun(reading, number):
        return True
    if re.fullmatch(r"\d+(?:\.\d+)?", number.written):
        # "SQuAD 2.0", "Common Voice 11": a version stands glued to its name.
        before = [word for word in reading.words if word.end <= number.start]
        gap = reading.folded.text[before[-1].end : number.start] if before else ""
        if gap in (" ", " v", "-") and not is_free(before[-1].low):
            name = squash_name(before[-1].low)
            initials = "".join(word.low[0] for word in before[-3:] if word.text[0].isupper())
            digits = number.written.split(".")
            forms = {"".join(digits), digits[0] if digits[1:] in ([], ["0"]) else "".join(digits)}
            for pool in (unit.reading, unit.around, passage.about):
                if any(pool.holds_run(f"{name}{v}{form}") for form in forms for v in ("", "v")):
                    return True
                if len(initials) > 1 and any(pool.holds_run(f"{initials}{form}") for form in forms):
                    return True
    return False


def _free_lows(reading: Reading) -> set[str]:
    spans = [(number.start, number.end) for number in reading.numbers]
    return {w.low for w in reading.words if not any(start <= w.start < end for start, end in spans)}


def _lacks_unit(claim: Reading, number: Number, given: Number) -> bool:
    """Whether a source's "12 hours" is taken for a bare 12 of something else."""
    if number.kind or given.kind in ("", "percent", "points", "pixels"):
        return False
    return not unit_names(given.kind) & {*claim.lows, *re.findall(r"[a-z]+", claim.folded.lower)}


def _is_counted_there(claim: Reading, number: Number, passage: Passage, unit: Unit) -> bool:
    """Whether a free noun right behind a number ("2,000 users") stands in the source too."""
    noun = next((word for word in claim.words if word.start >= number.end), None)
    if (
        noun is None
        or noun.low not in talk_words("counted")
        or claim.folded.text[number.end : noun.start] != " "
    ):
        return True
    if number.value == _count_items(unit):
        return True
    return any(noun.stem in pool.stems for pool in (unit.reading, unit.around, passage.about))


def _count_items(unit: Unit) -> int:
    """How many entries a list under a key has ("license:" with two lines is two licences); 0 for no list."""
    lines = unit.text.strip().split("\n")
    items = sum(line.lstrip().startswith("- ") for line in lines)
    return items if items == len(lines) - 1 and lines[0].rstrip().endswith(":") else 0


def _covers(word: Word, passage: Passage, pools: Sequence[Reading], claim: Reading | None = None) -> bool:
    """Whether a word, another form of it, its acronym or its language code stands in one of the texts."""
    if word.stem == "train" and pools[0].stems & _EVALUATED and "train" not in pools[0].stems:
        return False  # "eval_batch_size" under "used during training" is not the training's
    squashed = squash_name(word.low)
    for pool in pools:
        if word.stem in pool.stems or pool.holds_run(squashed):
            return True
    if word.stem in _MADE_FROM:
        made = _MADE_FROM if word.stem == "finetune" else _MADE
        if any(made & pool.stems for pool in pools):
            return True
    if word.stem == "train" and not (ROLES - {"train"} | _UNSEEN) & pools[0].stems and not pools[0].metrics:
        # A hyperparameter, or a dataset in a field: training is what it is of, unless said otherwise.
        return True
    if word.low in ("permissive", "copyleft") and claim is not None and not _DENIES.search(claim.folded.text):
        return any(_is_of_family(licence, word.low) for licence in find_licences(pools[0].folded.text))
    if word.stem == "train" and "finetune" in pools[0].stems:
        return True
    if code := language_names().get(word.low):
        structured = passage.evidence.kind != "card" or "/" in passage.evidence.locator
        for pool in pools:
            if any(language_names().get(low) == code or (structured and low == code) for low in pool.lows):
                return True
    if len(word.parts) > 1 and "-" in word.low and word.low.replace("-", "").isalpha():
        # A compound of plain words may be said apart: "text-to-image", "question-answering".
        inner = [part for part in read_text(" ".join(word.parts)).words if part.low not in _CONNECTORS]
        if inner and all(any(part.stem in pool.stems for pool in pools) for part in inner):
            return not word.is_name or word.text.islower()
    if word.text.isupper() and 2 <= len(word.text) <= 6:
        return any(_has_initials(pool, word.low) for pool in pools)
    if claim is not None and word.text.isalpha():
        return _is_spelled_out(word, claim, pools)
    return False


def _is_of_family(licence: Licence, family: str) -> bool:
    forms = (str(licence), f"{licence}.0", licence.family)
    return any(family in license_family(form) for form in forms)


def _has_initials(pool: Reading, acronym: str) -> bool:
    letters = "".join(part[0] for word in pool.words for part in word.parts)
    return acronym in letters and any(
        "".join(part[0] for word in pool.words[at : at + len(acronym)] for part in word.parts)[: len(acronym)]
        == acronym
        for at in range(len(pool.words))
    )


def _is_spelled_out(word: Word, claim: Reading, pools: Sequence[Reading]) -> bool:
    """Whether the word is part of the long form of an acronym of the source: "named entity recognition"."""
    at = claim.words.index(word)
    for pool in pools:
        for other in pool.words:
            if not (other.text.isupper() and other.text.isalpha() and 2 <= len(other.text) <= 5):
                continue
            for start in range(max(0, at - len(other.text) + 1), at + 1):
                row = claim.words[start : start + len(other.text)]
                if len(row) == len(other.text) and "".join(w.low[0] for w in row) == other.low:
                    return True
    return False
