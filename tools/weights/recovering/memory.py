"""What was found of models and pairs of them, kept so that nothing is read twice."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from tools.weights.opening import open_weights
from tools.weights.recovering.fingerprints import (
    Fingerprint,
    pack_fingerprint,
    read_fingerprint,
    unpack_fingerprint,
)

VERSION = "4"  # raised whenever what is kept, or how it is found, changes


class Memory(Protocol):
    """A store of bytes. After `put_finding` returns, a kill -9 loses nothing of it."""

    def get_finding(self, kind: str, key: str) -> bytes | None: ...

    def put_finding(self, kind: str, key: str, value: bytes) -> None: ...


class PassingMemory:
    """A memory that lasts as long as the process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def get_finding(self, kind: str, key: str) -> bytes | None:
        return self._kept.get((kind, key))

    def put_finding(self, kind: str, key: str, value: bytes) -> None:
        self._kept[kind, key] = value


def stamp_folder(place: Path) -> str:
    """What names a model's files as they are now: paths, sizes, times and file numbers, hashed.

    Nothing is read. A file that was written anew has another time and number. Raises OSError.
    """
    digest = hashlib.sha256(VERSION.encode())
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    for path in files:
        if path.suffix.lower() not in (".safetensors", ".gguf", ".json"):
            continue
        facts = path.stat()
        digest.update(f"{path.resolve()}\0{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}".encode())
        digest.update(f" {facts.st_ino}\n".encode())
    return digest.hexdigest()


def recall_fingerprint(memory: Memory, stamp: str, place: Path) -> Fingerprint:
    """The fingerprint of the files at `place` with this stamp; read, and kept, when it is not known.

    Raises WeightsError.
    """
    kept = memory.get_finding("fingerprint", stamp)
    if kept is not None:
        return unpack_fingerprint(kept)
    with open_weights(place) as weights:
        fingerprint = read_fingerprint(weights)
    memory.put_finding("fingerprint", stamp, pack_fingerprint(fingerprint))
    return fingerprint
