"""`draft_card`: gather, compose, verify, and lay out in the format that is wanted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.cards.parsing import MAX_PARSED_CHARS
from tools.draft.checking import check_slots
from tools.draft.composing import compose_slots
from tools.draft.cyclonedx import render_cyclonedx
from tools.draft.eu import fill_fields, render_eu, render_eu_text
from tools.draft.gathering import Gathered, gather_evidence
from tools.draft.markdown import render_markdown
from tools.draft.metadata import collect_metadata
from tools.draft.parts import gather_hashes
from tools.draft.proposing import diff_cards, propose_card
from tools.draft.prose import gather_prose
from tools.draft.relatives import gather_relatives
from tools.draft.spdx import render_spdx
from tools.draft.subject import DraftSubject, open_subject
from tools.draft.types import Draft, DraftFormat, SectionWriter, SlotDraft
from tools.draft.weights import gather_weights
from tools.draft.writing import write_slots
from tools.evidence import EvidenceLedger

if TYPE_CHECKING:
    from tools.lake import Lake
    from tools.lineage.found import Progress


def draft_card(
    lake: Lake | None,
    model: str,
    *,
    format: DraftFormat = "markdown",
    llm: SectionWriter | None = None,
    against: str | None = None,
    seconds: float = 20.0,
    progress: Progress | None = None,
    also: Sequence[DraftFormat] = (),
) -> Draft:
    """Draft a card for `model`: a model of `lake`, or a folder (then `lake` may be None).

    `llm` words the sections; without it they are composed from the evidence. Either way each statement is
    verified, and those that fail are in `dropped` and in no card. `against` is the text of a card to propose
    changes to, the model's own unless given. `seconds` bounds how long weights of the lake are weighed for
    undeclared parents; `progress` is told of it. `also`: further formats, for `Draft.others`.
    Raises UnknownModelError or UsageError for what is no model; a service of `llm` that fails is but noted.
    """
    subject = open_subject(lake.catalog if lake is not None else None, model)
    return draft_subject(
        subject, format=format, llm=llm, against=against, seconds=seconds, progress=progress, also=also
    )


def draft_subject(
    subject: DraftSubject,
    *,
    format: DraftFormat = "markdown",
    llm: SectionWriter | None = None,
    against: str | None = None,
    seconds: float = 20.0,
    progress: Progress | None = None,
    also: Sequence[DraftFormat] = (),
) -> Draft:
    """As `draft_card`, for a model that is opened already."""
    gathered = gather_evidence(subject, EvidenceLedger())
    gather_weights(gathered)
    gather_prose(gathered)
    gather_relatives(gathered, seconds=seconds, progress=progress)
    composed = compose_slots(gathered)
    slots, dropped = check_slots(composed, gathered)
    if llm is not None:
        slots, refused = write_slots(slots, gathered, llm)
        dropped += refused
    card, document = _render(gathered, slots, format)
    keys = {key for slot in slots for key in slot.evidence}
    if format == "eu":
        keys |= {
            item.id for _, stated in fill_fields(gathered, slots) for said in stated for item in said.evidence
        }
    evidence = tuple(item for item in gathered.ledger if item.id in keys)
    others = {other: _render(gathered, slots, other)[0] for other in also}
    existing = subject.card.text if against is None else against
    proposable = bool(existing.strip()) and len(existing) <= MAX_PARSED_CHARS
    if len(existing) > MAX_PARSED_CHARS:
        gathered.notes.append(
            f"Nothing is proposed to a card of {len(existing):,} characters (more than {MAX_PARSED_CHARS:,})."
        )
    proposed = propose_card(gathered, slots, existing) if proposable else ""
    return Draft(
        model=subject.record.model,
        format=format,
        card=card,
        slots=tuple(slots),
        evidence=evidence,
        document=document,
        dropped=tuple(dropped),
        notes=(*gathered.faults.values(), *gathered.notes),
        proposal=diff_cards(existing, proposed) if proposable else "",
        proposed=proposed,
        others=others,
    )


def _render(
    gathered: Gathered, slots: Sequence[SlotDraft], format: DraftFormat
) -> tuple[str, dict[str, Any] | None]:
    """The card as text and, but for Markdown, as the object behind it."""
    if format == "markdown":
        return render_markdown(gathered, slots), None
    if format == "json":
        document = _make_document(gathered, slots)
    else:
        if "weights_hash" not in gathered.known:
            gather_hashes(gathered)
        if format == "eu":
            return render_eu_text(gathered, slots), render_eu(gathered, slots)
        document = (render_cyclonedx if format == "cyclonedx" else render_spdx)(gathered, slots)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n", document


def _make_document(gathered: Gathered, slots: Sequence[SlotDraft]) -> dict[str, Any]:
    fields, inherited = collect_metadata(gathered)
    keys = {key for slot in slots for key in slot.evidence}
    return {
        "model": gathered.subject.record.model,
        "revision": gathered.subject.record.revision,
        "metadata": fields,
        "inherited_metadata": inherited,
        "sections": [_show_slot(slot) for slot in slots],
        "claims": list_claims(slots),
        "evidence": [item.model_dump(mode="json") for item in gathered.ledger if item.id in keys],
    }


def describe_draft(draft: Draft) -> dict[str, Any]:
    """The draft as one JSON document, as the contract of `lake draft` has it.

    Beside that: `claims`, the ledger of every statement with the evidence and the hash it stands on.
    """
    return {
        "model": draft.model,
        "format": draft.format,
        "card": draft.card if draft.document is None else draft.document,
        "sections": [_show_slot(slot) for slot in draft.slots],
        "evidence": [item.model_dump(mode="json") for item in draft.evidence],
        "dropped": list(draft.dropped),
        "claims": list_claims(draft.slots),
        "notes": list(draft.notes),
        "proposal": draft.proposal,
    }


def list_claims(slots: Sequence[SlotDraft]) -> list[dict[str, Any]]:
    """The ledger: each statement of the card, the slot it stands in, its evidence and their hashes."""
    return [
        {
            "claim": said.text,
            "slot": slot.slot,
            "inherited_from": said.inherited_from or None,
            "written": said.written,
            "evidence": [
                {"id": item.id, "source": item.source, "locator": item.locator, "sha256": item.sha256}
                for item in said.evidence
            ],
        }
        for slot in slots
        for said in slot.statements
    ]


def _show_slot(slot: SlotDraft) -> dict[str, Any]:
    return {
        "name": slot.name,
        "slot": slot.slot,
        "heading": " / ".join(slot.path),
        "status": slot.status,
        "evidence": list(slot.evidence),
        "fills": slot.fills if slot.status == "unknown" else None,
    }
