"""Databases of a PostgreSQL server that tests use one after the other, each empty when its turn begins.

To copy a template costs some tenths of a second, most of it in the kernel: nine megabytes in a thousand
files. To empty the tables that a test wrote to costs a tenth of that.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from postgresql_server import PostgresqlServer

# All that a test could change about a database and that emptying its tables would not undo.
_SHAPE = """
SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
  SELECT concat_ws(' ', c.oid::regclass, c.relkind, c.relowner, c.relacl, c.reloptions,
    a.attname, a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace NOT IN
      ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
  UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled, tgtype, tgfoid::regproc)
    FROM pg_trigger
  UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE conrelid <> 0
  UNION ALL SELECT concat_ws(' ', proname, prosrc) FROM pg_proc
    WHERE pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  UNION ALL SELECT concat_ws(' ', nspname, nspacl) FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%'
  UNION ALL SELECT concat_ws(' ', setrole, setconfig) FROM pg_db_role_setting WHERE setdatabase =
    (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL SELECT concat_ws(' ', schemaname, sequencename, last_value) FROM pg_sequences
  UNION ALL SELECT version_num FROM alembic_version
) AS lines
"""
_TABLES = """
SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND relname <> 'alembic_version'
"""
_RENEWED_EVERY = 40
_ALONE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class PostgresqlDatabases:
    """Gives copies of `template`, and takes them back; one whose schema a test changed is not given again."""

    def __init__(self, server: PostgresqlServer, template: str) -> None:
        self._server = server
        self._template = template
        self._numbers = itertools.count(1)
        self._turns = itertools.count(1)
        self._empty: list[str] = []
        self._connections: dict[str, psycopg.Connection[Any]] = {}  # to make one costs more than to empty
        with self._connect(template) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            self._tables = [name for (name,) in connection.execute(_TABLES).fetchall()]

    def take(self) -> str:
        """The name of a database of its own for a test."""
        if self._empty:
            return self._empty.pop()
        name = f"test_{next(self._numbers)}"
        self._server.run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    def give_back(self, name: str) -> None:
        """Empty a database for the next test, or drop it; whoever is connected to it still is thrown out."""
        try:
            empty = self._emptied(name)
        except psycopg.Error:  # such as one that takes no more writes
            empty = False
        if empty:
            self._empty.append(name)
            return
        if name in self._connections:
            self._connections.pop(name).close()
        self._server.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Leave the server."""
        for connection in self._connections.values():
            connection.close()

    def _emptied(self, name: str) -> bool:
        if name not in self._connections:
            self._connections[name] = self._connect(name)
            self._connections[name].execute("SET session_replication_role = replica")  # no trigger keeps rows
        connection = self._connections[name]
        connection.execute(_ALONE)
        if connection.execute(_SHAPE).fetchone() != self._shape:
            return False
        asked = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")"  # noqa: S608 - names of our own
            for table in self._tables
        )
        written = [f'"{table}"' for (table,) in connection.execute(asked.encode()).fetchall()]
        if next(self._turns) % _RENEWED_EVERY == 0:  # what was deleted is in the way of those who search
            listed = ", ".join(f'"{table}"' for table in self._tables)
            connection.execute(f"TRUNCATE {listed}".encode())
        elif written:
            connection.execute("; ".join(f"DELETE FROM {table}" for table in written).encode())  # noqa: S608
        return True

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._server.folder), user=self._server.role, dbname=name, autocommit=True
        )
