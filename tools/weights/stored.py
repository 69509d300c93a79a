"""One tensor as it lies in a file: rows of it, decoded to float32, and the hash of what was read."""

from __future__ import annotations

import hashlib
import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from tools.weights.dtypes import Codec, Floats
from tools.weights.errors import WeightsError
from tools.weights.files import Bytes, Span, WeightsFile
from tools.weights.spans import SpanSet
from tools.weights.types import TensorInfo

_MAX_ROW_BYTES = 2**30  # as float32; a tensor that cannot be cut smaller is not read
_CHUNK_BYTES = 2**20  # raw bytes decoded at once: they stay in the processor's cache
_HASH_BYTES = 2**20
_rooms = threading.local()


class ReadableTensor(Protocol):
    """A tensor of which runs of rows can be read, whatever lies behind it."""

    info: TensorInfo

    def read_run(self, first: int, out: Floats, *, keep: bool = True) -> None:
        """Fill `out`, shape (n, *info.shape[1:]), with n rows from `first` on. Raises WeightsError."""
        ...

    def prefetch(self, runs: Sequence[range]) -> None:
        """Say which rows will be read next."""
        ...

    def hash_read(self) -> str: ...


def count_rows(shape: tuple[int, ...]) -> int:
    """Rows of a tensor: the first axis; a scalar has one."""
    return shape[0] if shape else 1


def make_rows(shape: tuple[int, ...], count: int) -> Floats:
    """Room for `count` rows of a tensor of `shape`. Raises WeightsError when one row is too large."""
    inner = shape[1:]
    if math.prod(inner) * 4 > _MAX_ROW_BYTES:
        raise WeightsError(
            f"One row of a tensor of shape {shape} takes more than {_MAX_ROW_BYTES:,} bytes.",
            hint="Such a tensor cannot be read in blocks.",
        )
    return np.empty((count, *inner), np.float32)


def read_rows(tensor: ReadableTensor, rows: Sequence[int] | slice) -> Floats:
    """The rows asked for, in the order asked for. Raises IndexError for a row that is not there."""
    shape = tensor.info.shape
    total = count_rows(shape)
    if isinstance(rows, slice):
        wanted = range(total)[rows]
        if wanted.step == 1 or 0 in shape:
            out = make_rows(shape, len(wanted))
            if out.size:
                tensor.prefetch([wanted])
                tensor.read_run(wanted.start, out)
            return out
        rows = wanted
    order = np.asarray(rows, dtype=np.int64).reshape(-1)
    if order.size and (order.min() < 0 or order.max() >= total):
        raise IndexError(f"{tensor.info.name!r} has {total} rows; asked for {order.min()} to {order.max()}")
    unique, places = np.unique(order, return_inverse=True)
    runs = _find_runs(unique.tolist())
    tensor.prefetch(runs)
    out = make_rows(shape, len(unique))
    done = 0
    for run in runs:
        tensor.read_run(run.start, out[done : done + len(run)])
        done += len(run)
    return out if np.array_equal(places, np.arange(len(unique))) else out[places]


