"""Auditing files that a visitor drops into the page: a model card, or what is small of a model's folder.

They are read where Gradio laid them, or in a folder that lasts as long as the audit; the lake is looked into
for the models they name, and never written to.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.audit import AuditReport, Profile, audit_subject
from tools.audit.subject import AuditSubject, open_audit, prepare_subject, read_card_file
from tools.cards import parse_card
from tools.catalog.records import ModelRecord
from tools.catalog.repository import Catalog
from tools.draft.subject import DraftSubject
from tools.errors import LakeError, UsageError

CARDS = (".md", ".markdown")
BESIDE = (".json", ".safetensors")
MOST_FILES = 200
SIZES = "lake-sizes.json"  # how long weights are of which only the headers came
_LONGEST = 2**42
_FOLDER = "your-files"


@dataclass(frozen=True, slots=True)
class Given:
    """Files of one visitor, by place; `card` is the model card among them.

    `sizes`: by name the bytes that weights have where they came from; only their headers were sent.
    """

    card: Path | None
    beside: tuple[Path, ...]
    left_out: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [path.name for path in ((self.card,) if self.card else ())] + [p.name for p in self.beside]


def sort_files(paths: Sequence[str], *, most_bytes: int) -> Given:
    """The card, the files that speak of the model, and the names of those that no audit reads.

    Raises UsageError when there is nothing to audit, when it is too much, or when a file is gone.
    """
    if len(paths) > MOST_FILES:
        raise UsageError(f"{len(paths):,} files are too many.", hint=f"Give at most {MOST_FILES}.")
    try:
        files = [Path(path) for path in paths]
        size = sum(path.stat().st_size for path in files)
        told = [path for path in files if path.name == SIZES]
        files = [path for path in files if path not in told]
        sizes = _read_sizes(told[0]) if told else {}
    except OSError:
        raise UsageError("These files are no longer here.", hint="Drop them in once more.") from None
    if size > most_bytes:
        raise UsageError(
            f"These files have {size:,} bytes; at most {most_bytes:,} are taken.",
            hint="Give the README.md and the config.json alone.",
        )
    cards = [path for path in files if path.suffix.lower() in CARDS]
    beside = tuple(
        sorted((path for path in files if path.suffix.lower() in BESIDE), key=lambda path: path.name)
    )
    readme = [path for path in cards if path.stem.lower() == "readme"]
    card = next(iter(readme or cards), None)
    if card is None and not beside:
        given = ", ".join(repr(path.name) for path in files[:3]) or "Nothing"
        raise UsageError(
            f"{given}: nothing here that an audit reads.",
            hint="Give a README.md, or a model's folder with its config.json.",
        )
    if not readme and len(cards) > 1:
        raise UsageError(
            f"{len(cards)} Markdown files, and none of them is called README.md.", hint="Give one."
        )
    left_out = tuple(path.name for path in files if path != card and path not in beside)
    return Given(card, beside, left_out, sizes)


def audit_files(catalog: Catalog, given: Given, profile: Profile) -> AuditReport:
    """Audit what a visitor gave; no place on this machine is told. Raises UsageError."""
    if given.card is not None and not given.beside:
        return audit_subject(_open_card(catalog, given.card, profile))
    with TemporaryDirectory(prefix="lake-audit-") as room:
        folder = Path(room) / _FOLDER
        folder.mkdir()
        if given.card is not None:
            shutil.copyfile(given.card, folder / "README.md")
        for path in given.beside:
            shutil.copyfile(path, folder / path.name)
            _lengthen(folder / path.name, given.sizes.get(path.name, 0))
        try:
            subject = open_audit(catalog, str(folder), profile=profile)
            subject.target = "."
            report = audit_subject(subject)
        except LakeError as error:
            raise UsageError(_hide(error.message, folder), hint=_hide(error.hint, folder)) from None
        return replace(report, notes=tuple(_hide(note, folder) for note in report.notes))


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


def _read_sizes(path: Path) -> dict[str, int]:
    try:
        told = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: size for name, size in told.items() if type(size) is int and 0 < size <= _LONGEST}


def _lengthen(path: Path, size: int) -> None:
    """Give a header the length of its whole file, so that a file cut short is told from one that is not.

    What is added is a hole, which takes no place on the disk.
    """
    if path.suffix.lower() == ".safetensors" and size > path.stat().st_size:
        with contextlib.suppress(OSError):  # longer than this disk's files may be: then it seems cut short
            os.truncate(path, size)


def _hide(text: str, folder: Path) -> str:
    return text.replace(repr(str(folder)), "your folder").replace(str(folder), "your folder")
