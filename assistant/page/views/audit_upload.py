"""Auditing files that a visitor drops into the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.page.views.uploads import Given, hide_place, lay_out
from tools.audit import AuditReport, Profile, audit_subject
from tools.audit.subject import AuditSubject, open_audit, prepare_subject, read_card_file
from tools.cards import parse_card
from tools.catalog.records import ModelRecord
from tools.catalog.repository import Catalog
from tools.draft.subject import DraftSubject
from tools.errors import LakeError, UsageError

_FOLDER = "your-files"


def audit_files(catalog: Catalog, given: Given, profile: Profile) -> AuditReport:
    """Audit what a visitor gave; no place on this machine is told. Raises UsageError."""
    if given.card is not None and not given.beside:
        return audit_subject(_open_card(catalog, given.card, profile))
    with lay_out(given, _FOLDER) as folder:
        try:
            subject = open_audit(catalog, str(folder), profile=profile)
            subject.target = "."
            report = audit_subject(subject)
        except LakeError as error:
            raise UsageError(hide_place(error.message, folder), hint=hide_place(error.hint, folder)) from None
        return replace(report, notes=tuple(hide_place(note, folder) for note in report.notes))


def write_document(document: dict[str, Any]) -> str:
    """A document as the text of a file, in ASCII: whatever a card holds, nothing of it acts on its way."""
    return json.dumps(document, indent=2)


def _open_card(catalog: Catalog, path: Path, profile: Profile) -> AuditSubject:
    text, problems = read_card_file(path)
    card = parse_card(text)
    record = ModelRecord(
        model="README.md", revision=card.sha256[:12], card_sha256=card.sha256, source_kind="folder"
    )
    subject = DraftSubject(record, card, (), None, catalog, False)
    return prepare_subject(subject, "README.md", profile=profile, problems=problems)
