"""Rows of several requests, put into few statements.

One INSERT of many rows instead of one step for each row: every step gives up and takes back the
interpreter's lock, and beside a busy event loop taking it back is what costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._dialect = dialect
        self._error: type[Exception] = dialect.loaded_dbapi.Error
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
        """Insert `rows`, in statements of 2^n rows, so that few different ones are prepared.

        The driver's cursor is used as it is: SQLAlchemy's way to it costs more than the statement. Raises
        SQLAlchemy's errors all the same.
        """
        cursor = connection.connection.cursor()
        start = 0
        while start < len(rows):
            size = min(1 << ((len(rows) - start).bit_length() - 1), self._most)
            statement = self._statements.get(size)
            if statement is None:
                statement = self._statements[size] = self._prefix + ", ".join([self._row] * size)
            values = tuple([value for row in rows[start : start + size] for value in row])
            try:
                cursor.execute(statement, values)
            except self._error as error:
                raise DBAPIError.instance(  # noqa: B904 - it names the driver's error itself
                    statement, None, error, self._error, hide_parameters=True, dialect=self._dialect
                )
            start += size
        cursor.close()


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
