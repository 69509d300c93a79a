"""Papers: PDF, Markdown and text files cut into passages that name their page or lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.cards import parse_card
from tools.cards.markup import find_arxiv_ids
from tools.catalog.records import PaperRecord
from tools.errors import SourceError
from tools.hashing import hash_bytes
from tools.sources.fields import RowError, check_model_id, decode_text
from tools.sources.paragraphs import cut_card, cut_text
from tools.sources.pdf import read_pages
from tools.sources.types import PaperPassage, SourceFailure, SourceItem, SourcePaper

PDF_ENDINGS = (".pdf",)
MARKDOWN_ENDINGS = (".md", ".markdown")
TEXT_ENDINGS = (".txt",)
MAX_PDF_BYTES = 200 * 2**20
MAX_TEXT_BYTES = 16 * 2**20
_MOST_LEVELS = 3
_MOST_PAPERS = 10_000
_NO_PAPERS = frozenset(
    {
        "readme",
        "license",
        "licence",
        "changelog",
        "contributing",
        "notice",
        "requirements",
        "code_of_conduct",
        "index",
    }
)
# New ids since 2007, old ones before. https://info.arxiv.org/help/arxiv_identifier.html
_ID_IN_NAME = re.compile(r"(?<![\d.])(\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})(?:v\d{1,2})?(?![\d])")
# "arXiv:2403.02327v2 [cs.DB] 7 Mar 2024", printed down the side of the first page.
_STAMP = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d{1,2})?\s*\[[\w.-]+\]")
_BEGINNING = 1000
_MOST_TITLE = 200


class PaperFiles:
    """Paper files, each read when its turn comes."""

    def __init__(self, paths: Sequence[Path], root: Path, name: str) -> None:
        """`paths` stand in `root`; papers without an arXiv id are named by their path in it."""
        self.name = name
        self.total: int | None = len(paths)
        self._paths = tuple(paths)
        self._root = root
        if len(paths) == 1:
            _check_beginning(paths[0], name)

    def __iter__(self) -> Iterator[SourceItem]:
        for path in self._paths:
            name = path.relative_to(self._root).as_posix()
            try:
                yield read_paper(path, name)
            except RowError as error:
                yield SourceFailure(name, f"{error}.")
            except OSError as error:
                yield SourceFailure(name, f"{name!r} cannot be read: {error.strerror or error}.")


def find_papers(root: Path) -> list[Path]:
    """The paper files in `root` and its subfolders, by name. READMEs, licences and the like are none."""
    found = []
    for place, folders, names in os.walk(root, followlinks=False):
        level = len(Path(place).relative_to(root).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if level + 1 < _MOST_LEVELS else []
        for name in sorted(names):
            path = Path(place) / name
            if (
                path.suffix.lower() in PDF_ENDINGS + MARKDOWN_ENDINGS + TEXT_ENDINGS
                and path.stem.lower() not in _NO_PAPERS
                and not path.is_symlink()
                and path.is_file()
            ):
                found.append(path)
    return found[:_MOST_PAPERS]


def read_paper(path: Path, name: str) -> SourcePaper:
    """The paper in a file; `name` is its path as it is shown. Raises RowError, OSError."""
    ending = path.suffix.lower()
    is_text = ending in MARKDOWN_ENDINGS + TEXT_ENDINGS
    limit = MAX_TEXT_BYTES if is_text else MAX_PDF_BYTES
    if (size := path.stat().st_size) > limit:
        raise RowError(f"{name!r} has {size:,} bytes; at most {limit:,} are taken")
    data = path.read_bytes()
    if not is_text:
        return _read_pdf(path, data, name)
    return read_text_paper(data, name=name, path=str(path), markdown=ending in MARKDOWN_ENDINGS)


def read_text_paper(data: bytes, *, name: str, path: str, markdown: bool) -> SourcePaper:
    """The paper in a Markdown or plain text. Its locators are `file#L3-L9`. Raises RowError."""
    text = decode_text(data, name)
    if "\x00" in text:
        raise RowError(f"{name!r} holds NUL characters: binary data, no text")
    file = name.rpartition("/")[2]
    if markdown:
        card = parse_card(text)
        pieces = cut_card(card)
        metadata_title = card.metadata.get("title")
        title = card.title or (metadata_title if isinstance(metadata_title, str) else "")
        begin = text.find("\n", card.text.find("\n---", 3) + 1) if card.front_matter else 0
        stated = card.metadata.get("arxiv") or card.metadata.get("arxiv_id")
    else:
        pieces, title, begin, stated = cut_text(text), "", 0, None
    passages = tuple((f"{file}#{span}", headings, piece) for piece, headings, span in pieces)
    if not passages:
        raise RowError(f"{name!r} holds no text")
    beginning = f"arXiv:{stated}\n" if isinstance(stated, str | float) else ""
    beginning += text[:_BEGINNING] if not begin else text[:begin] + text[begin : begin + _BEGINNING]
    return SourcePaper(
        PaperRecord(
            paper=name_paper(name, beginning),
            title=(title or _first_line(text))[:_MOST_TITLE],
            path=path,
            sha256=hash_bytes(data),
            pages=1,
        ),
        passages,
    )


def name_paper(name: str, first_page: str) -> str:
    """`arxiv:ID` where the file's name or its first page names the paper so, else the name without ending.

    On a page the arXiv's own stamp counts; without one, the single id named in its first characters.
    """
    stem = name.rpartition(".")[0] or name
    if matched := _ID_IN_NAME.search(stem.rpartition("/")[2]):
        return f"arxiv:{matched[1]}"
    if matched := _STAMP.search(first_page):
        return f"arxiv:{matched[1]}"
    ids = find_arxiv_ids([first_page[:_BEGINNING]])
    if len(ids) == 1:
        return f"arxiv:{ids[0]}"
    return check_model_id(stem)


def _read_pdf(path: Path, data: bytes, name: str) -> SourcePaper:
    document = read_pages(data, name)
    first_page = document.pages[0] if document.pages else ""
    passages: list[PaperPassage] = []
    heading: tuple[str, ...] = ()
    for number, page in enumerate(document.pages, start=1):
        for piece, headings, _ in cut_text(page, heading=heading):
            passages.append((f"page {number}", headings, piece))
            heading = headings
    if not passages:
        raise RowError(
            f"{name!r} holds no text (scanned pages?); give a PDF with text, or a .md or .txt file"
        )
    return SourcePaper(
        PaperRecord(
            paper=name_paper(name, first_page),
            title=(document.title or _first_line(first_page))[:_MOST_TITLE],
            path=str(path),
            sha256=hash_bytes(data),
            pages=len(document.pages),
        ),
        tuple(passages),
    )


def _first_line(text: str) -> str:
    """The first line that can be a title: not the arXiv's stamp, not a page number."""
    for line in text.split("\n", 60)[:60]:
        shown = line.strip(" \t\r#*=-_")
        if len(shown) > 7 and not _STAMP.search(shown) and any(c.isalpha() for c in shown):
            return shown
    return ""


def _check_beginning(path: Path, name: str) -> None:
    if path.suffix.lower() in MARKDOWN_ENDINGS + TEXT_ENDINGS:
        return
    with path.open("rb") as file:
        head = file.read(1024)
    if b"%PDF-" not in head:
        raise SourceError(
            f"{name!r} is not a PDF: it begins with {head[:12]!r}.", hint="Give a .pdf, .md or .txt file."
        )
