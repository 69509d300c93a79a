"""Files that a visitor drops into a view: a model card, or what is small of a model's folder.

They are read where Gradio laid them, or in a folder that lasts as long as they are looked at; the lake is
looked into for the models they name, and never written to.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant.page.escape import escape_line
from tools.errors import UsageError

CARDS = (".md", ".markdown")
BESIDE = (".json", ".safetensors")
MOST_FILES = 200
SIZES = "lake-sizes.json"  # how long weights are of which only the headers came
UNNAMED = "your-model"
_FOLDER = "folder"  # where SIZES tells the folder's name; no file of weights is called so
_LONGEST = 2**42
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class Given:
    """Files of one visitor, by place; `card` is the model card among them.

    `sizes`: by name the bytes that weights have where they came from; only their headers were sent.
    `folder`: the name of the folder they came from, "" when it is not known.
    """

    card: Path | None
    beside: tuple[Path, ...]
    left_out: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    folder: str = ""

    @property
    def names(self) -> list[str]:
        return [path.name for path in ((self.card,) if self.card else ())] + [p.name for p in self.beside]

    @property
    def title(self) -> str:
        """The first names, and how many more there are."""
        more = len(self.names) - 3
        return ", ".join(self.names[:3]) + (f" and {more} more" if more > 0 else "")


def sort_files(paths: Sequence[str], *, most_bytes: int) -> Given:
    """The card, the files that speak of the model, and the names of those that nothing reads.

    Raises UsageError when there is nothing to read, when it is too much, or when a file is gone.
    """
    if len(paths) > MOST_FILES:
        raise UsageError(f"{len(paths):,} files are too many.", hint=f"Give at most {MOST_FILES}.")
    try:
        files = [Path(path) for path in paths]
        size = sum(path.stat().st_size for path in files)
        told = [path for path in files if path.name == SIZES]
        files = [path for path in files if path not in told]
        sizes, folder = _read_sizes(told[0]) if told else ({}, "")
    except OSError:
        raise UsageError("These files are no longer here.", hint="Drop them in once more.") from None
    if size > most_bytes:
        raise UsageError(
            f"These files have {size:,} bytes; at most {most_bytes:,} are taken.",
            hint="Give the README.md and the config.json alone.",
        )
    cards = [path for path in files if path.suffix.lower() in CARDS]
    beside = tuple(
        sorted((path for path in files if path.suffix.lower() in BESIDE), key=lambda path: path.name)
    )
    readme = [path for path in cards if path.stem.lower() == "readme"]
    card = next(iter(readme or cards), None)
    if card is None and not beside:
        given = ", ".join(repr(path.name) for path in files[:3]) or "Nothing"
        raise UsageError(
            f"{given}: nothing here that can be read.",
            hint="Give a README.md, or a model's folder with its config.json.",
        )
    if not readme and len(cards) > 1:
        raise UsageError(
            f"{len(cards)} Markdown files, and none of them is called README.md.", hint="Give one."
        )
    left_out = tuple(path.name for path in files if path != card and path not in beside)
    return Given(card, beside, left_out, sizes, folder)


@contextmanager
def lay_out(given: Given, name: str) -> Iterator[Path]:
    """A folder called `name` with these files; of weights the header, as long as the whole file."""
    with TemporaryDirectory(prefix="lake-given-") as room:
        folder = Path(room) / name
        folder.mkdir()
        if given.card is not None:
            shutil.copyfile(given.card, folder / "README.md")
        for path in given.beside:
            shutil.copyfile(path, folder / path.name)
            _lengthen(folder / path.name, given.sizes.get(path.name, 0))
        yield folder


def hide_place(text: str, folder: Path) -> str:
    """`text` without the place on this machine where a visitor's files lay."""
    return text.replace(repr(str(folder)), "your folder").replace(str(folder), "your folder")


def render_drop(upload: str, most: int) -> str:
    """A place to drop files at, `most` bytes in all; they go to the hidden file field `upload`."""
    said = escape_line(f"{most / 2**20:g} MB")
    return (
        f'<div class="lake-drop" data-upload="{upload}" data-most="{most}" data-files="{MOST_FILES}" '
        'role="group" aria-label="A card or a folder of your own">'
        "<p><strong>A model of your own?</strong> Drop a README.md or a model's folder here, or "
        '<button type="button" class="link" data-drop="files">choose files</button> or '
        '<button type="button" class="link" data-drop="folder">choose a folder</button>.</p>'
        '<p class="hint">Sent are the card, .json files and the headers of .safetensors files, no weights; '
        f"at most {said}. Nothing is added to the lake.</p>"
        '<p class="sent" role="status"></p>'
        '<input type="file" class="files" accept=".md,.markdown,.json,.safetensors" multiple hidden>'
        '<input type="file" class="folder" webkitdirectory hidden></div>'
    )


def _read_sizes(path: Path) -> tuple[dict[str, int], str]:
    try:
        told: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}, ""
    if not isinstance(told, dict):
        return {}, ""
    folder = told.get(_FOLDER)
    sizes = {name: size for name, size in told.items() if type(size) is int and 0 < size <= _LONGEST}
    return sizes, folder if isinstance(folder, str) and _NAME.fullmatch(folder) else ""


def _lengthen(path: Path, size: int) -> None:
    """Give a header the length of its whole file, so that a file cut short is told from one that is not.

    What is added is a hole, which takes no place on the disk.
    """
    if path.suffix.lower() == ".safetensors" and size > path.stat().st_size:
        with contextlib.suppress(OSError):  # longer than this disk's files may be: then it seems cut short
            os.truncate(path, size)