def read_blocks(tensor: ReadableTensor, max_bytes: int, *, reuse: bool = False) -> Iterator[Floats]:
    """All rows in consecutive blocks of at most `max_bytes` of float32 (one row at least).

    `reuse`: a block is overwritten by the next, which saves the system from clearing new memory for each.
    """
    shape = tensor.info.shape
    total = count_rows(shape)
    if 0 in shape:
        return
    step = max(1, max_bytes // (4 * math.prod(shape[1:])))
    room = make_rows(shape, min(step, total)) if reuse else None
    for first in range(0, total, step):
        count = min(step, total - first)
        out = make_rows(shape, count) if room is None else room[:count]
        tensor.read_run(first, out, keep=False)
        yield out


def _find_runs(rows: list[int]) -> list[range]:
    """Ascending rows as runs of neighbours."""
    runs = []
    for _, group in itertools.groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        members = [row for _, row in group]
        runs.append(range(members[0], members[-1] + 1))
    return runs


def _borrow_room(count: int) -> Bytes:
    """Room for raw bytes, kept for each thread: the system clears the pages of new memory, which costs more
    than decoding does."""
    room: Bytes | None = getattr(_rooms, "raw", None)
    if room is None:
        room = _rooms.raw = np.empty(_CHUNK_BYTES, np.uint8)
    return room[:count]


class StoredTensor:
    """Values as a file holds them, row after row, each row a whole number of the codec's blocks.

    What was read is remembered as positions, not bytes. `hash_read` takes every byte once, in the file's
    order, so that it depends on what was read and not on how often or in which calls.
    """

    def __init__(self, info: TensorInfo, file: WeightsFile, start: int, codec: Codec) -> None:
        """The tensor whose first byte is at `start` of `file`."""
        self.info = info
        self.start = start
        self._file = file
        self._codec = codec
        self._read = SpanSet()
        self._lock = threading.Lock()
        self._streamed = hashlib.sha256()  # of the bytes before _streamed_to, where the file keeps nothing
        self._streamed_to = start

    def read_run(self, first: int, out: Floats, *, keep: bool = True) -> None:
        self.read_values(first * math.prod(self.info.shape[1:]), out.reshape(-1), keep=keep)

    def read_values(self, first: int, out: Floats, *, keep: bool = True) -> None:
        """Fill the one-dimensional `out` with values from the one at `first` on, counted in C order."""
        block = self._codec.block_values
        lead = first % block
        if lead or out.size % block:  # rows shorter than a block
            whole = np.empty(-(-(lead + out.size) // block) * block, np.float32)
            self._read_blocks((first - lead) // block, whole, keep=keep)
            out[:] = whole[lead : lead + out.size]
        else:
            self._read_blocks(first // block, out, keep=keep)

    def read_raw(self, first: int, end: int, *, keep: bool = True) -> Bytes:
        """The bytes of the values from `first` up to `end`, as they are stored (no block quantisation)."""
        size = self._codec.block_bytes
        raw = np.empty((end - first) * size, np.uint8)
        begin = self.start + first * size
        self._fill(begin, raw, keep=keep)
        with self._lock:
            self._read.add(begin, begin + len(raw))
        return raw

    def _read_blocks(self, first: int, out: Floats, *, keep: bool) -> None:
        codec = self._codec
        begin = self.start + first * codec.block_bytes
        length = out.size // codec.block_values * codec.block_bytes
        if length == 0:
            return
        if codec.is_native:
            self._fill(begin, out.view(np.uint8), keep=keep)
        else:
            step = _CHUNK_BYTES // codec.block_bytes * codec.block_bytes if self._file.is_local else length
            raw = _borrow_room(step) if step <= _CHUNK_BYTES else np.empty(min(step, length), np.uint8)
            for offset in range(0, length, step):
                piece = raw[: min(step, length - offset)]
                self._fill(begin + offset, piece, keep=keep)
                value = offset // codec.block_bytes * codec.block_values
                codec.decode(piece, out[value : value + len(piece) // codec.block_bytes * codec.block_values])
        with self._lock:
            self._read.add(begin, begin + length)

    def prefetch(self, runs: Sequence[range]) -> None:
        row = math.prod(self.info.shape[1:])
        self.prefetch_values([(run.start * row, len(run) * row) for run in runs])

    def prefetch_values(self, spans: Sequence[Span]) -> None:
        """Say which values will be read next: (first, number)."""
        codec = self._codec
        blocks = [
            (first // codec.block_values, -(-(first + count) // codec.block_values)) for first, count in spans
        ]
        self._file.prefetch(
            [(self.start + low * codec.block_bytes, (high - low) * codec.block_bytes) for low, high in blocks]
        )

    def hash_read(self) -> str:
        """sha256 of every byte of this tensor that was read so far, each once, in the file's order."""
        with self._lock:
            digest = self._streamed.copy()
            streamed_to = self._streamed_to
            spans = list(self._read)
        for begin, end in spans:
            for place in range(max(begin, streamed_to), end, _HASH_BYTES):
                piece = np.empty(min(_HASH_BYTES, end - place), np.uint8)
                self._file.read_into(place, piece)
                digest.update(piece.data)
        return digest.hexdigest()

    def _fill(self, begin: int, raw: Bytes, *, keep: bool) -> None:
        self._file.read_into(begin, raw, keep=keep)
        if keep or self._file.is_local:
            return
        with self._lock:  # these bytes will not be had again: hash them now
            if begin <= self._streamed_to < begin + len(raw):
                self._streamed.update(raw[self._streamed_to - begin :].data)
                self._streamed_to = begin + len(raw)
