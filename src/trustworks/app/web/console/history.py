"""The history of a certificate, out of the records that were written when it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustworks.core.errors import Rejected
from trustworks.issuance import records
from trustworks.issuance.records.notices import HELD, RELEASED, REVOKED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.app.web.console.desk import Desk
    from trustworks.issuance.model import CertificateRecord, RevocationRequest


class Happening(NamedTuple):
    """What happened, when, by whom, in which words; `link` leads to more."""

    at: datetime
    what: str
    by: str
    words: str
    link: str = ""


def history(desk: Desk, found: CertificateRecord, application: str | None) -> list[Happening]:
    """All that is recorded of a certificate, the oldest first."""
    with desk.database.read() as connection:
        requests = records.requests_about(connection, found.serial)
        notices = records.notices_about(connection, found.serial)
    told = [*_issued(found), *_applied(desk, application)]
    for one in requests:
        told += _requested(one)
    words = {REVOKED: "Revoked", HELD: "Held", RELEASED: "Released from its hold"}
    told += [
        Happening(one.at, words[one.event], "", "" if one.reason is None else f"Reason: {one.reason}.")
        for one in notices
    ]
    if found.revocation is not None and not notices:  # one of a key that was lost with another certificate
        reason = f"Reason: {found.revocation.reason.name}."
        told.append(Happening(found.revocation.recorded_at, "Revoked", "", reason))
    return sorted(told, key=lambda one: one.at)


def _issued(found: CertificateRecord) -> Iterator[Happening]:
    yield Happening(found.requested_at, "Asked for", found.requested_by, "")
    if found.issued_at is not None:
        yield Happening(found.issued_at, "Issued", found.authority, f"Profile {found.profile}.")


def _applied(desk: Desk, identifier: str | None) -> Iterator[Happening]:
    if identifier is None:
        return
    try:
        found = desk.registration.application(identifier)
    except Rejected:  # erased meanwhile
        return
    link = f"/console/applications/{identifier}"
    yield Happening(found.received_at, "Application received", found.received_by, "", link)
    for one in found.evidence:
        yield Happening(one.recorded_at, "Evidence recorded", one.recorded_by, f"{one.method}.", link)
    words = {"approve": "Application approved", "refuse": "Issuing refused"}
    for decision in found.decisions:
        what = words.get(decision.act, f"Application: {decision.act}")
        yield Happening(decision.at, what, decision.by, decision.reason, link)


def _requested(one: RevocationRequest) -> Iterator[Happening]:
    report = one.kind == "problem-report"
    what = "Problem reported" if report else "Revocation asked for"
    link = f"/console/requests/{one.id}"
    yield Happening(one.received_at, what, one.requester, one.note or "", link)
    if one.delayed_why:
        yield Happening(one.recorded_at, "Decision delayed", one.recorded_by, one.delayed_why, link)
    if one.decided_at is not None:
        done = "Request carried out" if one.state == "done" else "Request refused"
        words = one.decided_why or one.confirmed_how or ""
        yield Happening(one.decided_at, done, one.decided_by or "", words, link)
