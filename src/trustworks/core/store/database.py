"""The records' database: SQLite or PostgreSQL behind the same few methods."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL, QueuePool, make_url, text

from trustworks.core.errors import Unavailable
from trustworks.core.store import postgresql, schema, sqlite
from trustworks.core.store.failures import translated
from trustworks.core.store.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from trustworks.core.store.config import StoreSettings


class Database:
    """An open database. Threads share it; processes each open their own.

    Every failure of the database leaves as `Unavailable` with a code ``store.<why>``; a violated constraint
    as SQLAlchemy's `IntegrityError`, which only the caller can judge.
    """

    def __init__(self, settings: StoreSettings, engine: Engine) -> None:
        self.settings = settings
        self.engine = engine
        self.dialect = engine.dialect.name
        self.where = _where(settings)
        self._writing = engine.execution_options(trustworks_write=True)
        file = settings.sqlite_file
        self._turns = (
            None if file is None else Turns(file.with_name(file.name + ".write-turn"), settings.busy_timeout)
        )
        # A reader sees one state of the database from its first statement to its last, as in SQLite.
        self._reading = (
            engine
            if self.dialect == "sqlite"
            else engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )

    @classmethod
    def open(cls, settings: StoreSettings) -> Database:
        """A database; the first statement connects. See `check_schema` and `upgrade`."""
        file = settings.sqlite_file
        engine = postgresql.open_engine(settings) if file is None else sqlite.open_engine(settings, file)
        return cls(settings, engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if self._turns is not None:
            self._turns.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes: durable when the block ends, undone when it raises.

        SQLite has one writer at a time, over all processes: keep the block short.
        """
        with translated(self.where), self._turn(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one state of the database throughout."""
        with translated(self.where), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def inspect(self) -> Iterator[Connection]:
        r"""As `read`, for who looks for damage: a text that is no UTF-8 comes with its octets escaped.

        Such as ``\xff``. Other transactions end at such a text (store.damaged); PostgreSQL has none.
        """
        reading = self._reading.execution_options(trustworks_escape=True)
        with translated(self.where), reading.begin() as connection:
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for several transactions that write; see `transaction`."""
        with translated(self.where), self._writing.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """A transaction that writes, as `begin`, on a connection of `connect`."""
        with translated(self.where), self._turn(), connection.begin():
            yield

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turns is None else self._turns.take()

    def ping(self) -> None:
        """Answer when the database can be read and has this program's schema; `Unavailable` otherwise."""
        self.check_schema()

    def version(self) -> str | None:
        """The schema's version; None when there are no tables, or no database, yet. Raises `Unavailable`."""
        file = self.settings.sqlite_file
        if file is not None and not self._was_connected and not _is_there(file):
            return None
        with self.read() as connection:
            return schema.present(connection, self.where)

    @property
    def _was_connected(self) -> bool:
        """Whether connections are kept: a file that is gone now was taken away, which `read` tells."""
        pool = self.engine.pool
        return isinstance(pool, QueuePool) and pool.checkedin() + pool.checkedout() > 0

    def check_schema(self) -> None:
        """Raise `Unavailable` (store.schema), with what to do, unless the schema is this program's."""
        schema.check(self.version(), self.where)

    def upgrade(self) -> None:
        """Create the database and its tables, or bring them to the newest version; all or nothing.

        Several processes may do so at once: one works, the others wait and find nothing to do.
        """
        file = self.settings.sqlite_file
        lock = (
            nullcontext() if file is None else schema.file_lock(file.with_name(file.name + ".upgrade-lock"))
        )
        try:
            with lock:
                if file is not None:
                    with translated(self.where):
                        sqlite.create(file, self.settings.busy_timeout)
                version = self.version()
                if version != schema.head():
                    if version is not None and version > schema.head():
                        schema.check(version, self.where)
                    with self.begin() as connection:
                        schema.upgrade(connection)
        except OSError as error:
            raise Unavailable(
                "store.cannot-open", f"{self.where} cannot be created: {error.strerror}."
            ) from error

    def durability(self) -> list[str]:
        """What keeps a commit from being durable, as sentences; empty when all is well."""
        with self.read() as connection:
            if self.dialect == "sqlite":
                mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
                return (
                    []
                    if mode == "wal"
                    else [f"The journal mode is {mode}, not wal. Run `trustworks store upgrade`."]
                )
            names = ("fsync", "full_page_writes", "synchronous_commit")
            found = {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in names}
            return postgresql.durability_problems(found)

    def check_durable(self) -> None:
        """Raise `Unavailable` (store.not-durable), with what to do, unless commits survive a power cut."""
        problems = self.durability()
        if problems:
            raise Unavailable("store.not-durable", " ".join(problems))


def _is_there(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unavailable(
            "store.cannot-open",
            f"The database {file} cannot be opened: {error.strerror}. This account must be let into its "
            "folder.",
        ) from None
    return True


def _where(settings: StoreSettings) -> str:
    file = settings.sqlite_file
    if file is not None:
        return f"the database {file}"
    # Neither the account nor the parameters: this is in messages, in logs and on public pages.
    url = make_url(settings.url)
    return f"the database {URL.create(url.drivername, host=url.host, port=url.port, database=url.database)}"
