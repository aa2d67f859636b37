"""Finding applications by what an officer has at hand, page by page. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, func, or_, select

from trustworks.issuance.registration.records import applications, evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.registration.model import State


class Found(NamedTuple):
    """An application in a list; `subject` is None once it is erased, `pieces` how many show the identity."""

    id: str
    state: State
    profile: str
    subject: str | None
    received_at: datetime
    received_by: str
    serial: str | None
    pieces: int


class Place(NamedTuple):
    """Where a page ended: what comes next is beyond it."""

    at: datetime
    id: str


def search(
    connection: Connection,
    *,
    states: Sequence[State] = (),
    identifier: str | None = None,
    profile: str | None = None,
    subject: str | None = None,
    key_id: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    after: Place | None = None,
    newest_first: bool = False,
    limit: int = 25,
) -> list[Found]:
    """The applications that fit, in the order in which they were received.

    `subject` is looked for anywhere in the name; `since` and `before` are about the receipt.
    """
    c = applications.c
    pieces = select(func.count()).where(evidence.c.application == c.id).scalar_subquery()
    query = select(c.id, c.state, c.profile, c.subject, c.received_at, c.received_by, c.serial, pieces)
    wanted = (
        c.state.in_(states) if states else None,
        None if identifier is None else c.id == identifier,
        None if profile is None else c.profile == profile,
        None if subject is None else c.subject.contains(subject, autoescape=True),
        None if key_id is None else c.key_id == key_id,
        None if since is None else c.received_at >= since,
        None if before is None else c.received_at < before,
    )
    query = query.where(*(one for one in wanted if one is not None))
    if after is not None:
        beyond = c.received_at < after.at if newest_first else c.received_at > after.at
        query = query.where(or_(beyond, and_(c.received_at == after.at, c.id > after.id)))
    order = c.received_at.desc() if newest_first else c.received_at
    return [Found(*row) for row in connection.execute(query.order_by(order, c.id).limit(limit))]
