"""Numbers as answers and cards write them, and when one supports another.

`110M` is 110 million; `82.9 %` is `.829`; `3.52M` is supported by 3,523,663 because it is that number
rounded at the precision written. A number never supports a more precise one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

_SCALES = {
    "k": 3, "thousand": 3, "thousands": 3, "m": 6, "mn": 6, "mio": 6, "million": 6, "millions": 6,
    "b": 9, "bn": 9, "billion": 9, "billions": 9, "t": 12, "trillion": 12, "hundred": 2,
}  # fmt: skip
# Unit -> (kind of quantity, factor to the kind's base unit).
_UNITS: dict[str, tuple[str, str]] = {}
for _kind, _factor, _names in (
    ("percent", "0.01", "% percent per-cent pct percentage"),
    ("points", "1", "points point pp percentage-points pt pts"),
    ("time", "0.001", "ms millisecond milliseconds msec"),
    ("time", "0.000001", "µs μs us microsecond microseconds"),
    ("time", "1", "s sec secs second seconds"),
    ("time", "60", "min mins minute minutes"),
    ("time", "3600", "h hr hrs hour hours"),
    ("time", "86400", "d day days"),
    ("time", "604800", "week weeks"),
    ("months", "1", "month months"),
    ("months", "12", "year years"),
    ("bytes", "1", "byte bytes"),
    ("bytes", "1000", "kb kib kilobyte kilobytes"),
    ("bytes", "1000000", "mb mib megabyte megabytes"),
    ("bytes", "1000000000", "gb gib gigabyte gigabytes"),
    ("bytes", "1000000000000", "tb tib terabyte terabytes"),
    ("frequency", "1", "hz hertz"),
    ("frequency", "1000", "khz kilohertz"),
    ("frequency", "1000000", "mhz megahertz"),
    ("mass", "1", "g gram grams"),
    ("mass", "1000", "kg kilogram kilograms kgco2 kgco2eq"),
    ("mass", "1000000", "tonne tonnes ton tons tco2 tco2eq"),
    ("energy", "1", "wh"),
    ("energy", "1000", "kwh"),
    ("energy", "1000000", "mwh"),
    ("usd", "1", "$ usd dollar dollars"),
    ("eur", "1", "€ eur euro euros"),
    ("gbp", "1", "£ gbp"),
    ("pixels", "1", "px pixel pixels"),
):
    _UNITS |= dict.fromkeys(_names.split(), (_kind, _factor))

_DIGITS = re.compile(
    r"(?<![\w.])(?P<money>[$€£]\s?)?(?P<sign>(?<![\w)])[-−+]\s?(?=[\d.]))?"
    r"(?P<number>\d{1,3}(?:[,' \u2009]\d{3})+(?:\.\d+)?|\d+,\d{1,2}(?![\d,])"
    r"|\d*\.?\d+(?:[eE][-+]?\d{1,5})?)"
    r"(?P<power>\s?x\s?10\s?\^?\s?\(?(?P<exponent>-?\d{1,3})\)?)?"
    r"(?P<glued>(?:[kKmMbBtT]|bn|mn)(?![^\W\d_])(?!/)|%)?"
    r"(?![\d])"
)
# "10^-1,063", as p-values are written that no float holds
_POWER_OF_TEN = re.compile(
    r"(?<![\w.^])10\s?\^\s?\(?(?P<exponent>[-−]?\d{1,3}(?:,\d{3})+|[-−]?\d{1,6})\)?(?![\w^])"
)
_AFTER = re.compile(r"(?P<gap>\+?[\s-]{0,2}\(?)(?P<word>%|µs|[^\W\d_]+(?:[ -]points?)?)", re.UNICODE)
_ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_MAGNITUDES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": "0.5", "halves": "0.5", "third": "3", "thirds": "3", "quarter": "4", "quarters": "4",
          "fifth": "5", "fifths": "5", "tenth": "10", "tenths": "10"}  # fmt: skip
_WORDS = "|".join([*_ONES, *_TENS, *_MAGNITUDES, "dozen", "dozens", "score"])
_IN_WORDS = re.compile(
    rf"(?<![\w-])(?:(?:a|one)[ -](?=hundred|thousand|million|billion|trillion|dozen))?(?:{_WORDS})"
    rf"(?:(?:[ -]|[ ]and[ ])(?:{_WORDS}))*(?:[ ]point(?:[ ](?:{_WORDS}))+)?(?![\w])",
    re.IGNORECASE,
)
# "The second one", "this one": no number.
_PRONOUN_ONE = re.compile(
    r"\b(?:this|that|which|first|second|third|fourth|last|other|another|each|every|better|best|closest|former|latter"
    r"|smaller|larger|next)\s$",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    rf"(?<![\w-])(?:(?P<top>{'|'.join(_ONES)}|a)[ -])?"
    rf"(?P<part>{'|'.join(_PARTS)})(?![\w-])(?=\s+(?:of|the|a|as))",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"(?:up to|about|around|approximately|approx\.?|roughly|nearly|almost|some|circa|ca\.?|~|≈"
    r"|an? estimated)\s*$",
    re.I,
)
_CAP = re.compile(r"\bup to\s*$", re.IGNORECASE)
_BOUND = re.compile(
    r"(?P<low>(?:at least|upwards of|(?:no|not) (?:less|fewer) than|>=|≥|minimum of)|"
    r"(?P<above>(?:more|greater|larger|higher|better|longer) than|over|above|exceed(?:s|ing)?|>"
    r"|beyond))\s*$"
    r"|(?P<high>(?:at most|no more than|not more than|<=|≤|maximum of|within)|"
    r"(?P<below>(?:less|fewer|smaller|lower|shorter) than|under|below|<))\s*$",
    re.IGNORECASE,
)


_SMALL = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Number:
    """A number at `start:end` of a folded text. `value` is in base units (percent as a fraction of one)."""

    value: Decimal
    step: Decimal  # the weight of the last digit written, in the same units
    written: str
    start: int
    end: int
    kind: str = ""  # percent, points, time, ...; "" when no closed unit follows
    digits: int = 1  # significant digits written
    hedged: bool = False
    capped: bool = False  # "up to"
    bound: str = ""  # low, high (the value itself included), above, below
    in_words: bool = False
    other: Decimal | None = None  # another reading of the same digits: "9.000" as nine thousand
    unit: str = ""  # the unit as written, lower case
    bare: Decimal | None = None  # the value before the unit was applied
    lead: int = 0  # where "more than" or "about" before it begins

    @property
    def unscaled(self) -> Decimal:
        """The value as it stands, a percentage not divided by a hundred."""
        return self.value * 100 if self.kind == "percent" else self.value


def find_numbers(text: str) -> list[Number]:
    """Numbers of a folded text, in order; digits inside names (`gpt-2`, `v1.5`, `A100`) are not numbers."""
    found = [_read_power(text, match) for match in _POWER_OF_TEN.finditer(text)]
    powers = [(number.start, number.end) for number in found]
    found += [
        number
        for match in _DIGITS.finditer(text)
        if not any(start <= match.start() < end for start, end in powers)
        and (number := _read_digits(text, match))
    ]
    taken = [(number.start, number.end) for number in found]
    for match in _IN_WORDS.finditer(text):
        if match[0].lower() == "one" and _PRONOUN_ONE.search(
            text[max(0, match.start() - 16) : match.start()]
        ):
            continue
        if not any(start <= match.start() < end for start, end in taken):
            found.append(_read_words(text, match))
    for match in _FRACTION.finditer(text):
        found.append(_read_fraction(match))
    return sorted(found, key=lambda number: number.start)


def _read_power(text: str, match: re.Match[str]) -> Number:
    exponent = int(match["exponent"].replace(",", "").replace("−", "-"))
    before = text[: match.start()]
    return Number(
        value=Decimal(1).scaleb(exponent),
        step=Decimal(0),
        written=match[0],
        start=match.start(),
        end=match.end(),
        hedged=_HEDGE.search(before[-24:]) is not None,
        bound=_read_bound(before),
        lead=_lead(text, match.start()),
    )


def _read_digits(text: str, match: re.Match[str]) -> Number | None:
    end = match.end()
    following = text[end : end + 1]
    glued = match["glued"] or ""
    if following.isalpha() or following == "_":
        # "16kHz", "3h", "224px" are numbers with a unit; "7b-instruct" or "4bit" are names.
        word = re.match(r"[^\W\d_]+(?![\w])", text[end:])
        if word is None or (word[0].lower() not in _UNITS and word[0] != "H"):
            return None
    if following in ("-", "/", "_", ".") and re.match(r"[-/_.][^\W_]", text[end:]):
        after = re.match(r"[-/_.]([^\W_]+)", text[end:])
        assert after is not None
        if following != "-" or (glued and glued != "%" and not after[1].lower().startswith("param")):
            return None
        if after[1].isdigit() and re.match(r"-\d+-\d", text[end:]):
            return None  # a date
    before = text[: match.start("number")].rstrip("$€£ ")
    if re.search(r"(?:[^\W\d]\w*|\d-\d+)-$", text[max(0, match.start() - 12) : match.start("number")]):
        return None  # "gpt-2", a date
    raw = match["number"]
    other = None
    if re.fullmatch(r"\d{1,3}(?:[,' \u2009]\d{3})+(?:\.\d+)?", raw):
        plain = re.sub(r"[,' \u2009]", "", raw)
    elif "," in raw:
        plain = raw.replace(",", ".")
    else:
        plain = raw
        if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", raw):
            other = Decimal(raw.replace(".", ""))
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    exponent = value.as_tuple().exponent
    step = Decimal(1).scaleb(int(exponent))
    if match["power"]:
        value, step = (part.scaleb(int(match["exponent"])) for part in (value, step))
    if match["sign"] and match["sign"].strip() in "-−":
        value = -value
    kind = unit = ""
    scale = 0
    if match["money"]:
        kind = _UNITS[match["money"].strip()][0]
    if glued == "%":
        kind, value, step = "percent", value / 100, step / 100
    elif glued:
        scale = _SCALES[glued.lower()]
    factor: Decimal | None = None
    unit_start = end
    if glued != "%":
        after_word = _AFTER.match(text, end)
        if after_word:
            scaled = after_word["word"].lower()
            spelled = len(scaled) > 2 and "(" not in after_word["gap"]
            lettered = after_word["word"] in ("M", "B", "K", "k") and after_word["gap"] == " "
            if not scale and scaled in _SCALES and (spelled or lettered):
                scale, end = _SCALES[scaled], after_word.end()
                after_word = _AFTER.match(text, end)
        if after_word and not kind:
            unit_start = after_word.start("word")
            kind, factor, end = _read_unit(text, after_word, end)
    value, step = value.scaleb(scale), step.scaleb(scale)
    bare = value * 100 if glued == "%" else value
    if factor is not None:
        unit = text[unit_start:end].lower()
        value, step = value * factor, step * factor
        other = other * factor if other is not None else None
    digits = len(plain.lower().partition("e")[0].replace(".", "").lstrip("0")) or 1
    if "." not in plain and not scale:
        digits = len(plain.rstrip("0").lstrip("0")) or 1
    return Number(
        value=value,
        step=step,
        written=text[match.start() : end].strip(),
        start=match.start(),
        end=end,
        kind=kind,
        digits=digits,
        hedged=_HEDGE.search(before[-24:]) is not None,
        capped=_CAP.search(before[-24:]) is not None,
        bound=_read_bound(before) or ("low" if text[match.end() : match.end() + 1] == "+" else ""),
        other=other,
        unit=unit,
        bare=bare,
        lead=_lead(text, match.start()),
    )


def _lead(text: str, start: int) -> int:
    """Where "more than" or "about" before a number begins, else the number's own start."""
    before = text[max(0, start - 40) : start]
    found = _BOUND.search(before) or _HEDGE.search(before)
    return start - len(before) + found.start() if found else start


