"""Folders of model repositories on this machine: cards, configurations, sizes, parameters of shards.

Weights are never loaded: of a safetensors file only the header is read.
Specification: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.catalog.adapters import ADAPTER_CONFIG, quote_adapter_base
from tools.catalog.records import FileRow
from tools.errors import SourceError
from tools.hashing import hash_file
from tools.sources.description import MAX_CARD_BYTES, build_record, check_card
from tools.sources.fields import RowError, check_model_id, decode_text, read_names, read_text
from tools.sources.headers import HeaderError, count_parameters
from tools.sources.types import SourceFailure, SourceItem, SourceModel

_MARKS = (
    "config.json", "adapter_config.json", "*.safetensors", "*.safetensors.index.json", "*.gguf",
    "tokenizer*.json", "model_index.json", "pytorch_model*.bin", "adapter_model.bin", "consolidated*.pth",
)  # fmt: skip
_HASHED_BYTES = 2**20
_CONFIG_BYTES = 4 * 2**20
_MOST_FILES = 10_000
_MOST_LEVELS = 6
_HIDDEN_FOLDERS = frozenset(
    {".git", ".cache", "__pycache__", ".ipynb_checkpoints", ".no_exist", "refs", "blobs"}
)
CONFIG_KEYS = ("model_type", "architectures", "torch_dtype", "_name_or_path")
_CACHE_PREFIX = "models--"


class RepositoryFolder:
    """Model repositories of one folder, in the order of their names."""

    def __init__(self, repositories: Sequence[Path], root: Path, name: str) -> None:
        """`repositories` are folders in (or the same as) `root`, as `find_repositories` gives them."""
        self.name = name
        self.total: int | None = len(repositories)
        self._repositories = tuple(repositories)
        self._root = root

    def __iter__(self) -> Iterator[SourceItem]:
        for folder in self._repositories:
            name = name_repository(folder, self._root)
            try:
                yield from _read_repository(folder, name, self._root)
            except RowError as error:
                yield SourceFailure(name, f"{error}.")
            except OSError as error:
                yield SourceFailure(name, f"{folder.name!r} cannot be read: {error.strerror or error}.")


def find_repositories(root: Path) -> list[Path]:
    """The model repositories in `root`: itself, its subfolders, or theirs (`org/name`). Empty when none.

    Links that lead out of `root` or back up are not followed. Raises SourceError when `root` itself cannot
    be listed.
    """
    try:
        if _is_repository(root, root):
            return [root]
        if root.resolve().name.startswith(_CACHE_PREFIX):
            return _latest_snapshot(root, root)
        found = []
        for folder in _list_folders(root, root):
            if _is_repository(folder, root):
                found.append(folder)
            elif folder.name.startswith(_CACHE_PREFIX):
                found.extend(_latest_snapshot(folder, root))
            else:
                found.extend(inner for inner in _list_folders(folder, root) if _is_repository(inner, root))
    except OSError as error:
        raise SourceError(f"{str(root)!r} cannot be listed: {error.strerror or error}.") from error
    return found


def name_repository(folder: Path, root: Path) -> str:
    """The model's id: `org/name`, also from `org__name` or `models--org--name`; else the folder's name."""
    place = folder.resolve()
    if _find_commit(place):
        return _split_name(place.parents[1].name)
    if folder == root:
        return _split_name(place.name)
    parts = folder.relative_to(root).parts
    return "/".join(parts) if len(parts) == 2 else _split_name(parts[0])


def is_described_only(folder: Path) -> bool:
    """Whether `folder` has nothing of a model but a README, and that without front matter."""
    entries = {entry.name.lower(): entry.path for entry in _list_entries(folder) if entry.is_file()}
    if _has_mark(entries) or "readme.md" not in entries:
        return False
    with Path(entries["readme.md"]).open("rb") as file:
        return not file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"---")


def _split_name(name: str) -> str:
    if name.startswith(_CACHE_PREFIX):
        return name.removeprefix(_CACHE_PREFIX).replace("--", "/", 1)
    organisation, mark, rest = name.partition("__")
    return f"{organisation}/{rest}" if mark and organisation and rest else name


def _is_repository(folder: Path, root: Path) -> bool:
    """Whether `folder` holds a model's files or its card.

    A README without front matter above folders that hold models describes those, and is no card.
    """
    names = [entry.name.lower() for entry in _list_entries(folder) if not entry.is_dir()]
    if _has_mark(names):
        return True
    if "readme.md" not in names:
        return False
    if not is_described_only(folder):
        return True
    inner = _list_folders(folder, root)
    if folder == root:
        return not any(
            _is_repository(one, root) or any(_is_repository(two, root) for two in _list_folders(one, root))
            for one in inner
        )
    return not any(_has_mark(entry.name.lower() for entry in _list_entries(one)) for one in inner)


def _has_mark(names: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, mark) for name in names for mark in _MARKS)


def _list_entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _list_folders(folder: Path, root: Path) -> list[Path]:
    """Subfolders by name, without hidden ones and links that lead out of `root` or to a folder above."""
    kept = []
    top = root.resolve()
    for entry in _list_entries(folder):
        if entry.name.startswith(".") or entry.name in _HIDDEN_FOLDERS:
            continue
        path = Path(entry.path)
        if entry.is_symlink():
            target = path.resolve()
            if not target.is_relative_to(top) or folder.resolve().is_relative_to(target):
                continue
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            kept.append(path)
    return kept


def _latest_snapshot(folder: Path, root: Path) -> list[Path]:
    """The newest revision in a Hub cache folder (`models--org--name/snapshots/COMMIT`)."""
    snapshots = folder / "snapshots"
    if not snapshots.is_dir():
        return []
    found = [inner for inner in _list_folders(snapshots, root) if _is_repository(inner, root)]
    return sorted(found, key=lambda path: path.stat().st_mtime)[-1:]


@dataclass(frozen=True, slots=True)
class FolderContents:
    """What the files of a model's folder say beside its card, as columns of a record.

    `parameters` is their exact number, None where it cannot be counted; `problems` are sentences on files
    that cannot be read.
    """

    columns: dict[str, Any]
    parameters: int | None
    files: tuple[FileRow, ...]
    card: Path | None
    problems: tuple[str, ...]


def describe_contents(folder: Path, root: Path) -> FolderContents:
    """What lies in the model repository `folder`, which is in, or the same as, `root`."""
    problems: list[str] = []
    paths = list(_list_files(folder, root))
    names = {path.name.lower(): path for path in reversed(paths) if path.parent == folder}
    config = _read_json(names.get("config.json"), problems)
    adapter = _read_json(names.get(ADAPTER_CONFIG), problems)
    parameters = _count(paths, folder, problems) if not adapter else None
    columns: dict[str, Any] = {key: config[key] for key in CONFIG_KEYS if read_names(config.get(key))}
    columns["tags"] = [*read_names(config.get("model_type")), *read_names(config.get("architectures"))]
    if base := read_text(adapter.get("base_model_name_or_path")):
        columns["adapter_base_model"] = base
        columns["adapter_config"] = _quote_base(names[ADAPTER_CONFIG])
        columns["library_name"] = "peft"
        columns["tags"] += [f"adapter:{kind.lower()}" for kind in read_names(adapter.get("peft_type"))]
    if parameters is not None:
        columns["parameters"] = parameters
    files = tuple(_describe_file(path, folder) for path in paths)
    return FolderContents(columns, parameters, files, names.get("readme.md"), tuple(problems))


def _read_repository(folder: Path, name: str, root: Path) -> Iterator[SourceItem]:
    model = check_model_id(name)
    contents = describe_contents(folder, root)
    card = _read_card(contents.card)
    columns = {"modelId": model, "sha": _find_commit(folder.resolve())} | contents.columns
    record = build_record(
        model,
        {key: value for key, value in columns.items() if value},
        card,
        source_kind="folder",
        parameters=contents.parameters,
    )
    yield SourceModel(record, card, contents.files, str(folder.resolve()))
    for problem in contents.problems:
        yield SourceFailure(model, problem)


def _list_files(folder: Path, root: Path) -> Iterator[Path]:
    """Files below `folder`, by name; a link counts only where it leads to a file inside `root`.

    In the Hub's cache every file is a link to a blob beside the snapshots.
    """
    top = folder.resolve().parents[1] if _find_commit(folder.resolve()) else root.resolve()
    listed = 0
    for place, folders, names in os.walk(folder, followlinks=False):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if f not in _HIDDEN_FOLDERS) if depth < _MOST_LEVELS else []
        for name in sorted(names):
            path = Path(place) / name
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(top):
                continue  # realpath: unlike `resolve`, no error for links in a circle
            if path.is_file() and listed < _MOST_FILES:
                listed += 1
                yield path


def _describe_file(path: Path, folder: Path) -> FileRow:
    """Path, bytes and, for what is small enough to be text, the hash. Weights are not read for it."""
    size = path.stat().st_size
    small = size < _HASHED_BYTES and path.suffix.lower() not in (".safetensors", ".gguf", ".bin")
    try:
        digest = hash_file(path) if small else None
    except OSError:
        digest = None
    return FileRow(path.relative_to(folder).as_posix(), size, digest)


def _read_card(path: Path | None) -> str:
    """The card as text; "" without one. UTF-16 and UTF-8 with a mark are decoded. Raises RowError."""
    if path is None:
        return ""
    size = path.stat().st_size
    if size > MAX_CARD_BYTES:
        raise RowError(f"the card has {size:,} bytes; at most {MAX_CARD_BYTES:,} are taken")
    return check_card(decode_text(path.read_bytes(), path.name))


def _read_json(path: Path | None, problems: list[str]) -> dict[str, Any]:
    """The object in a JSON file; {} and a problem when there is none in it."""
    if path is None:
        return {}
    try:
        if path.stat().st_size > _CONFIG_BYTES:
            raise RowError(f"larger than {_CONFIG_BYTES:,} bytes")
        value = json.loads(decode_text(path.read_bytes(), path.name))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name} cannot be read: {str(error).splitlines()[0][:160]}.")
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path.name} holds a JSON {type(value).__name__}, not an object.")
        return {}
    return value


def _quote_base(path: Path) -> dict[str, str] | None:
    """Where an adapter's configuration names its base, word for word, so that it can be cited."""
    if path.name != ADAPTER_CONFIG:  # written in capitals it is no file that PEFT would read
        return None
    data = path.read_bytes()
    return quote_adapter_base(data, decode_text(data, path.name))


def _count(paths: Sequence[Path], folder: Path, problems: list[str]) -> int | None:
    """The exact number of parameters in the repository's own safetensors shards, or None.

    Only shards of the top folder count: parts of a pipeline stand in subfolders, copies in others.
    """
    shards = [path for path in paths if path.parent == folder and path.suffix.lower() == ".safetensors"]
    consolidated = [path for path in shards if path.name.startswith("consolidated")]
    if consolidated and len(consolidated) < len(shards):  # the same weights once more, in another layout
        shards = [path for path in shards if path not in consolidated]
    total = 0
    for path in shards:
        try:
            total += count_parameters(path)
        except HeaderError as error:
            problems.append(f"Parameters are not counted: {path.name}: {error}.")
            return None
    return total or None


def _find_commit(folder: Path) -> str | None:
    """The Hub's commit where the folder is a snapshot in its cache."""
    cached = folder.parent.name == "snapshots" and folder.parents[1].name.startswith(_CACHE_PREFIX)
    return folder.name if cached else None
