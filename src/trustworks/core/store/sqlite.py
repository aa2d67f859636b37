"""SQLite as the records' database: durable at every commit, one writer at a time, readers never wait."""

from __future__ import annotations

import os
import sqlite3
from os.path import samestat
from typing import TYPE_CHECKING, Any

from sqlalchemy import QueuePool, create_engine, event

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from trustworks.core.store.config import StoreSettings

# FULL: every commit reaches the disk before it returns. NORMAL would lose the last commits of a power cut.
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",  # macOS: past the drive's cache
    "PRAGMA checkpoint_fullfsync=1",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
)

LONGEST_PATH = 504  # octets: SQLite has room for 512, and leaves some of them for the ends of its other files


def check_path(file: Path) -> None:
    """Raise `Unavailable` (store.cannot-open) where SQLite cannot open a file for the length of its path."""
    octets = len(os.fsencode(os.path.realpath(file)))  # SQLite follows links first
    if octets > LONGEST_PATH:
        raise Unavailable(
            "store.cannot-open",
            f"The database {file} cannot be opened: its path has {octets} octets, and SQLite opens none of "
            f"more than {LONGEST_PATH}. Choose a shorter path for it.",
        )


def open_engine(settings: StoreSettings, file: Path) -> Engine:
    """An engine whose transactions begin with BEGIN IMMEDIATE where they write; the file must exist.

    Raises what `check_path` raises.
    """
    check_path(file)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=settings.busy_timeout,
            isolation_level=None,  # transactions begin where we say so, below
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            _configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=30,
    )
    opened = _Opened(file)
    event.listen(engine, "connect", opened.remember)
    event.listen(engine, "begin", opened.check)
    event.listen(engine, "begin", _begin)
    return engine


class _Opened:
    """Sees to it that the file under a connection is still the one at its path.

    A file that was removed or replaced stays open under who has it: what is written there is gone with the
    last of them, and what is read there tells of the past.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def remember(self, _driver: object, record: Any) -> None:
        """Note which file a new connection has."""
        record.info[_FILE] = self._file.stat()

    @implements("TRUSTWORKS:STORE-REPLACED", disabled=None)
    def check(self, connection: Connection) -> None:
        """Raise `Unavailable` (store.replaced) when another file, or none, is at the path."""
        try:
            if samestat(connection.info[_FILE], self._file.stat()):
                return
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Unavailable(
                "store.cannot-open", f"The database {self._file} cannot be looked at: {error.strerror}."
            ) from None
        raise Unavailable(
            "store.replaced",
            f"The database {self._file} was removed or replaced while it was open. Stop the services, put "
            "back the file that belongs there, and start them.",
        )


_FILE = "trustworks_file"


@implements("TRUSTWORKS:STORE-01")
def _configure(connection: sqlite3.Connection) -> None:
    """Make a connection's commits durable, and its constraints count."""
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    driver: Any = connection.connection.driver_connection
    driver.text_factory = _escaped if options.get("trustworks_escape", False) else str
    # A deferred transaction that reads, then writes, can fail in the middle; one that says so at once waits.
    driver.execute("BEGIN IMMEDIATE" if options.get("trustworks_write", False) else "BEGIN")


def _escaped(octets: bytes) -> str:
    return octets.decode(errors="backslashreplace")


def create(file: Path, timeout: float) -> None:
    """Create the database file with write-ahead logging, if it is not there; only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)
    connection: Any = sqlite3.connect(file, timeout=timeout, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
