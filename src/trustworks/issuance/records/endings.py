"""The tables of terminations, as ``0017_termination.py`` makes them, and all SQL on them.

An authority with a row in `terminated_authorities` issues no more. Its last answers are the status of its
certificates once its key is gone. `termination_steps` says how far a plan was carried out, by its digest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    Column,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.prepared import PreparedSelect
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.model import NEVER, RevocationReason
from trustworks.issuance.records.issued import not_its_own
from trustworks.issuance.records.tables import authorities, certificates, crls

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from trustworks.core.audit import JSON

terminated_authorities = Table(
    "terminated_authorities",
    metadata,
    Column("authority", String(64), primary_key=True),
    Column("plan", String(64), nullable=False),
    Column("terminated_at", UtcDateTime, nullable=False),
    Column("terminated_by", String(200), nullable=False),
)

termination_steps = Table(
    "termination_steps",
    metadata,
    Column("plan", String(64), nullable=False),
    Column("step", String(200), nullable=False),
    Column("result", String(8000), nullable=False),
    Column("done_at", UtcDateTime, nullable=False),
    Column("done_by", String(200), nullable=False),
    PrimaryKeyConstraint("plan", "step"),
)
bind(terminated_authorities)
bind(termination_steps)

last_answers = Table(
    "last_answers",
    metadata,
    Column("authority", String(64), nullable=False),
    Column("serial", String(40), nullable=False),
    Column("issuer_hash", String(10), nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("produced_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("authority", "serial", "issuer_hash"),
)

_TERMINATED = PreparedSelect(
    select(terminated_authorities.c.plan).where(terminated_authorities.c.authority == bindparam("authority"))
)
_ANSWER = select(last_answers.c.der, last_answers.c.produced_at).where(
    last_answers.c.authority == bindparam("authority"),
    last_answers.c.serial == bindparam("serial"),
    last_answers.c.issuer_hash == bindparam("issuer_hash"),
)


class DoneStep(NamedTuple):
    """A step of a plan that was carried out, and what came of it."""

    step: str
    result: dict[str, JSON]
    done_at: datetime
    done_by: str


def terminated_by_plan(connection: Connection, authority: str) -> str | None:
    """The digest of the plan by which an authority ended; None while it goes on."""
    found = _TERMINATED.first(connection, authority=authority)
    return None if found is None else found[0]


def ended_without_plan(connection: Connection) -> list[tuple[str, datetime]]:
    """The authorities that ended without a plan, and when; in a plan's place words are recorded then."""
    c = terminated_authorities.c
    query = select(c.authority, c.terminated_at).where(c.plan.like("end:%")).order_by(c.authority)
    return [(row.authority, row.terminated_at) for row in connection.execute(query)]


def add_terminated(connection: Connection, authority: str, plan: str, at: datetime, by: str) -> None:
    """Write that an authority issues no more."""
    values = {"authority": authority, "plan": plan, "terminated_at": at, "terminated_by": by}
    connection.execute(insert(terminated_authorities).values(values))


def silent_authorities(connection: Connection) -> list[str]:
    """The terminated authorities whose last list is out: last answers alone tell the status there."""
    c = terminated_authorities.c
    last = select(crls.c.number).where(
        crls.c.authority == c.authority, crls.c.shard.is_(None), crls.c.next_update == NEVER
    )
    return list(connection.execute(select(c.authority).where(last.exists())).scalars())


class AuthorityEnd(NamedTuple):
    """An authority that goes on: below which it is, and from when until when its certificate lasts."""

    name: str
    parent: str | None
    began: datetime
    end: datetime


def authority_ends(connection: Connection, *, before: datetime | None = None) -> list[AuthorityEnd]:
    """The authorities that go on, the first that ends first; with `before` those that end until then."""
    c, a = certificates.c, authorities.c
    terminated = select(terminated_authorities.c.authority).where(
        terminated_authorities.c.authority == a.name
    )
    query = (
        select(a.name, a.parent, c.not_before, c.not_after)
        .join(certificates, c.serial == a.serial)
        .where(~terminated.exists())
    )
    if before is not None:
        query = query.where(c.not_after <= before)
    rows = connection.execute(query.order_by(c.not_after, a.name))
    return [AuthorityEnd(row.name, row.parent, row.not_before, row.not_after) for row in rows]


