"""What every test stands on: no network beyond loopback, a clean environment, a home of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LAKE_SHARED", REPOSITORY.parent / "shared"))
_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", ""}


class NetworkBlockedError(RuntimeError):
    """A test reached for the network. Deliberately no OSError, which code under test may handle."""


def _require_loopback(address: object) -> None:
    if isinstance(address, tuple) and address[0] not in _LOOPBACK:
        raise NetworkBlockedError(f"tests may only reach loopback, not {address!r}")


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Unix sockets and loopback stay; anything else raises, name look-ups included."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _require_loopback(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _require_loopback(address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        _require_loopback((name or "",))
        return resolve(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


@pytest.fixture(autouse=True, scope="session")
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No key, no lake and no configuration of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("OPENAI_", "HF_", "LAKE_")):
                patch.delenv(name)
        nowhere = tmp_path_factory.mktemp("nowhere")
        patch.setenv("XDG_CONFIG_HOME", str(nowhere))
        patch.setenv("XDG_DATA_HOME", str(nowhere))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a lake may be made; it does not exist yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def small_home(
    tmp_path_factory: pytest.TempPathFactory, _loopback_only: None, _clean_environment: None
) -> Path:
    """The home of a lake with the four models of `tests.command_line`; copy it before writing to it."""
    from assistant.cli.app import run
    from tests.command_line import write_dump

    folder = tmp_path_factory.mktemp("small")
    dump = write_dump(folder / "cards.jsonl")
    assert run(["--home", str(folder / "home"), "ingest", str(dump)]) == 0
    return folder / "home"


@pytest.fixture(scope="session")
def assistant_home(
    tmp_path_factory: pytest.TempPathFactory, _loopback_only: None, _clean_environment: None
) -> Path:
    """The home of the lake of `tests.assistant_lake`; copy it before opening it."""
    from tests.assistant_lake import make_home

    return make_home(tmp_path_factory.mktemp("assistant"))


@pytest.fixture(scope="session")
def sample_home(
    tmp_path_factory: pytest.TempPathFactory, _loopback_only: None, _clean_environment: None
) -> Path:
    """The home of the embedded sample lake, searched by words only; copy it before opening it."""
    from tools.ingest import ingest
    from tools.lake import Lake

    home = tmp_path_factory.mktemp("sample") / "home"
    with Lake.open(home, embedder=None) as lake:
        assert ingest(lake, ["sample:"]).failed == []
    return home


@pytest.fixture(scope="session")
def real_lake() -> Path:
    """The folder of real cards and questions, `lake/` of the shared data beside the repository."""
    lake = SHARED / "lake"
    if not (lake / "model_cards_with_metadata.parquet").is_file():
        pytest.skip(f"no real cards at {lake}; set LAKE_SHARED to the folder that holds lake/")
    return lake
