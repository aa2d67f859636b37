"""Events, a table of records beside them, and a signing key in a real module."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

from trustworks.core.audit import Event, Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

things = Table(
    "test_things",
    MetaData(),
    Column("name", String(40), primary_key=True),
    Column("number", Integer),
    Column("data", LargeBinary),
    Column("at", UtcDateTime),
)


@pytest.fixture
def table(database: Database) -> Iterator[Table]:
    """A table of a service, for rows that belong to events."""
    with database.begin() as connection:
        things.create(connection)
    yield things
    with database.begin() as connection:
        things.drop(connection)


@pytest.fixture
def event() -> Callable[..., Event]:
    """A function that makes an event; its number moves the time on by a millisecond."""

    def make(number: int = 0, **changes: Any) -> Event:
        values: dict[str, Any] = {
            "type": "test.done",
            "outcome": "success",
            "actor": "tester",
            "subject": {"number": number},
            "detail": {"why": "a test"},
            "time": START + timedelta(milliseconds=number),
        }
        return Event(**(values | changes))

    return make


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    """A recorder that tries again after a hundredth of a second."""
    with Recorder.open(database, "test", probe_every=0.01) as opened:
        yield opened


@pytest.fixture(scope="session")
def audit_key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    """The key that signs checkpoints."""
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="audit", algorithm=KeyAlgorithm.P256)
