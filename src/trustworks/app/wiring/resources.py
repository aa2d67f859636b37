"""What everything stands on: the configuration, the clock, the database, the objects, the audit log."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from trustworks.app.configuration.config import Config, Loaded
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database, Objects
    from trustworks.core.time import Clock, TrustedDay


class Resources:
    """The configuration, and what it says about clock and store."""

    def __init__(self, given: Path | None) -> None:
        self._given = given

    @classmethod
    def lazy(cls, given: Path | None) -> Self:
        """The wiring of the configuration file `given`, or of the one in the default places."""
        return cls(given)

    @classmethod
    def over(cls, loaded: Loaded) -> Self:
        """The wiring of a configuration that need be in no file."""
        made = cls(loaded.file)
        made.__dict__["loaded"] = loaded  # where the cached property would put what it reads
        return made

    @property
    def given(self) -> Path | None:
        """The configuration file that the command line named, if any."""
        return self._given

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration with its file. Raises `Malformed` when there is none, or when it is wrong."""
        from trustworks.app.configuration import config  # noqa: PLC0415 - reads the models of every service

        return config.load(config.find(self._given))

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def base(self) -> Path:
        """The folder of the configuration file; relative paths are meant from here."""
        return self.loaded.base

    @property
    def state_dir(self) -> Path:
        """The folder for what must survive restarts: database, objects, the clock's latched stop."""
        return self.loaded.state

    @property
    def run_dir(self) -> Path:
        """The folder for what lives as long as the processes do: locks, counters, heartbeats."""
        return self.loaded.run

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""
        return self.config.provider.lab

    @property
    def public_url(self) -> str:
        """The address that certificates and lists name, without a slash at its end."""
        return self.config.http.public_url.rstrip("/")

    # Clock

    def open_clock(self) -> Clock:
        """The clock; opening it never fails for want of trusted time."""
        from trustworks.core.time import open_clock  # noqa: PLC0415

        return open_clock(self.config.time, self.state_dir)

    @cached_property
    def today(self) -> TrustedDay:
        """The day by trusted time."""
        from trustworks.core.time import TrustedDay  # noqa: PLC0415

        return TrustedDay(self.open_clock())

    # Store and audit log

    @contextmanager
    def open_database(self, *, check: bool = True) -> Iterator[Database]:
        """The database; with `check`, only when its schema is the one that this version needs."""
        from trustworks.core.store import Database  # noqa: PLC0415 - loads SQLAlchemy

        database = Database.open(self.config.store)
        try:
            if check:
                database.check_schema()
            yield database
        finally:
            database.close()

    def open_objects(self) -> Objects:
        """The store of objects."""
        from trustworks.core.store import Objects  # noqa: PLC0415 - loads obstore

        return Objects(self.config.store.objects)

    @contextmanager
    def open_recorder(self, role: str, *, database: Database | None = None) -> Iterator[Recorder]:
        """The audit log, for a stream of its own; over `database` when the caller has it open already.

        Raises `Unavailable`, also for a database that would lose acknowledged records in a power cut.
        """
        from trustworks.core.audit import Recorder  # noqa: PLC0415 - loads SQLAlchemy

        with ExitStack() as stack:
            opened = database if database is not None else stack.enter_context(self.open_database())
            opened.check_durable()
            recorder = Recorder.open(opened, role)
            stack.callback(recorder.close)
            yield recorder
