"""All SQL on what was issued: certificates, their status, and what their keys are used for."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, case, func, insert, select, update

from trustworks.core.store.prepared import PreparedSelect
from trustworks.issuance.model import (
    LOST,
    CertificateRecord,
    CertificateStatus,
    KeyUse,
    Revocation,
    RevocationReason,
)
from trustworks.issuance.records.issuers import count_change
from trustworks.issuance.records.tables import authorities, certificates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

_STATUS = (
    certificates.c.serial,
    certificates.c.authority,
    certificates.c.state,
    certificates.c.not_after,
    certificates.c.revoked_at,
    certificates.c.revocation_reason,
    certificates.c.invalidity_date,
    certificates.c.revoked_recorded_at,
)

# Made once: every OCSP request reads it, and making a statement costs more than executing it.
_STATUS_OF = PreparedSelect(select(*_STATUS).where(certificates.c.serial == bindparam("serial")))
_SERIALS: BindParameter[Any] = bindparam("serials", expanding=True)
_STATUS_OF_ALL = PreparedSelect(select(*_STATUS).where(certificates.c.serial.in_(_SERIALS)))
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_DER_OF = select(certificates.c.der).where(certificates.c.serial == bindparam("serial"))
_LOST_REASONS = [reason.value for reason in LOST]
_LOST = PreparedSelect(
    select(certificates.c.spki_sha256, func.min(certificates.c.serial))
    .where(
        certificates.c.spki_sha256.in_(_KEYS),
        certificates.c.revocation_reason.in_(_LOST_REASONS),
    )
    .group_by(certificates.c.spki_sha256)
)
_USE = (certificates.c.spki_sha256, certificates.c.profile, certificates.c.subject)
_USES = PreparedSelect(
    select(
        func.min(certificates.c.serial),
        func.min(case((certificates.c.revocation_reason.in_(_LOST_REASONS), certificates.c.serial))),
        *_USE,
    )
    .where(certificates.c.spki_sha256.in_(_KEYS), certificates.c.state != "abandoned")
    .group_by(*_USE)
)
_INTENDED = insert(certificates)
_OPEN = PreparedSelect(
    select(certificates.c.serial)
    .where(certificates.c.serial.in_(_SERIALS), certificates.c.state == "issuing")
    .with_for_update()
)
_ISSUED = (
    update(certificates)
    .where(certificates.c.serial == bindparam("one"), certificates.c.state == "issuing")
    .values(state="issued", der=bindparam("octets"), tbs=None, issued_at=bindparam("at"))
)
_ABANDONED = (
    update(certificates)
    .where(certificates.c.serial == bindparam("one"), certificates.c.state == "issuing")
    .values(state="abandoned")
)


def certificate(connection: Connection, serial: str) -> CertificateRecord | None:
    """The certificate with this serial, in whatever state, or None."""
    row = connection.execute(select(certificates).where(certificates.c.serial == serial)).one_or_none()
    return None if row is None else certificate_of_row(row)


def list_certificates(
    connection: Connection,
    *,
    state: str | None = None,
    profile: str | None = None,
    profiles: Collection[str] | None = None,
    revoked: bool | None = None,
    subject: str | None = None,
    limit: int = 100,
) -> list[CertificateRecord]:
    """The newest certificates that fit, newest first; `subject` is looked for anywhere in the name.

    `profiles` are those that the caller may see; None: all.
    """
    query = (
        select(certificates).order_by(certificates.c.requested_at.desc(), certificates.c.serial).limit(limit)
    )
    if state is not None:
        query = query.where(certificates.c.state == state)
    if profile is not None:
        query = query.where(certificates.c.profile == profile)
    if profiles is not None:
        query = query.where(certificates.c.profile.in_(profiles))
    if revoked is not None:
        column = certificates.c.revoked_at
        query = query.where(column.is_not(None) if revoked else column.is_(None))
    if subject is not None:
        query = query.where(certificates.c.subject.contains(subject, autoescape=True))
    return [certificate_of_row(row) for row in connection.execute(query)]


def status(connection: Connection, serial: str) -> CertificateStatus | None:
    """What a status service needs of one serial, or None when the serial was never used."""
    row = _STATUS_OF.first(connection, serial=serial)
    return None if row is None else _status_of(row)


def statuses(connection: Connection, serials: Sequence[str]) -> list[CertificateStatus]:
    """As `status`, of those that were used, in no order."""
    return [_status_of(row) for row in _STATUS_OF_ALL.all(connection, serials=serials)]


def certificate_digest(connection: Connection, serial: str) -> bytes | None:
    """The SHA-256 of the certificate with this serial; None while there is none."""
    der = connection.execute(_DER_OF, {"serial": serial}).scalar()
    return None if der is None else sha256(der).digest()


def revoked(connection: Connection, authority: str) -> Iterator[CertificateStatus]:
    """All issued certificates of an authority that are revoked or held, by serial; streamed."""
    query = (
        select(*_STATUS)
        .where(
            certificates.c.authority == authority,
            certificates.c.state == "issued",
            certificates.c.revoked_at.is_not(None),
        )
        .order_by(certificates.c.serial)
    )
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield _status(row)


def not_its_own(authority: str) -> ColumnElement[bool]:
    """Leaves out the certificate that a root issued to itself: no list of its own can tell of that."""
    own = select(authorities.c.serial).where(authorities.c.name == authority).scalar_subquery()
    return certificates.c.serial != own


def scope(connection: Connection, authority: str) -> Iterator[CertificateStatus]:
    """All issued certificates of an authority but its own, by serial; streamed."""
    query = (
        select(*_STATUS)
        .where(
            certificates.c.authority == authority, not_its_own(authority), certificates.c.state == "issued"
        )
        .order_by(certificates.c.serial)
    )
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield _status(row)


def serials_of_key(connection: Connection, spki_sha256: bytes) -> list[str]:
    """The serials of all issued certificates with this public key."""
    query = select(certificates.c.serial).where(
        certificates.c.spki_sha256 == spki_sha256, certificates.c.state == "issued"
    )
    return list(connection.execute(query.order_by(certificates.c.serial)).scalars())


def newest_of_key(
    connection: Connection, authority: str, profile: str, spki_sha256: bytes, *, at: datetime
) -> tuple[str, bytes] | None:
    """Serial and octets of the newest certificate of a key by an authority that is good at a moment."""
    c = certificates.c
    row = connection.execute(
        select(c.serial, c.der)
        .where(
            c.spki_sha256 == spki_sha256,
            c.authority == authority,
            c.profile == profile,
            c.state == "issued",
            c.revoked_at.is_(None),
            c.not_before <= at,
            c.not_after > at,
        )
        .order_by(c.issued_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.serial, row.der)


def compromised_keys(connection: Connection, spki_sha256: Sequence[bytes]) -> dict[bytes, str]:
    """Those of these public keys that were lost: a certificate of each that was revoked because of that."""
    return {bytes(key): serial for key, serial in _LOST.all(connection, keys=spki_sha256)}


class KnownKey(NamedTuple):
    """What a public key was certified for or is about to be, one of each profile and subject.

    `lost` is the serial of a certificate of it that was revoked because the key was lost.
    """

    uses: list[KeyUse]
    lost: str | None


def uses_of_keys(connection: Connection, spki_sha256: Sequence[bytes]) -> dict[bytes, KnownKey]:
    """What is known of public keys; those are left out that were never certified."""
    found: dict[bytes, KnownKey] = {}
    for serial, lost, octets, profile, subject in _USES.all(connection, keys=spki_sha256):
        key = bytes(octets)
        uses, before = found.get(key, _UNKNOWN)
        found[key] = KnownKey([*uses, KeyUse(serial, profile, subject)], lost or before)
    return found


_UNKNOWN = KnownKey([], None)


def add_intents(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write intents to issue. Raises IntegrityError for a serial that is used already."""
    if rows:
        connection.execute(_INTENDED, rows)


