"""SELECT statements that are made once for the driver, for what is asked with every request.

SQLAlchemy's own way from a statement to the driver's cursor takes several times as long as SQLite takes to
answer. Only what reads is prepared here: what writes goes through SQLAlchemy, where changes of bound records
are noted (`core.audit.bound`), or through the recorder's plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Dialect, Select

__all__ = ["PreparedSelect", "driver_error"]


_Readers: TypeAlias = "tuple[tuple[int, Callable[[Any], Any]], ...]"  # of which places of a row


def driver_error(connection: Connection, error: Exception) -> BaseException:
    """An error of the driver as SQLAlchemy has it, so that `translated` knows it."""
    dialect = connection.dialect
    return DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    )


def _read(readers: _Readers, row: Sequence[Any]) -> tuple[Any, ...]:
    values = list(row)
    for place, read in readers:
        if values[place] is not None:
            values[place] = read(values[place])
    return tuple(values)


class _Wanted(NamedTuple):
    """The value of a parameter, or (`at`) one of those of a parameter that has many; a stand-in for it."""

    name: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement as the driver takes it, for certain numbers of values.

    `fixed` are the driver's values with None where one is wanted, which `wanted` says; by place, or by name
    where the driver counts no places.
    """

    text: str
    fixed: list[Any] | dict[str, Any]
    wanted: tuple[tuple[Any, str, int | None, Callable[[Any], Any] | None], ...]
    read: _Readers


class PreparedSelect:
    """A SELECT for both databases. Threads share it.

    Its parameters are those `bindparam` that have no value; each is given to `all` by name. `names` are the
    columns' names, in their order.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self.names = tuple(column.name for column in statement.selected_columns)
        found = statement.compile()
        self._many = tuple(
            sorted(name for name, one in found.binds.items() if one.expanding and one.required)
        )
        self._made: dict[tuple[Any, ...], _Made] = {}

    def all(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """All rows. Raises SQLAlchemy's errors, and KeyError for a parameter that is not given."""
        sizes = []
        for name in self._many:
            # Of 2^n values, so that few different statements are made: the last is asked for again.
            values = list(given[name])
            size = 1 << (len(values) - 1).bit_length() if values else 0
            values += values[-1:] * (size - len(values))
            given[name] = values
            sizes.append(size)
        key = (connection.dialect.name, *sizes)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(connection.dialect, sizes)
        bound = made.fixed.copy()
        for place, name, at, bind in made.wanted:
            value = given[name] if at is None else given[name][at]
            bound[place] = value if bind is None else bind(value)
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        try:
            cursor.execute(made.text, bound)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise driver_error(connection, error)  # noqa: B904 - it names the driver's error itself
        finally:
            cursor.close()
        if made.read:
            rows = [_read(made.read, row) for row in rows]
        return rows

    def first(self, connection: Connection, **given: Any) -> tuple[Any, ...] | None:
        """The first row, or None; the statement is one that finds no more. Raises what `all` raises."""
        rows = self.all(connection, **given)
        return rows[0] if rows else None

    def mapping(self, row: Sequence[Any]) -> dict[str, Any]:
        """The values of a row by the columns' names."""
        return dict(zip(self.names, row, strict=True))

    def _make(self, dialect: Dialect, sizes: Sequence[int]) -> _Made:
        compiled = self._statement.compile(dialect=dialect)
        number = dict(zip(self._many, sizes, strict=True))
        stand_ins: dict[str, Any] = {
            name: [_Wanted(name, at) for at in range(number[name])] if name in number else _Wanted(name)
            for name, one in compiled.binds.items()
            if one.required
        }
        found = compiled.construct_expanded_state(stand_ins)
        binders: dict[str, Any] = {**compiled._bind_processors, **found.processors}  # noqa: SLF001 - what its own cursors use
        fixed: dict[Any, Any] = {}
        wanted = []
        names = found.positiontup  # None where the driver takes values by name
        places = enumerate(names) if names is not None else ((name, name) for name in found.parameters)
        for place, name in places:
            value, binder = found.parameters[name], binders.get(name)
            if isinstance(value, _Wanted):
                wanted.append((place, value.name, value.at, binder))
                fixed[place] = None
            else:
                fixed[place] = value if binder is None else binder(value)
        readers = (
            (place, one.type.dialect_impl(dialect).result_processor(dialect, None))
            for place, one in enumerate(compiled._result_columns)  # noqa: SLF001 - as above
        )
        return _Made(
            text=found.statement,
            fixed=fixed if names is None else list(fixed.values()),
            wanted=tuple(wanted),
            read=tuple((place, reader) for place, reader in readers if reader is not None),
        )
