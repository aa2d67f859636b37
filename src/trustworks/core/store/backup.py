"""A copy of a running SQLite database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from trustworks.core.durable import synchronise
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.store.failures import code_of, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.store.database import Database

_PAGES = 1000


def back_up(database: Database, file: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database to the new file `file`, one state of it, while services go on; durable at the end.

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
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise Rejected("store.backup", f"{file} exists. Name a file that does not.") from None
    except OSError as error:
        raise Unavailable("store.backup", f"{file} cannot be written: {error.strerror}.") from error
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(file)) as writing,
        ):
            # One transaction over the whole copy: otherwise every write of a service starts the copy anew.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(
                writing, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total)
            )
            writing.execute("PRAGMA journal_mode=DELETE")
        synchronise(file)
        synchronise(file.absolute().parent)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise Unavailable("store.backup", f"{file} cannot be written: {error.strerror}.") from error
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        raise unavailable(code_of(error), f"the copy {file} of {database.where}", error) from error
