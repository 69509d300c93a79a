"""Where a model that a person names has its files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.catalog.names import resolve_model
from tools.errors import UnknownModelError, UsageError
from tools.hub import HubClient, parse_hub_name
from tools.sources.folder import name_repository
from tools.sources.place import find_folder
from tools.weights.opening import OpenedWeights, open_weights

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog


HUB = "hub:"
_FETCHED = ("README.md", "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
            "vocab.txt", "special_tokens_map.json", "adapter_config.json")  # fmt: skip
_MOST_BYTES = 2**25


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model's id, the folder (or the one file) that holds its weights, and how evidence names it.

    `hub` is `hub:org/name@commit` for a model that stays on the Hub; its `path` means nothing.
    """

    model: str
    path: Path
    source: str  # org/name@revision for a model of the lake or the Hub, else the path
    hub: str = ""

    @property
    def folder(self) -> Path:
        """The model's folder, also where one file of it was named."""
        return self.path if self.path.is_dir() else self.path.parent

    def open(self) -> OpenedWeights:
        """Open the weights. Raises WeightsError."""
        return open_weights(self.hub or self.path)

    @contextmanager
    def open_files(self) -> Iterator[Path]:
        """The folder with the files beside the weights; of the Hub's, small ones are fetched for as long."""
        if not self.hub:
            yield self.folder
            return
        client = HubClient()
        model = client.describe(parse_hub_name(self.hub))
        with tempfile.TemporaryDirectory(prefix="lake-hub-") as folder:
            for name in _FETCHED:
                if 0 < (model.files.get(name) or 0) <= _MOST_BYTES:
                    Path(folder, name).write_bytes(client.read_file(model, name, _MOST_BYTES))
            yield Path(folder)


def find_place(catalog: Catalog | None, name: str) -> ModelPlace:
    """Where the weights of `name` lie: a path, `hub:org/name[@revision]`, or a model ingested from a folder.

    Raises UnknownModelError for a name that is neither, UsageError for a model of which the lake holds the
    card only.
    """
    if name.startswith(HUB):
        found = HubClient().describe(parse_hub_name(name))
        return ModelPlace(found.model, Path(), found.source, f"{HUB}{found.source}")
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
            hint=f"Name its folder, or {HUB}{model} to read the parts that are needed from the Hub.",
        )
    record = catalog.get_model(model)
    return ModelPlace(model, find_folder(place), record.source if record else model)
