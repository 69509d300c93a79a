"""The home directory of a lake: made on first use, owned by one process, upgraded or refused by version.

Embedded Chroma is for one process: a second reader sees stale rows, two writers corrupt the collection. So
the whole home is held by an operating-system lock, which the kernel lets go when its holder dies, kill -9
included.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.errors import HomeBusyError, HomeError

SCHEMA_VERSION = 1
# From version N to N + 1. A step must bear being run again: a kill -9 can fall between it and the manifest.
MIGRATIONS: dict[int, Callable[[Path], None]] = {}

MANIFEST_NAME = "lake.json"
LOCK_NAME = "lake.lock"
CATALOG_NAME = "catalog.sqlite"
CHROMA_NAME = "chroma"

_FORMAT = "model-lake"
_LOCK_WAIT_SECONDS = 2.0
_LOCK_POLL_SECONDS = 0.05
# The holder's description fills a fixed block, so that rewriting it needs no new space on a full disk.
_HOLDER_BYTES = 1024
_SPARE_BYTES = 1 << 18
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who owns a home."""

    pid: int
    command: str
    started: str  # ISO 8601, UTC


class Home:
    """An open, locked home. Close it (or leave the `with` block) to let others in."""

    def __init__(self, path: Path, lake_id: str, schema_version: int, lock: int) -> None:
        self.path = path
        self.lake_id = lake_id
        self.schema_version = schema_version
        self._lock: int | None = lock

    @property
    def catalog_path(self) -> Path:
        return self.path / CATALOG_NAME

    @property
    def chroma_path(self) -> Path:
        return self.path / CHROMA_NAME

    def close(self) -> None:
        """Let the lock go; closing twice does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Home:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_home(path: Path, *, command: str = "", wait: float = _LOCK_WAIT_SECONDS) -> Home:
    """Open the home at `path`, making it when it is not there or empty, and own it until closed.

    `command` is shown to whoever is refused meanwhile; `wait` is how many seconds to wait for another
    process. Raises HomeBusyError when another process owns it, HomeError when the place is no lake's home,
    cannot be written, is full, damaged, or made by a newer version. An older home is upgraded step by step.
    """
    path = path.expanduser().absolute()
    try:
        _check_place(path)
        path.mkdir(parents=True, exist_ok=True)
        lock = _take_lock(path, wait)
    except OSError as error:
        raise explain_os_error(error, path) from error
    try:
        _describe_holder(lock, command or " ".join(sys.argv[:3]) or "python")
        manifest = _read_manifest(path)
        if manifest is None:
            manifest = {
                "format": _FORMAT,
                "schema_version": SCHEMA_VERSION,
                "lake_id": uuid.uuid4().hex[:16],
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            _write_manifest(path, manifest)
        manifest = _upgrade(path, manifest)
    except OSError as error:
        os.close(lock)
        raise explain_os_error(error, path) from error
    except HomeError:
        os.close(lock)
        raise
    return Home(path, str(manifest["lake_id"]), int(manifest["schema_version"]), lock)


def read_holder(path: Path) -> Holder | None:
    """What the lock file of the home at `path` says of its (last) owner, or None when it says nothing."""
    try:
        raw = (path / LOCK_NAME).read_bytes()
        data = json.loads(raw.decode("utf-8"))
        return Holder(pid=int(data["pid"]), command=str(data["command"]), started=str(data["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_disk_full(path: Path) -> bool:
    """Whether the disk under `path` has no space worth mentioning left."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free < _SPARE_BYTES


def explain_full_disk(path: Path) -> HomeError:
    """What a person is told when the disk under the home at `path` is full."""
    return HomeError(
        f"The disk that holds the lake {str(path)!r} is full; what was reported as stored is safe.",
        hint="Free some space, then run the same command again: it carries on where it stopped.",
    )


def explain_os_error(error: OSError, path: Path) -> HomeError:
    """The HomeError that tells a person what an operating-system error at a home means."""
    where = str(path)
    if error.errno in _FULL:
        return explain_full_disk(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return HomeError(
            f"The lake's home {where!r} cannot be written ({error.strerror}).",
            hint="Make it writable, or name another home with --home or LAKE_HOME.",
        )
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return HomeError(
            f"The lake's home {where!r} is a file, or lies below one.",
            hint="Name a folder with --home or LAKE_HOME.",
        )
    return HomeError(
        f"The lake's home {where!r} cannot be used: {error.strerror or error}.",
        hint="Name another home with --home or LAKE_HOME.",
    )


def _check_place(path: Path) -> None:
    """Refuse a folder that holds something else: a lake never spreads into a foreign directory."""
    if not path.exists():
        return
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    names = {entry.name for entry in path.iterdir()}
    if MANIFEST_NAME not in names and names - {LOCK_NAME, MANIFEST_NAME + ".new"}:
        example = min(names - {LOCK_NAME})
        raise HomeError(
            f"{str(path)!r} is not a lake's home: it holds other files, e.g. {example!r}.",
            hint="Name an empty or new folder with --home or LAKE_HOME.",
        )


def _take_lock(path: Path, wait: float) -> int:
    lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait
    while not _try_lock(lock):
        if time.monotonic() >= deadline:
            os.close(lock)
            holder = read_holder(path)
            who = (
                f"process {holder.pid} ({holder.command!r}, since {holder.started})"
                if holder
                else "another process"
            )
            raise HomeBusyError(
                f"The lake {str(path)!r} is in use by {who}.",
                hint="Wait until it is done or stop it, or use another home with --home or LAKE_HOME.",
            )
        time.sleep(_LOCK_POLL_SECONDS)
    return lock


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: int) -> bool:
        # Locked bytes cannot be read by others on Windows: lock one far behind the holder's description.
        os.lseek(lock, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(lock: int) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _describe_holder(lock: int, command: str) -> None:
    described = {
        "pid": os.getpid(),
        "command": command[:200],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    block = json.dumps(described).encode().ljust(_HOLDER_BYTES)
    try:
        os.lseek(lock, 0, os.SEEK_SET)
        os.write(lock, block)
    except OSError as error:
        # The description only serves those who are refused; a full disk must not keep readers out.
        if error.errno not in _FULL:
            raise


def _read_manifest(path: Path) -> dict[str, Any] | None:
    try:
        text = (path / MANIFEST_NAME).read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text = ""
    try:
        manifest = json.loads(text)
        known = manifest["format"] == _FORMAT and int(manifest["schema_version"]) >= 1 and manifest["lake_id"]
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise HomeError(
            f"{str(path / MANIFEST_NAME)!r} is not a lake's manifest, or it is damaged.",
            hint="Name another home with --home or LAKE_HOME, or restore the file from a backup.",
        )
    return dict(manifest)


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    fresh = path / (MANIFEST_NAME + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path / MANIFEST_NAME)


def _upgrade(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    version = int(manifest["schema_version"])
    if version > SCHEMA_VERSION:
        raise HomeError(
            f"The lake {str(path)!r} has schema version {version}; this program knows versions up to"
            f" {SCHEMA_VERSION}.",
            hint="Upgrade model-lake-assistant, or name another home with --home or LAKE_HOME.",
        )
    while version < SCHEMA_VERSION:
        step = MIGRATIONS.get(version)
        if step is None:
            raise HomeError(
                f"The lake {str(path)!r} has schema version {version}, which is too old to be upgraded to"
                f" {SCHEMA_VERSION}.",
                hint="Name a new home with --home or LAKE_HOME and ingest the sources again.",
            )
        step(path)
        version += 1
        manifest = {**manifest, "schema_version": version}
        _write_manifest(path, manifest)
    return manifest