def last_end(connection: Connection, authority: str, *, without: Sequence[str]) -> datetime | None:
    """When the last certificate of an authority ends, revoked or not; None without any.

    Those of the profiles `without` do not count.
    """
    c = certificates.c
    query = select(func.max(c.not_after)).where(
        c.authority == authority,
        not_its_own(authority),
        c.state == "issued",
        c.profile.not_in(list(without)),
    )
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def done_steps(connection: Connection, plan: str) -> list[DoneStep]:
    """The steps of a plan that were carried out, in the order in which they were."""
    c = termination_steps.c
    query = select(c.step, c.result, c.done_at, c.done_by).where(c.plan == plan)
    rows = connection.execute(query.order_by(c.done_at, c.step))
    return [DoneStep(row.step, json.loads(row.result), row.done_at, row.done_by) for row in rows]


def add_step(connection: Connection, plan: str, done: DoneStep) -> None:
    """Write that a step was carried out. Raises IntegrityError where that is written already."""
    values = {**done._asdict(), "plan": plan, "result": json.dumps(done.result)}
    connection.execute(insert(termination_steps).values(values))


def to_be_revoked(
    connection: Connection, authority: str, now: datetime, *, without: Sequence[str], limit: int
) -> list[str]:
    """Serials of certificates that have not ended and are not revoked for good; held ones are among them.

    `without` are profiles whose certificates are never revoked.
    """
    c = certificates.c
    query = select(c.serial).where(*_alive(authority, now, without))
    return list(connection.execute(query.order_by(c.serial).limit(limit)).scalars())


class Left(NamedTuple):
    """What is valid below an authority: certificates of a profile, and when the last ends."""

    profile: str
    number: int
    last_end: datetime


def valid_below(
    connection: Connection,
    authority: str,
    now: datetime,
    *,
    without: Sequence[str],
    without_keys: Sequence[bytes],
) -> list[Left]:
    """What has not ended and is not revoked for good, the last to end first.

    Certificates of the profiles `without`, and of keys with these SHA-256, do not count.
    """
    c = certificates.c
    last = func.max(c.not_after)
    query = select(c.profile, func.count(), last).where(
        *_alive(authority, now, without), c.spki_sha256.not_in(list(without_keys))
    )
    return [Left(*row) for row in connection.execute(query.group_by(c.profile).order_by(last.desc()))]


def _alive(authority: str, now: datetime, without: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    c = certificates.c
    hold = RevocationReason.certificateHold.value
    return (
        c.authority == authority,
        not_its_own(authority),
        c.state == "issued",
        c.not_after >= now,
        c.revoked_at.is_(None) | (c.revocation_reason == hold),
        c.profile.not_in(list(without)),
    )


def latest_end(connection: Connection, authority: str, profiles: Sequence[str]) -> datetime | None:
    """When the last of the certificates of these profiles ends that nobody revoked; None without any."""
    c = certificates.c
    query = select(func.max(c.not_after)).where(
        c.authority == authority, c.state == "issued", c.profile.in_(list(profiles)), c.revoked_at.is_(None)
    )
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def unanswered(connection: Connection, authority: str, *, limit: int) -> list[tuple[str, bytes]]:
    """Serials and octets of issued certificates that have no last answers yet."""
    c = certificates.c
    answered = select(last_answers.c.serial).where(
        last_answers.c.authority == authority, last_answers.c.serial == c.serial
    )
    query = select(c.serial, c.der).where(
        c.authority == authority, not_its_own(authority), c.state == "issued", ~answered.exists()
    )
    rows = connection.execute(query.order_by(c.serial).limit(limit))
    return [(row.serial, row.der) for row in rows]


def add_last_answers(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write last answers."""
    if rows:
        connection.execute(insert(last_answers), rows)


def last_answer(
    connection: Connection, authority: str, serial: str, issuer_hash: str
) -> tuple[bytes, datetime] | None:
    """The last answer about a certificate for requests that name the issuer by that hash, and its moment."""
    given = {"authority": authority, "serial": serial, "issuer_hash": issuer_hash}
    row = connection.execute(_ANSWER, given).one_or_none()
    return None if row is None else (row.der, row.produced_at)


def count_last_answers(connection: Connection, authority: str) -> int:
    """How many last answers there are of an authority."""
    query = select(func.count()).select_from(last_answers).where(last_answers.c.authority == authority)
    return int(connection.execute(query).scalar_one())
