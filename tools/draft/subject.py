"""The model a card is drafted for: one of the lake, or a folder of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cards.types import Card
from tools.catalog.names import resolve_model
from tools.catalog.records import FileRow, ModelRecord
from tools.errors import SourceError, UnknownModelError, UsageError
from tools.sources.folder import RepositoryFolder
from tools.sources.place import find_folder
from tools.sources.types import SourceFailure, SourceModel

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog

_CARD = "readme.md"


@dataclass(frozen=True, slots=True)
class DraftSubject:
    """What is known of the model before any file is read.

    `folder` holds its files, None where only the card is at hand. `catalog` is where its relatives are, None
    outside of a lake. `in_lake`: the model itself is in it. `headers_only`: of its weights no more than the
    headers are at hand, so that nothing can be said of their bytes.
    """

    record: ModelRecord
    card: Card
    files: tuple[FileRow, ...]
    folder: Path | None
    catalog: Catalog | None
    in_lake: bool
    headers_only: bool = False

    @property
    def has_card(self) -> bool:
        return bool(self.card.text.strip())


def open_subject(catalog: Catalog | None, model: str) -> DraftSubject:
    """The model that `model` names: a folder, a README.md in one, or a model of the lake.

    Raises UnknownModelError or UsageError for what is none of these.
    """
    path = Path(model)
    if path.name.lower() == _CARD and path.is_file():
        path = path.parent
    if path.is_dir():
        return _open_folder(catalog, path)
    if path.exists():
        raise UsageError(f"{model!r} is a file, not a model.", hint="Name a model's folder or its README.md.")
    if catalog is None:
        raise UnknownModelError(
            f"{model!r} is no folder, and there is no lake to look it up in.",
            hint="Name a model's folder, or ingest the model first.",
        )
    return find_subject(catalog, resolve_model(catalog, model))


def find_subject(catalog: Catalog, model: str) -> DraftSubject:
    """The model of the lake with exactly this id. Raises UnknownModelError."""
    record, card = catalog.get_model(model), catalog.get_card(model)
    if record is None or card is None or record.removed:
        raise UnknownModelError(f"{model!r} is not in this lake.", hint="`lake list` shows what is.")
    folder = None
    if place := catalog.weight_places(record.model).get(record.model):
        try:
            folder = find_folder(place)
        except SourceError:
            folder = None  # the files have moved; the catalog still knows the card and the sizes
    return DraftSubject(record, card, tuple(catalog.get_files(record.model)), folder, catalog, True)


def _open_folder(catalog: Catalog | None, folder: Path) -> DraftSubject:
    for item in RepositoryFolder([folder], folder, str(folder)):
        if isinstance(item, SourceModel):
            record, card = item.parse()
            return DraftSubject(record, card, item.files, folder, catalog, False)
        if isinstance(item, SourceFailure):
            raise UsageError(f"{str(folder)!r} cannot be read: {item.error}", hint="See to that file first.")
    raise UsageError(f"{str(folder)!r} holds no model.", hint="Name a folder with a model's files.")