def lock_open(connection: Connection, serials: Sequence[str]) -> frozenset[str]:
    """Those of these intents that are open, and stay so until the commit (SQLite has one writer)."""
    return frozenset(serial for (serial,) in _OPEN.all(connection, serials=serials))


def mark_issued(
    connection: Connection, certificates_of: Sequence[tuple[str, bytes]], issued_at: datetime
) -> None:
    """Turn open intents (`lock_open`) into issued certificates, each a serial and its DER."""
    rows = [{"one": serial, "octets": der, "at": issued_at} for serial, der in certificates_of]
    if rows:
        connection.execute(_ISSUED, rows)


def mark_abandoned(connection: Connection, serials: Sequence[str]) -> None:
    """Close open intents (`lock_open`) that did not become certificates."""
    if serials:
        connection.execute(_ABANDONED, [{"one": serial} for serial in serials])


def open_intents(connection: Connection, before: datetime) -> list[str]:
    """The serials of intents recorded before a moment and neither finished nor closed."""
    query = select(certificates.c.serial).where(
        certificates.c.state == "issuing", certificates.c.requested_at < before
    )
    return list(connection.execute(query.order_by(certificates.c.serial)).scalars())


def set_revocation(
    connection: Connection, serial: str, revocation: Revocation | None, *, at: datetime
) -> bool:
    """Write a certificate's revocation (None lifts a hold); False when none was issued with the serial.

    The one writer of revocations: it counts the change for the authority, whose lock the caller holds
    (`lock_authority`). By that number the next list is due. `at` is when the change is recorded.
    """
    values: dict[str, Any] = dict.fromkeys(
        ("revoked_at", "revocation_reason", "invalidity_date", "revoked_recorded_at")
    )
    if revocation is not None:
        values = {
            "revoked_at": revocation.revoked_at,
            "revocation_reason": revocation.reason.value,
            "invalidity_date": revocation.invalidity_date,
            "revoked_recorded_at": revocation.recorded_at,
        }
    number = (
        select(authorities.c.changes + 1)
        .where(authorities.c.name == certificates.c.authority)
        .scalar_subquery()
    )
    result = connection.execute(
        update(certificates)
        .where(certificates.c.serial == serial, certificates.c.state == "issued")
        .values(**values, change_number=number, changed_at=at)
    )
    if result.rowcount != 1:
        return False
    count_change(connection, serial, at)
    return True


