"""Triggers that refuse UPDATE and DELETE on a table whose rows are written once.

They guard against accidents and a program's bug. A database administrator can drop them: against that stand
the hash chain, the Merkle tree and its signed checkpoints.
"""

from __future__ import annotations

from alembic import op

from trustworks.core.trace import implements


@implements("TRUSTWORKS:AUDIT-10")
def make_append_only(table: str, *, updates: bool = False) -> None:
    """Refuse to delete rows of `table`, and to change them unless `updates` is true."""
    actions = ("DELETE",) if updates else ("UPDATE", "DELETE")
    if op.get_bind().dialect.name == "sqlite":
        for action in actions:
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION trustworks_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for action in (*actions, "TRUNCATE"):
        each = "STATEMENT" if action == "TRUNCATE" else "ROW"
        op.execute(
            f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION trustworks_append_only()"
        )
