"""What parsing a model card yields. Lines are 1-based and inclusive; front matter is counted."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

PassageKind = Literal["prose", "list", "table", "code", "html"]
Origin = Literal["metadata", "prose", "table", "tags", "config"]


@dataclass(frozen=True, slots=True)
class LineSpan:
    """Lines `start` to `end`, 1-based and inclusive."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"L{self.start}-L{self.end}" if self.end != self.start else f"L{self.start}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the card itself, e.g. front matter that is not YAML. Recorded, never raised."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading of any level."""

    title: str  # "" for what stands before the first heading
    level: int  # 0 for the part before the first heading
    path: tuple[str, ...]  # titles of the enclosing headings, outermost first, its own last
    lines: LineSpan


@dataclass(frozen=True, slots=True)
class Passage:
    """A citable block of a card: a paragraph, list, table, code block or HTML block; verbatim lines."""

    kind: PassageKind
    section: tuple[str, ...]
    text: str  # verbatim substring of the card: whole lines joined by their own newlines, outer ones stripped
    lines: LineSpan


@dataclass(frozen=True, slots=True)
class Cell:
    text: str  # as a reader sees it: markup removed, entities decoded
    line: int


@dataclass(frozen=True, slots=True)
class CardTable:
    """A Markdown or HTML table. Ragged rows are kept as they are."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    section: tuple[str, ...]
    lines: LineSpan
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str
    line: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One reported evaluation result. Specification: model-index of the Hub's card metadata."""

    metric: str  # the name a reader knows, e.g. "ROUGE-1", "WER", "Accuracy"
    value: float | str  # a number where it reads as one (percent signs dropped, see `unit`), else its text
    metric_type: str = ""  # the identifier, e.g. "rouge", "wer"
    unit: str = ""  # "%" when written with a percent sign
    task: str = ""
    dataset: str = ""  # display name where given
    dataset_id: str = ""  # Hub id where given
    config: str = ""
    split: str = ""
    verified: bool = False
    origin: Origin = "metadata"
    locator: str = ""  # e.g. README.md#/model-index/0/results/0/metrics/0/value or README.md#L40
    text: str = ""  # verbatim lines that hold the value together with its metric, dataset and split
    subject: str = ""  # in tables that list several models: the row's (or column's) model, else ""
    line: int = 0  # 1-based line on which the value itself stands, 0 when not known
    # A second verbatim span that names dataset, split or task when `text` cannot hold it contiguously
    # (the `dataset` node beside the metric, a table's header far above the row), with its own locator.
    context: str = ""
    context_locator: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredParent:
    """A model the card names as its origin (metadata `base_model`, or a sentence)."""

    name: str  # as written, e.g. "microsoft/beit-base-patch16-384" or "Stable-Diffusion-v1-5"
    relation: str  # finetune, adapter, quantization, merge, distillation, "" when not said
    origin: Origin
    locator: str
    text: str  # verbatim
    confidence: float  # 1.0 for metadata; lower for prose


@dataclass(frozen=True, slots=True)
class Card:
    """A parsed model card. `metadata` is the front matter as plain JSON values (dates as ISO strings)."""

    text: str
    sha256: str
    metadata: dict[str, Any] = field(default_factory=dict)
    # JSON pointer ("/license", "/model-index/0/results/2/metrics/0/value") -> verbatim lines of that node
    metadata_lines: dict[str, LineSpan] = field(default_factory=dict)
    front_matter: LineSpan | None = None
    title: str = ""  # first level-1 heading, markup removed
    sections: tuple[Section, ...] = ()
    passages: tuple[Passage, ...] = ()
    tables: tuple[CardTable, ...] = ()
    links: tuple[Link, ...] = ()
    results: tuple[ResultRow, ...] = ()
    parents: tuple[DeclaredParent, ...] = ()
    arxiv_ids: tuple[str, ...] = ()  # "1908.10063", without version
    problems: tuple[Problem, ...] = ()

    def lines_text(self, span: LineSpan) -> str:
        """Verbatim text of the lines of `span` (no trailing newline)."""
        starts = _find_starts(self.text)
        first, last = max(span.start, 1), min(span.end, len(starts) - 1)
        return self.text[starts[first - 1] : starts[last] - 1] if first <= last else ""


@lru_cache(maxsize=4)
def _find_starts(text: str) -> array[int]:
    """Where each line of `text` begins, at last where one more would; many lines are asked of one card."""
    starts = array("Q", (0,))
    starts.extend(matched.end() for matched in re.finditer("\n", text))
    starts.append(len(text) + 1)
    return starts