def counts(connection: Connection) -> dict[str, int]:
    """How many certificates are in each state, and how many of the issued are revoked."""
    query = select(certificates.c.state, func.count()).group_by(certificates.c.state)
    found = {state: int(number) for state, number in connection.execute(query)}
    found["revoked"] = int(
        connection.execute(
            select(func.count()).select_from(certificates).where(certificates.c.revoked_at.is_not(None))
        ).scalar_one()
    )
    return found


def certificate_of_row(row: Any) -> CertificateRecord:
    """The record in a row of the table."""
    return CertificateRecord(
        serial=row.serial,
        authority=row.authority,
        profile=row.profile,
        subject=row.subject,
        state=row.state,
        not_before=row.not_before,
        not_after=row.not_after,
        spki_sha256=row.spki_sha256,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        issued_at=row.issued_at,
        der=row.der,
        revocation=_revocation(row),
    )


def _status_of(row: tuple[Any, ...]) -> CertificateStatus:
    """As `_status`, of the columns of `_STATUS` in their order."""
    serial, authority, state, not_after, revoked_at, reason, invalidity_date, recorded_at = row
    return CertificateStatus(
        serial=serial,
        authority=authority,
        state=state,
        not_after=not_after,
        revocation=None
        if revoked_at is None
        else Revocation(
            revoked_at=revoked_at,
            reason=RevocationReason(reason),
            recorded_at=recorded_at,
            invalidity_date=invalidity_date,
        ),
    )


def _status(row: Any) -> CertificateStatus:
    return CertificateStatus(
        serial=row.serial,
        authority=row.authority,
        state=row.state,
        not_after=row.not_after,
        revocation=_revocation(row),
    )


def _revocation(row: Any) -> Revocation | None:
    if row.revoked_at is None:
        return None
    return Revocation(
        revoked_at=row.revoked_at,
        reason=RevocationReason(row.revocation_reason),
        recorded_at=row.revoked_recorded_at,
        invalidity_date=row.invalidity_date,
    )
