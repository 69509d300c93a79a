"""The vector index: what Chroma is asked, and how well it answers beside exact search."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.errors import HomeError, LakeError, ServiceError, UsageError
from tools.hashing import hash_text
from tools.vectors import DamagedIndexError, VectorIndex

DIMENSION = 32


def _vectors(count: int, *, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Unit vectors in clusters, as texts are: a few hundred centres with noise around them."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((300, dimension))
    points = centres[random.integers(0, 300, count)] + 0.5 * random.standard_normal((count, dimension))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


def _hashes(count: int) -> list[str]:
    return [hash_text(str(number)) for number in range(count)]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[VectorIndex]:
    opened = VectorIndex(tmp_path / "chroma", collection="lake-test-0", dimension=DIMENSION)
    yield opened
    opened.close()


def test_vectors_are_found_by_cosine_and_survive_reopening(index: VectorIndex) -> None:
    assert index.query(_vectors(1)[0], 5) == []
    vectors, hashes = _vectors(20), _hashes(20)
    index.add(hashes, vectors)
    index.close()
    assert index.count() == 20
    found = index.query(vectors[7], 3)
    assert found[0][0] == hashes[7]
    for text_hash, cosine in found:
        assert cosine == pytest.approx(float(vectors[7] @ vectors[hashes.index(text_hash)]), abs=1e-5)
    assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)
    assert len(index.query(vectors[0], 100)) == 20
    assert index.query(vectors[0], 0) == []


def test_adding_again_replaces_and_removing_removes(index: VectorIndex) -> None:
    vectors, hashes = _vectors(4), _hashes(4)
    index.add(hashes, vectors)
    index.add(hashes[:1], vectors[3:])
    assert index.count() == 4
    assert index.existing([*hashes, "nothing"]) == set(hashes)
    index.remove([hashes[3], "nothing"])
    assert index.existing(hashes) == set(hashes[:3])
    assert index.query(vectors[3], 1)[0][0] == hashes[0]


def test_more_rows_than_chroma_takes_at_once(index: VectorIndex) -> None:
    index.add(_hashes(5600), _vectors(5600))
    assert index.count() == 5600
    assert len(index.existing(_hashes(5600))) == 5600


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_vectors_without_a_direction_are_refused(index: VectorIndex, bad: float) -> None:
    vectors = _vectors(2)
    vectors[1] = bad
    with pytest.raises(ValueError, match="zero or not finite"):
        index.add(_hashes(2), vectors)
    with pytest.raises(ValueError, match="shape"):
        index.add(_hashes(3), _vectors(2))
    assert index.count() == 0


def test_two_collections_of_a_place_do_not_mix(index: VectorIndex, tmp_path: Path) -> None:
    index.add(_hashes(3), _vectors(3))
    other = VectorIndex(tmp_path / "chroma", collection="lake-test-1", dimension=8)
    assert other.count() == 0
    other.add(_hashes(2), _vectors(2, dimension=8))
    assert (index.count(), other.count()) == (3, 2)
    other.drop_others("lake-test-")
    other.drop_others("lake-elsewhere-")
    assert other.count() == 2
    other.close()


def test_hnsw_finds_what_exact_search_finds(index: VectorIndex) -> None:
    vectors, hashes = _vectors(4000), _hashes(4000)
    index.add(hashes, vectors)
    hits = 0
    for query in _vectors(50, seed=1):
        exact = {hashes[row] for row in np.argsort(-(vectors @ query))[:10]}
        hits += len(exact & {text_hash for text_hash, _ in index.query(query, 10)})
    assert hits / 500 >= 0.99


def test_a_damaged_index_says_how_to_mend_it(index: VectorIndex, tmp_path: Path) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"no database at all" * 500)
    with pytest.raises(DamagedIndexError) as damaged:
        index.count()
    assert "--re-embed" in damaged.value.hint
    assert isinstance(damaged.value, HomeError)


def test_a_file_in_the_place_of_the_index_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "chroma").write_text("a file")
    with pytest.raises(LakeError):
        VectorIndex(tmp_path / "chroma", collection="lake-test-0", dimension=4).count()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_down_is_a_service_error() -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(ServiceError, match=url) as down:
        VectorIndex(url, collection="lake-test-0", dimension=4).count()
    assert "LAKE_CHROMA_URL" in down.value.hint
    assert down.value.exit_code == 3


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address"):
        VectorIndex(url, collection="lake-test-0", dimension=4).count()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    port = _free_port()
    command = Path(sys.executable).parent / "chroma"
    process = subprocess.Popen(
        [command, "run", "--path", tmp_path / "server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "ANONYMIZED_TELEMETRY": "False", "HOME": str(tmp_path)},
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.mark.slow
def test_a_chroma_server_serves_two_lakes(server: str) -> None:
    one = VectorIndex(server, collection="lake-one-0", dimension=DIMENSION)
    two = VectorIndex(server, collection="lake-two-0", dimension=DIMENSION)
    vectors, hashes = _vectors(300), _hashes(300)
    one.add(hashes, vectors)
    two.add(hashes[:5], vectors[:5])
    assert (one.count(), two.count()) == (300, 5)
    assert one.query(vectors[42], 2)[0][0] == hashes[42]
    assert one.existing([*hashes[298:], "nothing"]) == set(hashes[298:])
    one.remove(hashes[:100])
    assert one.count() == 200
    later = VectorIndex(server, collection="lake-one-1", dimension=8)
    later.drop_others("lake-one-")
    assert (later.count(), two.count()) == (0, 5)
    with pytest.raises(ServiceError):
        one.count()
    for index in (one, two, later):
        index.close()
