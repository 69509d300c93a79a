"""Evidence for a model from all that is known of it: card, configurations, weights, files, logs, relatives.

Nothing is decided here: each fact is kept with the place it stands at, all of them where there are several.
Training arguments are read as JSON only; pickled ones (`training_args.bin`) are never opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.cards.types import ResultRow
from tools.draft.json_places import Member, read_members
from tools.draft.subject import DraftSubject
from tools.draft.types import Origin
from tools.evidence import Evidence, EvidenceKind, EvidenceLedger
from tools.facts import Fact, read_facts
from tools.hashing import hash_bytes, hash_text
from tools.sources.fields import RowError, decode_text

_MOST_BYTES = 40 * 2**20  # large vocabularies make tokenizers of some 20 MiB
# Files of JSON that say something of a model: kind of evidence and origin.
JSON_FILES: dict[str, tuple[EvidenceKind, Origin]] = {
    "config.json": ("config", "config"),
    "generation_config.json": ("config", "config"),
    "tokenizer_config.json": ("config", "config"),
    "tokenizer.json": ("config", "config"),
    "preprocessor_config.json": ("config", "config"),
    "adapter_config.json": ("config", "config"),
    "training_args.json": ("config", "logs"),
    "trainer_state.json": ("results", "logs"),
    "train_results.json": ("results", "logs"),
    "eval_results.json": ("results", "logs"),
    "test_results.json": ("results", "logs"),
    "predict_results.json": ("results", "logs"),
    "all_results.json": ("results", "logs"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """One value of one topic at one place. `inherited_from`: the ancestor whose fact it is, else ""."""

    topic: str
    value: Any
    origin: Origin
    evidence: Evidence
    inherited_from: str = ""

    @property
    def shown(self) -> str:
        """The value as a reader would say it, on one line."""
        return " ".join(str(self.value).split())


@dataclass(slots=True)
class Gathered:
    """All evidence of one model. `known` by topic, best place first; `members` of JSON files by file name.

    `results` are what the card itself reports, each with its evidence. `faults`: files that cannot be read,
    each with a sentence why; `notes`: what else could not be looked at.
    """

    subject: DraftSubject
    ledger: EvidenceLedger
    known: dict[str, list[Known]] = field(default_factory=dict)
    files: dict[str, JsonFile] = field(default_factory=dict)
    results: list[tuple[ResultRow, Evidence]] = field(default_factory=list)
    inherited: dict[str, Gathered] = field(default_factory=dict)  # file -> the ancestor that has it
    faults: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, known: Known) -> None:
        self.known.setdefault(known.topic, []).append(known)

    def first(self, topic: str) -> Known | None:
        """The best fact on a topic, or None."""
        return next(iter(self.known.get(topic, ())), None)

    def cite(self, file: str, pointer: str) -> Evidence | None:
        """The evidence for a member of one of the JSON files, or None when it is not there."""
        read = self.files.get(file)
        member = read.members.get(pointer) if read else None
        return self._register(file, read, member) if read and member else None

    def find(self, file: str, *keys: str) -> tuple[Member, Evidence] | None:
        """The first of `keys` that a JSON file states, at its top or for its text part, with its evidence."""
        read = self.files.get(file)
        for pointer in (f"{part}/{key}" for part in ("", "/text_config") for key in keys):
            member = read.members.get(pointer) if read else None
            if read and member and member.value not in (None, "", [], {}):
                return member, self._register(file, read, member)
        return None

    def _register(self, file: str, read: JsonFile, member: Member) -> Evidence:
        source, locator = self.subject.record.source, f"{file}#{member.pointer}"
        return self.ledger.add(read.kind, source, locator, member.text, read.sha256)


@dataclass(frozen=True, slots=True)
class JsonFile:
    kind: EvidenceKind
    origin: Origin
    sha256: str
    members: dict[str, Member]


def gather_evidence(subject: DraftSubject, ledger: EvidenceLedger) -> Gathered:
    """Everything known of `subject` itself; relatives are added by `tools.draft.relatives`."""
    gathered = Gathered(subject, ledger)
    _gather_card(gathered)
    for name, file in _read_json_files(gathered):
        gathered.files[name] = file
    _gather_files(gathered)
    return gathered


def _gather_card(gathered: Gathered) -> None:
    subject = gathered.subject
    for topic, facts in read_facts(subject.record, subject.card).items():
        for fact in facts:
            if "[more information needed]" in fact.text.lower():
                continue  # the template's default, whatever stands behind it
            origin: Origin = fact.origin
            value = _quote_value(fact) if fact.origin == "prose" else fact.value
            gathered.add(Known(topic, value, origin, fact.register(gathered.ledger)))
    _gather_dates(gathered)
    _gather_papers(gathered)
    for row in subject.card.results:
        if row.locator and row.text and not row.subject:
            evidence = gathered.ledger.add(
                "results", subject.record.source, row.locator, row.text, subject.card.sha256
            )
            gathered.results.append((row, evidence))


def _quote_value(fact: Fact) -> str:
    """The value of a labelled line as it stands there, links included; a sentence of prose as it is shown."""
    if fact.value in fact.text or ":" not in fact.text:
        return fact.value
    return fact.text.partition(":")[2].strip(" *_`")


def _gather_papers(gathered: Gathered) -> None:
    """Papers of the lake that the card names: topic "paper", by title or number, as they stand there."""
    subject = gathered.subject
    if subject.catalog is None:
        return
    for paper in subject.catalog.papers(subject.record.model):
        names = [name for name in (paper.title, paper.paper.removeprefix("arxiv:")) if name]
        for passage in subject.catalog.passages_of(paper.paper)[:4]:
            if said := next((name for name in names if name in passage.text), None):
                evidence = gathered.ledger.add(
                    "paper", passage.source, passage.locator, passage.text, passage.sha256
                )
                gathered.add(Known("paper", said, "paper", evidence))
                break


def _gather_dates(gathered: Gathered) -> None:
    """When the model was first published, as the source of the card has it."""
    record = gathered.subject.record
    member = read_members(record.record_json).get("/createdAt")
    if member is not None and isinstance(member.value, str) and member.value:
        evidence = gathered.ledger.add(
            "metadata", record.source, "record.json#/createdAt", member.text, record.record_sha256
        )
        gathered.add(Known("created_at", member.value, "record", evidence))


def _read_json_files(gathered: Gathered) -> Iterator[tuple[str, JsonFile]]:
    folder = gathered.subject.folder
    listed = {file.path for file in gathered.subject.files}  # no links that lead out of the folder
    for name, (kind, origin) in JSON_FILES.items():
        if folder is None or name not in listed:
            continue
        path = folder / name
        try:
            data = _read_bounded(path)
            yield name, JsonFile(kind, origin, hash_bytes(data), read_members(decode_text(data, name)))
        except (OSError, ValueError, RowError) as error:
            gathered.faults[name] = f"{name} cannot be read: {str(error).splitlines()[0][:160]}."


def _read_bounded(path: Path) -> bytes:
    """The bytes of a small file. Raises OSError, or ValueError for a large one."""
    if (size := path.stat().st_size) > _MOST_BYTES:
        raise ValueError(f"{size:,} bytes; at most {_MOST_BYTES:,} are read")
    return path.read_bytes()


def list_files(subject: DraftSubject) -> str:
    """The listing of a model's files that evidence quotes: a path and its bytes a line, card left out."""
    rows = sorted((file.path, file.size) for file in subject.files)
    return "\n".join(f"{path}\t{size} bytes" for path, size in rows if path.lower() != "readme.md")


def _gather_files(gathered: Gathered) -> None:
    listing = list_files(gathered.subject)
    for number, line in enumerate(listing.split("\n") if listing else (), 1):
        path, _, size = line.partition("\t")
        evidence = gathered.ledger.add(
            "repo", gathered.subject.record.source, f"files#L{number}", line, hash_text(listing)
        )
        gathered.add(Known("file", (path, int(size.split()[0])), "files", evidence))
