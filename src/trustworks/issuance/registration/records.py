"""The tables of registration, and all SQL on them.

What tells who somebody is stands in the columns `asked`, `subject`, `csr`, `content` and `reason` (and
`name` of `domain_records`, `address` of `mailbox_records`), and nowhere else: they are emptied when their
time is over, together with the salt without which the digest that stays says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.registration import contents, device_records, domain_records, mailbox_records
from trustworks.issuance.registration.model import (
    Application,
    Decision,
    IdentityEvidence,
    NewApplication,
    SubjectKind,
)
from trustworks.issuance.registration.texts import asked_text, evidence_text, read_asked, read_evidence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.registration.model import Act, State

applications = Table(
    "applications",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("asked", Text, nullable=True),
    Column("subject", String(2000), nullable=True),
    Column("csr", LargeBinary, nullable=True),
    Column("salt", LargeBinary(16), nullable=True),
    Column("digest", String(64), nullable=False),
    Column("serial", String(40), nullable=True, unique=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("received_by", String(64), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
bind(applications, but=("asked", "subject", "csr", "salt"))
Index("applications_state", applications.c.state, applications.c.received_at)

evidence = Table(
    "identity_evidence",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("application", String(32), nullable=False),
    Column("about", String(20), nullable=False),
    Column("method", String(40), nullable=False),
    Column("origin", String(32), nullable=True),
    Column("content", Text, nullable=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String(64), nullable=False),
)
bind(evidence, but=("content",))
Index("identity_evidence_application", evidence.c.application)
Index("identity_evidence_origin", evidence.c.origin)

decisions = Table(
    "registration_decisions",
    metadata,
    Column("application", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("act", String(10), nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(1000), nullable=True),
    PrimaryKeyConstraint("application", "number"),
)
bind(decisions, but=("reason",))


def add_application(connection: Connection, application: Application, *, subject: str, salt: bytes) -> None:
    """Write a new application; `subject` is its name as people read it."""
    connection.execute(
        insert(applications).values(
            id=application.id,
            state=application.state,
            profile=application.asked.profile,
            key_id=application.key_id,
            asked=asked_text(application.asked),
            subject=subject,
            csr=application.asked.csr,
            salt=salt,
            digest=application.digest,
            serial=None,
            received_at=application.received_at,
            received_by=application.received_by,
            changed_at=application.received_at,
        )
    )
    told = asked_text(application.asked).encode(), subject.encode(), application.asked.csr
    contents.add(connection, "application", application.id, application.id, *told)


def add_evidence(connection: Connection, application: str, pieces: Iterable[IdentityEvidence]) -> None:
    """Write evidence of an application."""
    for one in pieces:
        content = evidence_text(one)
        connection.execute(
            insert(evidence).values(
                id=one.id,
                application=application,
                about=one.about.value,
                method=one.method,
                origin=one.origin,
                content=content.decode(),
                recorded_at=one.recorded_at,
                recorded_by=one.recorded_by,
            )
        )
        contents.add(connection, "evidence", one.id, application, content)


def add_decision(
    connection: Connection, application: str, act: Act, *, by: str, at: datetime, reason: str
) -> None:
    """Write who decided what."""
    number = connection.execute(
        select(func.count()).select_from(decisions).where(decisions.c.application == application)
    ).scalar_one()
    connection.execute(
        insert(decisions).values(application=application, number=number, act=act, by=by, at=at, reason=reason)
    )
    contents.add(connection, "decision", f"{application}:{number}", application, reason.encode())


def move(
    connection: Connection,
    application: str,
    before: State,
    after: State,
    *,
    at: datetime,
    serial: str | None = None,
) -> bool:
    """Bring an application from one state to another; False when it is in a third one by now."""
    result = connection.execute(
        update(applications)
        .where(applications.c.id == application, applications.c.state == before)
        .values(state=after, changed_at=at, **({} if serial is None else {"serial": serial}))
    )
    return result.rowcount == 1


def lock(connection: Connection, application: Application) -> None:
    """Keep others from changing an application, and from using its evidence, until the transaction ends."""
    rows = select(applications.c.id).where(applications.c.id == application.id)
    connection.execute(rows.with_for_update()).all()
    pieces = select(evidence.c.id).where(evidence.c.id.in_(_origins(application))).order_by(evidence.c.id)
    connection.execute(pieces.with_for_update()).all()


def _origins(application: Application) -> list[str]:
    """The ids under which the evidence of an application was recorded first."""
    return sorted({one.origin or one.id for one in application.evidence})


def application(connection: Connection, identifier: str) -> Application | None:
    """The application with this id, with its evidence and decisions, or None."""
    row = connection.execute(select(applications).where(applications.c.id == identifier)).one_or_none()
    return None if row is None else _application(connection, row)


def application_of(connection: Connection, serial: str) -> Application | None:
    """The application that the certificate with this serial came from, or None."""
    row = connection.execute(select(applications).where(applications.c.serial == serial)).one_or_none()
    return None if row is None else _application(connection, row)


def list_applications(
    connection: Connection,
    *,
    states: Sequence[State] = (),
    profile: str | None = None,
    profiles: Collection[str] | None = None,
    subject: str | None = None,
    limit: int = 100,
) -> list[Application]:
    """The applications that wait longest, first; `subject` is looked for anywhere in the name.

    `profiles` are those that the caller may see; None: all.
    """
    query = select(applications).order_by(applications.c.received_at, applications.c.id).limit(limit)
    if states:
        query = query.where(applications.c.state.in_(states))
    if profile is not None:
        query = query.where(applications.c.profile == profile)
    if profiles is not None:
        query = query.where(applications.c.profile.in_(profiles))
    if subject is not None:
        query = query.where(applications.c.subject.contains(subject, autoescape=True))
    return [_application(connection, row) for row in connection.execute(query).all()]


def counts(connection: Connection) -> dict[str, int]:
    """How many applications are in each state."""
    query = select(applications.c.state, func.count()).group_by(applications.c.state)
    return {state: int(number) for state, number in connection.execute(query)}


def served(connection: Connection, application: Application) -> dict[str, int]:
    """How many certificates the evidence of an application has served, or is about to, by its first id."""
    found: dict[str, int] = {}
    for origin in _origins(application):
        query = (
            select(func.count(func.distinct(evidence.c.application)))
            .select_from(evidence.join(applications, applications.c.id == evidence.c.application))
            .where(
                (evidence.c.id == origin) | (evidence.c.origin == origin),
                applications.c.state.in_(("approved", "issued")),
            )
        )
        found[origin] = int(connection.execute(query).scalar_one())
    return found


def unfinished(connection: Connection, before: datetime) -> list[str]:
    """The ids of applications received before a moment that nobody has decided on."""
    query = select(applications.c.id).where(
        applications.c.state == "received", applications.c.received_at < before
    )
    return list(connection.execute(query.order_by(applications.c.received_at)).scalars())


def ended(connection: Connection, *, limit: int = 1000) -> list[tuple[str, str | None, datetime]]:
    """Applications at their end whose personal data are still here: id, serial, when they last changed."""
    query = (
        select(applications.c.id, applications.c.serial, applications.c.changed_at)
        .where(
            applications.c.state.in_(("issued", "rejected", "withdrawn", "refused")),
            applications.c.asked.is_not(None),
        )
        .order_by(applications.c.changed_at)
        .limit(limit)
    )
    return [(row.id, row.serial, row.changed_at) for row in connection.execute(query)]


def erase(connection: Connection, identifier: str) -> None:
    """Forget who the subject is: name, evidence, contact, and the salt of the digest."""
    connection.execute(
        update(applications)
        .where(applications.c.id == identifier)
        .values(asked=None, subject=None, csr=None, salt=None)
    )
    connection.execute(update(evidence).where(evidence.c.application == identifier).values(content=None))
    connection.execute(update(decisions).where(decisions.c.application == identifier).values(reason=None))
    domain_records.erase(connection, identifier)
    mailbox_records.erase(connection, identifier)
    device_records.erase(connection, identifier)
    contents.erase(connection, identifier)


def content_of(
    connection: Connection, kind: str, identifier: str, application: str
) -> tuple[bytes, ...] | None:
    """What `contents` binds of a piece; None where it is erased, or gone."""
    match kind:
        case "application":
            columns = applications.c.asked, applications.c.subject, applications.c.csr
            query = select(*columns).where(applications.c.id == identifier)
        case "device":
            query = select(device_records.devices.c.content).where(
                device_records.devices.c.id == identifier,
                device_records.devices.c.application == application,
            )
        case "domain":
            query = select(domain_records.validations.c.name).where(
                domain_records.validations.c.id == identifier,
                domain_records.validations.c.application == application,
            )
        case "mailbox":
            query = select(mailbox_records.validations.c.address).where(
                mailbox_records.validations.c.id == identifier,
                mailbox_records.validations.c.application == application,
            )
        case "evidence":
            query = select(evidence.c.content).where(
                evidence.c.id == identifier, evidence.c.application == application
            )
        case _:
            number = int(identifier.rpartition(":")[2])
            query = select(decisions.c.reason).where(
                decisions.c.application == application, decisions.c.number == number
            )
    row = connection.execute(query).one_or_none()
    if row is None or any(one is None for one in row):
        return None
    return tuple(one.encode() if isinstance(one, str) else bytes(one) for one in row)


def _application(connection: Connection, row: Any) -> Application:
    pieces = connection.execute(
        select(evidence)
        .where(evidence.c.application == row.id)
        .order_by(evidence.c.recorded_at, evidence.c.id)
    )
    made = connection.execute(
        select(decisions).where(decisions.c.application == row.id).order_by(decisions.c.number)
    )
    erased = row.asked is None
    asked = (
        NewApplication(profile=row.profile, kind=SubjectKind.NATURAL, subject=(), csr=b"", terms="")
        if erased
        else read_asked(row.asked, row.csr)
    )
    return Application(
        id=row.id,
        state=row.state,
        asked=asked,
        key_id=row.key_id,
        received_at=row.received_at,
        received_by=row.received_by,
        evidence=() if erased else tuple(read_evidence(one) for one in pieces),
        devices=device_records.of_application(connection, row.id),
        decisions=tuple(Decision(act=one.act, by=one.by, at=one.at, reason=one.reason or "") for one in made),
        serial=row.serial,
        digest=row.digest,
        erased=erased,
    )
