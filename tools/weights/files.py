"""Files of weights by position: what every reader here stands on, and the files of this machine."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tools.weights.errors import WeightsError
from tools.weights.spans import SpanSet

Bytes = NDArray[np.uint8]
Span = tuple[int, int]  # first byte, number of bytes


class WeightsFile(Protocol):
    """A file that is read by position, never as a whole. Safe to read from several threads."""

    name: str  # relative to the repository
    size: int
    is_local: bool

    @property
    def bytes_read(self) -> int:
        """Of a file of this machine the bytes that were read at least once; else all that came."""
        ...

    def read_into(self, start: int, out: Bytes, *, keep: bool = True) -> None:
        """Fill `out` with the bytes from `start`. `keep`: hold them, if they came from afar, to read again.

        Raises WeightsError when they cannot be had.
        """
        ...

    def prefetch(self, spans: Sequence[Span]) -> None:
        """Say which bytes will be read next, so that they can be fetched together."""
        ...

    def close(self) -> None: ...


def read_bytes(file: WeightsFile, start: int, length: int) -> bytes:
    """`length` bytes from `start`. Raises WeightsError when the file does not hold them."""
    if start < 0 or length < 0 or start + length > file.size:
        raise WeightsError(
            f"{file.name!r} has {file.size:,} bytes, but {length:,} are wanted from byte {start:,} on.",
            hint="Fetch the file again; it is cut short or damaged.",
            file=file.name,
        )
    buffer = np.empty(length, np.uint8)
    file.read_into(start, buffer)
    return buffer.tobytes()


class LocalFile:
    """A file of this machine. It is read with pread: a file cut meanwhile is an error, not a crash."""

    is_local = True

    def __init__(self, path: Path, name: str) -> None:
        """Open `path`, called `name` in messages. Raises WeightsError when it is no readable file."""
        self.name = name
        self._read = SpanSet()
        self._lock = threading.Lock()
        self._descriptor = -1
        try:
            # O_NONBLOCK: opening a named pipe must not wait for its writer.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(self._descriptor)
        except OSError as error:
            self.close()
            raise WeightsError(
                f"{name!r} cannot be opened: {error.strerror or error}.",
                hint="See that the file exists and may be read.",
                file=name,
            ) from error
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise WeightsError(f"{name!r} is not a regular file.", hint="Name a model's folder.", file=name)
        self.size = status.st_size

    def read_into(self, start: int, out: Bytes, *, keep: bool = True) -> None:
        del keep  # the disk keeps it
        view = memoryview(out.data).cast("B")
        done = 0
        while done < len(view):
            try:
                count = os.preadv(self._descriptor, [view[done:]], start + done)
            except OSError as error:
                raise WeightsError(
                    f"{self.name!r} cannot be read at byte {start + done:,}: {error.strerror or error}.",
                    hint="See that the file exists and may be read.",
                    file=self.name,
                ) from error
            if count == 0:
                raise WeightsError(
                    f"{self.name!r} ends before byte {start + len(view):,}.",
                    hint="It is cut short, or was changed while it was read: fetch it again.",
                    file=self.name,
                )
            done += count
        with self._lock:
            self._read.add(start, start + done)

    @property
    def bytes_read(self) -> int:
        return self._read.total

    def prefetch(self, spans: Sequence[Span]) -> None:
        """Nothing to do: the system's own cache reads ahead."""

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
