"""Where a held-out error is put: between any two paragraphs of a card, not only before a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eval.audit_blind_page import Error, Maker, Page

_PLAIN = re.compile(r"[A-Za-z#*À-ɏ\[(]")


def put(page: Page, text: str) -> tuple[str, int, int]:
    """The card with the lines of `text` as a block of its own, its first line, and the count of its lines."""
    rows = text.split("\n")
    headings = {at for at, _ in page.list_headings()}
    first = min(headings, default=len(page.lines))
    free = page.list_open()
    places = [
        at
        for at in range(first + 2, len(page.lines))
        if at in headings
        or (
            free[at]
            and not page.lines[at - 1].strip()
            and _PLAIN.match(page.lines[at])
            and _follows(page, at)
        )
    ]
    made, line = page.add_at(page.chance.choice([*places, len(page.lines)]), *rows)
    return made, line, len(rows)


def _follows(page: Page, at: int) -> bool:
    """Whether a heading or plain text stands before the line `at`: no list, table, code or HTML to break."""
    before = next((line for line in reversed(page.lines[:at]) if line.strip()), "")
    return bool(re.match(r"#|[A-Za-z]", before))


def say(key: str, why: str, *forms: str) -> Maker:
    """Puts one of `forms` into the body."""

    def make(page: Page) -> Iterator[Error]:
        yield from tell(page, key, why, forms)

    return make


def tell(page: Page, key: str, why: str, forms: Sequence[str]) -> Iterator[Error]:
    """The error of putting one of `forms` into the body."""
    form = page.chance.choice(forms)
    made, line, count = put(page, form)
    yield made, line, key, f"{why}: {form!r}", count
