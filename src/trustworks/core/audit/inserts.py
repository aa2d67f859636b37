"""Rows of several requests, put into few statements.

One INSERT of many rows instead of one step for each row: every step gives up and takes back the
interpreter's lock, and beside a busy event loop taking it back is what costs.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

from trustworks.core.store.prepared import driver_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Dialect, Table

    from trustworks.core.audit.model import Row

# Values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
_MOST_VALUES = 16_384


class Plan:
    """How rows with the same columns of the same table are bound and inserted."""

    def __init__(self, table: Table, columns: tuple[str, ...], dialect: Dialect) -> None:
        unknown = [name for name in columns if name not in table.c]
        if unknown:
            raise ValueError(f"{table.name} has no column {', '.join(unknown)}")
        quote = dialect.identifier_preparer.quote
        # Names of our own tables only; values are bound.
        self._prefix = (
            f"INSERT INTO {dialect.identifier_preparer.format_table(table)} "  # noqa: S608
            f"({', '.join(quote(table.c[name].name) for name in columns)}) VALUES "
        )
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._row = f"({', '.join(mark for _ in columns)})"
        self._columns = columns
        self._binders: list[tuple[int, Callable[[Any], Any]]] = []
        for position, name in enumerate(columns):
            binder = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
            if binder is not None:
                self._binders.append((position, binder))
        self._most = 1 << ((_MOST_VALUES // len(columns)).bit_length() - 1)
        self._statements: dict[int, str] = {}

    def bind(self, values: dict[str, Any]) -> list[Any]:
        """The values as the driver takes them."""
        bound = [values[name] for name in self._columns]
        for position, binder in self._binders:
            bound[position] = binder(bound[position])
        return bound

    def insert(self, connection: Connection, rows: list[list[Any]]) -> None:
        """Insert `rows`. Raises SQLAlchemy's errors."""
        insert_all(connection, [(self, rows)])

    def statements(self, rows: list[list[Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Statements of 2^n rows, so that few different ones are prepared, with their values."""
        start = 0
        while start < len(rows):
            size = min(1 << ((len(rows) - start).bit_length() - 1), self._most)
            statement = self._statements.get(size)
            if statement is None:
                statement = self._statements[size] = self._prefix + ", ".join([self._row] * size)
            yield statement, tuple([value for row in rows[start : start + size] for value in row])
            start += size


def insert_all(connection: Connection, groups: Iterable[tuple[Plan, list[list[Any]]]]) -> None:
    """Insert the rows of several plans, in the order of `groups`. Raises SQLAlchemy's errors.

    The driver's cursor is used as it is: SQLAlchemy's way to it costs more than the statement. PostgreSQL
    gets all statements before its first answer is waited for.
    """
    driver: Any = connection.connection.driver_connection
    together = driver.pipeline() if connection.dialect.name == "postgresql" else nullcontext()
    try:
        with together, closing(driver.cursor()) as cursor:
            for plan, rows in groups:
                for statement, values in plan.statements(rows):
                    cursor.execute(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise driver_error(connection, error)  # noqa: B904 - it names the driver's error itself


class Plans:
    """The plans of one database, made when first needed."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._plans: dict[tuple[Table, tuple[str, ...]], Plan] = {}

    def of(self, table: Table, columns: tuple[str, ...]) -> Plan:
        """The plan for rows of `table` with these columns. Raises ValueError for an unknown one."""
        plan = self._plans.get((table, columns))
        if plan is None:
            plan = self._plans[table, columns] = Plan(table, columns, self._dialect)
        return plan

    def bind(self, row: Row) -> tuple[Plan, list[Any]]:
        """A row as its plan and the values for the driver."""
        plan = self.of(row.table, tuple(row.values))
        return plan, plan.bind(row.values)
