"""What is audited: a card with all that is known beside it (record, files, configuration, headers)."""

from __future__ import annotations

import codecs
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tools.audit.types import Claim, Profile
from tools.audit.values import is_placeholder
from tools.cards import parse_card
from tools.cards.types import Card, LineSpan, Problem
from tools.catalog.records import ModelRecord
from tools.draft.gathering import Gathered, Known, gather_evidence
from tools.draft.hub_subject import open_hub_subject
from tools.draft.subject import DraftSubject, open_subject
from tools.draft.types import Origin
from tools.draft.weights import gather_weights
from tools.errors import SourceError, UsageError
from tools.evidence import Evidence, EvidenceLedger
from tools.sources.folder import describe_contents

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog
    from tools.lineage.joined import JoinedEdge

_LOCATED_LINE = re.compile(r"#L(\d+)")
MOST_FACTS = 200  # of one kind from one place
_MOST_BYTES = 16 * 2**20
_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_MODEL_FILES = ("config.json", "adapter_config.json", "*.safetensors", "*.safetensors.index.json")


@dataclass(slots=True)
class AuditSubject:
    """A card and the other places that its claims are held against.

    `model` is the bare org/name, "" where only a file is at hand. `problems` are those of reading the file.
    `edges` are what declared and found lineage say of the model's parents; empty outside of a lake.
    """

    target: str
    model: str
    card: Card
    gathered: Gathered
    profile: Profile = "hub"
    check_links: bool = False
    problems: list[Problem] = field(default_factory=list)
    edges: Sequence[JoinedEdge] = ()
    claims: list[Claim] = field(default_factory=list)  # set before the rules run

    @property
    def record(self) -> ModelRecord:
        return self.gathered.subject.record

    @property
    def catalog(self) -> Catalog | None:
        return self.gathered.subject.catalog

    @property
    def ledger(self) -> EvidenceLedger:
        return self.gathered.ledger

    def line_of(self, pointer: str) -> int:
        """The line of a metadata key, 0 when the front matter has none."""
        span = self.card.metadata_lines.get(pointer)
        return span.start if span else 0

    def locate(self, locator: str) -> int:
        """The line of a place in the card (`README.md#L3`, `README.md#/license`), 0 for other places."""
        if matched := _LOCATED_LINE.search(locator):
            return int(matched[1])
        return self.line_of(locator.partition("#")[2]) if locator.startswith("README.md#/") else 0

    def facts(self, topic: str, origin: Origin) -> list[tuple[Known, int]]:
        """Facts on a topic from one kind of place, each with its line in the card (0 for none).

        No more than MOST_FACTS: each may be held against each of another place.
        """
        facts = (
            (known, self.locate(known.evidence.locator))
            for known in self.gathered.known.get(topic, ())
            if known.origin == origin and not is_placeholder(known.shown)
        )
        return list(islice(facts, MOST_FACTS))

    def quote(self, line: int) -> str:
        """The text of a line, verbatim but for blanks around it."""
        return self.card.lines_text(LineSpan(line, line)).strip()[:400] if line else ""

    def section_of(self, line: int) -> str:
        """The title of the section that holds `line`, "metadata" in front matter."""
        front = self.card.front_matter
        if front is not None and front.start <= line <= front.end:
            return "metadata"
        for section in reversed(self.card.sections):
            if section.lines.start <= line <= section.lines.end:
                return section.title
        return ""

    def cite_lines(self, start: int, end: int | None = None) -> Evidence:
        """Lines of the card as evidence."""
        span = LineSpan(start, end or start)
        text = self.card.lines_text(span)[:2000]
        source, sha = self.record.source, self.card.sha256
        return self.ledger.add("card", source, f"README.md#{span}", text, sha)

    def cite_metadata(self, pointer: str) -> Evidence | None:
        """A metadata field of the card as evidence, None when it is not there."""
        span = self.card.metadata_lines.get(pointer)
        if span is None:
            return None
        text = self.card.lines_text(span)[:2000]
        return self.ledger.add("metadata", self.record.source, f"README.md#{pointer}", text, self.card.sha256)


