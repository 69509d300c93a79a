"""Cards as resources: `card://org/name` is the Markdown of a model's card, verbatim."""

from __future__ import annotations

from urllib.parse import quote, unquote

from tools.catalog.names import resolve_model
from tools.catalog.records import ModelRecord
from tools.errors import UsageError
from tools.lake import Lake

SCHEME = "card://"
TEMPLATE = "card://{org}/{name}"
MIME_TYPE = "text/markdown"
_PAGE = 50
_LONGEST = 600


def write_uri(model: str) -> str:
    """`card://org/name`, with what an address cannot hold escaped."""
    return SCHEME + quote(model, safe="/")


def read_card(lake: Lake, uri: str) -> str:
    """The card at a URI. Raises UsageError for what is no such URI, UnknownModelError for no such model."""
    if not uri.startswith(SCHEME) or len(uri) > _LONGEST:
        raise UsageError(f"{uri[:200]!r} is no resource of this lake.", hint=f"Use {TEMPLATE}.")
    model = resolve_model(lake.catalog, unquote(uri.removeprefix(SCHEME)).rstrip("/"))
    card = lake.catalog.get_card(model)
    assert card is not None  # resolved, so it is in the lake
    return card.text


def list_page(lake: Lake, cursor: str | None) -> tuple[list[ModelRecord], str | None]:
    """One page of models and the cursor of the next, None on the last. Raises UsageError."""
    records = lake.catalog.list_models()
    start = 0
    if cursor is not None:
        if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:
            raise UsageError(f"{cursor[:80]!r} is no cursor of this lake.", hint="Begin without a cursor.")
        start = int(cursor)
    end = start + _PAGE
    return records[start:end], str(end) if end < len(records) else None
