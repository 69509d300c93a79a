"""The body of a card as sections, passages, tables and links, each with its lines.

Block structure comes from markdown-it (CommonMark with GFM tables); inline markup is only ever removed for
display, so that no text, however nested, costs more than time linear in its length.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.cards.markup import find_links, strip_markup
from tools.cards.passages import split_block
from tools.cards.tables import find_html_tables, read_pipe_table
from tools.cards.types import CardTable, LineSpan, Link, Passage, PassageKind, Problem, Section

MAX_PASSAGES = 5_000
PSEUDO_LEVEL = 7  # a bold line standing alone: below every real heading
MAX_PIPES = 100_000  # signs that part the cells of tables: 20,000 lines of five
_MAX_LINE = 20_000
_OPEN_COMMENT = re.compile(r"<!--(?!.*-->)", re.DOTALL)
_BOLD_LINE = re.compile(r"^\s{0,3}(\*\*|__)(?P<title>[^*_\n][^*\n]{0,78}?)\1\s*:?\s*$")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,500}>(.{0,500}?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_TIGHT_HEADING = re.compile(r"^(#{1,6})(?=[^\s#!\d])(?!\S+\s+#)")
_MARKERS = re.compile(r"^(?:[ \t]{0,20}(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))+")
_DELIMITER = re.compile(r"^[\s>]*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*){1,200}\|?\s*$")
_CAPTION = re.compile(r"^\W{0,4}(?:table|tab\.)\s*\d{0,3}\b", re.IGNORECASE)


class Body(NamedTuple):
    """What stands below the front matter."""

    title: str
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    tables: tuple[CardTable, ...]
    links: tuple[Link, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines [start, stop) of the body, 0-based; a heading carries its level and title."""

    kind: PassageKind | Literal["heading"]
    start: int
    stop: int
    level: int = 0
    title: str = ""


def parse_blocks(lines: list[str], *, first_line: int) -> Body:
    """Parse the body, which begins at line `first_line` (1-based) of `lines`, the whole card's lines."""
    body = lines[first_line - 1 :]
    clean = [_clean_line(line, body[index - 1] if index else "") for index, line in enumerate(body)]
    problems = [*_bound_lines(body, first_line), *_bound_tables(clean, first_line)]
    tokens = _markdown().parse("\n".join(clean))
    problems.extend(_find_unclosed(tokens, clean, first_line))
    code = _code_lines(tokens, len(clean))
    html_tables = find_html_tables(clean, code)
    blocks = list(_iter_blocks(tokens, clean))
    blocks = _carve(blocks, [(start, stop) for start, stop, _ in html_tables])
    blocks = [piece for block in blocks for piece in _split_headings(block, clean)]
    sections, passages, paths = _assemble(blocks, body, first_line, problems)
    tables = [
        replace(table, section=_path_at(paths, start), lines=_shift(table.lines, first_line))
        for start, _, table in html_tables
    ]
    prose = [block for block in blocks if block.kind == "prose"]
    for start, stop in _pipe_tables(tokens, blocks, clean):
        table = read_pipe_table(clean, start, stop)
        tables.append(
            replace(
                table,
                section=_path_at(paths, start),
                lines=_shift(table.lines, first_line),
                caption=_caption(prose, clean, start, stop),
            )
        )
    tables = [_shift_cells(table, first_line) for table in tables]
    tables.sort(key=lambda table: table.lines.start)
    visible = "\n".join("" if code[index] else line for index, line in enumerate(clean))
    title = next((section.title for section in sections if section.level == 1), "")
    return Body(
        title=title,
        sections=tuple(sections),
        passages=tuple(passages),
        tables=tuple(tables),
        links=find_links(visible, first_line=first_line),
        problems=tuple(problems),
    )


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"maxNesting": 12}).enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])  # inline markup is never parsed: see above
    return markdown


def _clean_line(line: str, before: str) -> str:
    """The line as the block parser sees it: one line, of bounded length and nesting."""
    line = line.replace("\r", " ").replace("\x00", " ")
    if len(line) > _MAX_LINE and not line.lstrip().startswith(("|", "<")):
        line = line[:_MAX_LINE]
    markers = _MARKERS.match(line)
    if markers and len(markers.group()) > 40:
        line = line[:40] + " " + line[markers.end() :].lstrip()
    if line.startswith("#") and not before.strip():
        line = _TIGHT_HEADING.sub(r"\1 ", line)
    return line


def _bound_lines(body: list[str], first_line: int) -> Iterator[Problem]:
    """The first line that is cut short before it is parsed."""
    for index, line in enumerate(body):
        if len(line) > _MAX_LINE:
            yield Problem(
                "line-too-long",
                f"The line has {len(line):,} characters; beyond {_MAX_LINE:,} it is not parsed as Markdown.",
                first_line + index,
            )
            return


