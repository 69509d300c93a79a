"""A drafted card as HTML: its sections with numbered marks, and the evidence that each mark opens.

All text of cards and files is escaped; `assets/draft.js` opens evidence, keeps what a visitor edits in their
own browser, and hands out the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_html
from itertools import takewhile

from assistant.page.escape import escape, escape_line
from assistant.page.views.draft_evidence import render_evidence
from tools.catalog.repository import Catalog
from tools.draft import Draft, DraftFormat, SlotDraft, Statement
from tools.draft.checking import holds, unquote
from tools.draft.markdown import NEEDED, is_block, open_headings
from tools.draft.sections import list_slots
from tools.evidence import Evidence

_FILES: tuple[tuple[DraftFormat, str, str, str], ...] = (
    ("json", "JSON ledger", "ledger.json", "application/json"),
    ("cyclonedx", "CycloneDX", "cyclonedx.json", "application/json"),
    ("eu", "EU form", "eu-documentation.md", "text/markdown"),
)
_MOST_DROPPED = 60
_MOST_DIFF = 2000  # lines; the patch holds all
_CODE = re.compile(r"`([^`]+)`")
# Keys of the metadata block whose evidence a slot of the text has.
_FIELDS = {
    "license": "license",
    "language": "language",
    "base_model": "base_model",
    "pipeline_tag": "model_type",
    "library_name": "software",
    "datasets": "training_data",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who worded a draft: `name` of a language model, or "" and, if it was wanted, `why` it did not."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class _Marked:
    """A statement with its number in the draft, which its marks name."""

    number: int
    said: Statement


def render_draft(
    draft: Draft, catalog: Catalog, writer: Writer, *, kept: str = "", left_out: Sequence[str] = ()
) -> str:
    """The whole of it: completeness, downloads, the card, its evidence, the editor and the proposal.

    `kept`: the name under which a browser keeps what is edited, the model's unless given. `left_out`: names
    of files that a visitor gave and nothing reads.
    """
    marked: dict[str, list[_Marked]] = {}
    number = 0
    for slot in draft.slots:
        for said in slot.statements:
            marked.setdefault(slot.slot, []).append(_Marked(number, said))
            number += 1
    everything = [one for some in marked.values() for one in some]
    proposal = _render_proposal(draft)
    tabs = [("read", "Card and evidence"), ("edit", "Edit")]
    if draft.proposed.strip():
        tabs.append(("proposal", "Changes"))
    chosen = "".join(
        f'<button type="button" role="tab" id="draft-tab-{name}" data-draft="show" data-show="{name}" '
        f'aria-controls="draft-{name}" aria-selected="{"true" if name == "read" else "false"}" '
        f'tabindex="{0 if name == "read" else -1}">{title}</button>'
        for name, title in tabs
    )
    return (
        f'<section class="draft" aria-label="Drafted card" data-model="{escape_line(kept or draft.model)}">'
        f"{_render_head(draft, writer, left_out)}"
        f'<div class="draft-tabs" role="tablist" aria-label="What of the draft is shown">{chosen}</div>'
        '<div class="draft-two" id="draft-read" role="tabpanel" aria-labelledby="draft-tab-read">'
        f"{_render_card(draft, marked)}"
        f"{render_evidence(draft.evidence, [(one.number, one.said) for one in everything], catalog)}</div>"
        f"{_render_editor(draft)}{proposal}</section>"
    )


def count_slots(slots: Sequence[SlotDraft]) -> tuple[int, int, int]:
    """(filled by the model's own evidence, inherited, open)."""
    states = [slot.status for slot in slots]
    return states.count("filled"), states.count("inherited"), states.count("unknown")


def summarize_draft(draft: Draft) -> str:
    """One sentence on a draft, for those who hear the page."""
    filled, inherited, unknown = count_slots(draft.slots)
    return (
        f"Draft for {draft.model}: {filled} of {len(draft.slots)} slots filled, {inherited} inherited, "
        f"{unknown} open."
    )


def _render_head(draft: Draft, writer: Writer, left_out: Sequence[str]) -> str:
    filled, inherited, unknown = count_slots(draft.slots)
    total = len(draft.slots)
    said = f"{filled} of {total} slots filled, {inherited} inherited, {unknown} open"
    share, more = (round(100 * count / total, 1) if total else 0 for count in (filled, inherited))
    files = _offer("README.md", "README.md", "text/markdown", None) + "".join(
        _offer(label, name, kind, draft.others[format])
        for format, label, name, kind in _FILES
        if format in draft.others
    )
    told = "".join(f"<li>{escape_line(note, 400)}</li>" for note in draft.notes) + _tell_dropped(
        draft.dropped
    )
    if left_out:
        others = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        told += f"<li>Not read: <bdi>{escape_line(', '.join(left_out[:3]), 200)}</bdi>{others}.</li>"
    return (
        f'<header><h3>Draft for <bdi>{escape_line(draft.model)}</bdi></h3><div class="draft-bar">'
        f'<div class="coverage"><div class="bar" role="meter" aria-label="Slots filled" aria-valuemin="0" '
        f'aria-valuemax="{total}" aria-valuenow="{filled + inherited}" aria-valuetext="{said}">'
        f'<span style="width:{share}%"></span><span class="lent" style="width:{more}%"></span></div>'
        f'<p class="hint">{said}. <button type="button" class="link" data-draft="next">'
        f"Next open slot</button></p></div>"
        f'<div class="files" role="group" aria-label="Download">{files}</div></div>'
        f'<p class="hint">{_tell_writer(writer)} The other files hold the draft as the evidence gives it; '
        "README.md holds your edits.</p>" + (f'<ul class="notes">{told}</ul>' if told else "") + "</header>"
    )


def _tell_dropped(dropped: Sequence[str]) -> str:
    if not dropped:
        return ""
    what = "statement was" if len(dropped) == 1 else "statements were"
    shown = "".join(f"<li><bdi>{escape_line(said, 300)}</bdi></li>" for said in dropped[:_MOST_DROPPED])
    more = f"<li>and {len(dropped) - _MOST_DROPPED:,} more</li>" if len(dropped) > _MOST_DROPPED else ""
    return (
        f"<li><details><summary>{len(dropped)} {what} left out, which the evidence does not hold</summary>"
        f"<ul>{shown}{more}</ul></details></li>"
    )


def _tell_writer(writer: Writer) -> str:
    if writer.name:
        return (
            f"Worded by <bdi>{escape_line(writer.name)}</bdi> from the evidence; each of its sentences was "
            "checked, and those that failed gave way to the evidence."
        )
    why = f"{escape_line(writer.why)} " if writer.why else ""
    return f"{why}Composed from the evidence by fixed wording, without a language model."


def _offer(label: str, name: str, kind: str, text: str | None) -> str:
    """A download; without `text` it is the editor's."""
    held = "" if text is None else f' data-text="{_attribute(text)}"'
    return (
        f'<button type="button" class="small" data-draft="download" data-name="{name}" '
        f'data-type="{kind}"{held} aria-label="Download {label}">↓ {label}</button>'
    )


# -- the card --------------------------------------------------------------------------------------------


def _render_card(draft: Draft, marked: dict[str, list[_Marked]]) -> str:
    labels = {form.slot for form in list_slots() if form.label}
    parts = [
        _render_metadata(draft, marked),
        f"<h4>Model Card for <bdi>{escape_line(draft.model)}</bdi></h4>",
    ]
    path: tuple[str, ...] = ()
    for slot in draft.slots:
        for heading in open_headings(path, slot.path):
            if heading:
                level, _, name = heading.partition(" ")
                depth = min(6, len(level) + 3)
                parts.append(f"<h{depth}>{escape_line(name)}</h{depth}>")
        path = slot.path
        label = f"<strong>{escape_line(slot.name)}:</strong> " if slot.slot in labels and slot.path else ""
        body = _render_slot(slot, marked.get(slot.slot, []))
        parts.append(f'<div class="slot {slot.status}">{label}{body}</div>')
    return (
        '<div class="draft-card" role="region" tabindex="0" aria-label="The drafted card by sections">'
        f"{''.join(parts)}</div>"
    )


def _render_metadata(draft: Draft, marked: dict[str, list[_Marked]]) -> str:
    """The YAML block line by line; a field that has evidence carries its marks."""
    block = draft.card.removeprefix("---\n").partition("\n---\n")[0] if draft.card.startswith("---\n") else ""
    if not block.strip():
        return ""
    lines = block.split("\n")
    rows = []
    for number, line in enumerate(lines):
        key, colon, value = line.partition("  # inherited from ")[0].partition(":")
        listed = [item.removeprefix("- ").strip() for item in _take_list(lines[number + 1 :])]
        values = [value.strip()] if value.strip() else listed
        stated = _find_stated(key, values, draft.evidence, marked) if colon and key == key.strip() else None
        marks = _mark(*stated) if stated is not None else ""
        text, hash_sign, comment = line.partition("  # inherited from ")
        note = (
            f'<span class="lent">inherited from <bdi>{escape_line(comment)}</bdi></span>' if hash_sign else ""
        )
        rows.append(f'<div class="yl"><code>{escape(text) or "&#8203;"}</code>{marks}{note}</div>')
    return (
        '<div class="slot-head">Metadata</div>'
        f'<div class="yaml" role="group" aria-label="Metadata block">{"".join(rows)}</div>'
    )


def _take_list(lines: Sequence[str]) -> list[str]:
    """The items of a YAML list that stands at the beginning of `lines`."""
    return list(takewhile(lambda line: line.startswith("- "), lines))


def _find_stated(
    key: str, values: Sequence[str], evidence: Sequence[Evidence], marked: dict[str, list[_Marked]]
) -> tuple[str, _Marked] | None:
    """(evidence, statement) that a field's values stand on; that of its slot, or of the field itself."""
    values = [value.strip("'\"") for value in values]
    of_slot = marked.get(_FIELDS.get(key, ""), [])
    of_field = {item.id for item in evidence if item.locator == f"README.md#/{key}"}
    others = [one for some in marked.values() for one in some]
    for one in [*of_slot, *(one for one in others if of_field & {item.id for item in one.said.evidence})]:
        for item in one.said.evidence:
            own = item.id in of_field or one in of_slot
            if own and values and all(holds(item, value) for value in values):
                return item.id, one
    return None


def _render_slot(slot: SlotDraft, marked: Sequence[_Marked]) -> str:
    if not slot.statements:
        return (
            f'<span class="open-slot" tabindex="-1"><strong>{escape(NEEDED)}</strong> '
            f"<span>would fill it: {_inline(slot.fills)}</span></span>"
        )
    parts: list[str] = []
    for one in marked:
        said = one.said
        # Values stand apart by semicolons, as in the Markdown; sentences end by themselves.
        between = "; " if parts and not is_block(said) and not said.text.endswith(".") else " "
        marks = "".join(_mark(item.id, one) for item in said.evidence)
        lent = (
            f' <span class="lent">inherited from <bdi>{escape_line(said.inherited_from)}</bdi></span>'
            if said.inherited_from
            else ""
        )
        written = ' <span class="written">worded by the language model</span>' if said.written else ""
        text = _render_text(said)
        parts.append(
            f'<div class="said block">{text}<p>{marks}{lent}</p></div>'
            if is_block(said)
            else f'{between}<span class="said">{text}{marks}{lent}{written}</span>'
        )
    return "".join(parts)


def _render_text(said: Statement) -> str:
    if said.text.startswith("```"):
        return f"<pre><code>{escape(unquote(said.text))}</code></pre>"
    if said.text.startswith(">"):
        return f'<blockquote dir="auto">{escape(unquote(said.text))}</blockquote>'
    if is_block(said):
        return f'<pre class="plain">{escape(said.text)}</pre>'
    return f"<bdi>{_inline(said.text)}</bdi>"


def _inline(text: str) -> str:
    """A sentence; of its Markdown only code is shown as such."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _mark(key: str, one: _Marked) -> str:
    said = escape_line(one.said.text, 80)
    return (
        f'<button type="button" class="mark" data-draft="evidence" data-key="{key}" '
        f'data-statement="{one.number}" aria-label="Evidence {key[1:]} for: {said}">{key[1:]}</button>'
    )


# -- the editor and the proposal -------------------------------------------------------------------------


def _render_editor(draft: Draft) -> str:
    proposed = f' data-proposed="{_attribute(draft.proposed)}"' if draft.proposed.strip() else ""
    use = (
        '<button type="button" class="small" data-draft="use-proposed">Edit the present card with its '
        "changes instead</button>"
        if proposed
        else ""
    )
    return (
        '<div id="draft-edit" role="tabpanel" aria-labelledby="draft-tab-edit" hidden>'
        f'<p class="draft-kept" role="status"></p><textarea id="draft-text" spellcheck="false" dir="auto" '
        f'aria-label="The card as Markdown" data-original="{_attribute(draft.card)}"{proposed}></textarea>'
        '<div class="draft-acts"><button type="button" class="small" data-draft="restore" disabled>'
        f"Back to the draft</button>{use}"
        '<button type="button" class="small" data-draft="bring-back" hidden>Bring back my text</button>'
        f"{_offer('README.md as edited', 'README.md', 'text/markdown', None)}</div></div>"
    )


def _render_proposal(draft: Draft) -> str:
    if not draft.proposed.strip():
        return ""
    start = '<div id="draft-proposal" role="tabpanel" aria-labelledby="draft-tab-proposal" hidden>'
    if not draft.proposal:
        return f'{start}<p class="hint">The present card has all that the evidence says.</p></div>'
    lines = draft.proposal.rstrip("\n").split("\n")
    rows = "".join(_render_change(line) for line in lines[:_MOST_DIFF])
    if len(lines) > _MOST_DIFF:
        rows += f'<div class="df">… {len(lines) - _MOST_DIFF:,} more lines in the patch</div>'
    return (
        f'{start}<p class="hint">The model has a card already. Its author\'s words stay; these lines would '
        "fill its holes. Save the patch beside the card and apply it with <code>patch -p1</code>.</p>"
        f'<div class="draft-acts">{_offer("patch", "README.md.patch", "text/x-diff", draft.proposal)}</div>'
        '<div class="diff" role="region" tabindex="0" aria-label="Changes to the present card">'
        f"{rows}</div></div>"
    )


def _render_change(line: str) -> str:
    kind = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "")
    if line.startswith(("+++ ", "--- ")):
        kind = "place"
    word = {"added": "added: ", "removed": "removed: "}.get(kind, "")
    told = f'<span class="sr">{word}</span>' if word else ""
    return f'<div class="df {kind}" dir="auto">{told}{escape(line) or "&#8203;"}</div>'


def _attribute(text: str) -> str:
    """Text that comes out of an attribute as it went in, line ends included."""
    return (
        escape_html(text, quote=True).replace("\r", "&#13;").replace("\n", "&#10;").replace("\x00", "\ufffd")
    )