def open_audit(
    catalog: Catalog | None, target: str, *, profile: Profile = "hub", check_links: bool = False
) -> AuditSubject:
    """What `target` names: a model of the lake, a folder, a README.md, or `hub:org/name`.

    Raises UnknownModelError, UsageError, SourceError or ServiceError for what cannot be opened.
    """
    path = Path(target)
    problems: list[Problem] = []
    if target.startswith("hub:"):
        with open_hub_subject(catalog, target) as afar:
            return prepare_subject(afar, target, profile=profile, check_links=check_links)
    if path.is_file():
        if any(next(path.parent.glob(pattern), None) for pattern in _MODEL_FILES) and (
            path.name.lower() == "readme.md"
        ):
            subject = _open_folder(catalog, path.parent, problems)
        else:
            subject = _open_card(catalog, path, target, problems)
    elif path.is_dir():
        subject = _open_folder(catalog, path, problems)
    else:
        subject = open_subject(catalog, target)
    return prepare_subject(subject, target, profile=profile, check_links=check_links, problems=problems)


def prepare_subject(
    subject: DraftSubject,
    target: str,
    *,
    profile: Profile = "hub",
    check_links: bool = False,
    problems: Sequence[Problem] = (),
) -> AuditSubject:
    """As `open_audit`, for a model that is opened already."""
    gathered = gather_evidence(subject, EvidenceLedger())
    gather_weights(gathered)
    named = subject.record.source_kind != "folder" or subject.in_lake
    return AuditSubject(
        target=subject.record.model if named and subject.record.model else target,
        model=subject.record.model if named else "",
        card=subject.card,
        gathered=gathered,
        profile=profile,
        check_links=check_links,
        problems=list(problems),
    )


def read_card_file(path: Path) -> tuple[str, list[Problem]]:
    """The text of a card's file, whatever its bytes; what is wrong with them comes beside it.

    Of a file over 16 MiB only the first are read. Raises UsageError for a file that cannot be read.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # a pipe would be waited for
            raise UsageError(f"{str(path)!r} is no file.", hint="A card is a text file, README.md.")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error
    if len(data) <= _MOST_BYTES:
        return decode_card(data)
    whole = data.rfind(b"\n", _MOST_BYTES // 2, _MOST_BYTES)  # lines as a rule; else a sign may be cut
    text, problems = decode_card(data[: whole if whole > 0 else _MOST_BYTES])
    said = f"The file has {facts.st_size:,} bytes; the first {_MOST_BYTES:,} are read."
    problems.append(Problem("card-too-large", said, text.count("\n") + 1))
    return text, problems


def decode_card(data: bytes) -> tuple[str, list[Problem]]:
    """The text of a card's bytes with what is wrong with them; never raises on content."""
    problems = []
    for mark, name in _WIDE:
        if data.startswith(mark):
            problems.append(Problem("encoding", f"The card is {name}; the Hub reads UTF-8.", 1))
            return data.decode(name, errors="replace"), problems
    if data.startswith(b"\xef\xbb\xbf"):
        problems.append(Problem("encoding", "The card begins with a byte order mark.", 1))
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem("encoding", f"Byte {error.start + 1} is not UTF-8.", line))
        text = data.decode("utf-8", errors="replace")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        problems.append(Problem("control-character", "The card holds a NUL character.", line))
    return text, problems


def _open_card(
    catalog: Catalog | None,
    path: Path | None,
    target: str,
    problems: list[Problem],
    folder: Path | None = None,
) -> DraftSubject:
    text, found = read_card_file(path) if path is not None else ("", [])
    problems.extend(found)
    card = parse_card(text)
    record = ModelRecord(
        model=target, revision=card.sha256[:12], card_sha256=card.sha256, source_kind="folder"
    )
    files = describe_contents(folder, folder).files if folder is not None else ()
    return DraftSubject(record, card, files, folder, catalog, False)


def _open_folder(catalog: Catalog | None, folder: Path, problems: list[Problem]) -> DraftSubject:
    """A folder with a model's files; one with nothing but a card is that card."""
    try:
        card = next((item for item in sorted(folder.iterdir()) if item.name.lower() == "readme.md"), None)
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be read: {error.strerror or error}.") from error
    if card is not None and not card.is_file():
        problems.append(Problem("card-unreadable", f"{card.name} is no file that can be read.", 1))
        card = None
    try:
        subject = open_subject(catalog, str(folder))
    except (UsageError, SourceError):
        if card is None and not problems:
            raise
        return _open_card(catalog, card, str(folder), problems, folder)
    if problems:
        return subject
    if card is not None:
        _, found = read_card_file(card)
        problems.extend(found)
    else:
        problems.append(Problem("no-card", "The folder holds no README.md.", None))
    return subject
