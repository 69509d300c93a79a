"""The SQLite database under the catalog: connections, transactions, and errors a person can act on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DatabaseError

from tools.catalog.schema import create_schema
from tools.errors import HomeError
from tools.home import explain_full_disk, is_disk_full

_BUSY_MILLISECONDS = 5000
# SQLite allows 32,766 bound values in a statement.
_CHUNK = 10_000

T = TypeVar("T")


class Database:
    """A SQLite file in WAL mode with foreign keys. Reads may come from any thread; writes are one at a time.

    A write that has returned survives a kill -9 (WAL, synchronous=NORMAL).
    """

    def __init__(self, path: Path, *, home: str | None = None) -> None:
        self.path = path
        self.home = home or str(path.parent)
        self._engine = create_engine(URL.create("sqlite", database=str(path)))
        self._write_lock = threading.RLock()
        self.writes = 0  # transactions of this process, so that what was read can be known to be current
        event.listen(self._engine, "connect", _prepare_connection)
        event.listen(self._engine, "begin", _begin)
        try:
            with self._write() as connection:
                create_schema(connection)
        except HomeError:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Close every connection; the write-ahead log is folded into the file."""
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._explaining(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing."""
        with self._write_lock, self._explaining():
            with self._engine.begin() as connection:
                yield connection
            self.writes += 1

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise explain_database_error(error.orig, self.home) from error
        except sqlite3.DatabaseError as error:
            raise explain_database_error(error, self.home) from error


def explain_database_error(error: BaseException | None, home: str) -> HomeError:
    """The HomeError that tells a person what a SQLite error means for the lake at `home`."""
    said = str(error)
    if "full" in said or ("disk I/O" in said and is_disk_full(Path(home))):
        return explain_full_disk(Path(home))
    if "readonly" in said or "read-only" in said:
        return HomeError(
            f"The lake's home {home!r} cannot be written ({said}).",
            hint="Make it writable, or name another home with --home or LAKE_HOME.",
        )
    if "not a database" in said or "malformed" in said:
        return HomeError(
            f"The catalog of the lake {home!r} is damaged ({said}).",
            hint="Restore it from a backup, or ingest the sources into a new home (--home or LAKE_HOME).",
        )
    return HomeError(
        f"The catalog of the lake {home!r} failed: {said}.",
        hint="Check the disk and its free space, then run the same command again.",
    )


def chunked(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of `values` small enough to be bound in one statement."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _prepare_connection(connection: Any, record: Any) -> None:
    # Transactions are begun by `_begin`: the driver's own rule would leave schema changes outside of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA cache_size = -32000")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
