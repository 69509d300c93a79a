"""Documents a person drops into a conversation: a model card or a paper to ask about, not put in the lake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from tools.errors import SourceError

if TYPE_CHECKING:
    from tools.catalog.sqlite import SqliteCatalog
    from tools.embedding import Embedder

OWNER = "attached"
ENDINGS = (".md", ".markdown", ".txt", ".pdf")


class Document(BaseModel):
    """A document of a conversation; `id` is what answers call it. A card has text, a paper passages.

    `passages`: (locator, headings, verbatim text).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    kind: Literal["card", "paper"]
    sha256: str
    text: str = ""
    passages: tuple[tuple[str, tuple[str, ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """A conversation's documents as a catalog of their own, for the tools that read cards."""

    catalog: SqliteCatalog
    embedder: Embedder | None


def read_document(path: Path, *, name: str | None = None, max_bytes: int = 10 * 2**20) -> Document:
    """Read a card (`README.md`, or Markdown with front matter) or a paper (PDF, Markdown, text).

    `name` is the file's name as the person knows it. Raises SourceError for what is no such document.
    """
    from tools.hashing import hash_text
    from tools.sources.description import check_card
    from tools.sources.fields import RowError, decode_text
    from tools.sources.papers import read_paper

    name = re.sub(r"[^\w.+-]+", "-", (name or path.name).strip()).strip(".-")[-80:] or "document"
    if path.suffix.lower() not in ENDINGS:
        raise SourceError(
            f"{name!r} is no document that can be read here.", hint=f"Give one of: {', '.join(ENDINGS)}."
        )
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise SourceError(
                f"{name!r} has {size:,} bytes; at most {max_bytes:,} are taken.",
                hint="Larger documents belong into the lake: lake ingest FILE.",
            )
        if path.suffix.lower() in (".md", ".markdown"):
            text = decode_text(path.read_bytes(), name)
            if name.lower().startswith("readme") or text.lstrip("\ufeff").startswith("---"):
                text = check_card(text)
                return Document(
                    id=f"{OWNER}/{name}", name=name, kind="card", sha256=hash_text(text), text=text
                )
        paper = read_paper(path, name)
    except RowError as error:
        raise SourceError(f"{name!r} cannot be read: {error}.", hint="Try another file.") from None
    except OSError as error:
        raise SourceError(f"{name!r} cannot be read: {error.strerror or error}.", hint="Try again.") from None
    return Document(
        id=f"{OWNER}/{name}",
        name=name,
        kind="paper",
        sha256=paper.record.sha256,
        passages=paper.passages,
    )


@contextmanager
def open_shelf(documents: Sequence[Document], embedder: Embedder | None) -> Iterator[Shelf]:
    """The documents in a catalog that lasts as long as the context."""
    from tools.catalog.records import PaperRecord
    from tools.catalog.sqlite import SqliteCatalog
    from tools.sources.description import build_record
    from tools.sources.types import SourceModel

    with TemporaryDirectory(prefix="lake-shelf-") as folder:
        catalog = SqliteCatalog(Path(folder) / "shelf.db")
        try:
            for document in documents:
                if document.kind == "paper":
                    record = PaperRecord(
                        paper=document.id, title=document.name, path="", sha256=document.sha256, pages=1
                    )
                    catalog.put_paper(record, document.passages)
                    continue
                model = build_record(
                    document.id, {"modelId": document.id}, document.text, source_kind="folder"
                )
                described, card = SourceModel(model, document.text).parse()
                catalog.put_models([(described, card, ())], source=OWNER)
            yield Shelf(catalog, embedder)
        finally:
            catalog.close()
