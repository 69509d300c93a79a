"""Evidence as the verifier reads it: units within which facts stand together.

A unit is a sentence, a list item, a table row, a line of code or a node of YAML or JSON, with the context
it is read in: headings, the lead-in of its list, the header of its table, the keys above its node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tools.evidence import Evidence
from tools.verification.nodes import split_nodes
from tools.verification.readings import Reading, read_text

MAX_PASSAGE = 60_000  # characters of one evidence that are read for facts; quotes are sought in all of it
_MAX_UNITS = 1_500

_SENTENCE_END = re.compile(
    r"(?<=[.!?。！？])[\"”’)\]*_]*\s+(?=[\"“‘(\[*_`#]*[A-Z0-9À-Þ\U00010000-\U0010ffff])|(?<=[。！？])|\n\s*\n"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|fig|no|approx|dr|mr|mrs|prof|st|resp|incl|ca|eq|sec|ver|v)\."
    r"|\b[A-Z]\.)\s*$",
    re.I,
)
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_HTML_ROW = re.compile(r"<tr\b.*?(?:</tr>|(?=<tr\b)|\Z)", re.IGNORECASE | re.DOTALL)
_HTML_CELL = re.compile(r"<(?P<kind>t[hd])\b[^>]*>(?P<text>.*?)(?=</?t[hdr]\b|\Z)", re.IGNORECASE | re.DOTALL)
_NODE = re.compile(r"^(?P<indent>\s*)(?P<dash>-\s+)?(?P<key>[\"']?[\w.\-/ ]+[\"']?)\s*:(?P<value>\s.*|)$")
_BRACKET = re.compile(r"^\s*- |^\s*[\]\[{}],?$|^---$")


@dataclass(frozen=True, slots=True)
class Unit:
    """`text` stands at `start:end` of the evidence. `cells`: a table row's, each with its column's header."""

    text: str
    start: int
    end: int
    context: str = ""
    cells: tuple[tuple[str, str], ...] = ()

    @property
    def reading(self) -> Reading:
        # Cells apart, so that numbers of neighbouring columns do not run together.
        return read_text(" ; ".join(cell for _, cell in self.cells) if self.cells else self.text)

    @property
    def around(self) -> Reading:
        return read_text(self.context)


_OBJECT = re.compile(r"\{[^{}\n]{3,2000}\}")
_PAIR = re.compile(r"[\"'](?P<key>[^\"'\n]{1,60})[\"']\s*:\s*[\"']?(?P<value>-?\d[\d.]*(?:e-?\d+)?\s?%?)")


@dataclass(frozen=True, slots=True)
class Passage:
    """One evidence with its units; `about` reads its source and locator."""

    evidence: Evidence
    units: tuple[Unit, ...]

    @property
    def whole(self) -> Reading:
        return read_text(self.evidence.text[:MAX_PASSAGE])

    @property
    def about(self) -> Reading:
        locator = re.sub(r"^README\.md#?|^record\.json#?|L\d+|model-index|/\d+", " ", self.evidence.locator)
        return read_text(f"{self.evidence.model} {locator}")


@lru_cache(maxsize=512)
def read_passage(evidence: Evidence) -> Passage:
    """Split the text of an evidence into units."""
    text = evidence.text[:MAX_PASSAGE]
    units = []
    structured = evidence.kind in ("metadata", "config", "results")
    for unit in _split(text, structured=structured, results=evidence.kind == "results"):
        units.append(unit)
        if len(units) >= _MAX_UNITS:
            break
    return Passage(evidence, tuple(units))


def _split(text: str, *, structured: bool, results: bool) -> Iterator[Unit]:
    if re.search(r"<t[rdh]\b", text, re.IGNORECASE):
        yield from _split_html(text)
    yield from _split_objects(text)
    nodes = [not line.strip() or bool(_NODE.match(line) or _BRACKET.match(line)) for line in text.split("\n")]
    if nodes and (structured or text.startswith("---")) and sum(nodes) >= 0.6 * len(nodes):
        if results and not re.search(r"^\s*- ", text, re.MULTILINE):
            yield Unit(text, 0, len(text))  # a dataset and its result, without a list
            return
        for start, end, context in split_nodes(text):
            yield Unit(text[start:end], start, end, context)
        return
    yield from _split_lines(text)


def _split_objects(text: str) -> Iterator[Unit]:
    """Records that print their results as an object, `{"mAP@0.5(box)": 0.661, ...}`: each pair is a cell."""
    for found in _OBJECT.finditer(text):
        before = text[max(0, found.start() - 300) : found.start()]
        for pair in _PAIR.finditer(found[0]):
            start, end = found.start() + pair.start(), found.start() + pair.end()
            cells = ((pair["key"], pair["value"]),)
            yield Unit(text[start:end], start, end, f"{before} {pair['key']}", cells)


def _split_html(text: str) -> Iterator[Unit]:
    header: list[str] = []
    above = re.sub(r"<table.*", "", text, flags=re.DOTALL | re.IGNORECASE)[-300:]
    for row in _HTML_ROW.finditer(text):
        cells = [(cell["kind"].lower(), cell["text"].strip()) for cell in _HTML_CELL.finditer(row[0])]
        if not cells:
            continue
        if not header or all(kind == "th" for kind, _ in cells):
            header = [value for _, value in cells]
            yield Unit(row[0], *row.span(), above)
            continue
        pairs = tuple(
            (header[n] if len(header) == len(cells) else "", value) for n, (_, value) in enumerate(cells)
        )
        yield Unit(row[0], *row.span(), f"{above} {' '.join(header)}", pairs)


def _split_lines(text: str) -> Iterator[Unit]:
    """Markdown: tables by row, lists by item, prose by sentence; headings and lead-ins are context."""
    lines = _line_spans(text)
    heading = lead = last_block = ""
    header: list[str] = []
    n = 0
    while n < len(lines):
        start, end = lines[n]
        line = text[start:end]
        if not line.strip():
            n += 1
            continue
        if re.match(r"^\s*#{1,6}\s", line):
            heading, lead, header = line, "", []
            yield Unit(line, start, end)
            n += 1
            continue
        if line.count("|") >= 2 or (
            line.count("|") == 1 and n + 1 < len(lines) and _is_rule(text, lines, n + 1)
        ):
            if _is_rule(text, lines, n):
                n += 1
                continue
            cells = split_cells(line)
            if _is_rule(text, lines, n + 1):
                header = cells
                yield Unit(line, start, end, f"{heading} {lead}")
                n += 2
                continue
            pairs = tuple((header[at] if at < len(header) else "", cell) for at, cell in enumerate(cells))
            yield Unit(line, start, end, f"{heading} {last_block} {' '.join(header)}", pairs)
            n += 1
            continue
        header = []
        # A block: lines up to an empty one, a new item, a heading or a table.
        last = n
        while last + 1 < len(lines):
            following = text[slice(*lines[last + 1])]
            if (not following.strip() or _ITEM.match(following) or re.match(r"^\s*#{1,6}\s", following)
                    or following.count("|") >= 2):  # fmt: skip
                break
            last += 1
        block_end = lines[last][1]
        item = _ITEM.match(line) is not None
        fenced = line.lstrip().startswith(("```", "~~~"))
        context = f"{heading} {lead}" if item else f"{heading} {last_block}" if fenced else heading
        yield from _split_sentences(text, start, block_end, context)
        last_block = re.split(r"(?<=[.!?])\s+", text[start:block_end].strip())[-1]
        if not item:
            sentences = re.split(r"(?<=[.!?])\s+", text[start:block_end].strip())
            lead = sentences[-1] if sentences[-1].rstrip("*_ ").endswith(":") else ""
        n = last + 1


def _split_sentences(text: str, start: int, end: int, context: str) -> Iterator[Unit]:
    at = start
    previous = ""
    for stop in [*_sentence_ends(text, start, end), (end, end)]:
        piece = text[at : stop[0]]
        if piece.strip():
            refers = re.match(
                r"\W*(?:it|its|this|these|they|their|the model|here|both)\b", piece, re.IGNORECASE
            )
            yield Unit(piece, at, stop[0], f"{context} {previous}" if refers else context)
            previous = piece
        at = stop[1]


def _sentence_ends(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() > match.start() and _ABBREVIATION.search(
            text[max(start, match.start() - 12) : match.start()]
        ):
            continue
        if start < match.start() < end:
            yield match.span()


def _line_spans(text: str) -> list[tuple[int, int]]:
    spans = []
    at = 0
    for line in text.split("\n"):
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans


def _is_rule(text: str, lines: list[tuple[int, int]], n: int) -> bool:
    return n < len(lines) and "-" in (line := text[slice(*lines[n])]) and _TABLE_RULE.match(line) is not None


def split_cells(line: str) -> list[str]:
    """Cells of a Markdown table row; escaped pipes and pipes in code stay in their cell."""
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    cells, cell, code = [], "", False
    for n, character in enumerate(inner):
        if character == "`":
            code = not code
        if character == "|" and inner[n - 1 : n] != "\\" and not (code and "`" in inner[n:]):
            cells.append(cell.strip())
            cell = ""
        else:
            cell += character
    return [*cells, cell.strip()]
