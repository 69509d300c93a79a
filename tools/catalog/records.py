"""Rows of the catalog as the rest of the domain sees them. None always means "not known"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tools.cards.types import DeclaredParent, PassageKind, ResultRow

Change = Literal["added", "updated", "unchanged"]
# Where a model's facts came from; decides how they are shown ("our summary of ...").
SourceKind = Literal["dump", "folder", "sample", "hub"]


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model at its current revision, without the card's text."""

    model: str  # org/name (or bare name) in upstream's case
    revision: str  # the Hub's commit where known, else the first 12 digits of the content's sha256
    author: str | None = None
    task: str | None = None  # pipeline tag, e.g. "text-classification"
    library: str | None = None
    license: str | None = None  # identifier as declared, lower case, e.g. "apache-2.0"
    languages: tuple[str, ...] = ()  # as declared: ISO codes or names, lower case
    datasets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    downloads: int | None = None  # a dump's zero means unknown
    likes: int | None = None
    parameters: int | None = None  # exact (safetensors header) or as stated in card or name
    last_modified: str | None = None  # ISO 8601
    created_at: str | None = None
    title: str = ""
    summary: str = ""  # first prose passage of the card, shortened, for lists; never cited
    link: str = ""  # where the original stands, e.g. the Hub page a sample summary speaks of
    source_kind: SourceKind = "dump"
    card_sha256: str = ""  # of the card's UTF-8
    record_json: str = "{}"  # the source's own columns without the card, canonical JSON, one key a line
    record_sha256: str = ""
    removed: bool = False  # a tombstone: children may still name it

    @property
    def source(self) -> str:
        """`org/name@revision`, as evidence names it."""
        return f"{self.model}@{self.revision}"


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A stored passage of a card or paper."""

    id: int
    owner: str  # model id, or paper id
    owner_kind: Literal["model", "paper"]
    source: str  # org/name@rev or the paper's id
    kind: PassageKind
    section: tuple[str, ...]
    locator: str  # README.md#L12-L18, or "page 3"
    text: str  # verbatim
    sha256: str  # of the whole source file
    text_hash: str  # of `text`: identical passages share one vector


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A reported result with the model it is reported for and the file it stands in."""

    model: str
    source: str
    sha256: str
    row: ResultRow


@dataclass(frozen=True, slots=True)
class StoredParent:
    """A declared parent edge; `parent` is the resolved model id when the lake holds it, else as written."""

    child: str
    parent: str
    in_lake: bool
    source: str
    sha256: str
    declared: DeclaredParent


@dataclass(frozen=True, slots=True)
class PaperRecord:
    paper: str  # "arxiv:1908.10063" where known, else the file's name
    title: str
    path: str
    sha256: str
    pages: int
    models: tuple[str, ...] = ()  # models whose cards name this paper


@dataclass(frozen=True, slots=True)
class FileRow:
    path: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """Field constraints of a query; empty means "any". Values are compared as the catalog normalises them."""

    tasks: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    min_downloads: int | None = None
    max_parameters: int | None = None
    derived_from: str | None = None


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """What a home holds."""

    home: str
    schema_version: int
    models: int
    removed: int
    papers: int
    passages: int
    vectors: int
    results: int
    embedder: str | None  # name and revision, None when the lake works lexically
    sources: tuple[dict[str, Any], ...] = field(default_factory=tuple)  # name, models, last ingest
