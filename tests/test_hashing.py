"""Content hashes: the published values of sha256, and what is odd about texts and files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tools.hashing import hash_bytes, hash_file, hash_text

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def test_the_published_value() -> None:
    assert hash_bytes(b"abc") == hash_text("abc") == ABC


@pytest.mark.parametrize("text", ["", "Grüße", "模型", "a\r\nb", "\x00", "e\u0301"])
def test_a_text_is_hashed_as_its_utf8(text: str) -> None:
    assert hash_text(text) == hashlib.sha256(text.encode()).hexdigest()


def test_texts_that_look_alike_have_different_hashes() -> None:
    alike = ["a\nb", "a\r\nb", "a\nb\n", "\ufeffa\nb"]
    assert len({hash_text(text) for text in alike}) == len(alike)
    assert hash_text("\u00e9") != hash_text("e\u0301")  # nothing is normalised


def test_half_a_surrogate_pair_can_be_hashed() -> None:
    assert hash_text("a\ud800") not in (hash_text("a"), hash_text("a\ud801"), hash_text("a\ufffd"))


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_a_file_is_hashed_over_all_its_blocks(tmp_path: Path, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (tmp_path / "shard").write_bytes(data)
    assert hash_file(tmp_path / "shard") == hash_bytes(data)


def test_line_ends_of_a_file_count(tmp_path: Path) -> None:
    (tmp_path / "card").write_bytes(b"a\r\nb\r\n")
    assert hash_file(tmp_path / "card") == hash_text("a\r\nb\r\n")
