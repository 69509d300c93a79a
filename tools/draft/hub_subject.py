"""A model of the Hub as a card is drafted for it or audited: its small files and the headers of its weights.

Headers lie in files with a hole as long as the weights, so that they are read as those of a folder are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools.draft.gathering import JSON_FILES
from tools.draft.subject import DraftSubject
from tools.errors import UsageError
from tools.hub import HubClient, HubModel, list_top, parse_hub_name
from tools.sources.headers import MAX_HEADER_BYTES
from tools.sources.hub import HubModels
from tools.sources.types import SourceFailure, SourceModel

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog

_MOST_BYTES = 4 * 2**20
_MOST_SHARDS = 256
_LENGTH_BYTES = 8


@contextmanager
def open_hub_subject(catalog: Catalog | None, spec: str) -> Iterator[DraftSubject]:
    """The model that `hub:org/name[@revision]` names; its folder is gone when the context ends.

    Raises UsageError for what names no model or cannot be read, HubServiceError when the Hub does not answer.
    """
    if "?" in spec:
        raise UsageError(f"{spec!r} names a search, not a model.", hint="Name one: hub:org/name")
    client = HubClient()
    for item in HubModels(spec, client):
        if isinstance(item, SourceFailure):
            raise UsageError(f"{spec!r} cannot be read: {item.error}", hint="Check the name on the Hub.")
        if isinstance(item, SourceModel):
            record, card = item.parse()
            with TemporaryDirectory(prefix="lake-hub-") as kept:
                _fetch_parts(client, client.describe(parse_hub_name(spec)), Path(kept))
                yield DraftSubject(record, card, item.files, Path(kept), catalog, False)
            return
    raise UsageError(f"{spec!r} names no model.", hint="Name one: hub:org/name")


def _fetch_parts(client: HubClient, model: HubModel, folder: Path) -> None:
    """The configuration, logs and headers at the top of a model's files; what is too large stays away."""
    for name in JSON_FILES:
        size = model.files.get(name)
        if size is not None and size <= _MOST_BYTES:
            (folder / name).write_bytes(client.read_file(model, name, _MOST_BYTES))
    for name in list_top(model.files, ".safetensors")[:_MOST_SHARDS]:
        size = model.files[name] or 0
        if size <= _LENGTH_BYTES:
            continue
        path = folder / name
        data = client.read_range(model, name, 0, _LENGTH_BYTES)
        length = int.from_bytes(data, "little")
        if 0 < length <= min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
            data += client.read_range(model, name, _LENGTH_BYTES, length)
        path.write_bytes(data)
        with contextlib.suppress(OSError):  # longer than files of this disk may be: then it seems cut short
            os.truncate(path, size)
