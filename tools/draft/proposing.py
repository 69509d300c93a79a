"""What a draft would add to a card that is there already: its author's words stay, holes are filled.

A hole is a field the metadata lacks, a slot left at the template's default, or a section that the card does
not have and evidence from elsewhere (configuration, weights, logs, lineage) fills.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from tools.cards import parse_card
from tools.cards.types import Card
from tools.draft.gathering import Gathered
from tools.draft.markdown import NEEDED, is_block, open_headings, render_footnote, render_line, render_text
from tools.draft.metadata import collect_metadata, write_fields
from tools.draft.passages import find_label, find_slot
from tools.draft.sections import list_slots
from tools.draft.types import SlotDraft, Statement

# Fields of the metadata that say what a slot of the text would say once more.
_FIELD_SLOTS = {
    "license": "license",
    "language": "language",
    "base_model": "base_model",
    "datasets": "training_data",
}
_DEFAULT = re.compile(re.escape(NEEDED) + r"(?: \(would fill it: [^\n]*\))?", re.IGNORECASE)


def propose_card(gathered: Gathered, slots: Sequence[SlotDraft], text: str) -> str:
    """`text`, a card, with its holes filled; `text` itself where there is nothing to fill."""
    card = parse_card(text, model_id=gathered.subject.record.model)
    # Lines keep the ends they have; those that are added get what most others have.
    end = "\r" if text.count("\r\n") > text.count("\n") / 2 else ""
    lines = text.split("\n")
    used: list[Statement] = []
    _fill_defaults(lines, card, slots, used)
    missing = _list_missing(card, slots, used)
    notes = _list_notes(gathered, lines, used)
    # From the end on, so that the lines before stay where they are.
    for place, added in sorted(_place_missing(card, missing, len(lines)).items(), reverse=True):
        while place > 0 and not lines[place - 1].strip():
            place -= 1
        lines[place:place] = [line + end for line in added]
    _fill_metadata(lines, card, gathered, end)
    if notes:
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and end and not lines[-1].endswith(end):
            lines[-1] += end
        lines += [line + end for line in ("", *notes)] + [""]
    return "\n".join(lines)


def _list_notes(gathered: Gathered, lines: Sequence[str], used: Sequence[Statement]) -> list[str]:
    cited = {item.id for said in used for item in said.evidence}
    notes = [render_footnote(item) for item in gathered.ledger if item.id in cited]
    held = {line.rstrip("\r") for line in lines}
    return [note for note in notes if note not in held]


def diff_cards(before: str, after: str, name: str = "README.md") -> str:
    """A unified diff, "" where nothing differs."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    parts = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in parts
    )


def _fill_defaults(lines: list[str], card: Card, slots: Sequence[SlotDraft], used: list[Statement]) -> None:
    """Replace `[More Information Needed]` where evidence has something to say."""
    known = {slot.slot: slot for slot in slots if slot.statements}
    for passage in card.passages:
        if passage.kind == "code":
            continue
        for number in range(passage.lines.start, passage.lines.end + 1):
            line = lines[number - 1]
            if not _DEFAULT.search(line):
                continue
            slot = known.get(find_label(line) or find_slot(passage) or "")
            if slot is None:
                continue
            said = [one for one in slot.statements if not is_block(one)]
            if said:
                joined = render_line(said)
                found = _DEFAULT.search(line)
                assert found is not None
                lines[number - 1] = line[: found.start()] + joined + line[found.end() :]
                used += said


def _is_from_elsewhere(said: Statement) -> bool:
    return not all(item.locator.startswith("README.md#") for item in said.evidence)


def _list_missing(
    card: Card, slots: Sequence[SlotDraft], used: list[Statement]
) -> list[tuple[SlotDraft, list[Statement]]]:
    """The slots that the card lacks and evidence fills, in the template's order."""
    present = {find_slot(passage) for passage in card.passages if not _DEFAULT.search(passage.text)}
    present |= {find_label(line) for line in card.text.split("\n") if not _DEFAULT.search(line)}
    present |= {slot for key, slot in _FIELD_SLOTS.items() if card.metadata.get(key)}
    missing = []
    for slot in slots:
        if slot.slot in present or not slot.path or slot.slot in ("get_started_code", "model_type"):
            continue
        said = [one for one in slot.statements if one not in used and _is_from_elsewhere(one)]
        if said:
            missing.append((slot, said))
            used += said
    return missing


def _place_missing(
    card: Card, missing: Sequence[tuple[SlotDraft, list[Statement]]], end: int
) -> dict[int, list[str]]:
    """Lines to insert by the line they stand before: below the author's own heading where there is one."""
    labels = {form.slot for form in list_slots() if form.label}
    placed: dict[int, list[str]] = {}
    opened: dict[int, tuple[str, ...]] = {}
    for slot, said in missing:
        depth, place = _find_heading(card, slot.path)
        place = end if place is None else place
        lines = placed.setdefault(place, [])
        before = opened.get(place, slot.path[:depth])
        lines += open_headings(before, slot.path)
        opened[place] = slot.path
        if slot.slot in labels and not any(map(is_block, said)):
            lines.append(f"- **{slot.name}:** {render_line(said)}")
        else:
            lines += ["", *render_text(said)]
    return {
        place: ["", *re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n").split("\n")]
        for place, lines in placed.items()
    }


def _find_heading(card: Card, path: tuple[str, ...]) -> tuple[int, int | None]:
    """How much of `path` the card's headings hold already, and the line after the last of them ends."""
    for depth in range(len(path), 0, -1):
        wanted = _fold_title(path[depth - 1])
        for section in card.sections:
            if section.level and _fold_title(section.title) == wanted:
                below = [one for one in card.sections if one.path[: len(section.path)] == section.path]
                return depth, max(one.lines.end for one in below if one.lines.start >= section.lines.start)
    return 0, None


def _fold_title(title: str) -> str:
    return re.sub(r"\[optional\]|[^a-z0-9]", "", title.lower())


def _fill_metadata(lines: list[str], card: Card, gathered: Gathered, end: str) -> None:
    """Add the fields that are missing; a block that cannot be read is left alone."""
    if any(problem.code.startswith("front-matter") for problem in card.problems):
        return
    fields, inherited = collect_metadata(gathered)
    missing = {
        key: value
        for key, value in fields.items()
        if key not in card.metadata or card.metadata[key] in (None, "", [])
    }
    if not missing:
        return
    added = [line + end for line in write_fields(missing, inherited)]
    if card.front_matter is None:
        lines[:0] = [f"---{end}", *added, f"---{end}", end]
        return
    for key in list(missing):
        # An empty field of the author's gives way to the one that is filled in.
        span = card.metadata_lines.get(f"/{key}")
        if key in card.metadata and span is not None and span.start == span.end:
            lines[span.start - 1] = "\0"
    at = card.front_matter.end - 1
    lines[at:at] = added
    lines[:] = [line for line in lines if line != "\0"]