def _read_bound(before: str) -> str:
    """low or high ("at least", "up to"), above or below ("more than", "under"), or nothing."""
    bound = _BOUND.search(before[-32:])
    if bound is None:
        return ""
    return next(side for side in ("above", "below", "low", "high") if bound[side])


def _read_unit(text: str, match: re.Match[str], end: int) -> tuple[str, Decimal | None, int]:
    word = match["word"]
    lowered = word.lower().replace(" ", "-")
    if lowered not in _UNITS:
        lowered = lowered.partition("-")[0]
        word = word.partition(" ")[0].partition("-")[0]
    if word == "H" and match["gap"] == "":
        return "time", Decimal(3600), match.end("word")
    if len(word) == 1 and word not in ("%", "h", "s", "g", "d"):
        return "", None, end
    if len(word) == 1 and word in "sgd" and match["gap"]:
        return "", None, end
    if lowered == "us" and (word != "us" or match["gap"]):
        return "", None, end  # "12,400 US contracts" are no microseconds
    if lowered not in _UNITS or ("(" in match["gap"] and lowered not in ("%", "percent")):
        return "", None, end
    if text[match.start("word") + len(word) :][:1].isdigit():
        return "", None, end
    kind, factor = _UNITS[lowered]
    return kind, Decimal(factor), match.start("word") + len(word)


