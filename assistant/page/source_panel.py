"""The sources panel: every source of one answer with its passage, the quoted words marked in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from assistant.answers import Answer, AnswerCitation
from assistant.page.answer_text import number_sources
from assistant.page.escape import escape, escape_line, write_link
from assistant.page.levels import STATUSES, render_badge, render_legend
from assistant.page.surroundings import Place, describe_place, find_place
from tools.catalog.repository import Catalog
from tools.evidence import Evidence
from tools.facts import FactField, collect_facts
from tools.verification.quotes import locate_quote

_KINDS = {
    "card": "model card",
    "metadata": "metadata",
    "config": "configuration",
    "weights": "weights",
    "lineage": "declared origin",
    "results": "reported result",
    "paper": "paper",
    "repo": "repository",
}
_MOST_TEXT = 12_000  # characters of one passage
_MOST_READ = 40

EMPTY = (
    '<div class="panel-head"><h2>Sources</h2></div>'
    '<p class="hint">Every statement about a model carries a number. Choose one to see the passage it stands '
    "on: the quoted words are marked, with the lines around them.</p>" + render_legend()
)


def render_sources(
    answer: Answer, turn: int, catalog: Catalog, attached: Mapping[str, str] = MappingProxyType({})
) -> str:
    """All sources of an answer, as many as it marks, folded. `attached`: the conversation's own documents."""
    numbers = number_sources(answer)
    head = _render_head(f"Sources of answer {turn}")
    if not answer.evidence:
        said = "This answer cites nothing: it states no fact about a model."
        return f'{head}<p class="hint">{said}</p>{_render_read(answer)}{render_legend()}'
    entries = "".join(
        render_source(
            item,
            find_place(item, catalog, attached),
            number=numbers[item.id],
            citations=[(n, c) for n, c in enumerate(answer.citations) if c.evidence == item.id],
            used=_list_uses(answer, item.id),
        )
        for item in answer.evidence
    )
    return f"{head}{entries}{_render_read(answer)}{render_legend()}"


def render_fact(model: str, field: FactField, catalog: Catalog) -> str:
    """Where one field of a model is stated, for the cards of recommended models."""
    facts = collect_facts(catalog, model, [field]).get(field, [])
    entries = "".join(
        render_source(item, find_place(item, catalog, {}), opened=True)
        for item in (
            Evidence(id="", kind=f.kind, source=f.source, locator=f.locator, text=f.text, sha256=f.sha256)
            for f in facts
        )
    )
    name = _FIELD_NAMES.get(field, field)
    nothing = f'<p class="hint">Neither the card nor its record states the {name} of this model.</p>'
    return _render_head(f"{name.capitalize()} of {model}") + (entries or nothing) + render_legend()


_FIELD_NAMES = {"license": "licence", "parameters": "size", "base_model": "base model"}


def render_source(
    item: Evidence,
    place: Place,
    *,
    number: int | None = None,
    citations: Sequence[tuple[int, AnswerCitation]] = (),
    used: str = "",
    opened: bool = False,
) -> str:
    """One source. `citations` are (place among the answer's marks, citation); `used` what rests on it."""
    shown = f'<span class="src-no">[{number}]</span>' if number is not None else ""
    key = f' <span class="src-key">{item.id}</span>' if item.id else ""
    note = f'<p class="src-note">{escape(place.note)}</p>' if place.note else ""
    section = f' · <span class="src-section"><bdi>{escape_line(place.section, 160)}</bdi></span>'
    said = "".join(
        f'<li class="{"bad" if c.status in ("misattributed", "fabricated") else "good"}">'
        f'<span aria-hidden="true">{STATUSES[c.status].sign}</span> '
        f"What is cited {STATUSES[c.status].word}.</li>"
        for c in {c.status: c for _, c in citations}.values()
    )
    link = f"<p>{write_link(place.link, place.link_label)}</p>" if place.link else ""
    return (
        f'<details class="src" data-key="{item.id}"{" open" if opened else ""}>'
        f'<summary>{shown}{key} <bdi class="src-name">{escape_line(item.model)}</bdi>'
        f'<span class="src-where">{escape_line(describe_place(item))}</span></summary>'
        f'<div class="src-body"><p class="src-what">{_KINDS[item.kind]}{section if place.section else ""}</p>'
        f"{note}{_render_passage(item, place, citations)}"
        f'<ul class="src-said">{said}</ul>{used}'
        f'<dl class="src-id"><dt>source</dt><dd><bdi>{escape_line(item.source)}</bdi></dd>'
        f"<dt>place</dt><dd><code>{escape_line(item.locator)}</code></dd>"
        f'<dt>sha256</dt><dd><code title="{item.sha256}">{item.sha256[:12]}…</code> '
        f'<button type="button" class="small" data-act="copy" data-copy="{escape_line(item.sha256)}" '
        f'aria-label="Copy the whole sha256 of this source">copy</button></dd></dl>{link}</div></details>'
    )


