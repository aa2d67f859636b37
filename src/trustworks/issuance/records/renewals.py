"""How often what was enrolled by a credential may be renewed: the table, and all SQL on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.records.cmp import Credential, credential, credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

EACH: Final = 10  # renewals for each certificate that a credential is good for, where nobody said how many
DAYS: Final = 1096
_DIGITS: Final = 32  # of a registered certificate's SHA-256, in the name that an actor has in the log

renewals = Table(
    "enrolment_renewals",
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("most", Integer, nullable=False),
    Column("made", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    CheckConstraint("made >= 0 AND made <= most", name="renewals_within"),
)
bind(renewals, but=("made",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewals:
    """How many renewals there may be of all that a credential brought, how many there were, until when."""

    reference: str
    most: int
    made: int
    until: datetime


def standard(found: Credential) -> Renewals:
    """The renewals of a credential of which nobody said how many."""
    return Renewals(
        reference=found.reference,
        most=EACH * found.uses,
        made=0,
        until=found.created_at + timedelta(days=DAYS),
    )


def add_renewals(connection: Connection, new: Renewals) -> None:
    """Write how often what a credential brings may be renewed."""
    connection.execute(
        insert(renewals).values(reference=new.reference, most=new.most, made=new.made, until=new.until)
    )


def renewals_of(connection: Connection, found: Credential) -> Renewals:
    """What of renewals there is and was; the standard for a credential from before it was said."""
    return all_renewals(connection, [found])[found.reference]


def all_renewals(connection: Connection, found: Iterable[Credential]) -> dict[str, Renewals]:
    """The renewals of credentials, by their references."""
    told = {one.reference: standard(one) for one in found}
    query = select(renewals).where(renewals.c.reference.in_(told))
    told |= {row.reference: Renewals(**row._mapping) for row in connection.execute(query)}  # noqa: SLF001 - the public name
    return told


def count_renewal(connection: Connection, found: Credential, now: datetime) -> bool:
    """Count a renewal; False when none is left, or their time is over, or the credential was withdrawn."""
    c = renewals.c
    stands = exists().where(credentials.c.reference == found.reference, credentials.c.withdrawn_at.is_(None))
    one_more = (
        update(renewals)
        .where(c.reference == found.reference, c.made < c.most, c.until > now, stands)
        .values(made=c.made + 1)
    )
    if connection.execute(one_more).rowcount == 1:
        return True
    try:  # one from before there was this table
        with connection.begin_nested():
            add_renewals(connection, standard(found))
    except IntegrityError:
        return False
    return connection.execute(one_more).rowcount == 1


def credential_named(connection: Connection, named: str) -> Credential | None:
    """The credential of this reference; of a registered certificate, of the first digits of its SHA-256."""
    c = credentials.c
    query = select(c.reference).where(c.reference == named)
    found = connection.execute(query).scalar()
    if found is None and len(named) == _DIGITS and set(named) <= set("0123456789abcdef"):
        begins = select(c.reference).where(c.reference.startswith(named), c.kind != "secret")
        found = connection.execute(begins.order_by(c.reference).limit(1)).scalar()
    return None if found is None else credential(connection, found)
