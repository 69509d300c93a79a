"""Every statement of a draft judged before it reaches the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tools.draft.gathering import Gathered
from tools.draft.types import SlotDraft, Statement
from tools.evidence import EvidenceLedger
from tools.verification import verify_answer


def check_slots(slots: Sequence[SlotDraft], gathered: Gathered) -> tuple[list[SlotDraft], list[str]]:
    """The slots with the statements that verify, and the texts of those that do not."""
    known = _known_models(gathered)
    dropped: list[str] = []
    kept = []
    for slot in slots:
        passed = []
        for said in slot.statements:
            if find_fault(said, gathered.ledger, known, label=slot.name):
                dropped.append(said.mark())
            else:
                passed.append(said)
        kept.append(replace(slot, statements=tuple(passed)))
    return kept, dropped


def _known_models(gathered: Gathered) -> list[str]:
    catalog = gathered.subject.catalog
    names = catalog.model_names() if catalog is not None else []
    return [*names, gathered.subject.record.model]


def find_fault(said: Statement, ledger: EvidenceLedger, known: Sequence[str], *, label: str) -> str:
    """Why a statement may not stand, "" where it does. The verifier of `lake ask` decides."""
    if not said.evidence:
        return "it cites nothing"
    text = said.mark()
    if not said.text.lstrip().startswith((">", "`", "#", "-")):
        text = f"{label}: {text}" if not said.text.endswith(".") else text
    if said.text.startswith("```"):
        return ""
    verification = verify_answer(text, EvidenceLedger(said.evidence), known_models=known)
    return "; ".join(
        statement.reason or "it fails" for statement in verification.statements if statement.level == "failed"
    )