def _bound_tables(clean: list[str], first_line: int) -> Iterator[Problem]:
    """Take the pipes out of `clean` from the line on where tables would have too many cells."""
    left = MAX_PIPES
    for index, line in enumerate(clean):
        left -= line.count("|")
        if left < 0:
            clean[index:] = [line.replace("|", " ") for line in clean[index:]]
            yield Problem(
                "too-many-cells",
                f"The tables have more than {MAX_PIPES:,} cells; the rest is read as text.",
                first_line + index,
            )
            return


def _find_unclosed(tokens: list[Token], clean: list[str], first_line: int) -> Iterator[Problem]:
    """A comment or a fence of code that is never closed: it takes in all the rest of the card."""
    last = max((index for index, line in enumerate(clean, 1) if line.strip()), default=0)
    for token in tokens:
        if token.level or not token.map or token.map[1] < last:
            continue
        start, stop = token.map
        text = "\n".join(clean[start:stop])
        if token.type == "html_block" and _OPEN_COMMENT.search(text):
            line = first_line + start + text.count("\n", 0, text.rindex("<!--"))
            yield Problem("comment-unclosed", "A comment is never closed: nothing after it is shown.", line)
        elif token.type == "fence" and not _closes(clean[start:stop], token.markup):
            told = "A fence of code is never closed: all after it is shown as code."
            yield Problem("fence-unclosed", told, first_line + start)


def _closes(block: list[str], markup: str) -> bool:
    last = next((line.strip(" >\t") for line in reversed(block[1:]) if line.strip()), "")
    return len(last) >= len(markup) and not last.strip(markup[0])


def _code_lines(tokens: list[Token], count: int) -> list[bool]:
    code = [False] * count
    for token in tokens:
        if token.type in ("fence", "code_block") and token.map:
            for index in range(token.map[0], min(token.map[1], count)):
                code[index] = True
    return code


def _iter_blocks(tokens: list[Token], lines: list[str]) -> Iterator[_Block]:
    kinds: dict[str, PassageKind] = {
        "paragraph_open": "prose",
        "blockquote_open": "prose",
        "bullet_list_open": "list",
        "ordered_list_open": "list",
        "table_open": "table",
        "fence": "code",
        "code_block": "code",
        "html_block": "html",
    }
    for index, token in enumerate(tokens):
        if token.level != 0 or token.nesting < 0 or not token.map:
            continue
        start, stop = token.map
        if token.type == "heading_open":
            title = strip_markup(tokens[index + 1].content)
            yield _Block("heading", start, stop, int(token.tag[1]), title)
        elif token.type in kinds:
            kind = kinds[token.type]
            if token.type == "paragraph_open" and (title := _pseudo_title(lines, start, stop)):
                yield _Block("heading", start, stop, PSEUDO_LEVEL, title)
                continue
            yield _Block(kind, start, min(stop, len(lines)))


def _pseudo_title(lines: list[str], start: int, stop: int) -> str:
    """The title of a paragraph that is one short bold line, else ""."""
    if stop - start != 1:
        return ""
    matched = _BOLD_LINE.match(lines[start])
    if matched is None:
        return ""
    title = strip_markup(matched["title"]).rstrip(":").strip()
    if not title or title[-1] in ".!?,;" or len(title.split()) > 8 or re.search(r":|\d\s*%|https?:", title):
        return ""
    return title


def _carve(blocks: list[_Block], spans: list[tuple[int, int]]) -> list[_Block]:
    """Replace what stands in each of the `spans` [start, stop), in their order, by one table block."""
    carved: list[_Block] = []
    waiting = deque(blocks)
    for start, stop in spans:
        while waiting and waiting[0].stop <= start:
            carved.append(waiting.popleft())
        while carved and carved[-1].stop > start:  # two tables on one line
            last = carved.pop()
            if last.start < start:
                carved.append(replace(last, stop=start))
        if waiting and waiting[0].start < start and waiting[0].kind != "heading":
            carved.append(replace(waiting[0], stop=start))
        carved.append(_Block("table", start, stop))
        while waiting and waiting[0].start < stop:
            block = waiting.popleft()
            if block.stop > stop:
                waiting.appendleft(replace(block, start=stop))
                break
    carved.extend(waiting)
    return carved


def _split_headings(block: _Block, lines: list[str]) -> Iterator[_Block]:
    """An HTML block in pieces, each `<h1>`…`<h6>` of it as a heading."""
    if block.kind != "html":
        yield block
        return
    text = "\n".join(lines[block.start : block.stop])
    at = line = block.start
    seen = 0
    for matched in _HTML_HEADING.finditer(text):
        title = strip_markup(matched[2])
        start = line + text.count("\n", seen, matched.start())
        line = start + matched[0].count("\n")
        seen, stop = matched.end(), line + 1
        if not title or start < at:
            continue
        if start > at:
            yield replace(block, start=at, stop=start)
        yield _Block("heading", start, stop, int(matched[1]), title)
        at = stop
    if at < block.stop:
        yield replace(block, start=at)


