"""When a request for revocation is taken, confirmed and overdue (EN 319 411-1, 6.2.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import LOST
from trustworks.issuance.rules.problem_reports import reported_reason

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.issuance.model import Profile, RevocationReason, RevocationRequest

KINDS: Final = {
    "subject": "the subject of the certificate",
    "subscriber": "who ordered the certificate",
    "nca": "the competent authority of a payment service provider (PSD2)",
    "provider": "the provider itself",
    "supervisor": "the supervisory body or a court",
    "third-party": "somebody else",
    "problem-report": "a report of a problem with a certificate",
}
WITHIN: Final = timedelta(hours=24)


@implements("TS119495:REV-6.2.6-1")
def check_kind(kind: str, profile: Profile | None) -> None:
    """Refuse a capacity that nobody has; a competent authority asks for certificates of PSD2 alone."""
    if kind not in KINDS:
        raise Rejected("revocation.kind", f"{kind!r} is no kind of requester; use one of {', '.join(KINDS)}.")
    if kind == "nca" and profile is not None and not profile.psd2:
        raise Rejected(
            "revocation.kind",
            f"A competent authority of PSD2 asks for PSD2 certificates; the profile {profile.name} is none. "
            "Use another kind of requester.",
        )


@implements("EN319411-1:REV-6.2.4-08")
def check_received(received_at: datetime, now: datetime) -> None:
    """Refuse a receipt that lies in the future: the 24 hours would begin later than they do."""
    if received_at > now:
        raise Rejected(
            "revocation.date",
            f"The request cannot have been received at {received_at:%Y-%m-%d %H:%M:%SZ}, which is to come; "
            "give the moment it came in.",
        )


def check_schedule(effective_at: datetime | None, reason: RevocationReason | None, now: datetime) -> None:
    """Refuse a moment to come that has passed, or for a lost key, which cannot wait."""
    if effective_at is None:
        return
    if effective_at <= now:
        raise Rejected(
            "revocation.date",
            f"{effective_at:%Y-%m-%d %H:%M:%SZ} has passed; leave it out to revoke the certificate now.",
        )
    if reason in LOST:
        raise Rejected(
            "revocation.date", "A certificate whose key is lost is revoked now; leave the moment to come out."
        )


@implements("EN319411-1:REV-6.2.4-05A", disabled=lambda request: request.received_at + WITHIN)
def deadline(request: RevocationRequest) -> datetime:
    """Until when the changed status has to be seen: a moment to come that was named counts as the receipt."""
    return (request.effective_at or request.received_at) + WITHIN


@implements("EN319411-1:REV-6.2.4-09")
def check_confirmed(how: str | None) -> None:
    """Refuse to act on a request whose requester nobody has authenticated and found authorised."""
    if how is None or not how.strip():
        raise Refused(
            "EN319411-1:REV-6.2.4-09",
            "Say how the requester was authenticated and found authorised (--confirmed-how); a request that "
            "is not confirmed revokes nothing.",
        )


@implements("TRUSTWORKS:REVOCATION-REASON-REPORTED", disabled=lambda _, given: given)
def reason_for(request: RevocationRequest, given: RevocationReason | None) -> RevocationReason:
    """The reason for which a request is carried out: the officer's, else the one that was asked or reported.

    Raises `Rejected` (revocation.reason) where nobody gives one.
    """
    found = given or request.reason
    if found is None and request.kind == "problem-report":
        found = reported_reason(request.note)
    if found is None:
        raise Rejected(
            "revocation.reason",
            "The report gives no reason of a revocation. Say for which one the certificate is to be revoked "
            "(--reason).",
        )
    return found


def check_reason_kept(request: RevocationRequest, given: RevocationReason | None) -> None:
    """Refuse another reason for what is carried out later: what was asked stays as it came."""
    if given not in {None, request.reason}:
        raise Rejected(
            "revocation.reason",
            "The request names a moment to come, and is carried out for its own reason. Confirm it without "
            "--reason, or refuse it and record another.",
        )


@implements("EN319411-1:REV-6.2.4-03BA", disabled=False)
def is_overdue(request: RevocationRequest, now: datetime) -> bool:
    """Whether a pending request passed its deadline, and no reason of the delay is recorded."""
    return request.state == "pending" and request.delayed_why is None and now > deadline(request)


@implements("EN319411-1:REV-6.2.4-03BB")
def check_reason_of_delay(why: str) -> None:
    """Refuse a delay without a reason: it is what an auditor reads."""
    if not why.strip():
        raise Refused(
            "EN319411-1:REV-6.2.4-03BB", "Say why the request cannot be confirmed in 24 hours (--why)."
        )


def check_pending(request: RevocationRequest | None) -> RevocationRequest:
    """The request, if it waits for a decision."""
    if request is None:
        raise Rejected(
            "revocation.request",
            "There is no such request. `trustworks revocation list` shows those that wait.",
        )
    if request.state != "pending":
        raise Rejected("revocation.request", f"The request {request.id} is {request.state} already.")
    return request
