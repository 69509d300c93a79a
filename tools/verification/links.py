"""Links of an answer, and whether they stand in a source."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tools.evidence import Evidence, EvidenceLedger
from tools.verification.names import Names

# An address ends before what brackets or quotes it; brackets of its own come in pairs.
_REST = r"(?:[^\s<>\"'`()\[\]{}|“”„‟‘’«»‹›]|\([^\s<>()]*\)|\[[^\s<>\[\]]*\])"
_ADDRESS = re.compile(rf"(?:(?:https?|ftp)://|\bwww\.){_REST}+", re.IGNORECASE)
_BARE_LINK = re.compile(
    rf"(?<![\w/.@`-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|dev|co|edu|gov|info|example)(?:/{_REST}*)?(?![\w-])",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\]\(\s*(?:<(?P<angled>[^<>\n]*)>|(?P<plain>(?:[^\s()]|\([^\s()]*\))+))(?P<title>[^()]*)\)?"
)
_ATTRIBUTE = re.compile(r"\b(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_TRAILING = ".,;:!?*_~`'\"”’»›>…"


def find_links(raw: str) -> list[str]:
    """Links of a statement: addresses, targets of Markdown links and of HTML attributes."""
    found = _ADDRESS.findall(raw)
    found += [match["angled"] or match["plain"] or "" for match in _TARGET.finditer(raw)]
    found += _ATTRIBUTE.findall(raw)
    found += _DEFINITION.findall(raw)
    found += _BARE_LINK.findall(raw)
    links = (_trim_link(link) for link in found if not link.startswith("#"))
    return list(dict.fromkeys(filter(None, links)))


def _trim_link(link: str) -> str:
    """A link without the punctuation, emphasis and closing brackets of the sentence it stands in."""
    while link and (
        link[-1] in _TRAILING
        or (link[-1] in ")]}" and link.count(link[-1]) > link.count("([{"[")]}".index(link[-1])]))
    ):
        link = link[:-1]
    return link


def fold_link(link: str) -> str:
    """A link without scheme, `www.` and last slash, lower case."""
    return re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", link.strip().lower()).rstrip("/")


def is_own_link(link: str, names: Sequence[str]) -> bool:
    """Whether a link is the Hub page of one of these models."""
    page = fold_link(link).removeprefix("hf.co/").removeprefix("huggingface.co/")
    return fold_link(link) != page and page.partition("/tree/")[0].partition("/blob/")[0] in {
        n.lower() for n in names
    }


def is_sourced(
    link: str, cited: Sequence[Evidence], names: Names, ledger: EvidenceLedger, allowed: Collection[str]
) -> bool:
    """Whether a link stands in what is cited (else in any evidence), or is a known model's page."""
    wanted = fold_link(link)
    if names.is_known(link) or any(wanted in entry.lower() for entry in allowed):
        return True
    page = wanted.removeprefix("hf.co/").removeprefix("huggingface.co/")
    if page != wanted and names.is_known(page.partition("/tree/")[0].partition("/blob/")[0]):
        return not cited or is_own_link(link, [item.model for item in cited]) or _in_texts(wanted, cited)
    return _in_texts(wanted, cited or list(ledger))


def _in_texts(wanted: str, items: Sequence[Evidence]) -> bool:
    pattern = re.compile(rf"(?<![\w.-]){re.escape(wanted)}(?![\w-]|[./]\w)")
    return any(pattern.search(item.text.lower()) for item in items)


def blank_links(text: str) -> str:
    """The text with addresses and the targets of Markdown links blanked; titles of links stay."""

    def blank_target(match: re.Match[str]) -> str:
        title = match["title"]
        return "]" + " " * (len(match[0]) - 1 - len(title) - 1) + title + " "

    text = _TARGET.sub(blank_target, text)
    return _ADDRESS.sub(lambda match: " " * len(match[0]), text)
