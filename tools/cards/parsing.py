"""A model card's text to a `Card`: front matter, sections, passages, tables, links, results and parents."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from tools.cards.blocks import parse_blocks
from tools.cards.front_matter import parse_front_matter
from tools.cards.markup import find_arxiv_ids, strip_markup
from tools.cards.model_index import read_model_index
from tools.cards.parents import merge_parents, read_metadata_parents, read_prose_parents
from tools.cards.prose_results import read_prose_results
from tools.cards.table_results import read_table_results
from tools.cards.types import Card, CardTable, Passage, Problem
from tools.hashing import hash_text

MAX_PARSED_CHARS = 1_000_000
MAX_BODY_LINES = 20_000
MAX_READ_CHARS = 300_000  # of prose searched for results and parents; every passage is kept all the same


def parse_card(text: str, *, model_id: str | None = None) -> Card:
    """Parse a model card. `model_id` (org/name) names the model in results and is never its own parent.

    Lines are those of `text.split("\\n")`, 1-based, front matter counted. Never raises on content: what is
    wrong with the card is in `problems`. Of a card over 1,000,000
    characters only the first are parsed, of its body the first 20,000 lines.
    """
    problems: list[Problem] = []
    parsed = text
    if len(text) > MAX_PARSED_CHARS:
        parsed = text[:MAX_PARSED_CHARS]
        whole = parsed.rfind("\n")
        parsed = parsed[:whole] if whole > MAX_PARSED_CHARS // 2 else parsed  # not for one endless line
        problems.append(
            Problem(
                "card-too-large",
                f"The card has {len(text):,} characters; the first {len(parsed):,} are parsed.",
                parsed.count("\n") + 1,
            )
        )
    if (bare := _count_bare_returns(parsed)) and bare > parsed.count("\n"):
        problems.append(
            Problem(
                "line-ending",
                f"{bare:,} lines end with a carriage return alone, which the Hub reads as one line.",
                1,
            )
        )
    front = parse_front_matter(parsed)
    problems.extend(front.problems)
    lines = parsed.split("\n")
    last = front.body_line - 1 + MAX_BODY_LINES
    if len(lines) > last:
        problems.append(
            Problem(
                "card-too-long",
                f"The card's body has more than {MAX_BODY_LINES} lines; the rest is not parsed.",
                last + 1,
            )
        )
        lines = lines[:last]
    body = parse_blocks(lines, first_line=front.body_line)
    problems.extend(body.problems)
    results, faults = read_model_index(front.metadata, front.metadata_lines, lines)
    problems.extend(faults)
    for table in body.tables:
        results.extend(read_table_results(table, lines, lead=_lead(body.passages, table)))
    readable = _take_chars(body.passages, MAX_READ_CHARS)
    results.extend(read_prose_results(readable, body.sections, lines, first_line=front.body_line))
    parents = merge_parents(
        read_metadata_parents(front.metadata, front.metadata_lines, lines),
        read_prose_parents(readable, body.sections, lines, model_id=model_id),
    )
    return Card(
        text=text,
        sha256=hash_text(text),
        metadata=front.metadata,
        metadata_lines=front.metadata_lines,
        front_matter=front.span,
        title=body.title,
        sections=body.sections,
        passages=body.passages,
        tables=body.tables,
        links=body.links,
        results=tuple(results),
        parents=parents,
        arxiv_ids=find_arxiv_ids([*_strings(front.metadata), parsed]),
        problems=tuple(problems),
    )


def _count_bare_returns(text: str) -> int:
    return text.count("\r") - text.count("\r\n")


def _take_chars(passages: tuple[Passage, ...], limit: int) -> list[Passage]:
    taken = []
    for passage in passages:
        limit -= len(passage.text)
        if limit < 0:
            break
        taken.append(passage)
    return taken


def _lead(passages: tuple[Passage, ...], table: CardTable) -> str:
    """The prose right before `table` in its section, as a reader sees it; "" when there is none."""
    count = bisect_left(passages, table.lines.start, key=lambda passage: passage.lines.end)
    before = passages[count - 1] if count else None
    if before is None or before.kind not in ("prose", "list") or before.section != table.section:
        return ""
    return strip_markup(before.text)[-600:]


def _strings(value: Any) -> Iterator[str]:
    """Every text in a metadata value, depth first."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            stack.extend(reversed(item))