def _read_words(text: str, match: re.Match[str]) -> Number:
    total = group = 0
    decimals = ""
    words = re.split(r"[ -]+", match[0].lower())
    after_point = False
    for word in words:
        if word == "point":
            after_point = True
        elif after_point and word in _ONES:
            decimals += str(_ONES[word])
        elif word in _ONES:
            group += _ONES[word]
        elif word in _TENS:
            group += _TENS[word]
        elif word in ("dozen", "dozens"):
            group = max(1, group) * 12
        elif word == "score":
            group = max(1, group) * 20
        elif word == "hundred":
            group = max(1, group) * 100
        elif word in _MAGNITUDES:
            total += max(1, group) * _MAGNITUDES[word]
            group = 0
    value = Decimal(f"{total + group}.{decimals}") if decimals else Decimal(total + group)
    step = Decimal(1).scaleb(-len(decimals))
    kind, unit, bare, end = "", "", value, match.end()
    if after := _AFTER.match(text, end):
        kind, factor, end = _read_unit(text, after, end)
        if factor is not None:
            unit = text[after.start("word") : end].lower()
            value, step = value * factor, step * factor
    before = text[: match.start()]
    return Number(
        value=value,
        step=step,
        written=text[match.start() : end],
        start=match.start(),
        end=end,
        kind=kind,
        digits=9,
        hedged=_HEDGE.search(before[-24:]) is not None,
        capped=_CAP.search(before[-24:]) is not None,
        bound=_read_bound(before),
        in_words=True,
        unit=unit,
        bare=bare,
        lead=_lead(text, match.start()),
    )


