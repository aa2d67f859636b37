"""Triggers that refuse to change, delete or replace rows that are written once.

They guard against accidents and a program's bug, whichever program is connected. A database administrator can
drop them: against that stand the hash chain, the Merkle tree and its signed checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@implements("TRUSTWORKS:AUDIT-10")
def make_append_only(table: str, *, changing: Sequence[str] = (), kept: str = "") -> None:
    """Refuse to delete or replace rows of `table`, and to change them but for the columns `changing`.

    Where `kept` (SQL with ``OLD.column``) is given, rows of which it is false may be deleted. Call it when
    the table has all its keys.
    """
    columns = [one["name"] for one in sa.inspect(op.get_bind()).get_columns(table)]
    _refuse(table, "delete", kept)
    if _is_sqlite():
        # REPLACE deletes what has the same key without firing the trigger above.
        _refuse(table, "insert", " OR ".join(_taken(table)))
    if not changing:
        _refuse(table, "update")
        return
    keep(table, [name for name in columns if name not in changing])


def keep(table: str, columns: Iterable[str], *, when: str = "", name: str = "update") -> None:
    """Refuse to change these columns of a row, in rows of which `when` is true (SQL with ``OLD.column``).

    `name` tells the trigger from others of the table. `keep_no_more` takes it away again.
    """
    differs = "IS NOT" if _is_sqlite() else "IS DISTINCT FROM"
    changed = [f"NEW.{column} {differs} OLD.{column}" for column in columns]
    if _is_sqlite():
        changed.append("NEW.rowid <> OLD.rowid")  # UPDATE OR REPLACE would delete the row that has it
    condition = f"({' OR '.join(changed)})"
    _refuse(table, "update", f"{condition} AND ({when})" if when else condition, name=name)


def keep_no_more(table: str, *, name: str) -> None:
    """Drop a trigger that `keep` made, for another one that takes its place in the same migration."""
    op.execute(f"DROP TRIGGER {table}_no_{name}" + ("" if _is_sqlite() else f" ON {table}"))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _taken(table: str) -> list[str]:
    """SQL that is true when a row with one of the keys of the new one is there already."""
    inspector = sa.inspect(op.get_bind())
    keys: list[Sequence[str | None]] = [inspector.get_pk_constraint(table)["constrained_columns"]]
    keys += [one["column_names"] for one in inspector.get_unique_constraints(table)]
    keys += [one["column_names"] for one in inspector.get_indexes(table) if one["unique"]]
    conditions = []
    for key in keys:
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        conditions.append(f"EXISTS (SELECT 1 FROM {table} WHERE {same})")  # noqa: S608 - names of our own
    # The row's own number is a key too. It is -1 where the statement names none, as ours never do.
    conditions.append(f"NEW.rowid > 0 AND EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid)")  # noqa: S608
    return conditions


def _refuse(table: str, action: str, when: str = "", *, name: str = "") -> None:
    """A trigger that refuses the action (where `when` is true); on PostgreSQL TRUNCATE with DELETE."""
    trigger = f"{table}_no_{name or action}"
    condition = f"WHEN {when} " if _is_sqlite() and when else f"WHEN ({when}) " if when else ""
    if _is_sqlite():
        op.execute(
            f"CREATE TRIGGER {trigger} BEFORE {action.upper()} ON {table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION trustworks_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {trigger} BEFORE {action.upper()} ON {table} "
        f"FOR EACH ROW {condition}EXECUTE FUNCTION trustworks_append_only()"
    )
    if action == "delete":
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trustworks_append_only()"
        )
