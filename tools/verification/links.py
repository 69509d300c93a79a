"""Links of an answer, and whether they stand in a source."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tools.evidence import Evidence, EvidenceLedger
from tools.verification.names import Names

_BARE_LINK = re.compile(
    r"(?<![\w/.@`-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|dev|co|edu|gov|info|example)(?:/[^\s<>\"'`)\]"
    r"|]*)?(?![\w-])",
    re.IGNORECASE,
)


def find_links(raw: str) -> list[str]:
    """Links of a statement: addresses, targets of Markdown links and of HTML attributes."""
    found = re.findall(r"(?:https?|ftp)://[^\s<>\"'`)\]|“”«»]+|\bwww\.[^\s<>\"'`)\]|“”«»]+", raw)
    found += re.findall(r"\]\(\s*<?([^)\s>]+)", raw)
    found += re.findall(r"\b(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", raw, re.IGNORECASE)
    found += re.findall(r"^\s*\[[^\]]+\]:\s*(\S+)", raw, re.MULTILINE)
    found += _BARE_LINK.findall(raw)
    return list(dict.fromkeys(link.rstrip(".,;:!?*_") for link in found if not link.startswith("#")))


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
    """The text with addresses blanked and the targets of Markdown links gone."""
    text = re.sub(r"\]\([^)]*\)", lambda match: "]" + " " * (len(match[0]) - 1), text)
    return re.sub(
        r"(?:https?|ftp)://[^\s<>\"'`)\]“”«»|]+|\bwww\.[^\s<>\"'`)\]“”«»"
        r"|]+",
        lambda match: " " * len(match[0]),
        text,
    )