def _assemble(
    blocks: list[_Block], body: list[str], first_line: int, problems: list[Problem]
) -> tuple[list[Section], list[Passage], list[tuple[int, tuple[str, ...]]]]:
    """Sections, passages, and (first body line, section path) in order of lines."""
    sections: list[Section] = []
    passages: list[Passage] = []
    paths: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    open_headings: list[tuple[int, str]] = []
    section_start, level, title = 0, 0, ""
    path: tuple[str, ...] = ()
    filled = False
    heading: _Block | None = None

    def close(stop: int, next_level: int) -> None:
        span = _trim(body, section_start, stop)
        if span is None or (level == 0 and not filled):
            return
        start, end = span
        sections.append(Section(title, level, path, LineSpan(start + first_line, end + first_line - 1)))
        if heading is not None and not filled and next_level <= level:
            # a heading with nothing under it says something itself
            passages.extend(_passages("prose", body, heading, path, first_line))

    for block in blocks:
        if len(passages) >= MAX_PASSAGES or len(sections) >= MAX_PASSAGES:
            problems.append(
                Problem(
                    "too-many-passages",
                    f"The card has more than {MAX_PASSAGES} passages; the rest is not indexed.",
                    block.start + first_line,
                )
            )
            break
        if block.kind == "heading":
            close(block.start, block.level)
            while open_headings and open_headings[-1][0] >= block.level:
                open_headings.pop()
            open_headings.append((block.level, block.title))
            section_start, level, title = block.start, block.level, block.title
            path = tuple(name for _, name in open_headings)
            paths.append((block.start, path))
            filled, heading = False, block
        else:
            found = _passages(block.kind, body, block, path, first_line)
            filled = filled or bool(found)
            passages.extend(found)
    close(len(body), 0)
    return sections, passages, paths


def _passages(
    kind: PassageKind, body: list[str], block: _Block, path: tuple[str, ...], first_line: int
) -> list[Passage]:
    span = _trim(body, block.start, block.stop)
    if span is None:
        return []
    text = "\n".join(body[span[0] : span[1]])
    return [
        Passage(kind, path, piece, lines)
        for piece, lines in split_block(text, kind=kind, first_line=span[0] + first_line)
        if kind != "html" or strip_markup(piece) or "src" in piece or "href" in piece
    ]


def _trim(body: list[str], start: int, stop: int) -> tuple[int, int] | None:
    """The range without its outer blank lines; None when nothing is left."""
    stop = min(stop, len(body))
    while start < stop and not body[start].strip():
        start += 1
    while stop > start and not body[stop - 1].strip():
        stop -= 1
    return (start, stop) if start < stop else None


def _pipe_tables(tokens: list[Token], blocks: list[_Block], lines: list[str]) -> Iterator[tuple[int, int]]:
    """Lines of every Markdown table, also of those whose delimiter row has a wrong number of columns."""
    inside = {line for block in blocks if block.kind == "table" for line in range(block.start, block.stop)}
    for token in tokens:
        if token.type == "table_open" and token.map:
            start, stop = token.map[0], min(token.map[1], len(lines))
            html = any("<table" in line.lower() for line in lines[start:stop])
            if not html and (token.level or start in inside):
                yield start, stop
    for block in blocks:
        if block.kind != "prose":
            continue
        for index in range(block.start, block.stop - 1):
            if "|" in lines[index] and _DELIMITER.match(lines[index + 1]):
                yield index, block.stop
                break


def _caption(prose: list[_Block], lines: list[str], start: int, stop: int) -> str:
    """The paragraph beside the table that introduces it: ends with a colon, or begins with "Table"."""
    before = bisect_right(prose, start, key=lambda block: block.stop) - 1
    if before >= 0 and not any(line.strip() for line in lines[prose[before].stop : start]):
        text = _read_paragraph(lines, prose[before])
        sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)[-1]
        if sentence.endswith((":", "：")) or _CAPTION.match(text):
            return sentence[:400]
    after = bisect_left(prose, stop, key=lambda block: block.start)
    if after < len(prose) and not any(line.strip() for line in lines[stop : prose[after].start]):
        text = _read_paragraph(lines, prose[after])
        return text[:400] if _CAPTION.match(text) else ""
    return ""


def _read_paragraph(lines: list[str], block: _Block) -> str:
    return strip_markup(" ".join(lines[block.start : min(block.stop, block.start + 12)]))


def _path_at(paths: list[tuple[int, tuple[str, ...]]], line: int) -> tuple[str, ...]:
    """The path of the last heading at or before a line; `paths` begins with line 0."""
    return paths[bisect_right(paths, line, key=lambda item: item[0]) - 1][1]


def _shift(span: LineSpan, first_line: int) -> LineSpan:
    return LineSpan(span.start + first_line, span.end + first_line)


def _shift_cells(table: CardTable, first_line: int) -> CardTable:
    rows = tuple(tuple(replace(cell, line=cell.line + first_line) for cell in row) for row in table.rows)
    return replace(table, rows=rows)
