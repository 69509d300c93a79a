"""Content hashes: sha256 in lower-case hexadecimal, as every locator of this project carries."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK_BYTES = 1 << 20


def hash_bytes(data: bytes) -> str:
    """sha256 of `data`, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_text(text: str) -> str:
    """sha256 of the UTF-8 encoding of `text` (lone surrogates are kept, so that any cell can be hashed)."""
    return hash_bytes(text.encode("utf-8", "surrogatepass"))


def hash_file(path: Path) -> str:
    """sha256 of a file, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