def _read_fraction(match: re.Match[str]) -> Number:
    top = Decimal(_ONES.get((match["top"] or "one").lower(), 1))
    part = match["part"].lower()
    value = top * Decimal("0.5") if part.startswith("hal") else top / Decimal(_PARTS[part])
    return Number(
        value=value, step=Decimal(0), written=match[0], start=match.start(), end=match.end(), kind="percent",
        digits=9, in_words=True, lead=match.start(),
    )  # fmt: skip


@cache
def unit_names(kind: str) -> frozenset[str]:
    """Words for the units of a kind of quantity."""
    return frozenset(name for name, (own, _) in _UNITS.items() if own == kind)


def supports_number(stated: Number, source: Number, *, share: bool, units: Collection[str] = ()) -> bool:
    """Whether `source` (of a passage) supports `stated` (of an answer).

    `share`: the number is a score or a share, so that 82.9, 82.9 % and .829 are ways to write the same.
    `units`: lower-case words that stand with a bare `source` and may name its unit.
    """
    if stated.kind and source.kind and stated.kind != source.kind:
        return False
    if stated.bound in ("low", "above") and source.capped:
        return False
    if stated.bound and source.bound:
        same = {stated.bound, source.bound} <= {"low", "above"} or {stated.bound, source.bound} <= {
            "high",
            "below",
        }
        return same and stated.value == source.value
    if stated.kind == "percent" and not source.kind:
        if not share:
            return False
        pairs = [
            (stated.value, stated.step, source.value),
            (stated.unscaled, stated.step * 100, source.value),
        ]
        # .829 as it stands is 82.9 %; 82.9 without a sign is 82.9 %. One cannot be 100 % and 1 % at once.
        pairs = pairs[:1] if abs(source.value) <= 1 else pairs[1:]
    elif source.kind == "percent" and not stated.kind:
        pairs = [(stated.value, stated.step, source.unscaled)]
        if share and abs(stated.value) <= 1:
            pairs.append((stated.value, stated.step, source.value))
    elif stated.kind and not source.kind:
        # The card gives a bare number: the unit has to stand beside it (a column's header, a key's name).
        if stated.unit not in units or stated.bare is None:
            return False
        pairs = [
            (
                stated.bare,
                stated.step * stated.bare / stated.value if stated.value else stated.step,
                source.value,
            )
        ]
    else:
        pairs = [(stated.value, stated.step, source.value)]
        if share and not stated.kind and (abs(stated.value) <= 1) != (abs(source.value) <= 1):
            factor = Decimal(100) if abs(source.value) <= 1 else Decimal("0.01")
            pairs.append((stated.value, stated.step, source.value * factor))
    if source.other is not None and not stated.other:
        pairs.append((stated.value, stated.step, source.other))
    return any(_agrees(value, step, given, stated) for value, step, given in pairs)


def _agrees(value: Decimal, step: Decimal, given: Decimal, stated: Number) -> bool:
    if stated.bound in ("low", "above"):
        # Far beyond the bound the statement is true and says something else.
        return (stated.bound == "low" and value == given) or value < given <= abs(value) * 2
    if stated.bound in ("high", "below"):
        if 0 <= given < value <= _SMALL:
            return True  # of a p-value, "below .001" is all that is meant
        return (stated.bound == "high" and value == given) or given < value <= abs(given) * 2
    if value == given:
        return True
    if stated.hedged and step == 1:
        zeros = len(str(value)) - len(str(value).rstrip("0"))
        step = step.scaleb(min(zeros, len(str(value)) - 2)) if zeros else step
    if not step or stated.in_words or (stated.digits < 2 and not stated.hedged):
        return False
    # Rounded half up or half to even at the last digit written; never a digit more than the source gives.
    return abs(given - value) * 2 <= step
