"""A card as its lines, changed in one place: what the blind errors and rewritings are made with.

Reads front matter with PyYAML and Markdown line by line, apart from the parser that the auditor uses, so that
a fault of that parser is not shared by the errors that test it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

_FIELD = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:\s|$)")
_HEADING = re.compile(r"#{1,6}\s+(\S.*?)\s*#*\s*$")


@dataclass
class Page:
    """`lines` of a card without line feeds (CRLF cards keep their `end` of `\\r`); `head` is the index of the
    closing `---`, 0 without front matter; `meta` its fields ({} when it is not a mapping)."""

    card: str
    chance: random.Random
    lines: list[str] = field(init=False)
    end: str = field(init=False)
    head: int = field(init=False)
    meta: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.card.split("\n")
        self.end = "\r" if self.lines[0].endswith("\r") else ""
        marks = [at for at, line in enumerate(self.lines) if line.rstrip() == "---"]
        self.head = marks[1] if marks[:1] == [0] and len(marks) > 1 else 0
        try:
            found = yaml.safe_load("\n".join(self.lines[1 : self.head])) if self.head else {}
        except yaml.YAMLError:
            found = None
        self.meta = found if isinstance(found, dict) else {}
        if not self.meta:
            self.head = 0 if not marks or marks[0] != 0 else self.head

    @property
    def writable(self) -> bool:
        """Whether a metadata field can be put in: there is a readable front matter, or none at all."""
        return bool(self.meta) or not self.lines[0].startswith("---")

    @property
    def body(self) -> str:
        return "\n".join(self.lines[self.head + 1 if self.head else 0 :])

    def join(self, lines: Sequence[str]) -> str:
        return "\n".join(lines)

    def find_field(self, key: str) -> tuple[int, int] | None:
        """The half-open range of lines of a top-level field of the front matter."""
        for at in range(1, self.head):
            matched = _FIELD.match(self.lines[at])
            if matched and matched[1] == key:
                stop = at + 1
                while stop < self.head and not _FIELD.match(self.lines[stop]):
                    stop += 1
                return at, stop
        return None

    def set_field(self, key: str, *rows: str) -> tuple[str, int]:
        """The card with these rows for the field `key` (replaced, or added last), and their first line."""
        made = [row + self.end for row in rows]
        if not self.head:
            return self.join(["---" + self.end, *made, "---" + self.end, "", *self.lines]), 2
        start, stop = self.find_field(key) or (self.head, self.head)
        return self.join([*self.lines[:start], *made, *self.lines[stop:]]), start + 1

    def drop_field(self, key: str) -> str | None:
        """The card without the field, None where it has none or no other field."""
        place = self.find_field(key)
        if place is None or len(self.meta) < 2:
            return None
        return self.join([*self.lines[: place[0]], *self.lines[place[1] :]])

    def list_headings(self) -> list[tuple[int, str]]:
        """(index of the line, title) of the headings outside of code and comments."""
        free = self._free()
        return [
            (at, matched[1])
            for at, line in enumerate(self.lines)
            if free[at] and (matched := _HEADING.match(line.rstrip()))
        ]

    def add(self, *rows: str) -> tuple[str, int]:
        """The card with a paragraph of these rows between blank lines, before some heading of the body or at
        the card's end, and the number of its first line."""
        places = [*[at for at, _ in self.list_headings()][1:], len(self.lines)]
        return self.add_at(self.chance.choice(places), *rows)

    def add_at(self, at: int, *rows: str) -> tuple[str, int]:
        made = [self.end, *(row + self.end for row in rows), self.end]
        lines = [*self.lines]
        if at == len(lines):
            made = made[:-1]
            lines[-1] += self.end if lines[-1] and not lines[-1].endswith("\r") else ""
        return self.join([*lines[:at], *made, *lines[at:]]), at + 2

    @property
    def closed(self) -> bool:
        """Whether nothing (fence, comment) stands open at the card's end, so that text can be added there."""
        return self._free(after=True)[-1]

    def list_open(self) -> list[bool]:
        """For each line whether it stands outside of code, comments and front matter."""
        return self._free()

    def _free(self, *, after: bool = False) -> list[bool]:
        free, fence, comment = [], "", False
        for at, line in enumerate(self.lines):
            plain = line.strip()
            inside = bool(fence) or comment or 0 < self.head >= at
            if fence:
                fence = "" if plain.startswith(fence) and not plain.strip(fence[0]) else fence
            elif comment:
                comment = "-->" not in plain
            elif matched := re.match(r"`{3,}|~{3,}", plain):
                fence = matched[0]
                inside = True
            elif "<!--" in plain:
                comment = "-->" not in plain.rsplit("<!--", 1)[1]
                inside = True
            free.append(not (fence or comment) if after else not inside)
        return free


def open_page(card: str, seed: int, purpose: str) -> Page:
    """A card's page whose choices depend on seed, purpose and text alone."""
    return Page(card, random.Random(f"{seed} {purpose} {card}"))


def list_results(meta: dict[str, Any]) -> list[tuple[str, str, str, float]]:
    """(task, dataset, metric, value) of the numeric results of a well-formed model-index, read plainly."""
    found = []
    index = meta.get("model-index")
    for model in index if isinstance(index, list) else ():
        results = model.get("results") if isinstance(model, dict) else None
        for result in results if isinstance(results, list) else ():
            if not isinstance(result, dict) or not isinstance(result.get("dataset"), dict):
                continue
            task = result["task"].get("type") if isinstance(result.get("task"), dict) else ""
            metrics = result.get("metrics")
            for metric in metrics if isinstance(metrics, list) else ():
                value = metric.get("value") if isinstance(metric, dict) else None
                if isinstance(value, int | float) and not isinstance(value, bool):
                    name = result["dataset"].get("name") or result["dataset"].get("type")
                    found.append((str(task), str(name), str(metric.get("type")), float(value)))
    return found


Error = tuple[str, int, str, str, int]  # changed card, line, key, what, length in lines
Maker = Callable[[Page], Iterator[Error]]
