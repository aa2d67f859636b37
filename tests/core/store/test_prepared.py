"""Prepared statements: the rows and the errors that SQLAlchemy would give, in both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    BindParameter,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
    text,
)

from trustworks.core.errors import Unavailable
from trustworks.core.store.prepared import PreparedSelect
from trustworks.core.store.types import LargeBinary, UtcDateTime

if TYPE_CHECKING:
    from trustworks.core.store import Database

things = Table(
    "test_things",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(20), nullable=False),
    Column("octets", LargeBinary, nullable=True),
    Column("at", UtcDateTime, nullable=True),
)
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"number": 1, "name": "first", "octets": b"\0\xff", "at": NOON},
    {"number": 2, "name": "100 %s?", "octets": None, "at": None},
    {"number": 3, "name": "it's", "octets": b"", "at": NOON},
]
NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
SOME = (
    select(things)
    .where(things.c.number.in_(NUMBERS), things.c.name != "it's", things.c.number.not_in([7, 8]))
    .order_by(things.c.number)
)
SINCE = select(things.c.at.label("since"), things.c.octets).where(things.c.at >= bindparam("moment"))


@pytest.fixture
def filled(database: Database) -> Database:
    with database.begin() as connection:
        things.create(connection)
        connection.execute(insert(things), ROWS)
    return database


@pytest.mark.parametrize("numbers", [(), (1,), (3, 2, 1), (9, 1, 2, 2, 1)])
def test_rows_are_those_of_sqlalchemy(filled: Database, numbers: tuple[int, ...]) -> None:
    prepared = PreparedSelect(SOME)
    with filled.read() as connection:
        found = prepared.all(connection, numbers=numbers)
        assert found == [tuple(row) for row in connection.execute(SOME, {"numbers": list(numbers)})]
        assert prepared.all(connection, numbers=numbers) == found  # as it was made the first time
    assert {number for number, *_ in found} == {1, 2} & set(numbers)


def test_values_are_bound_and_read_by_their_type(filled: Database) -> None:
    prepared = PreparedSelect(SINCE)
    with filled.read() as connection:
        rows = prepared.all(connection, moment=NOON)
        assert sorted(rows) == [(NOON, b""), (NOON, b"\0\xff")]
        assert prepared.mapping(rows[0])["since"] == NOON
        assert prepared.first(connection, moment=NOON.replace(year=2027)) is None
        with pytest.raises(ValueError, match="time zone"):
            prepared.all(connection, moment=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_it_locks_what_the_statement_locks_and_sees_its_own_transaction(filled: Database) -> None:
    prepared = PreparedSelect(SOME.with_for_update())
    with filled.begin() as connection:
        connection.execute(text("DELETE FROM test_things WHERE number = 1"))
        assert [row[0] for row in prepared.all(connection, numbers=[1, 2])] == [2]


def test_a_value_that_is_missing_is_a_fault(filled: Database) -> None:
    with filled.read() as connection:
        with pytest.raises(KeyError, match="numbers"):
            PreparedSelect(SOME).all(connection)
        with pytest.raises(KeyError, match="moment"):
            PreparedSelect(SINCE).all(connection)


def test_the_database_fails_as_it_does_elsewhere(database: Database) -> None:
    with pytest.raises(Unavailable) as refused, database.read() as connection:
        PreparedSelect(SOME).all(connection, numbers=[1])
    assert refused.value.code == "store.schema"
