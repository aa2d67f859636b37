"""The tables of planned changes and of incidents; all SQL on them. Every row is written once."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)

from trustworks.assurance.changes.model import (
    Change,
    ChangeAct,
    ChangeState,
    End,
    Incident,
    IncidentOutcome,
    plan_of,
)
from trustworks.core.audit.bound import bind
from trustworks.core.audit.canonical import canonical
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from trustworks.assurance.changes.model import ChangePlan

changes = Table(
    "assurance_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan", LargeBinary, nullable=False),
)
bind(changes)

acts = Table(
    "assurance_change_acts",
    metadata,
    Column("change", Integer, nullable=False),
    Column("number", Integer, nullable=False, autoincrement=False),
    Column("state", String(12), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("change", "number"),
    ForeignKeyConstraint(["change"], ["assurance_changes.number"]),
)
bind(acts)

incidents = Table(
    "assurance_incidents",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("product", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
bind(incidents)

incident_ends = Table(
    "assurance_incident_ends",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("outcome", String(12), nullable=False),
    Column("ended_on", String(10), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["number"], ["assurance_incidents.number"]),
)
bind(incident_ends)


def take_turn(connection: Connection) -> None:
    """Let no other transaction number and judge changes until this one ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("assurance-changes"))))


def add_change(connection: Connection, plan: ChangePlan, act: ChangeAct) -> Change:
    """Write a change that is planned."""
    number = _next(connection, changes)
    connection.execute(insert(changes).values(number=number, plan=canonical(plan.values())))
    change = Change(number=number, plan=plan, acts=())
    return add_act(connection, change, act)


def add_act(connection: Connection, change: Change, act: ChangeAct) -> Change:
    """Write a step; one that another wrote meanwhile under its number is refused by the database."""
    connection.execute(
        insert(acts).values(
            change=change.number,
            number=len(change.acts) + 1,
            state=act.state.value,
            at=act.at,
            by=act.by,
            reason=act.reason,
        )
    )
    return Change(number=change.number, plan=change.plan, acts=(*change.acts, act))


def all_changes(connection: Connection) -> list[Change]:
    """All changes, the oldest first."""
    done: dict[int, list[ChangeAct]] = defaultdict(list)
    for row in connection.execute(select(acts).order_by(acts.c.change, acts.c.number)):
        act = ChangeAct(state=ChangeState(row.state), at=row.at, by=row.by, reason=row.reason)
        done[row.change].append(act)
    return [
        Change(number=row.number, plan=plan_of(_values(row.plan)), acts=tuple(done[row.number]))
        for row in connection.execute(select(changes).order_by(changes.c.number))
    ]


def change(connection: Connection, number: int) -> Change | None:
    """The change of that number."""
    return next((one for one in all_changes(connection) if one.number == number), None)


def _values(plan: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan)
    return found


def add_incident(
    connection: Connection,
    *,
    at: datetime,
    product: str,
    services: tuple[str, ...],
    findings: tuple[str, ...],
    facts: Mapping[str, Any],
) -> Incident:
    """Write an incident."""
    number = _next(connection, incidents)
    content = canonical({"services": list(services), "findings": list(findings), "facts": dict(facts)})
    connection.execute(insert(incidents).values(number=number, at=at, product=product, content=content))
    return Incident(
        number=number, at=at, product=product, services=services, findings=findings, facts=dict(facts)
    )


def all_incidents(connection: Connection) -> list[Incident]:
    """All incidents, the oldest first."""
    ends = {row.number: _end(row) for row in connection.execute(select(incident_ends))}
    return [
        _incident(row, ends.get(row.number))
        for row in connection.execute(select(incidents).order_by(incidents.c.number))
    ]


def incident(connection: Connection, number: int) -> Incident | None:
    """The incident of that number."""
    row = connection.execute(select(incidents).where(incidents.c.number == number)).one_or_none()
    if row is None:
        return None
    end = connection.execute(select(incident_ends).where(incident_ends.c.number == number)).one_or_none()
    return _incident(row, None if end is None else _end(end))


def close_incident(connection: Connection, number: int, end: End) -> None:
    """Write how an incident ended; once, or the database refuses it."""
    connection.execute(
        insert(incident_ends).values(
            number=number,
            outcome=end.outcome.value,
            ended_on=end.on.isoformat(),
            at=end.at,
            by=end.by,
            reason=end.reason,
        )
    )


def closed(connection: Connection) -> int:
    """How many incidents are closed."""
    found: int = connection.execute(select(func.count()).select_from(incident_ends)).scalar_one()
    return found


def _end(row: Row[Any]) -> End:
    return End(
        outcome=IncidentOutcome(row.outcome),
        on=date.fromisoformat(row.ended_on),
        at=row.at,
        by=row.by,
        reason=row.reason,
    )


def _incident(row: Row[Any], end: End | None) -> Incident:
    content = json.loads(row.content)
    return Incident(
        number=row.number,
        at=row.at,
        product=row.product,
        services=tuple(content["services"]),
        findings=tuple(content["findings"]),
        facts=content["facts"],
        end=end,
    )


def _next(connection: Connection, table: Table) -> int:
    last: int | None = connection.execute(select(func.max(table.c.number))).scalar_one()
    return (last or 0) + 1
