"""Where `--plot` writes: checked before the work begins, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from tools.errors import UsageError


def require_plot_path(path: Path | None, endings: tuple[str, ...]) -> None:
    """A picture can be written to `path`. Raises UsageError for another ending and for a missing folder."""
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise UsageError(
            f"--plot {str(path)!r} ends in {path.suffix or 'nothing'!r}.",
            hint=f"Name a file that ends in {' or '.join(endings)}.",
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"The folder of --plot {str(path)!r} does not exist.", hint="Make it first, or name another file."
        )
    if path.is_dir():
        raise UsageError(f"--plot {str(path)!r} is a folder.", hint="Name a file.")


def write_plot(path: Path, content: bytes) -> None:
    """Write the picture. Raises UsageError when the file cannot be written."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise UsageError(
            f"--plot {str(path)!r} cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from error
