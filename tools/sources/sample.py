"""The embedded sample lake: our summaries of real cards, and of an invented organisation's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from tools.catalog.records import FileRow
from tools.hashing import hash_bytes
from tools.sources.description import build_record
from tools.sources.dump import KEPT_COLUMNS
from tools.sources.folder import describe_contents
from tools.sources.papers import read_text_paper
from tools.sources.place import SAMPLE_PREFIX, find_folder
from tools.sources.types import SourceItem, SourceModel

_RECORD = "record.json"
_WEIGHTS = ("model.safetensors", "adapter_model.safetensors")


class SampleLake:
    """The models and papers in the package's data, by name."""

    def __init__(self, name: str = "sample:") -> None:
        self.name = name
        self._root = files("tools.data") / "sample"
        self.total: int | None = sum(1 for _ in self._list_models()) + sum(1 for _ in self._list_papers())

    def __iter__(self) -> Iterator[SourceItem]:
        for folder in self._list_models():
            yield _read_model(folder)
        for paper in self._list_papers():
            path = f"sample:papers/{paper.name}"
            yield read_text_paper(paper.read_bytes(), name=paper.name, path=path, markdown=True)

    def _list_models(self) -> Iterator[Traversable]:
        for organisation in _list(self._root / "models"):
            yield from (folder for folder in _list(organisation) if (folder / _RECORD).is_file())

    def _list_papers(self) -> Iterator[Traversable]:
        return (paper for paper in _list(self._root / "papers") if paper.name.endswith(".md"))


def _list(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else []


def _read_model(folder: Traversable) -> SourceModel:
    columns = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    data = (folder / "README.md").read_bytes()
    kept = {name: columns[name] for name in KEPT_COLUMNS if name in columns}
    card = data.decode()
    model = columns["modelId"]
    if not any(folder.joinpath(name).is_file() for name in _WEIGHTS):
        record = build_record(model, kept, card, source_kind="sample")
        return SourceModel(record, card, (FileRow("README.md", len(data), hash_bytes(data)),))
    place = f"{SAMPLE_PREFIX}{model}"
    path = find_folder(place)
    contents = describe_contents(path, path)
    tags = [*kept.get("tags", ()), *contents.columns.get("tags", ())]
    record = build_record(
        model,
        contents.columns | kept | {"tags": tags},
        card,
        source_kind="sample",
        parameters=contents.parameters,
    )
    files = tuple(file for file in contents.files if file.path != _RECORD)
    return SourceModel(record, card, files, place)
