"""Licences that a text names, as the Hub's identifiers, whatever their spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = r"(?:[ ,\-]{0,2}(?:version|v)?[ .\-]?(?P<NAME>\d(?:\.\d)?))?"
_LICENCE = re.compile(
    r"(?<![\w])(?:"
    rf"(?P<apache>apache(?:[- ](?:software[- ])?licen[cs]e)?){_VERSION.replace('NAME', 'apache_v')}"
    r"|(?P<mit>(?-i:MIT)|mit(?=[- ]?licen[cs]e|$|[\"'`,\s]*$))(?![\w-]*\d{2})"
    rf"|(?P<gpl>(?:gnu[- ])?(?:affero[- ]|lesser[- ])?(?:[al]?gpl"
    rf"|general public licen[cs]e)){_VERSION.replace('NAME', 'gpl_v')}"
    r"|(?P<bsd>(?:(?P<clause_before>[0-4])[- ]clause[- ])?bsd(?:[- ](?P<clause>[0-4])[- ]?clause)?)"
    r"|(?P<cc0>cc[- ]?0(?:[- ]1\.0)?)"
    r"|(?P<cc>(?:cc|creative[- ]commons)(?P<terms>(?:[- /]*(?:by|attribution|nc|non-?commercial|sa"
    r"|share-?alike|nd|no-?deriv\w*))+))"
    rf"{_VERSION.replace('NAME', 'cc_v')}"
    r"|(?P<rail>(?:creativeml|bigscience"
    r"|bigcode)?[- ]?(?:bloom[- ])?open[- ]?rail(?:\+\+)?(?:[- ]?m)?)(?:[- ]1\.0)?"
    r"|(?P<named>unlicense|wtfpl|mpl[- ]?2\.0|epl[- ]?2\.0|odbl|odc-by|isc(?= licen)|zlib|afl-3\.0"
    r"|artistic-2\.0|lgpl-lr|"
    r"eupl-1\.[12]|osl-3\.0|bsl-1\.0|ecl-2\.0|public domain|proprietary)"
    r"|(?P<community>(?:llama|gemma)[- ]?(?P<llama_v>\d(?:\.\d)?)?(?:[- ]community)?[- ]licen[cs]e)"
    r")(?![^\W_])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Licence:
    """`family` ("apache", "cc-by-nc"), and the version where one is written, at `start:end`."""

    family: str
    version: str
    start: int
    end: int

    def is_supported_by(self, other: Licence) -> bool:
        """Whether the source's licence is this one; a name without version fits any version."""
        return self.family == other.family and (not self.version or self.version == other.version)

    def __str__(self) -> str:
        return f"{self.family}-{self.version}" if self.version else self.family


def find_licences(text: str) -> list[Licence]:
    """Licences named in a folded text, in order."""
    return [licence for match in _LICENCE.finditer(text) if (licence := _read(match)) is not None]


def _read(match: re.Match[str]) -> Licence | None:
    start, end = match.span()
    if match["apache"]:
        if match["apache_v"] is None and not re.search("licen", match["apache"], re.I):
            following = match.string[end : end + 20]
            if re.match(r"[ -]+(?:spark|arrow|tvm|mxnet|beam|airflow|tika|lucene)", following, re.I):
                return None
        return Licence("apache", _version(match["apache_v"] or ""), start, end)
    if match["mit"]:
        return Licence("mit", "", start, end)
    if match["gpl"]:
        word = match["gpl"].lower()
        kind = (
            "agpl"
            if "affero" in word or "agpl" in word
            else "lgpl"
            if "lesser" in word or "lgpl" in word
            else "gpl"
        )
        return Licence(kind, _version(match["gpl_v"] or ""), start, end)
    if match["bsd"]:
        return Licence("bsd", match["clause"] or match["clause_before"] or "", start, end)
    if match["cc0"]:
        return Licence("cc0", "", start, end)
    if match["cc"]:
        terms = match["terms"].lower()
        found = {
            "by": re.search(r"\bby\b|attribution", terms), "nc": re.search(r"\bnc\b|non-?commercial", terms),
            "sa": re.search(r"\bsa\b|share", terms), "nd": re.search(r"\bnd\b|deriv", terms),
        }  # fmt: skip
        family = "-".join(["cc", *(term for term, hit in found.items() if hit)])
        return Licence(family, _version(match["cc_v"] or ""), start, end)
    if match["rail"]:
        word = re.sub(r"[- ]", "", match["rail"].lower())
        owner = re.match(r"creativeml|bigscience|bigcode", word)
        return Licence("-".join(filter(None, [owner[0] if owner else "", "openrail"])),
                       "++" if "++" in word else "", start, end)  # fmt: skip
    if match["community"]:
        return Licence(re.sub(r"[- \d.]|community|licen[cs]e", "", match["community"].lower()) + "-community",
                       match["llama_v"] or "", start, end)  # fmt: skip
    return Licence(re.sub(r"[- ]+", "-", match["named"].lower()), "", start, end)


def _version(text: str) -> str:
    return text.removesuffix(".0")