def _render_head(title: str) -> str:
    return (
        f'<div class="panel-head"><h2 tabindex="-1"><bdi>{escape_line(title)}</bdi></h2>'
        '<button type="button" class="small close" data-act="close-sources" '
        'aria-label="Close the sources">✕</button></div>'
    )


def _list_uses(answer: Answer, key: str) -> str:
    uses = "".join(
        f"<li>{render_badge(statement.level, statement.reason)} "
        f"<bdi>{escape_line(statement.text, 220)}</bdi></li>"
        for statement in answer.statements
        if key in statement.marks
    )
    return f'<p class="src-label">Used for</p><ul class="src-uses">{uses}</ul>' if uses else ""


def _render_read(answer: Answer) -> str:
    """What was read and not cited, in short."""
    if not answer.retrieved:
        return ""
    shown = answer.retrieved[:_MOST_READ]
    items = "".join(
        f'<li><span class="src-key">{item.id}</span> <bdi>{escape_line(item.model)}</bdi>, '
        f"{escape_line(describe_place(item))}</li>"
        for item in shown
    )
    more = len(answer.retrieved) - len(shown)
    rest = f"<li>and {more} more</li>" if more else ""
    return (
        '<details class="read" data-keep="read">'
        f"<summary>Read, but not cited ({len(answer.retrieved)})</summary>"
        f"<ul>{items}{rest}</ul></details>"
    )


def _render_passage(item: Evidence, place: Place, citations: Sequence[tuple[int, AnswerCitation]]) -> str:
    """The passage line by line, numbered where the source has lines, between the lines around it."""
    text = item.text[:_MOST_TEXT]
    spans: list[tuple[int, int, int]] = []  # (start, end, which mark of the answer)
    for number, citation in citations:
        found = locate_quote(citation.quote, text) if citation.quote else None
        if found is not None:
            spans.append((found.start, found.end, number))
    first = place.first
    above = None if first is None else first - len(place.before)
    rows = [
        _render_line(None if above is None else above + n, escape(line), "around")
        for n, line in enumerate(place.before)
    ]
    at = 0
    lines = text.split("\n")
    for n, line in enumerate(lines):
        shown = _highlight(line, [(s - at, e - at, which) for s, e, which in spans])
        rows.append(_render_line(None if first is None else first + n, shown, "own"))
        at += len(line) + 1
    if len(item.text) > len(text):
        rows.append(_render_line(None, "… the passage goes on", "around"))
    else:
        rows += [
            _render_line(None if first is None else first + len(lines) + n, escape(line), "around")
            for n, line in enumerate(place.after)
        ]
    return f'<div class="passage" tabindex="0" role="region" aria-label="The passage">{"".join(rows)}</div>'


def _render_line(number: int | None, inner: str, kind: str) -> str:
    shown = "" if number is None else str(number)
    return (
        f'<div class="ln {kind}"><span class="no" aria-hidden="true">{shown}</span>'
        f'<span class="tx" dir="auto">{inner or "&#8203;"}</span></div>'
    )


def _highlight(line: str, spans: Sequence[tuple[int, int, int]]) -> str:
    """A line with the parts of `spans` that lie in it marked; a part names all marks that quote it."""
    within = [(max(0, s), min(len(line), e), which) for s, e, which in spans if e > 0 and s < len(line)]
    cuts = sorted({0, len(line), *(s for s, _, _ in within), *(e for _, e, _ in within)})
    shown = []
    for start, end in pairwise(cuts):
        piece = escape(line[start:end])
        cited = [which for s, e, which in within if s <= start and end <= e]
        if cited:
            piece = f"<mark data-cites='{json.dumps(cited)}'>{piece}</mark>"
        shown.append(piece)
    return "".join(shown)
