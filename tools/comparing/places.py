"""Where a model that a person names has its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.catalog.names import resolve_model
from tools.errors import UnknownModelError, UsageError
from tools.sources.folder import name_repository
from tools.sources.place import find_folder

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model's id, the folder (or the one file) that holds its weights, and how evidence names it."""

    model: str
    path: Path
    source: str  # org/name@revision for a model of the lake, else the path

    @property
    def folder(self) -> Path:
        """The model's folder, also where one file of it was named."""
        return self.path if self.path.is_dir() else self.path.parent


def find_place(catalog: Catalog | None, name: str) -> ModelPlace:
    """Where the weights of `name` lie: a path, or a model of the lake that was ingested from a folder.

    Raises UnknownModelError for a name that is neither, UsageError for a model of which the lake holds the
    card only.
    """
    path = Path(name)
    if path.exists():
        folder = path if path.is_dir() else path.parent
        return ModelPlace(name_repository(folder, folder), path, str(path))
    if catalog is None:
        raise UnknownModelError(
            f"{name!r} is no folder, and there is no lake to look it up in.",
            hint="Name a model's folder, or ingest the models first.",
        )
    model = resolve_model(catalog, name)
    place = catalog.weight_places().get(model)
    if place is None:
        raise UsageError(
            f"The lake holds the card of {model!r}, not its weights.",
            hint="Download the model and ingest its folder, or name the folder itself.",
        )
    record = catalog.get_model(model)
    return ModelPlace(model, find_folder(place), record.source if record else model)
