"""What a number is tied to: in the claim and in the unit of the passage it must be the same thing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from tools.verification.numbers import Number
from tools.verification.passages import Unit
from tools.verification.readings import Reading, read_text
from tools.verification.words import Word, is_free, stem_word

ROLES = frozenset(
    {"train", "pretrain", "finetune", "evaluate", "test", "dev", "validation", "distil", "quantize", "base"}
)
_BREAKS = re.compile(r"[,;()|]|\.\s|\b(?:and|but|while|whereas|versus|vs|or)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"[^\W_]+(?:[-.'][^\W_]+)*")
_TURN = re.compile(
    r"[;(),]|\.\s|\b(?:and|for|with|on|in|of|from|at|by|using|to|per|over|is|are|was|were|has|have"
    r"|against)\b",
    re.IGNORECASE,
)
_ON = re.compile(r"^[^;,()]*?\b(?:on|for|in|over)\s+(?:the\s+)?(?P<what>[^;,()]+)", re.IGNORECASE)
_SHARE_OF = re.compile(
    r"^\s*of\b[^;,()]*?\b(?:is|are|was|were|represents?|comes? from)\s+(?P<what>[^;,()]+)", re.I
)
# "9 hours per epoch", "$2 each hour"
_RATE = re.compile(r"^[\w\s%-]{0,24}?\s(?:per|each|every)\s+(?P<what>[^\W\d_]+)", re.IGNORECASE)
_RUN = re.compile(
    r"\b(?:runs?|running|needs?|requires?|answers?|responds?|loads?|infers?|inference|fits?)\b", re.I
)
_ABBREVIATED = {"second": "/s", "hour": "/h", "minute": "/min"}
_ASIDE = re.compile(r"\([^()]*\)")


def find_anchors(claim: Reading, number: Number) -> list[str]:
    """What a number of a claim stands for: metrics (":F1"), its noun ("epoch"), what a score was taken on."""
    text = claim.folded.text
    before = max((other.end for other in claim.numbers if other.end <= number.start), default=0)
    after = min((other.start for other in claim.numbers if other.start >= number.end), default=len(text))
    left, right = text[before : number.start], text[number.end : after]
    if before:
        left = re.split(r"[;()]|,\s|\band\b", left)[-1]
    near_end = number.end + len(re.split(r"[;,()]|\band\b", right)[0])
    metrics = [
        name for name, start, end in claim.metrics if start >= number.start - len(left) and end <= near_end
    ]
    anchors = [f":{name}" for name in metrics[:2]]
    taken = [(start, end) for _, start, end in claim.metrics]
    noun = right_noun(claim, number)
    anchors += [word.stem for word in noun]
    if not noun and not metrics and not number.kind:
        words = _content(claim, number.start - len(left), number.start, taken)
        anchors += [word.stem for word in words[-2:] if word.stem not in ROLES]
    if not noun and (on := _SHARE_OF.match(right) or _ON.match(right)):
        offset = number.end + on.start("what")
        words = _content(claim, offset, offset + len(re.split(r"\b(?:and|with)\b", on["what"])[0]), taken)
        anchors += [word.stem for word in words]
    return list(dict.fromkeys(anchors))


def right_noun(claim: Reading, number: Number) -> list[Word]:
    """The words right behind a number, up to two, that say what is counted."""
    text = claim.folded.text
    stop = _TURN.search(text, number.end)
    following = min((n.start for n in claim.numbers if n.start >= number.end), default=len(text))
    end = min(stop.start() if stop else len(text), following)
    taken = [(start, finish) for _, start, finish in claim.metrics]
    return _content(claim, number.end, end, taken)[-2:]


def _content(claim: Reading, start: int, end: int, taken: list[tuple[int, int]]) -> list[Word]:
    return [
        word
        for word in claim.words
        if start <= word.start and word.end <= end and not is_free(word.low)
        and not any(s <= word.start < e for s, e in taken)
    ]  # fmt: skip


def is_tied(claim: Reading, number: Number, unit: Unit, given: Number) -> bool:
    """Whether `given` stands in `unit` for what `number` stands for in `claim`."""
    if not _has_same_rate(claim, number, unit, given) or _is_of_training(claim, unit):
        return False
    anchors = find_anchors(claim, number)
    if unit.cells:
        return _is_tied_in_row(anchors, unit, given)
    if len(unit.reading.numbers) < 2:
        return True
    peer = _find_peer(claim, number, unit, given)
    if peer is False:
        return False
    if peer and len(unit.reading.metrics) == 1:
        # "A reaches a WER of 5.8 and B 7.1": the one metric is said of both.
        anchors = [anchor for anchor in anchors if not anchor.startswith(":")]
    versions = [n.value for n in claim.numbers if n is not number and _is_version(claim, n)]
    return all(is_closest(anchor, unit.reading, given, versions) for anchor in anchors)


def _is_of_training(claim: Reading, unit: Unit) -> bool:
    """Whether a claim on how a model is run takes its number from how it was trained."""
    if claim.stems & ROLES or not _RUN.search(claim.folded.text) or _RUN.search(unit.text):
        return False
    return bool(unit.reading.stems & {"train", "pretrain", "finetune"})


def _has_same_rate(claim: Reading, number: Number, unit: Unit, given: Number) -> bool:
    """ "9 hours" are not "9 hours per epoch", nor the other way round."""
    claimed = _RATE.match(claim.folded.text[number.end :])
    stated = None if unit.cells else _RATE.match(unit.reading.folded.text[given.end :])
    if claimed:
        stem = stem_word(claimed["what"].lower())
        whole = f"{unit.text} {unit.context}".lower()
        rates = re.findall(r"(?:\b(?:per|each|every|an?)[\s_-]+|/\s*)(?:\w+[\s_-])?([^\W\d_]+)", whole)
        return any(stem_word(word) == stem for word in rates) or _ABBREVIATED.get(stem, "?") in whole
    if stated and given.kind not in ("", "percent", "points"):
        return stem_word(stated["what"].lower()) in claim.stems
    return True


def _find_peer(claim: Reading, number: Number, unit: Unit, given: Number) -> bool | None:
    """Where a unit gives figures of a family ("A-large ... A-base"): whether `given` is the right one's.

    None when the claim names no member of a family, or the unit only one.
    """
    before = [word for word in claim.words if word.end <= number.start and len(word.parts) > 1]
    if not before:
        return None
    subject = before[-1]
    members = [w for w in unit.reading.words if len(w.parts) > 1 and w.parts[0] == subject.parts[0]]
    lows = {word.low for word in members}
    if len(lows) < 2 or subject.low not in lows:
        return None
    preceding = [word for word in members if word.end <= given.start] or members[:1]
    return preceding[-1].low == subject.low


def _is_version(reading: Reading, number: Number) -> bool:
    """Whether a number is part of a name: "SQuAD 2.0", "Common Voice 11.0"."""
    before = [word for word in reading.words if word.end < number.start]
    return (
        bool(before)
        and not number.kind
        and before[-1].text[:1].isupper()
        and reading.folded.text[before[-1].end : number.start] == " "
        and not any(start <= before[-1].start < end for _, start, end in reading.metrics)
    )


def _positions(anchor: str, reading: Reading) -> list[tuple[int, int]]:
    if anchor.startswith(":"):
        return [(start, end) for name, start, end in reading.metrics if name == anchor[1:]]
    found = [(word.start, word.end) for word in reading.words if word.stem == anchor]
    return found or [
        (word.start, word.end)
        for word in reading.words
        if len(word.parts) > 1 and any(part.stem == anchor for part in read_text(" ".join(word.parts)).words)
    ]


def is_closest(anchor: str, reading: Reading, given: Number, versions: Sequence[Decimal] = ()) -> bool:
    """No other number is nearer to the anchor than `given`, somewhere in the unit where the anchor stands.

    `versions`: values that are part of names and compete with no figure.
    """
    places = _positions(anchor, reading)
    if not places:
        return True
    if order := _listed_order(anchor, reading, given):
        return order == "same"
    if any(word.stem == anchor for word in right_noun(reading, given)):
        return True
    rivals = [n for n in reading.numbers if n is not given and n.value != given.value and not _is_year(n)]
    # "mAP@0.5": the threshold belongs to the metric's name.
    rivals = [
        n for n in rivals if n.value not in versions and reading.folded.text[n.start - 1 : n.start] != "@"
    ]
    asides = [match.span() for match in _ASIDE.finditer(reading.folded.text)]
    if not any(start <= given.start < end for start, end in asides):
        # "65% (or 438,000 hours) is English": what stands in brackets is said of the number before it.
        rivals = [n for n in rivals if not any(start <= n.start < end for start, end in asides)]
    for place in places:
        mine = _distance(reading, place, given)
        others = [_distance(reading, place, n) for n in rivals]
        if mine <= min(others, default=mine):
            return True
    # What stands before all numbers, and beside none (a dataset that heads a list of figures), binds each.
    heads = len(places) == 1 and places[0][1] <= min(other.start for other in reading.numbers)
    return (
        heads
        and not anchor.startswith(":")
        and all(_distance(reading, places[0], other) > 2 for other in rivals)
    )


def _is_year(number: Number) -> bool:
    """A year ("COCO 2017") counts nothing and competes with no figure."""
    return not number.kind and re.fullmatch(r"(?:19|20)\d\d", number.written) is not None


def _listed_order(anchor: str, reading: Reading, given: Number) -> str:
    """For names and numbers listed apart ("A and B of 1 and 2"): "same" or "other"; else ""."""
    text = reading.folded.text
    numbers = reading.numbers
    metrics = reading.metrics
    if anchor.startswith(":") and len(metrics) == len(numbers) > 1 and metrics[-1][2] <= numbers[0].start:
        at = next((n for n, metric in enumerate(metrics) if metric[0] == anchor[1:]), -1)
        return "same" if at >= 0 and numbers[at] is given else "other"
    if not re.search(r"\brespectively\b", text, re.IGNORECASE):
        return ""
    chunks = re.split(r",\s*(?:and\s)?|\band\b|/", text[: numbers[0].start])[-len(numbers) :]
    if len(chunks) != len(numbers):
        return ""
    for chunk, number in zip(chunks, numbers, strict=True):
        if _positions(anchor, read_text(chunk)):
            return "same" if number is given else "other"
    return ""


def _distance(reading: Reading, place: tuple[int, int], number: Number) -> int:
    if number.start >= place[1]:
        between = reading.folded.text[place[1] : number.start]
    elif number.end <= place[0]:
        between = reading.folded.text[number.end : place[0]]
    else:
        return 0
    between = _ASIDE.sub(" ", between)
    return len(_BETWEEN.findall(between)) + 3 * len(_BREAKS.findall(between))


def _is_tied_in_row(anchors: list[str], unit: Unit, given: Number) -> bool:
    """In a table row a number belongs to its column's header and to the row's cells that name something."""
    column = labels = ""
    for header, cell in unit.cells:
        reading = read_text(cell)
        if not column and any(n.value == given.value and n.kind == given.kind for n in reading.numbers):
            column = f"{header} ; {cell}"
        elif not reading.numbers or reading.words:
            labels += f" ; {cell}"
    own = read_text(f"{column} ; {labels}")
    rest = read_text(" ; ".join([*(header for header, _ in unit.cells), unit.text]))
    return all(_positions(anchor, own) or not _positions(anchor, rest) for anchor in anchors)
