"""What a database's error means to an operator: a code, and a sentence that says what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import exc

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

# code -> sentence; {where} is the database.
SENTENCES = {
    "store.full": "The disk or the quota of {where} is full. Make room; the services go on by themselves.",
    "store.locked": "{where} was locked by another process for too long. Find the process that holds a long "
    "transaction (a backup, a shell) and end it.",
    "store.read-only": "{where} can only be read. Give the service's account the right to write the file and "
    "its folder, or point it to the primary server.",
    "store.not-a-database": "{where} is not a database. Restore it from a backup, or correct [store] url.",
    "store.damaged": "{where} is damaged. Stop the services, keep a copy to investigate, restore a backup.",
    "store.cannot-open": "{where} cannot be opened. `trustworks store upgrade` creates it; else see that "
    "the service's account may read and write the file and its folder.",
    "store.input-output": "Reading or writing {where} failed. Check the disk and the system's log.",
    "store.schema": "Tables of {where} are missing or of another version. Run `trustworks store upgrade`.",
    "store.stopped": "The PostgreSQL server of {where} does not answer. Start it, or correct [store] url.",
    "store.refused": "The PostgreSQL server refuses the account, or has no such database: {where}. Correct "
    "[store] url and password-source, or create the database.",
    "store.busy": "No connection to {where} is free. Raise [store] connections, or the server's limit.",
    "store.failed": "{where} failed in an unexpected way: {reason}.",
}

_SQLITE = (
    ("SQLITE_FULL", "store.full"),
    ("SQLITE_BUSY", "store.locked"),
    ("SQLITE_LOCKED", "store.locked"),
    ("SQLITE_READONLY", "store.read-only"),
    ("SQLITE_NOTADB", "store.not-a-database"),
    ("SQLITE_CORRUPT", "store.damaged"),
    ("SQLITE_CANTOPEN", "store.cannot-open"),
    ("SQLITE_PERM", "store.cannot-open"),
    ("SQLITE_AUTH", "store.cannot-open"),
    ("SQLITE_IOERR", "store.input-output"),
)

# What has no name of its own: SQLite's plain errors, and what Python's driver finds.
_WORDS = (
    ("no such table", "store.schema"),
    ("no such column", "store.schema"),
    ("Could not decode to UTF-8", "store.damaged"),
    ("already exists", "store.damaged"),  # a table whose version is gone
)

# SQLSTATE, whole or its class. Source: PostgreSQL documentation, appendix A.
_POSTGRESQL = (
    ("53100", "store.full"),
    ("53", "store.busy"),
    ("25006", "store.read-only"),
    ("55P03", "store.locked"),
    ("40", "store.locked"),
    ("57014", "store.locked"),
    ("57", "store.stopped"),
    ("08", "store.stopped"),
    ("28", "store.refused"),
    ("3D000", "store.refused"),
    ("42501", "store.refused"),
    ("42P01", "store.schema"),
    ("42703", "store.schema"),
    ("42P07", "store.damaged"),  # a table is there already: its version is gone
    ("58", "store.input-output"),
    ("XX001", "store.damaged"),
    ("XX002", "store.damaged"),
)


_REFUSALS = (
    "does not exist",
    "authentication failed",
    "pg_hba.conf",
    "permission denied",
    "no password supplied",
)


def unavailable(code: str, where: str, reason: object = "") -> Unavailable:
    """The error of that code, about the database `where`."""
    sentence = SENTENCES[code].format(where=where, reason=str(reason).strip().partition("\n")[0])
    return Unavailable(code, sentence[0].upper() + sentence[1:])


@implements("TRUSTWORKS:STORE-04", disabled="store.failed")
def code_of(error: BaseException | None) -> str:
    """The code of a driver's error: SQLite's by its name, PostgreSQL's by SQLSTATE."""
    name = getattr(error, "sqlite_errorname", None)
    if name is not None:
        for prefix, code in _SQLITE:
            if name.startswith(prefix):
                return code
    for words, code in _WORDS:
        if words in str(error):
            return code
    state = getattr(error, "sqlstate", None)
    if state is not None:
        for prefix, code in _POSTGRESQL:
            if state.startswith(prefix):
                return code
        return "store.failed"
    if type(error).__module__.startswith("psycopg") and type(error).__name__ in {
        "OperationalError",
        "ConnectionTimeout",
    }:
        return _connecting(str(error))
    return "store.failed"


def _connecting(message: str) -> str:
    """The code of a connection that failed; for that libpq has words alone, no SQLSTATE."""
    if any(words in message for words in _REFUSALS):
        return "store.refused"
    return "store.busy" if "connection slots" in message or "too many" in message else "store.stopped"


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn a database's failure into `Unavailable`; a violated constraint or wrong SQL passes as it is."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError):
        raise
    except exc.DBAPIError as error:
        code = code_of(error.orig)
        if code == "store.failed" and isinstance(error, exc.ProgrammingError):
            raise  # wrong SQL is a bug, not the database's condition
        raise unavailable(code, where, error.orig) from error
    except sqlite3.Error as error:  # of a connection that is not SQLAlchemy's
        raise unavailable(code_of(error), where, error) from error
    except exc.TimeoutError as error:
        raise unavailable("store.busy", where) from error
