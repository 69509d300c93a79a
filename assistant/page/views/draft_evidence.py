"""The evidence of a drafted card: each source with its place, hash and words, the stated ones marked."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from assistant.page.escape import escape, escape_line, write_link
from assistant.page.surroundings import describe_place, find_place
from tools.catalog.repository import Catalog
from tools.draft import Statement
from tools.draft.checking import unquote
from tools.evidence import Evidence

_KINDS = {
    "card": "model card",
    "metadata": "metadata",
    "config": "configuration",
    "weights": "weights",
    "lineage": "declared origin",
    "results": "reported result",
    "paper": "paper",
    "repo": "files of the repository",
}
# The name of a field, which is not what its value says: `"type": "type"`.
_FIELD = re.compile(r"""["']?[\w./-]+["']?\s*:\s""")
_MOST_TEXT = 12_000  # characters of one source
_EMPTY = (
    '<p class="hint" id="draft-choose">Every statement carries a number. Choose one to see what it stands '
    "on: the source, its place and hash, and its words with those marked that are stated.</p>"
)


def render_evidence(
    evidence: Sequence[Evidence], statements: Sequence[tuple[int, Statement]], catalog: Catalog
) -> str:
    """All evidence of a draft, hidden until a mark asks for it. `statements`: (number, statement)."""
    uses: dict[str, list[tuple[int, Statement]]] = {}
    for number, said in statements:
        for item in said.evidence:
            uses.setdefault(item.id, []).append((number, said))
    items = "".join(_render_item(item, uses.get(item.id, []), catalog) for item in evidence)
    return (
        '<aside class="draft-evidence" aria-label="Evidence"><div class="slot-head">Evidence</div>'
        f"{_EMPTY}{items}</aside>"
    )


def _render_item(item: Evidence, uses: Sequence[tuple[int, Statement]], catalog: Catalog) -> str:
    place = find_place(item, catalog, {})
    link = f"<p>{write_link(place.link, place.link_label)}</p>" if place.link else ""
    note = f'<p class="hint">{escape(place.note)}</p>' if place.note else ""
    section = f" · <bdi>{escape_line(place.section, 160)}</bdi>" if place.section else ""
    text = item.text[:_MOST_TEXT]
    spans = [(start, end, number) for number, said in uses for start, end in find_spans(said, text)]
    said = "".join(
        f'<li data-statement="{number}"><bdi>{escape_line(one.text, 200)}</bdi></li>' for number, one in uses
    )
    rows = [_render_line(line, "around", None) for line in place.before]
    first = place.first
    at = 0
    for n, line in enumerate(text.split("\n")):
        shown = _highlight(line, [(s - at, e - at, which) for s, e, which in spans])
        rows.append(_wrap(shown, "own", None if first is None else first + n))
        at += len(line) + 1
    if len(item.text) > len(text):
        rows.append(_render_line(f"… {len(item.text) - len(text):,} more characters", "around", None))
    else:
        rows += [_render_line(line, "around", None) for line in place.after]
    return (
        f'<article class="evid" id="draft-{item.id}" data-key="{item.id}" tabindex="-1" hidden '
        f'aria-label="Evidence {item.id[1:]}"><div class="evid-head"><h4>'
        f'<span class="mark">{item.id[1:]}</span> '
        f"<bdi>{escape_line(item.model)}</bdi></h4>"
        '<button type="button" class="small" data-draft="back">back to the card</button></div>'
        f'<p class="hint">{_KINDS[item.kind]}, {escape_line(describe_place(item))}{section}</p>{note}'
        f'<div class="passage" tabindex="0" role="region" aria-label="The words of evidence {item.id[1:]}">'
        f"{''.join(rows)}</div>"
        f'<dl class="src-id"><dt>source</dt><dd><bdi>{escape_line(item.source)}</bdi></dd>'
        f"<dt>place</dt><dd><code>{escape_line(item.locator)}</code></dd>"
        f"<dt>sha256</dt><dd><code>{escape_line(item.sha256)}</code> "
        f'<button type="button" class="small" data-act="copy" data-copy="{escape_line(item.sha256)}" '
        'aria-label="Copy the sha256 of this source">copy</button></dd></dl>'
        f'<p class="src-label">Stated from it</p><ul class="src-uses">{said}</ul>{link}</article>'
    )


def find_spans(said: Statement, text: str) -> list[tuple[int, int]]:
    """(start, end) in `text` of what `said` takes from it: its values, or the words it quotes."""
    found = []
    for value in said.values or (unquote(said.text),):
        for form in (value, json.dumps(value)[1:-1], *value.split(", ")):
            if span := _find(form, text):
                found.append(span)
                if form == value:
                    break
    return sorted(set(found))


def _find(value: str, text: str) -> tuple[int, int] | None:
    """Where `value` stands in `text` as a whole, white space and case aside."""
    words = value.split()
    if not words:
        return None
    before = r"(?<![^\W_])" if words[0][0].isalnum() else ""
    after = r"(?![^\W_]|[.,]\d)" if words[-1][-1].isalnum() else ""
    pattern = before + r"\s+".join(map(re.escape, words)) + after
    field = _FIELD.match(text)
    start = field.end() if field is not None else 0
    found = re.compile(pattern, re.IGNORECASE).search(text, start)
    return found.span() if found is not None else None


def _highlight(line: str, spans: Sequence[tuple[int, int, int]]) -> str:
    """A line with the parts of `spans` that lie in it marked; a part names the statements it belongs to."""
    within = [(max(0, s), min(len(line), e), which) for s, e, which in spans if e > 0 and s < len(line)]
    cuts = sorted({0, len(line), *(s for s, _, _ in within), *(e for _, e, _ in within)})
    shown = []
    for start, end in pairwise(cuts):
        piece = escape(line[start:end])
        of = sorted({which for s, e, which in within if s <= start and end <= e})
        if of:
            piece = f'<mark data-statements=" {" ".join(map(str, of))} ">{piece}</mark>'
        shown.append(piece)
    return "".join(shown)


def _render_line(line: str, kind: str, number: int | None) -> str:
    return _wrap(escape(line), kind, number)


def _wrap(inner: str, kind: str, number: int | None) -> str:
    shown = "" if number is None else str(number)
    return (
        f'<div class="ln {kind}"><span class="no" aria-hidden="true">{shown}</span>'
        f'<span class="tx" dir="auto">{inner or "&#8203;"}</span></div>'
    )
