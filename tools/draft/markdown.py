"""A draft as a model card in Markdown: metadata, the template's sections, footnotes to follow.

Metadata goes through `huggingface_hub`, so that the Hub accepts the file.
Specification: https://huggingface.co/docs/hub/model-cards#model-card-metadata
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.draft.gathering import Gathered
from tools.draft.metadata import build_metadata
from tools.draft.sections import list_slots
from tools.draft.types import SlotDraft, Statement
from tools.evidence import Evidence

NEEDED = "[More Information Needed]"
_MOST_QUOTED = 240


def render_markdown(gathered: Gathered, slots: Sequence[SlotDraft]) -> str:
    """The whole card; a slot without a statement says what would fill it."""
    body = [f"# Model Card for {gathered.subject.record.model}", ""]
    labels = {form.slot for form in list_slots() if form.label}
    open_path: tuple[str, ...] = ()
    for slot in slots:
        body += open_headings(open_path, slot.path)
        open_path = slot.path
        body += _render_slot(slot, label=slot.slot in labels and bool(slot.path))
    used = [item for item in gathered.ledger if item.id in {key for slot in slots for key in slot.evidence}]
    if used:
        body += ["", "---", "", *(render_footnote(item) for item in used)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(body)).strip() + "\n"
    return f"{build_metadata(gathered)}\n{text}"


def open_headings(before: tuple[str, ...], path: tuple[str, ...]) -> list[str]:
    """The headings of `path` that are not open yet."""
    same = 0
    while same < min(len(before), len(path)) and before[same] == path[same]:
        same += 1
    return [
        line
        for depth, name in enumerate(path[same:], same)
        for line in ("", f"{'#' * (depth + 2)} {name}", "")
    ]


def _render_slot(slot: SlotDraft, *, label: bool) -> list[str]:
    if label:
        blocks = [said for said in slot.statements if is_block(said)]
        line = render_line([said for said in slot.statements if not is_block(said)])
        if blocks:
            return [f"- **{slot.name}:** {line}".rstrip(), "", *render_text(blocks), ""]
        return [f"- **{slot.name}:** {line or _ask_for(slot)}"]
    if not slot.statements:
        return ["", _ask_for(slot), ""] if slot.path else [""]
    return ["", *render_text(slot.statements), ""]


def render_text(statements: Sequence[Statement]) -> list[str]:
    """Lines of a slot that is a text: sentences run on, inherited ones and quotations stand by themselves."""
    blocks: list[str] = []
    runs: tuple[str, str] | None = None
    for said in statements:
        block = "block" if is_block(said) else "run"
        if block == "run" and runs == (block, said.inherited_from):
            blocks[-1] += f" {_render(said)}"
        else:
            blocks.append(_render(said) if block == "run" else render_statement(said))
            if block == "run" and said.inherited_from:
                blocks[-1] = f"*Inherited from {said.inherited_from}:* {blocks[-1]}"
        runs = (block, said.inherited_from)
    return "\n\n".join(blocks).split("\n")


def is_block(said: Statement) -> bool:
    """Whether a statement stands by itself: a quotation, code, several lines."""
    return said.text.startswith((">", "```")) or "\n" in said.text


def render_line(statements: Sequence[Statement]) -> str:
    """Statements on one line: values apart by semicolons, sentences by spaces."""
    line = ""
    for said in statements:
        between = " " if line and said.text.endswith(".") else "; " if line else ""
        line += between + render_statement(said)
    return line


def _ask_for(slot: SlotDraft) -> str:
    return f"{NEEDED} (would fill it: {slot.fills})"


def render_statement(said: Statement) -> str:
    """A statement with its footnotes and, where it is one, the ancestor it is inherited from."""
    inherited = f" *(inherited from {said.inherited_from})*" if said.inherited_from else ""
    notes = _note(said)
    if said.text.startswith("```"):
        origin = "Composed from the metadata." if said.values else "From the card."
        return f"{said.text}\n\n{origin}{inherited}{notes}"
    return f"{_escape(said.text)}{inherited}{notes}"


def _render(said: Statement) -> str:
    return f"{_escape(said.text)}{_note(said)}"


def _note(said: Statement) -> str:
    return "".join(f"[^{item.id}]" for item in said.evidence)


def _escape(text: str) -> str:
    """No HTML and no pictures of others: a card's text is quoted, not run."""
    return text.replace("<", "&lt;").replace("![", "!\\[")


def render_footnote(item: Evidence) -> str:
    """`[^E1]: config.json#/hidden_size of org/name@rev: what stands there (sha256 …)`."""
    quoted = " ".join(item.text.split())
    quoted = quoted if len(quoted) <= _MOST_QUOTED else quoted[: _MOST_QUOTED - 1] + "…"
    fence = "``" if "`" in quoted else "`"
    place = f"`{item.locator}` of {item.source} ({item.kind})"
    return f"[^{item.id}]: {place}: {fence} {quoted} {fence}, sha256 `{item.sha256}`"
