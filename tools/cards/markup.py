"""Inline markup: the text a reader sees in a piece of Markdown or HTML, and the links in it."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable

from tools.cards.types import Link

_COMMENT = re.compile(r"<!--.{0,20000}?-->", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][\w:-]{0,30}(?:\s[^<>]{0,2000})?/?>")
_BREAK = re.compile(r"<(?:br|p|/p|li|/li|td|/td|th|/th|tr|/tr|div|/div)\b[^<>]{0,500}>", re.IGNORECASE)
_URL_PART = r"(?:<[^<>\n]{0,2000}>|[^\s()<>]{0,2000}(?:\([^\s()]{0,300}\)[^\s()<>]{0,500}){0,3})"
_TITLE_PART = r"(?:\s+(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'))?"
_IMAGE = re.compile(rf"!\[([^\[\]]{{0,500}})\]\(\s*({_URL_PART}){_TITLE_PART}\s*\)")
_INLINE_LINK = re.compile(rf"\[([^\[\]]{{0,500}})\]\(\s*({_URL_PART}){_TITLE_PART}\s*\)")
_REFERENCE_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\[([^\[\]\n]{0,200})\]")
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]\n]{1,200})\]:\s*<?(\S{1,2000}?)>?(?:\s.{0,500})?$", re.MULTILINE)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^\s<>]{1,2000})>")
_BARE_URL = re.compile(r"(?<![\w\"'=(<\[/])https?://[^\s<>\"'`\]|\\]{2,2000}")
_HTML_LINK = re.compile(
    r"<(?P<tag>a|img)\s(?P<before>[^<>]{0,1000}?)\b(?:href|src)\s*=\s*(?:\"(?P<double>[^\"<>]{0,2000})\"|"
    r"'(?P<single>[^'<>]{0,2000})'|(?P<plain>[^\s<>\"']{1,2000}))(?P<after>[^<>]{0,1000})>"
    r"(?:(?P<text>[^<]{0,500})</a>)?",
    re.IGNORECASE,
)
_ALT = re.compile(r"\balt\s*=\s*[\"']([^\"']{0,500})[\"']", re.IGNORECASE)
_CODE_SPAN = re.compile(r"(`{1,3})(?!`)([^`\n]{1,2000})\1(?!`)")
_STRONG = re.compile(r"(\*{1,3}|~~)(?=\S)([^*~\n]{1,2000}?)(?<=\S)\1")
_UNDERSCORES = re.compile(r"(?<![\w\\])(_{1,3})(?=\S)([^_\n]{1,120}(?:_[^_\n]{1,60}){0,2})(?<=\S)\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_HELD = re.compile("[\ue021-\ue07e]")
_SPACE = re.compile(r"\s+")
_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html|format)/|alphaxiv\.org/abs/|huggingface\.co/papers/|\barxiv\s*[:：]\s*"
    r"|10\.48550/arxiv\.)"
    r"(?P<id>[0-9]{4}\.[0-9]{4,5}|[a-z-]{2,12}(?:\.[A-Z]{2})?/[0-9]{7})",
    re.IGNORECASE,
)


def strip_markup(text: str) -> str:
    """`text` as a reader sees it: link texts, no emphasis, tags, code marks; entities decoded; one line."""
    if "\\" in text:  # an escaped mark is a character; it waits in the private use area
        text = _ESCAPE.sub(lambda matched: chr(0xE000 + ord(matched[1])), text)
    if "<" in text:
        if "-->" in text:
            text = _COMMENT.sub(" ", text)
        text = _TAG.sub("", _BREAK.sub(" ", _AUTOLINK.sub(r"\1", text)))
    if "[" in text:
        text = _REFERENCE_LINK.sub(r"\1", _INLINE_LINK.sub(r"\1", _IMAGE.sub(r"\1", text)))
    if "`" in text:
        text = _CODE_SPAN.sub(r"\2", text)
    for _ in range(2):
        if "*" in text or "~~" in text:
            text = _STRONG.sub(r"\2", text)
        if "_" in text:
            text = _UNDERSCORES.sub(r"\2", text)
    text = _HELD.sub(lambda matched: chr(ord(matched.group()) - 0xE000), text)
    if "&" in text:
        text = html.unescape(text)
    return _SPACE.sub(" ", text).strip()


def find_links(text: str, *, first_line: int) -> tuple[Link, ...]:
    """Links and images of `text` (inline, reference, automatic, bare, HTML), in order, each with its line.

    `first_line` is the line number of the text's first line. Code must have been blanked by the caller.
    """
    starts = [0]
    starts.extend(matched.end() for matched in re.finditer("\n", text))
    found: list[tuple[int, str, str]] = []
    definitions: dict[str, str] = {}
    blanked = _CODE_SPAN.sub(lambda matched: " " * len(matched.group()), text)

    def take(pattern: re.Pattern[str], source: str) -> str:
        def blank(matched: re.Match[str]) -> str:
            found.append((matched.start(), matched[1], matched[2].strip("<>")))
            # the text stays, so that an image can be the text of a link
            kept = matched[1] if pattern is _IMAGE else ""
            return kept + " " * (len(matched.group()) - len(kept))

        return pattern.sub(blank, source)

    for matched in _DEFINITION.finditer(blanked):
        definitions.setdefault(matched[1].strip().lower(), matched[2])
    # Link texts keep their code spans: take them from the text itself.
    rest = take(_INLINE_LINK, take(_IMAGE, text))
    for matched in _HTML_LINK.finditer(rest):
        url = matched["double"] or matched["single"] or matched["plain"] or ""
        alt = _ALT.search(matched["before"] + " " + matched["after"])
        label = matched["text"] if matched["tag"].lower() == "a" else (alt[1] if alt else "")
        found.append((matched.start(), label or "", url))
    rest = _HTML_LINK.sub(lambda matched: " " * len(matched.group()), rest)
    for matched in _REFERENCE_LINK.finditer(rest):
        url = definitions.get((matched[2] or matched[1]).strip().lower(), "")
        if url:
            found.append((matched.start(), matched[1], url))
    for matched in _AUTOLINK.finditer(rest):
        found.append((matched.start(), matched[1], matched[1]))
    for matched in _BARE_URL.finditer(_AUTOLINK.sub(lambda m: " " * len(m.group()), rest)):
        url = matched.group().rstrip(".,;:!?*_")
        if url.endswith(")") and "(" not in url:
            url = url.rstrip(").,;")
        found.append((matched.start(), url, url))
    found.sort(key=lambda item: item[0])
    return tuple(
        Link(strip_markup(label), html.unescape(url), first_line + bisect_right(starts, offset) - 1)
        for offset, label, url in found
        if url
    )


def find_arxiv_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """arXiv ids named in `texts` by URL, DOI or `arXiv:` mark, without version, each once, in order."""
    ids: dict[str, None] = {}
    for text in texts:
        for matched in _ARXIV.finditer(text):
            ids.setdefault(matched["id"])
    return tuple(ids)
