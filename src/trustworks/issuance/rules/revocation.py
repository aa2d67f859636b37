"""When a certificate may be revoked, held and released, and with which dates."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.issuance.model import CertificateStatus, Revocation

Moment = TypeVar("Moment", datetime, int)


@implements("EN319411-1:REV-6.3.9-04")
def check_not_reinstated(current: Revocation | None, wanted: RevocationReason | None) -> None:
    """Refuse to change a revocation: only a hold can be lifted (`wanted` None) or become a revocation.

    Source: EN 319 411-1, 6.3.9; RFC 5280, 5.3.1.
    """
    if current is None or current.reason is RevocationReason.certificateHold:
        return
    what = "be valid again" if wanted is None else f"be revoked again for {wanted.name}"
    raise Refused(
        "EN319411-1:REV-6.3.9-04",
        f"The certificate is revoked since {current.revoked_at:%Y-%m-%d %H:%M:%SZ} for "
        f"{current.reason.name}, and "
        f"that is for good; it cannot {what}.",
    )


@implements("TRUSTWORKS:ISSUANCE-REVOCABLE")
def check_revocable(status: CertificateStatus | None, wanted: RevocationReason | None) -> None:
    """Refuse what makes no sense: a certificate that was not issued, a release of one that is not held.

    A certificate that expired can be revoked: signatures made before are judged by it.
    """
    if status is None or status.state != "issued":
        raise Rejected(
            "issuance.not-issued",
            "No certificate with this serial number was issued. `trustworks certificate list` shows those "
            "that were.",
        )
    if wanted is None and status.revocation is None:
        raise Rejected("issuance.not-held", "The certificate is not held, so there is nothing to release.")
    held = status.revocation is not None and status.revocation.reason is RevocationReason.certificateHold
    if wanted is RevocationReason.certificateHold and held:
        raise Rejected(
            "issuance.held-already",
            "The certificate is held already; release it, or revoke it for another reason.",
        )


@implements("TRUSTWORKS:ISSUANCE-REVOCATION-DATES")
def check_dates(
    *, revoked_at: datetime, invalidity_date: datetime | None, not_before: datetime, now: datetime
) -> None:
    """Refuse a revocation in the future, or before the certificate was.

    The key may be older than its certificate, and so may its loss be: that date may lie before.
    Source: EN 319 411-1, REV-6.2.4-05A; RFC 5280, 5.3.2.
    """
    for name, moment in (("revocation", revoked_at), ("invalidity", invalidity_date)):
        if moment is None:
            continue
        if moment > now:
            raise Rejected(
                "issuance.date",
                f"The {name} date {moment:%Y-%m-%d %H:%M:%SZ} lies in the future; revoke then.",
            )
    if revoked_at < not_before:
        raise Rejected(
            "issuance.date",
            f"The revocation date {revoked_at:%Y-%m-%d %H:%M:%SZ} lies before the certificate's first day, "
            f"{not_before:%Y-%m-%d %H:%M:%SZ}; give a later one.",
        )


@implements("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK", disabled=False)
def needs_no_trusted_time(wanted: RevocationReason | None) -> bool:
    """Whether a change is recorded without trusted time, too: every revocation and every hold.

    Lifting a hold (`wanted` None) makes a certificate good again, and that can wait.
    """
    return wanted is not None


@implements("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK", disabled=lambda system, _: system)
def unproven_moment(system: datetime, known: Iterable[datetime | None]) -> datetime:
    """The moment of a revocation without trusted time: the system clock's, if what is known allows it.

    `known` are moments that have passed for certain, such as the certificate's first. A clock that stands
    before one of them was set back; the revocation is then of the latest of these moments, and not refused.
    """
    return max([system, *(one for one in known if one is not None)])


@implements("TRUSTWORKS:STATUS-REVOKED-BY-NOW", disabled=lambda recorded, _: recorded)
def date_told(recorded: Moment, now: Moment) -> Moment:
    """The revocation date that a list or an answer of `now` tells: never one that lies after itself.

    A system clock that was ahead may have dated a revocation. Clients that compare the date with the time
    take a certificate whose revocation lies ahead for good.
    """
    return min(recorded, now)
