"""Binds records to their events: `audit verify` finds who changed one beside the log.

A table is bound where it is declared, by `bind`. From then on, what `Recorder.transact` writes into it is
noted as the statements are carried out, and goes into the event of the transaction: for each record the
digest before and the digest after. Summed over all events, what was added less what was taken away is the
digest of the record as it stands, in whatever order the processes wrote. No event, an event too few, a record
that was altered, put back or removed by hand: each gives another sum.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from sqlalchemy import Delete, Insert, Table, Update, event, select

from trustworks.core.audit.canonical import canonical_text
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import microseconds
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Row

    from trustworks.core.audit.canonical import JSON

__all__ = ["EVENT_KEY", "Bindings", "BoundRecords", "bind", "bound_objection", "bound_tables"]

EVENT_KEY: Final = "bound"  # in the detail of an event

_MARK: Final = "trustworks.bound"
_HERE: Final = "trustworks.bindings"
_listened: WeakSet[Engine] = WeakSet()
_NONE: Final = ""  # the digest of a record that there is not


def bind(table: Table, *, but: Iterable[str] = ()) -> Table:
    """Bind the records of `table` to the events that tell of them; answers the table.

    `but` are the columns that are left out: counters that change without an event, and personal data, which
    must be erasable while the log is not.
    """
    left = frozenset(but)
    if unknown := left - set(table.columns.keys()):
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    table.info[_MARK] = left
    return table


def bound_tables() -> list[Table]:
    """The bound tables of what has been imported, by name."""
    return sorted((one for one in metadata.tables.values() if _MARK in one.info), key=lambda one: one.name)


class Bindings:
    """What one transaction does to bound records: noted before each statement, read again at its end."""

    def __init__(self, connection: Connection) -> None:
        _listen(connection.engine)
        self._connection = connection
        self._before: dict[str, tuple[Table, tuple[Any, ...], str]] = {}

    def __enter__(self) -> Self:
        self._connection.info[_HERE] = self
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.info.pop(_HERE, None)

    def changes(self) -> dict[str, JSON]:
        """The digests of each record before and after, both in hexadecimal, empty where there is none.

        A record whose bound columns are what they were is not among them.
        """
        found: dict[str, JSON] = {}
        for name, (table, key, before) in sorted(self._before.items()):
            is_it = (column == value for column, value in zip(table.primary_key, key, strict=True))
            row = self._connection.execute(select(table).where(*is_it)).one_or_none()
            after = _NONE if row is None else digest(table, row)
            if after != before:
                found[name] = [before, after]
        return found

    def about_to(self, statement: Update | Delete, given: Sequence[Mapping[str, Any]]) -> None:
        """Note the records that `statement` is about to change, as they are."""
        table = statement.table
        if not isinstance(table, Table) or _MARK not in table.info:
            return
        affected = select(table).with_for_update()
        if statement.whereclause is not None:
            affected = affected.where(statement.whereclause)
        for parameters in given or ({},):
            for row in self._connection.execute(affected, parameters).all():
                self._keep(table, _key(table, row), digest(table, row))

    def inserted(self, statement: Insert, keys: Iterable[Sequence[Any]]) -> None:
        """Note the records that were added: before, there were none."""
        table = statement.table
        if not isinstance(table, Table) or _MARK not in table.info:
            return
        for key in keys:
            if None in key:
                raise ValueError(f"insert the rows of {table.name} one by one: their keys are not known")
            self._keep(table, tuple(key), _NONE)

    def _keep(self, table: Table, key: tuple[Any, ...], before: str) -> None:
        self._before.setdefault(_name(table, key), (table, key, before))


def _listen(engine: Engine) -> None:
    if engine not in _listened and not event.contains(engine, "before_execute", _before_execute):
        _listened.add(engine)
        event.listen(engine, "before_execute", _before_execute)
        event.listen(engine, "after_execute", _after_execute)


def _before_execute(
    connection: Connection,
    statement: Any,
    several: Sequence[Mapping[str, Any]],
    one: Mapping[str, Any],
    _: Any,
) -> None:
    here: Bindings | None = connection.info.get(_HERE)
    if here is not None and isinstance(statement, Update | Delete):
        here.about_to(statement, several or ([one] if one else []))


def _after_execute(connection: Connection, statement: Any, *rest: Any) -> None:
    here: Bindings | None = connection.info.get(_HERE)
    if here is not None and isinstance(statement, Insert):
        here.inserted(statement, rest[-1].inserted_primary_key_rows)


def digest(table: Table, row: Row[Any]) -> str:
    """SHA-256, in hexadecimal, of the bound columns of a record with their names."""
    left = table.info[_MARK]
    found = row._mapping  # noqa: SLF001 - the public name of the library
    values = {name: _plain(found[column]) for name, column in table.columns.items() if name not in left}
    return sha256(canonical_text([table.name, values]).encode()).hexdigest()


def _plain(value: Any) -> JSON:
    match value:
        case bytes() | memoryview():
            return bytes(value).hex()
        case datetime():
            return microseconds(value)
        case Enum():
            return str(value.value)
        case None | bool() | int() | str():
            return value
    raise TypeError(f"a bound column cannot hold {type(value).__name__}")


def _key(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    found = row._mapping  # noqa: SLF001 - as above
    return tuple(found[column] for column in table.primary_key)


def _name(table: Table, key: Sequence[Any]) -> str:
    return canonical_text([table.name, *map(_plain, key)])


@implements("TRUSTWORKS:AUDIT-17", disabled=None)
def bound_objection(name: str, told: int | None, found: str) -> str | None:
    """What is wrong with a record, by the sum of its events and by its digest (none: it is gone)."""
    if told == _number(found):
        return None
    if told is None:
        return f"No event tells of the record {name}: it was added beside the log, or its event was removed."
    if not found:
        return f"The record {name} is gone."
    return f"The record {name} is not what was logged of it: it was altered, or one of its events is gone."


class BoundRecords:
    """The `RecordChecker` of bound `tables`: all that there are. It keeps some 200 octets a record."""

    types: Final = None  # an event of any type may tell of a bound record

    def __init__(self, connection: Connection, tables: Iterable[Table]) -> None:
        self._connection = connection
        self._tables = tuple(tables)
        self._told: dict[str, int] = {}

    def event(self, value: Mapping[str, Any]) -> str | None:
        """Take note of what the event tells; what is wrong with the records is told by `rest`."""
        detail = value.get("detail")
        bound = detail.get(EVENT_KEY) if isinstance(detail, dict) else None
        if bound is None:
            return None
        try:
            for name, (before, after) in bound.items():
                self._told[name] = self._told.get(name, 0) + _number(after) - _number(before)
        except (AttributeError, TypeError, ValueError):
            return "The event does not say what became of which record."
        return None

    def rest(self) -> Iterator[str]:
        """What is wrong with the records of all bound tables."""
        for table in self._tables:
            for row in self._connection.execute(select(table).execution_options(yield_per=1000)):
                name = _name(table, _key(table, row))
                wrong = bound_objection(name, self._told.pop(name, None), digest(table, row))
                if wrong is not None:
                    yield wrong
        for name, told in self._told.items():
            wrong = bound_objection(name, told, _NONE)
            if wrong is not None:
                yield wrong


def _number(digested: str) -> int:
    return int(digested, 16) if digested else 0
