"""Weights that stay on the Hub: of every file only the parts that are asked for come over the network."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tools.errors import LakeError
from tools.hub import HubClient, HubModel, HubName, HubServiceError
from tools.weights.errors import HubError, WeightsError
from tools.weights.files import Bytes, Span
from tools.weights.spans import SpanSet

_GAP = 2**14  # bytes between two wanted spans that are fetched along, since a request costs more
_REQUEST_BYTES = 2**23
_AT_ONCE = 6
_SMALL_BYTES = 2**25  # a file of up to so many bytes is fetched whole: cheaper than asking for its parts


class HubRepository:
    """A model's files on the Hub at one commit (see `tools.weights.shards.Repository`)."""

    def __init__(self, client: HubClient, name: HubName) -> None:
        """Asks the Hub for the list of files. Raises HubError."""
        try:
            self.model: HubModel = client.describe(name)
        except HubServiceError as error:
            raise HubError(error.message, hint=error.hint) from error
        self.client = client
        self.name = self.model.model
        self.source = self.model.source

    def list_files(self) -> Sequence[str]:
        return tuple(self.model.files)

    def open_file(self, name: str) -> HubFile:
        if name not in self.model.files:
            raise WeightsError(
                f"{self.name!r} has no file {name!r} at commit {self.model.sha[:8]}.",
                hint="Its index and its files are not of one revision.",
                file=name,
            )
        size = self.model.files[name]
        if size is None:
            raise HubError(f"The Hub does not tell the size of {name!r}.", hint="Try again later.", file=name)
        return HubFile(self.client, self.model, name, size)

    def close(self) -> None:
        """Nothing is held open."""


class HubFile:
    """A file on the Hub (see `tools.weights.files.WeightsFile`).

    What came is kept in a temporary file with holes, so that nothing comes twice and memory stays small.
    """

    is_local = False

    def __init__(self, client: HubClient, model: HubModel, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._client = client
        self._model = model
        self._kept = tempfile.TemporaryFile(prefix="lake-hub-")  # noqa: SIM115 - closed with this file
        self._held = SpanSet()
        self._came = 0
        self._lock = threading.Lock()

    @property
    def bytes_read(self) -> int:
        return self._came

    def read_into(self, start: int, out: Bytes, *, keep: bool = True) -> None:
        length = out.nbytes
        wanted = (start, start + length)
        if self.size <= _SMALL_BYTES:
            keep, wanted = True, (0, self.size)
        with self._lock:
            missing = self._held.find_missing(*wanted)
        for begin, end in missing:
            for first in range(begin, end, _REQUEST_BYTES):
                piece = self._fetch(first, min(first + _REQUEST_BYTES, end))
                if keep:
                    self._keep(first, piece)
                else:
                    out[first - start : first - start + len(piece)] = np.frombuffer(piece, np.uint8)
        with self._lock:
            held = [(start, start + length)] if keep else _invert(missing, start, start + length)
            for begin, end in held:
                self._kept.seek(begin)
                out[begin - start : end - start] = np.frombuffer(self._kept.read(end - begin), np.uint8)

    def prefetch(self, spans: Sequence[Span]) -> None:
        """Fetch what is missing of the spans, neighbours together, several requests at once."""
        if self.size <= _SMALL_BYTES:
            return
        with self._lock:
            missing = [
                gap for first, count in sorted(spans) for gap in self._held.find_missing(first, first + count)
            ]
        joined: list[list[int]] = []
        for begin, end in missing:
            if joined and begin - joined[-1][1] <= _GAP and end - joined[-1][0] <= _REQUEST_BYTES:
                joined[-1][1] = max(end, joined[-1][1])
            else:
                joined.append([begin, end])
        if len(joined) < 2:
            return  # reading it is as quick

        def fetch(span: list[int]) -> None:
            for first in range(span[0], span[1], _REQUEST_BYTES):
                self._keep(first, self._fetch(first, min(first + _REQUEST_BYTES, span[1])))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(fetch, joined))

    def close(self) -> None:
        self._kept.close()

    def _fetch(self, begin: int, end: int) -> bytes:
        try:
            piece = self._client.read_range(self._model, self.name, begin, end - begin)
        except HubServiceError as error:
            raise HubError(error.message, hint=error.hint, file=self.name) from error
        except LakeError as error:
            raise WeightsError(error.message, hint=error.hint, file=self.name) from error
        with self._lock:
            self._came += len(piece)
        return piece

    def _keep(self, start: int, piece: bytes) -> None:
        with self._lock:
            self._kept.seek(start)
            self._kept.write(piece)
            self._held.add(start, start + len(piece))


def _invert(missing: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What of start…end is not missing."""
    found, at = [], start
    for begin, stop in missing:
        if begin > at:
            found.append((at, begin))
        at = stop
    return [*found, (at, end)] if at < end else found
