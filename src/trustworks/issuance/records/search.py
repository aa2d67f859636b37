"""Finding certificates by what an officer has at hand, page by page, and what was asked and told of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy import and_, func, or_, select

from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records.issued import certificate_of_row
from trustworks.issuance.records.requests import request_of_row
from trustworks.issuance.records.tables import certificates, revocation_requests

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.model import CertificateRecord, RevocationRequest

Status = Literal["good", "held", "revoked", "expired", "unreleased"]


class CertificatePlace(NamedTuple):
    """Where a page ended: what comes next is older."""

    at: datetime
    serial: str


def search_certificates(
    connection: Connection,
    *,
    now: datetime,
    serial: str | None = None,
    status: Status | None = None,
    profile: str | None = None,
    subject: str | None = None,
    spki_sha256: bytes | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    after: CertificatePlace | None = None,
    limit: int = 25,
) -> list[CertificateRecord]:
    """The certificates that fit, newest first; `since` and `before` are about when they were asked for."""
    c = certificates.c
    held = c.revocation_reason == RevocationReason.certificateHold.value
    by_status = {
        "good": and_(c.state == "issued", c.revoked_at.is_(None), c.not_after >= now),
        "expired": and_(c.state == "issued", c.revoked_at.is_(None), c.not_after < now),
        "held": and_(c.revoked_at.is_not(None), held),
        "revoked": and_(c.revoked_at.is_not(None), ~held),
        "unreleased": c.state != "issued",
    }
    wanted = (
        None if serial is None else c.serial == serial,
        None if status is None else by_status[status],
        None if profile is None else c.profile == profile,
        None if subject is None else c.subject.contains(subject, autoescape=True),
        None if spki_sha256 is None else c.spki_sha256 == spki_sha256,
        None if since is None else c.requested_at >= since,
        None if before is None else c.requested_at < before,
    )
    query = select(certificates).where(*(one for one in wanted if one is not None))
    if after is not None:
        same = and_(c.requested_at == after.at, c.serial > after.serial)
        query = query.where(or_(c.requested_at < after.at, same))
    query = query.order_by(c.requested_at.desc(), c.serial).limit(limit)
    return [certificate_of_row(row) for row in connection.execute(query)]


def requests_about(connection: Connection, serial: str) -> list[RevocationRequest]:
    """The requests for the revocation of a certificate and the reports about it, the oldest first."""
    r = revocation_requests.c
    query = select(revocation_requests).where(r.serial == serial).order_by(r.recorded_at, r.id)
    return [request_of_row(row) for row in connection.execute(query)]


def count_pending_reports(connection: Connection, by: str, *, since: datetime) -> int:
    """How many reports of problems that somebody recorded since a moment still wait."""
    r = revocation_requests.c
    query = select(func.count()).where(
        r.state == "pending", r.received_at >= since, r.kind == "problem-report", r.recorded_by == by
    )
    return int(connection.execute(query).scalar_one())
