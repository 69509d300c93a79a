"""Where a model's files lie: a folder of this machine, or one of the embedded sample lake."""

from __future__ import annotations

from pathlib import Path

from tools.errors import SourceError

SAMPLE_PREFIX = "sample:"


def find_folder(place: str) -> Path:
    """The folder that a catalog's `weight_places` names: a path, or `sample:org/name`.

    The sample's folders are looked up in the installed package, which may have moved since the ingest.
    Raises SourceError when there is no such folder any more.
    """
    if place.startswith(SAMPLE_PREFIX):
        from importlib.resources import files

        # Read as files, so that tensors can be taken row by row; wheels are installed unpacked.
        folder = Path(str(files("tools.data") / "sample" / "models")) / place.removeprefix(SAMPLE_PREFIX)
    else:
        folder = Path(place)
    if not folder.is_dir():
        raise SourceError(
            f"The files at {place!r} are no longer there.", hint="Ingest the model from where it lies now."
        )
    return folder
