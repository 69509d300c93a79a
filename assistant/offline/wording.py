"""Small pieces of answer text: quotes that stay true to their source, lists, values in words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.reading import content_words

# Addresses may hold one level of parentheses: .../wiki/Title_(film)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
_QUOTED_LINE = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_TAG = re.compile(r"<[^>\n]{0,300}>")
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~)(?=\S)|(?<=\S)(\*{1,3}|_{1,3}|~~)(?!\w)|`+")
_LEADER = re.compile(r"^\s*(?:[-*+•>#|]+\s+|#+\s*|\d+[.)]\s+)+")
_ITEM = re.compile(r"(?:^|\n)\s*(?:[-*+•]|\d+[.)])\s+")
# What is a mark, or passes for one (see tools.verification.marks).
_MARK = re.compile(
    r"[\[［【]\s*((?:[EeЕе]|ev(?:idence)?)[\s:\-#.]*[\d¹²³⁰-⁹][^\[\]［］【】\n]{0,20}?)\s*[\]］】]",
    re.IGNORECASE,
)
_SLACK = 6  # words a quote may run over, rather than be cut
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain_text(text: str) -> str:
    """A card's text as a reader sees it: one line, no markup, nothing that could pass for our own marks."""
    text = _CONTROL.sub("", text)
    text = _QUOTED_LINE.sub("", text)
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))  # twice: an image may stand in a link
    text = _TAG.sub(" ", text)
    text = _EMPHASIS.sub("", text)
    text = _LEADER.sub("", text)
    text = " ".join(html.unescape(text).replace("|", " ").split())
    while (bare := _MARK.sub(r"\1", text)) != text:  # a mark may stand in the brackets of another
        text = bare
    return text


def quote_text(text: str, *, about: Iterable[str] = (), words: int = 28) -> str:
    """A contiguous piece of `text` of at most `words` words in typographic quotes, around the "
    "terms of `about`.

    Empty when nothing quotable is left.
    """
    wanted = set(about)
    tokens = plain_text(_best_item(text, wanted)).split()
    if len(tokens) > words + _SLACK:
        tokens = tokens[_best_start(tokens, wanted, words) :][:words]
        # End where a phrase ends, when that does not cost much.
        for end in range(len(tokens), max(len(tokens) - 9, words // 2), -1):
            if tokens[end - 1].endswith((",", ".", ";", ":", ")")):
                tokens = tokens[:end]
                break
    piece = " ".join(tokens).strip(" ,;:-–")
    piece = re.split(r"[“”]", piece)[0].strip() if piece.count("“") != piece.count("”") else piece
    if len(piece) < 3:
        return ""
    opening, closing = ("“", "”") if not re.search("[“”]", piece) else ('"', '"')
    if opening == '"':
        piece = piece.replace('"', "'")
    return opening + piece.replace("<", "&lt;") + closing


def _best_item(text: str, wanted: set[str]) -> str:
    """The item of a list that holds most wanted stems; all of a text that is no list."""
    items = [item for item in _ITEM.split(text) if item.strip()]
    return max(items, key=lambda item: len(wanted & set(content_words(item))), default=text)


def _best_start(tokens: Sequence[str], wanted: set[str], size: int) -> int:
    """The start of the window with most wanted stems; of equals the earliest, at a phrase where possible."""
    if not wanted:
        return 0
    hits = [1 if set(content_words(token)) & wanted else 0 for token in tokens]
    scores = [sum(hits[start : start + size]) for start in range(max(1, len(tokens) - size + 1))]
    best = max(scores)
    if scores[0] >= 0.6 * best:
        return 0
    fitting = [start for start, score in enumerate(scores) if score == best]
    for start in fitting:
        if start == 0 or tokens[start - 1].endswith((".", ",", ";", ":")):
            return start
    return fitting[0]


def name_model(model: str) -> str:
    """A model's id as answers write it."""
    return f"`{model.replace('`', '')}`"


def mark_keys(keys: Sequence[str]) -> str:
    """Marks behind a statement: "[E1][E2]"."""
    return "".join(f"[{key}]" for key in keys)


def name_data(row: Mapping[str, Any]) -> str:
    """The data of a result: dataset, configuration where it says more, and split; "" without a dataset."""
    dataset, config, split = (plain_text(str(row[key] or "")) for key in ("dataset", "config", "split"))
    said = re.search(rf"(?<![^\W_]){re.escape(config)}(?![^\W_])", dataset, re.IGNORECASE)
    named = dataset if said or not config else f"{dataset} {config}"
    # A split alone says nothing, and where no dataset is named it mostly comes from a heading far above.
    return f"{named} ({split})" if named and split else named


def join_words(items: Sequence[str], *, last: str = "and") -> str:
    """ "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def shorten_value(value: str, limit: int = 160) -> str:
    """A field's value for a sentence; a long list is cut at a comma and ends in an ellipsis."""
    value = plain_text(value)
    if len(value) <= limit:
        return value
    cut = value[:limit].rsplit(",", 1)[0] if "," in value[:limit] else value[:limit].rsplit(" ", 1)[0]
    return f"{cut}, …"
