"""A copy of a running SQLite database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from trustworks.core.durable import new_file
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.store.failures import translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.store.database import Database

_PAGES = 1000


def back_up(database: Database, file: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database to the new file `file`, one state of it, while services go on.

    The copy has its name when it is whole and durable, and not before.
    `progress` is called with pages done and pages in all. Raises `Rejected` (store.backup) for PostgreSQL,
    which has its own tools, and for a file that exists; `Unavailable`.
    """
    source = database.settings.sqlite_file
    if source is None:
        raise Rejected(
            "store.backup",
            "Back up PostgreSQL by its own tools: pg_basebackup with WAL archiving, or pg_dump.",
        )
    try:
        with translated(f"the copy {file} of {database.where}"), new_file(file, mode=0o600) as new:
            _copy(source, new, progress)
    except FileExistsError:
        raise Rejected("store.backup", f"{file} exists. Name a file that does not.") from None
    except OSError as error:
        raise Unavailable("store.backup", f"{file} cannot be written: {error.strerror}.") from error


def _copy(source: Path, copy: Path, progress: Callable[[int, int], None]) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(copy)) as writing,
    ):
        # One transaction over the whole copy: otherwise every write of a service starts the copy anew.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
        writing.execute("PRAGMA journal_mode=DELETE")
