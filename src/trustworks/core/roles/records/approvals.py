"""All SQL on approvals, and on the changes of roles that wait for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from trustworks.core.audit.canonical import canonical
from trustworks.core.roles.approvals import Approval
from trustworks.core.roles.model import Hold, OpenHold
from trustworks.core.roles.records.tables import approval_holds, approval_uses, approvals, changes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

ChangeState = Literal["waiting", "applied", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """A change of roles that was asked for. `body` is what is approved (see `changes.Change`)."""

    sha256: str
    body: bytes
    operator: str
    requested_at: datetime
    requested_by: str
    state: ChangeState
    ended_at: datetime | None


def add_approval(connection: Connection, approval: Approval, *, at: datetime) -> None:
    """Write an approval. Raises `IntegrityError` for one that is there already."""
    content = approval.content
    connection.execute(
        insert(approvals).values(
            approval_id=approval.approval_id,
            what=content.what,
            sha256=content.sha256,
            operator=content.operator,
            role=content.role.value,
            given_at=content.time,
            key_id=approval.key_id,
            body=canonical(approval.as_dict()),
            recorded_at=at,
        )
    )


def has_approval(connection: Connection, approval_id: str) -> bool:
    """Whether this very approval is there."""
    query = select(approvals.c.approval_id).where(approvals.c.approval_id == approval_id)
    return connection.execute(query).first() is not None


def approvals_for(connection: Connection, what: str, sha256: str) -> list[Approval]:
    """The approvals of this kind of act about the subject with this SHA-256, oldest first.

    What they come to is `rules.quorum`'s to say, which verifies every signature.
    """
    query = (
        select(approvals.c.body)
        .where(approvals.c.what == what, approvals.c.sha256 == sha256)
        .order_by(approvals.c.recorded_at, approvals.c.approval_id)
    )
    return [Approval.from_json(body) for body in connection.execute(query).scalars()]


def used_approvals(connection: Connection, what: str, sha256: str) -> dict[str, datetime]:
    """Which approvals of this act served one already or are held for it, by their ids, and since when."""
    used = (
        select(approval_uses.c.approval_id, approval_uses.c.used_at.label("since"))
        .select_from(approval_uses.join(approvals, approvals.c.approval_id == approval_uses.c.approval_id))
        .where(approvals.c.what == what, approvals.c.sha256 == sha256)
    )
    held = (
        select(approval_holds.c.approval_id, approval_holds.c.held_at.label("since"))
        .select_from(approval_holds.join(approvals, approvals.c.approval_id == approval_holds.c.approval_id))
        .where(approvals.c.what == what, approvals.c.sha256 == sha256, approval_holds.c.outcome.is_(None))
    )
    return {row.approval_id: row.since for query in (held, used) for row in connection.execute(query)}


def lock_approvals(connection: Connection, what: str, sha256: str) -> None:
    """Let no other writer hold or use the approvals of this act until the commit."""
    query = select(approvals.c.approval_id).where(approvals.c.what == what, approvals.c.sha256 == sha256)
    connection.execute(query.order_by(approvals.c.approval_id).with_for_update()).all()


def hold_approvals(
    connection: Connection, hold_id: str, ids: Iterable[str], *, at: datetime, by: str
) -> None:
    """Write that these approvals are held for an act."""
    for one in ids:
        connection.execute(
            insert(approval_holds).values(hold_id=hold_id, approval_id=one, held_at=at, held_by=by)
        )


def open_holds(connection: Connection, what: str | None = None, sha256: str | None = None) -> list[OpenHold]:
    """The holds that did not end, with the approvals of each, oldest first: of one act, of a kind, or all."""
    query = (
        select(approval_holds, approvals.c.what, approvals.c.sha256)
        .select_from(approval_holds.join(approvals, approvals.c.approval_id == approval_holds.c.approval_id))
        .where(approval_holds.c.outcome.is_(None))
        .order_by(approval_holds.c.held_at, approval_holds.c.hold_id, approval_holds.c.approval_id)
    )
    if what is not None:
        query = query.where(approvals.c.what == what)
    if sha256 is not None:
        query = query.where(approvals.c.sha256 == sha256)
    found: list[OpenHold] = []
    for hold_id, rows in groupby(connection.execute(query), key=lambda row: row.hold_id):
        parts = list(rows)
        found.append(
            OpenHold(
                hold=Hold(hold_id=hold_id, ids=tuple(row.approval_id for row in parts)),
                what=parts[0].what,
                sha256=parts[0].sha256,
                held_at=parts[0].held_at,
                held_by=parts[0].held_by,
            )
        )
    return found


def end_hold(connection: Connection, hold_id: str, outcome: str, *, at: datetime) -> None:
    """Say what became of the act for which approvals were held."""
    connection.execute(
        update(approval_holds).where(approval_holds.c.hold_id == hold_id).values(outcome=outcome, ended_at=at)
    )


def use_approvals(connection: Connection, ids: Iterable[str], *, at: datetime, by: str) -> bool:
    """Write that an act was done by these approvals; False where one of them served another meanwhile."""
    try:
        with connection.begin_nested():
            for one in ids:
                connection.execute(insert(approval_uses).values(approval_id=one, used_at=at, used_by=by))
    except DBAPIError as error:
        if not isinstance(error, IntegrityError) and "append-only" not in str(error):
            raise
        return False
    return True


def list_approvals(
    connection: Connection, *, what: str | None = None, operator: str | None = None, limit: int = 100
) -> list[Approval]:
    """The newest approvals that fit, newest first."""
    query = select(approvals.c.body).order_by(approvals.c.recorded_at.desc(), approvals.c.approval_id)
    if what is not None:
        query = query.where(approvals.c.what == what)
    if operator is not None:
        query = query.where(approvals.c.operator == operator)
    return [Approval.from_json(body) for body in connection.execute(query.limit(limit)).scalars()]


# Changes of roles


def add_change(connection: Connection, record: ChangeRecord) -> None:
    """Write a change that was asked for."""
    connection.execute(
        insert(changes).values({name: getattr(record, name) for name in ChangeRecord.__slots__})
    )


def change(connection: Connection, sha256: str, *, lock: bool = False) -> ChangeRecord | None:
    """The change with this hash, or None. With `lock` no other writer ends it until the commit."""
    query = select(changes).where(changes.c.sha256 == sha256)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else ChangeRecord(**row._mapping)  # noqa: SLF001 - the public name of the library


def list_changes(connection: Connection, *, state: ChangeState | None = None) -> list[ChangeRecord]:
    """The changes, newest first."""
    query = select(changes).order_by(changes.c.requested_at.desc(), changes.c.sha256)
    if state is not None:
        query = query.where(changes.c.state == state)
    return [ChangeRecord(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - as above


def end_change(connection: Connection, sha256: str, state: ChangeState, *, at: datetime) -> None:
    """Say that a change was applied or dropped."""
    connection.execute(update(changes).where(changes.c.sha256 == sha256).values(state=state, ended_at=at))
