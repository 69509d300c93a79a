"""Model folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tools.weights.errors import WeightsError
from tools.weights.files import LocalFile

_MOST_FILES = 10_000
_MOST_LEVELS = 4
_CACHE_PREFIX = "models--"


class FolderRepository:
    """Files below a folder. A link counts only where it leads to a file below `root`."""

    def __init__(self, folder: Path, *, root: Path | None = None) -> None:
        """`root` is the folder links may lead into, `folder` itself unless said.

        In a snapshot of the Hub's cache every file is a link to a blob beside the snapshots. Raises
        WeightsError when `folder` cannot be listed.
        """
        try:
            self._folder = folder.resolve(strict=True)
            self._root = (root or folder).resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            raise WeightsError(
                f"{str(folder)!r} cannot be opened: {getattr(error, 'strerror', None) or 'a loop of links'}.",
                hint="Name a model's folder.",
            ) from error
        cached = self._folder.parent.name == "snapshots"
        model = self._folder.parents[1].name if cached else ""
        self.name = self._folder.name
        self.source = str(folder)
        if model.startswith(_CACHE_PREFIX):
            self._root = self._folder.parents[1]
            self.name = model.removeprefix(_CACHE_PREFIX).replace("--", "/", 1)
            self.source = f"{self.name}@{self._folder.name}"
        self._files: tuple[str, ...] | None = None

    def list_files(self) -> Sequence[str]:
        if self._files is None:
            self._files = tuple(self._walk())
        return self._files

    def open_file(self, name: str) -> LocalFile:
        path = self._folder / name
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its links lead in a circle"
            raise WeightsError(
                f"{name!r} cannot be opened: {reason}.", hint="See that the file exists.", file=name
            ) from error
        if not target.is_relative_to(self._root):
            raise WeightsError(
                f"{name!r} is a link to a file outside of the model's folder: not opened.",
                hint="Put the file itself into the folder.",
                file=name,
            )
        return LocalFile(target, name)

    def close(self) -> None:
        """Nothing is held open."""

    def _walk(self) -> list[str]:
        found: list[str] = []
        for place, folders, names in os.walk(self._folder, followlinks=False, onerror=_refuse):
            below = Path(place).relative_to(self._folder)
            deep = len(below.parts) >= _MOST_LEVELS
            folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
            found.extend((below / name).as_posix() for name in sorted(names))
            if len(found) > _MOST_FILES:
                break
        return found[:_MOST_FILES]


def _refuse(error: OSError) -> None:
    raise WeightsError(
        f"{error.filename!r} cannot be listed: {error.strerror or error}.", hint="See that it may be read."
    ) from error
