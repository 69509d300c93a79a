"""Whether the facts of a claim stand together in what it cites.

A claim is a statement, or the part of it that one mark covers. Its numbers, licences, metrics, names and all
words but those that claim nothing must stand in one unit of the cited passage, or be named by the unit's
context and source; a claim of several clauses may find each clause in a unit of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tools.search.vocabulary import language_names
from tools.verification.anchors import ROLES, is_tied, right_noun
from tools.verification.licences import Licence, find_licences
from tools.verification.numbers import Number, supports_number
from tools.verification.passages import Passage, Unit
from tools.verification.polarity import find_reversed
from tools.verification.readings import Reading, read_text
from tools.verification.words import Word, is_free, stem_word

_CLAUSE = re.compile(
    r"[;,()]|:\s|\s-\s|\b(?:and|but|while|whereas|which|plus|as well as|though|although|against)\b", re.I
)
_ON = re.compile(r"\b(?:on|for)\s+(?:the\s+)?(?=[\w-]*[A-Z\d])[^;,()]*", re.IGNORECASE)
# What can be said of a model that was made from another one.
_MADE_FROM = frozenset({"finetune", "base", "build", "built", "derive", "initialize", "adapt", "distil"})
_QUALIFIER = re.compile(r"^(?:macro|micro|weighted|average)(?=[- _])|^(?:sacre)(?=bleu)", re.IGNORECASE)
_PHRASE = re.compile(r"\b(?:at|with|for|in|using|over)\b(?=[^;,]*\d)", re.IGNORECASE)
_SIZE_NAMES = re.compile(r"(?<![a-z])(nano|tiny|mini|small|base|medium|large|huge|giant|xl|xxl)(?![a-z])")
_SIZED = re.compile(
    r"\b(nano|tiny|mini|small|base|medium|large|huge|giant)-sized\b"
    r"|\b(nano|tiny|mini|small|medium|large|huge|giant|xl|xxl) (?:model|version|variant|checkpoint)\b"
)
_FIELD_LENGTH = 400  # characters of an evidence that counts as one field
_CONNECTORS = frozenset(
    {"to", "of", "in", "on", "and", "the", "based", "level", "sized", "size", "as", "a", "for"}
)
_SHARES = frozenset(
    {"MOS", "FID", "PSNR", "SI-SNR", "PESQ", "perplexity", "loss", "mean reward", "RMSE", "MSE", "MAE"}
)


@dataclass(frozen=True, slots=True)
class Need:
    """What a claim needs from one unit."""

    numbers: tuple[Number, ...]
    licences: tuple[Licence, ...]
    metrics: tuple[tuple[str, int, int], ...]
    names: tuple[Word, ...]
    words: tuple[Word, ...]

    def __bool__(self) -> bool:
        return bool(self.numbers or self.licences or self.metrics or self.names or self.words)


@dataclass(slots=True)
class Finding:
    """`problems` in words for a person (none: the claim stands), and the unit it stands in."""

    problems: list[str] = field(default_factory=list)
    passage: Passage | None = None
    unit: Unit | None = None
    has_facts: bool = False


def read_need(reading: Reading, explained: Sequence[tuple[int, int]] = ()) -> Need:
    """What the text of a claim asserts; spans of `explained` (of its folded text) are settled elsewhere."""
    text = reading.folded.text
    licences = tuple(item for item in find_licences(text) if not _within(item.start, item.end, explained))
    taken = [*explained, *((item.start, item.end) for item in licences)]
    numbers = tuple(number for number in reading.numbers if not _within(number.start, number.end, taken))
    metrics = tuple(metric for metric in reading.metrics if not _within(metric[1], metric[2], taken))
    taken += [(number.lead, number.end) for number in numbers]
    # "Macro F1" is another figure than "micro F1": the qualifier has to stand in the source as a word.
    taken += [
        (start, end)
        if not (qualified := _QUALIFIER.search(text[start:end]))
        else (start + qualified.end(), end)
        for _, start, end in metrics
    ]
    names: list[Word] = []
    words: list[Word] = []
    for word in reading.words:
        if _within(word.start, word.end, taken) or (is_free(word.low) and not _is_shouted(word)):
            continue
        if (
            all(is_free(part) or not part.isalpha() for part in word.parts)
            and word.low.replace("-", "").isalpha()
        ):
            continue
        (names if word.is_name or word.stem in ROLES or word.low in language_names() else words).append(word)
    return Need(numbers, licences, metrics, tuple(names), tuple(words))


def check_claim(
    text: str,
    passages: Sequence[Passage],
    *,
    elsewhere: Sequence[Reading] = (),
    explained: Sequence[tuple[int, int]] = (),
    subjects: Sequence[str] = (),
) -> Finding:
    """Check a claim's text (marks and found quotes blanked) against the passages it cites.

    `elsewhere`: readings that may supply names and plain words, not numbers: the sources of the statement's
    other marks, and quotes found. `explained`: spans of the folded text that are settled already: ids of the
    models that are cited, comparisons. `subjects`: those ids, which rows of a table have to agree with.
    """
    reading = read_text(text)
    need = read_need(reading, explained)
    if not need:
        return Finding()
    cited = [*passages, *_join_fields(passages)]
    found = _check_whole(reading, need, cited, elsewhere, subjects)
    if found.problems:
        clauses = _split_clauses(reading, explained)
        if len(clauses) > 1:
            parts = [
                _check_whole(part, read_need(part, spans), cited, elsewhere, _named_in(part, subjects))
                for part, spans in clauses
            ]
            if not any(part.problems for part in parts):
                best = max(parts, key=lambda part: len(part.unit.text) if part.unit else 0)
                return Finding([], best.passage, best.unit, True)
    if found.problems:
        listed = _check_list(reading, explained, cited, elsewhere, subjects)
        if listed is not None:
            return listed
    return found


def _check_list(
    reading: Reading,
    explained: Sequence[tuple[int, int]],
    cited: Sequence[Passage],
    elsewhere: Sequence[Reading],
    subjects: Sequence[str],
) -> Finding | None:
    """A claim whose phrases stand on lines of their own: "30 epochs at a batch size of 16"; None when not.

    Only lines that give one number each count: in prose, numbers of several sentences do not combine.
    """
    text = reading.folded.text
    settled = sorted({text[start:stop] for start, stop in explained}, key=len, reverse=True)
    pieces = [
        piece
        for clause, _ in _split_clauses(reading, explained) or []
        for piece in _PHRASE.split(clause.folded.text)
    ]
    parts = []
    role = ""
    for piece in pieces:
        part = read_text(piece)
        need = read_need(part, _find_all(part.folded.text, settled))
        roles = [word.low for word in need.names if word.stem in ROLES]
        if need.numbers and not roles and role:
            part = read_text(f"{role} {piece}")
            need = read_need(part, _find_all(part.folded.text, settled))
        role = roles[-1] if roles and stem_word(roles[-1]) != "train" else "" if roles else role
        finding = _check_whole(part, need, cited, elsewhere, subjects)
        if finding.problems or (
            finding.unit and (len(finding.unit.reading.numbers) > 1 or finding.unit.cells)
        ):
            return None
        if finding.unit:
            parts.append(finding)
    if not parts:
        return None
    best = max(parts, key=lambda part: len(part.unit.text) if part.unit else 0)
    return Finding([], best.passage, best.unit, True)


def _join_fields(passages: Sequence[Passage]) -> list[Passage]:
    """Several short fields of one model as one passage: its licence, its task and its downloads together."""
    fields = [passage for passage in passages if len(passage.evidence.text) <= _FIELD_LENGTH]
    models = {passage.evidence.model for passage in fields}
    if len(fields) < 2 or len(models) > 1:
        return []
    text = " ; ".join(passage.evidence.text for passage in fields)
    context = " ".join(passage.evidence.locator for passage in fields)
    return [Passage(fields[0].evidence, (Unit(text, 0, len(text), context),))]


def _other_size(claim: Reading, passage: Passage, unit: Unit) -> str:
    """The size of another member of the family that a unit speaks of ("a base-sized model"); "" when none."""
    own = set(_SIZE_NAMES.findall(passage.evidence.model.lower()))
    spoken = {first or second for first, second in _SIZED.findall(unit.reading.folded.lower)}
    if not own or not spoken or own & spoken:
        return ""
    other = sorted(spoken)[0]
    return "" if other in claim.lows or f"{other}-sized" in claim.lows else other


def _named_in(reading: Reading, subjects: Sequence[str]) -> list[str]:
    """The subjects a clause names; one that names nothing goes on with the first."""
    named = [name for name in subjects if reading.holds_run(_squash(name))]
    return named or ([] if read_need(reading).names else list(subjects[:1]))


def _check_whole(
    reading: Reading,
    need: Need,
    passages: Sequence[Passage],
    elsewhere: Sequence[Reading],
    subjects: Sequence[str],
) -> Finding:
    if not need:
        return Finding()
    best: tuple[tuple[int, int, int], Passage, Unit, list[str]] | None = None
    for passage in passages:
        for unit in passage.units:
            missing = _missing(reading, need, passage, unit, elsewhere)
            problems = missing.say()
            cost = (len(missing.numbers) + len(missing.licences) + len(missing.metrics), len(missing.names),
                    len(missing.words))  # fmt: skip
            if not problems and unit.cells:
                problems = [
                    f"that row is not about {name}"
                    for name in subjects
                    if _is_of_another_row(_squash(name), passage, unit)
                ]
            if (
                not problems
                and (need.numbers or need.metrics)
                and (size := _other_size(reading, passage, unit))
            ):
                problems = [f"the passage says it of the {size} one"]
            if not problems and (stem := find_reversed(reading, [unit.reading, unit.around])):
                problems = [f"the passage says the opposite about {stem!r}"]
            if not problems:
                return Finding([], passage, unit, True)
            if best is None or cost < best[0]:
                best = (cost, passage, unit, problems)
    if best is None:
        return Finding(["the cited passage is empty"], has_facts=True)
    return Finding(best[3], best[1], best[2], True)


@dataclass(frozen=True, slots=True)
class _Missing:
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


def _missing(
    reading: Reading, need: Need, passage: Passage, unit: Unit, elsewhere: Sequence[Reading]
) -> _Missing:
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
            and not any(pool.holds_run(_squash(reading.folded.lower[start:end])) for pool in pools)
        )
    )
    names = tuple(word for word in need.names if not _covers(word, passage, pools, reading))
    names += tuple(word for word in _torn_names(need, reading, pools) if word not in names)
    if unit.cells:
        names += tuple(
            word
            for word in need.names
            if word not in names and _is_of_another_row(_squash(word.low), passage, unit)
        )
    words = tuple(word for word in need.words if not _covers(word, passage, pools, reading))
    return _Missing(numbers, licences, metrics, names, words)


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
        if other.stem == word.stem or _squash(other.low) == _squash(word.low)
    ]


def _is_of_another_row(wanted: str, passage: Passage, unit: Unit) -> bool:
    """Whether a name (letters and digits only) labels other rows of the table, and not this one."""
    if unit.reading.holds_run(wanted):
        return False
    return any(other.cells and read_text(other.cells[0][1]).holds_run(wanted) for other in passage.units)


def _gives(reading: Reading, number: Number, need: Need, passage: Passage, unit: Unit) -> bool:
    """Whether the unit gives the number, tied to what the claim ties it to."""
    metrics = [name for name, _, _ in need.metrics]
    share = not metrics or any(name not in _SHARES for name in metrics)
    units = unit.reading.lows | unit.around.lows | passage.about.lows
    for given in unit.reading.numbers:
        if supports_number(number, given, share=share and bool(metrics), units=units) and is_tied(
            reading, number, unit, given
        ):
            return True
    if number.value == _count_items(unit) and right_noun(reading, number):
        return True
    if re.fullmatch(r"\d+(?:\.\d+)?", number.written):
        # "SQuAD 2.0", "Common Voice 11": a version stands glued to its name.
        before = [word for word in reading.words if word.end <= number.start]
        if before and reading.folded.text[before[-1].end : number.start] in (" ", " v", "-"):
            name = _squash(before[-1].low)
            initials = "".join(word.low[0] for word in before[-3:] if word.text[0].isupper())
            digits = number.written.split(".")
            forms = {"".join(digits), digits[0] if digits[1:] in ([], ["0"]) else "".join(digits)}
            for pool in (unit.reading, unit.around, passage.about):
                if any(pool.holds_run(f"{name}{v}{form}") for form in forms for v in ("", "v")):
                    return True
                if len(initials) > 1 and any(pool.holds_run(f"{initials}{form}") for form in forms):
                    return True
    return False


def _count_items(unit: Unit) -> int:
    """How many entries a list under a key has ("license:" with two lines is two licences); 0 for no list."""
    lines = unit.text.strip().split("\n")
    items = sum(line.lstrip().startswith("- ") for line in lines)
    return items if items == len(lines) - 1 and lines[0].rstrip().endswith(":") else 0


def _covers(word: Word, passage: Passage, pools: Sequence[Reading], claim: Reading | None = None) -> bool:
    """Whether a word, another form of it, its acronym or its language code stands in one of the texts."""
    squashed = _squash(word.low)
    for pool in pools:
        if word.stem in pool.stems or pool.holds_run(squashed):
            return True
    if word.stem in _MADE_FROM and any(_MADE_FROM & pool.stems for pool in pools):
        return True
    if word.stem == "train" and not any((ROLES - {"train"}) & pools[0].stems for _ in (0,)):
        # A hyperparameter, or a dataset in a field: training is what it is of, unless said otherwise.
        return True
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


def _split_clauses(
    reading: Reading, explained: Sequence[tuple[int, int]]
) -> list[tuple[Reading, list[tuple[int, int]]]]:
    """Clauses of a claim, each with what it takes over from the one before.

    A number alone stays with the clause before; a bare name goes on with its verb ("trained on A and B"); a
    number without a noun or metric takes over both, and what they were measured on.
    """
    text = reading.folded.text
    settled = sorted({text[start:stop] for start, stop in explained}, key=len, reverse=True)
    pieces: list[str] = []
    at = 0
    role = measure = on = ""
    for match in [*_CLAUSE.finditer(text), None]:
        if match and re.search(r"\d,$", text[: match.end()]) and re.match(r"\d", text[match.end() :]):
            continue
        if match and any(start < match.end() and match.start() < stop for start, stop in explained):
            continue
        piece, at = text[at : match.start() if match else None], match.end() if match else len(text)
        part = read_text(piece)
        spans = _find_all(part.folded.text, settled)
        need = read_need(part, spans)
        if not need:
            if pieces:
                pieces[-1] += f" {piece}"
            continue
        roles = [word.low for word in need.names if word.stem in ROLES]
        names = [word for word in need.names if word.stem not in ROLES]
        if (
            pieces
            and not spans
            and not names
            and not need.words
            and not need.metrics
            and not need.licences
            and not roles
        ):
            pieces[-1] += f" {piece}"
            continue
        if pieces and not need.numbers and not need.words and not roles and role:
            piece = f"{role} {piece}"
        bare = need.numbers and not need.metrics and not need.words
        if pieces and bare and not right_noun(part, need.numbers[0]):
            piece = f"{piece} {measure}" + ("" if _ON.search(piece) else f" {on}")
        pieces.append(piece)
        role = roles[-1] if roles else role
        if need.metrics:
            measure = " ".join(part.folded.text[start:end] for _, start, end in need.metrics[:1])
        elif need.numbers and (noun := right_noun(part, need.numbers[0])):
            measure = " ".join(word.text for word in noun)
        if phrase := _ON.search(piece):
            on = phrase[0]
    parts = [read_text(piece) for piece in pieces]
    return [(part, _find_all(part.folded.text, settled)) for part in parts]


def _find_all(text: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    return [match.span() for phrase in phrases for match in re.finditer(re.escape(phrase), text)]


def _within(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _is_shouted(word: Word) -> bool:
    return word.text.isupper() and len(word.text) > 1 and not word.initial and word.low in ("it", "us", "who")


def _squash(low: str) -> str:
    return re.sub(r"[\W_]+", "", low.lower())
