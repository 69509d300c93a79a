"""The text of a PDF's pages."""

from __future__ import annotations

import io
import logging
import re
import struct
import time
import zlib
from typing import NamedTuple

from tools.sources.fields import RowError

MAX_PAGES = 2000
MAX_SECONDS = 120.0
MAX_CHARACTERS = 20_000_000
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft word|title|paper|main|.*\.(?:docx?|tex|pdf|dvi|indd))\b", re.IGNORECASE
)
# What a parser of untrusted bytes raises when they are not what they claim to be.
_DAMAGED = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, ArithmeticError,
    RecursionError, NotImplementedError, EOFError, struct.error, zlib.error,
)  # fmt: skip


class PdfText(NamedTuple):
    """The title from the document's own metadata ("" when it says nothing) and the text of each page."""

    title: str
    pages: list[str]


def read_pages(data: bytes, name: str) -> PdfText:
    """The text of every page. Raises RowError for an encrypted or damaged file, or one beyond the limits."""
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    # pypdf tells every oddity of a file; what matters reaches the reader as the RowError.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        locked = reader.is_encrypted and not reader.decrypt("")
        count = 0 if locked else len(reader.pages)
        texts = _read_texts(reader, name) if 0 < count <= MAX_PAGES else []
        title = "" if locked else _read_title(reader.metadata)
    except RowError:
        raise
    except (DependencyError, FileNotDecryptedError) as error:
        raise RowError(f"{name!r} is encrypted in a way that cannot be opened ({_say(error)})") from error
    except (PyPdfError, *_DAMAGED) as error:
        raise RowError(f"{name!r} is a damaged PDF ({_say(error)})") from error
    if locked:
        raise RowError(f"{name!r} is encrypted: a password is needed to read it")
    if count > MAX_PAGES:
        raise RowError(f"{name!r} has {count:,} pages; at most {MAX_PAGES:,} are read")
    return PdfText(title, texts)


def _read_texts(reader: object, name: str) -> list[str]:
    started = time.monotonic()
    texts: list[str] = []
    size = 0
    for page in reader.pages:  # type: ignore[attr-defined]
        text = _UNPRINTABLE.sub(" ", page.extract_text() or "")
        size += len(text)
        if size > MAX_CHARACTERS:
            raise RowError(f"{name!r} holds more than {MAX_CHARACTERS:,} characters")
        if time.monotonic() - started > MAX_SECONDS:
            raise RowError(
                f"{name!r} takes more than {MAX_SECONDS:.0f} s to read (stopped at page {len(texts) + 1})"
            )
        texts.append(text)
    return texts


def _read_title(metadata: object) -> str:
    title = getattr(metadata, "title", None)
    if not isinstance(title, str):
        return ""
    shown = " ".join(_UNPRINTABLE.sub(" ", title).split())
    return shown if len(shown) > 7 and not _NO_TITLE.match(shown) else ""


def _say(error: BaseException) -> str:
    said = str(error).strip().split("\n")[0][:120]
    return said.rstrip(".") if said else type(error).__name__
