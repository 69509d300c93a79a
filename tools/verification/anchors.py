"""What a number is tied to: in the claim and in the unit of the passage it must be the same thing."""

from __future__ import annotations

import re

from tools.verification.numbers import Number
from tools.verification.passages import Reading, Unit, read_text
from tools.verification.words import is_free

_FAR = 12  # words; beyond this a number and a word are not tied
_BREAKS = re.compile(r"[,;()|]|\.\s|\b(?:and|but|while|whereas|versus|vs|or)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"[^\W_]+(?:[-.'][^\W_]+)*")


def is_tied(claim: Reading, number: Number, unit: Unit, given: Number) -> bool:
    """Whether `given` stands in `unit` for what `number` stands for in `claim`."""
    anchors = _anchors_of(claim, number)
    if unit.cells:
        return _is_tied_in_row(anchors, unit, given)
    if len(unit.reading.numbers) < 2:
        return True
    return all(is_closest(anchor, unit.reading, given) for anchor in anchors)


def _anchors_of(claim: Reading, number: Number) -> list[str]:
    """Metrics (by name, marked with a colon) and stems of the nearest content words beside a number."""
    text = claim.folded.text
    others = [other for other in claim.numbers if other is not number]
    before = max([other.end for other in others if other.end <= number.start], default=0)
    after = min([other.start for other in others if other.start >= number.end], default=len(text))
    left, right = text[before : number.start], text[number.end : after]
    left = re.split(r"[;()]|,\s|\band\b", left)[-1] if before else re.split(r"[;]", left)[-1]
    right = re.split(r"[;(),]|\.\s|\band\b|\bfor\b|\bwith\b", right)[0]
    found: list[str] = []
    metrics = [(name, s, e) for name, s, e in claim.metrics if before <= s < after]
    near = [name for name, s, e in metrics if s >= number.start - len(left) and e <= number.end + len(right)]
    found += [f":{name}" for name in near[:2]]
    for words in (read_text(left).words[-5:][::-1], read_text(right).words[:4]):
        content = [w for w in words if not is_free(w.low)]
        found += [w.stem for w in content[:2]]
    return found


def _positions(anchor: str, reading: Reading) -> list[tuple[int, int]]:
    if anchor.startswith(":"):
        return [(start, end) for name, start, end in reading.metrics if name == anchor[1:]]
    return [(word.start, word.end) for word in reading.words if word.stem == anchor]


def is_closest(anchor: str, reading: Reading, given: Number) -> bool:
    """No other number is nearer to the anchor than `given`, somewhere in the unit where the anchor stands."""
    places = _positions(anchor, reading)
    if not places:
        return True
    if order := _listed_order(anchor, reading, given):
        return order == "same"
    for place in places:
        mine = _distance(reading, place, given)
        nearest = min(_distance(reading, place, other) for other in reading.numbers)
        if mine <= nearest:
            return True
    # An anchor that stands for the whole unit (its subject, a dataset named once) binds every number.
    return (
        len(places) == 1
        and all(_distance(reading, places[0], other) > 4 for other in reading.numbers)
        and not anchor.startswith(":")
    )


def _listed_order(anchor: str, reading: Reading, given: Number) -> str:
    """ "same" or "other" where names and numbers are listed apart ("A and B of 1 and 2"), "" where they are not."""
    text = reading.folded.text
    numbers = reading.numbers
    if len(numbers) < 2:
        return ""
    metrics = reading.metrics
    if anchor.startswith(":") and len(metrics) == len(numbers) and metrics[-1][2] <= numbers[0].start:
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
    return len(_BETWEEN.findall(between)) + 3 * len(_BREAKS.findall(between))


def _is_tied_in_row(anchors: list[str], unit: Unit, given: Number) -> bool:
    """In a table row a number belongs to its column's header and to the row's cells without numbers."""
    column = labels = ""
    folded = unit.reading.folded
    for header, cell in unit.cells:
        reading = read_text(cell)
        if (
            any(number.value == given.value and number.kind == given.kind for number in reading.numbers)
            and not column
        ):
            column = f"{header} {cell}"
        elif not reading.numbers or reading.words:
            labels += f" {cell}"
    others = " ".join(header for header, _ in unit.cells)
    own, foreign = read_text(f"{column} {labels}"), read_text(f"{others} {folded.text}")
    for anchor in anchors:
        if _positions(anchor, own) or not _positions(anchor, foreign):
            continue
        return False
    return True
