"""One process at a time does something outside the database: over all machines that share the database.

PostgreSQL is shared by machines, so the turn is a lock of its own, held by a transaction; SQLite by processes
of one machine, containers too, so it is a file's lock beside the database. Who dies gives the turn back.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import text

from trustworks.core.errors import Unavailable
from trustworks.core.store.failures import translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.store.database import Database

# The transaction waits while people type PINs; of a machine that is gone the server learns within minutes.
_WAITS = (
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL tcp_keepalives_idle = 60",
    "SET LOCAL tcp_keepalives_interval = 10",
    "SET LOCAL tcp_keepalives_count = 6",
)


@contextmanager
def exclusively(database: Database, name: str) -> Iterator[bool]:
    """Take the turn `name`, a word fit for a file, for the block: whether it was free.

    Needs a connection of its own for as long. Raises `Unavailable` (store.turn, and as the database does).
    """
    file = database.settings.sqlite_file
    if file is not None:
        with _by_file(file.parent / "turns" / name) as taken:
            yield taken
        return
    key = int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
    with translated(database.where), database.engine.begin() as connection:
        for one in _WAITS:
            connection.execute(text(one))
        yield bool(
            connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one()
        )


@contextmanager
def _by_file(file: Path) -> Iterator[bool]:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            "store.turn", f"{file} cannot be opened: {error.strerror}. Let this account write there."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            taken = False
        else:
            taken = True
        yield taken
    finally:
        os.close(descriptor)
