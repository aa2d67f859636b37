"""When a certificate may be revoked, held and released, and with which dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import LOST, Revocation, RevocationReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.issuance.model import CertificateRecord, CertificateStatus, Profile

FIRST_CERTIFICATES: Final = datetime(1988, 1, 1, tzinfo=UTC)  # the first edition of X.509
Moment = TypeVar("Moment", datetime, int)


@implements("EN319411-1:REV-6.3.9-04")
def check_not_reinstated(current: Revocation | None, wanted: RevocationReason | None) -> None:
    """Refuse to change a revocation, except for its reason once the key is found lost (see `may_become`).

    Only a hold can be lifted (`wanted` None). Source: EN 319 411-1, 6.3.9; RFC 5280, 5.3.1.
    """
    if current is None or may_become(current, wanted):
        return
    what = "be valid again" if wanted is None else f"be revoked again for {wanted.name}"
    raise Refused(
        "EN319411-1:REV-6.3.9-04",
        f"The certificate is revoked since {current.revoked_at:%Y-%m-%d %H:%M:%SZ} for "
        f"{current.reason.name}, and "
        f"that is for good; it cannot {what}.",
    )


def may_become(current: Revocation | None, wanted: RevocationReason | None) -> bool:
    """Whether a certificate's revocation can become one for `wanted`, or be lifted (None).

    A key may be found lost after its certificate was revoked for another reason; that it stays revoked is not
    enough then, for what was signed before is judged by the reason.
    """
    if current is None or current.reason is RevocationReason.certificateHold:
        return True
    return wanted in LOST and current.reason not in LOST


def following(current: Revocation | None, new: Revocation) -> Revocation:
    """The revocation `new` as it follows on the one that a certificate has: dates that were told stay.

    A hold's date that lies ahead is from a clock that was ahead, and does not. The date of invalidity stays
    unless another one is given.
    """
    if current is None:
        return new
    held = current.reason is RevocationReason.certificateHold
    return replace(
        new,
        revoked_at=min(current.revoked_at, new.recorded_at) if held else current.revoked_at,
        invalidity_date=new.invalidity_date or current.invalidity_date,
    )


@implements("TRUSTWORKS:ISSUANCE-REVOCABLE")
def check_revocable(
    status: CertificateRecord | CertificateStatus | None, wanted: RevocationReason | None
) -> None:
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


@implements("EN319411-1:REV-6.2.4-10")
def check_suspendable(profile: Profile | None, wanted: RevocationReason | None) -> None:
    """Refuse to hold a certificate of a profile that bars it, as of a web site's or a short-term one's."""
    if profile is not None and wanted is RevocationReason.certificateHold and not profile.suspension:
        raise Refused(
            "EN319411-1:REV-6.2.4-10",
            f"Certificates of the profile {profile.name} cannot be held; revoke it for another reason.",
        )


@implements("EN319411-1:REV-6.3.9-15")
def check_not_irrevocable(profile: Profile | None, wanted: RevocationReason | None) -> None:
    """Refuse to revoke a short-term certificate, which says that its status need not be asked for.

    Unless its key was lost: then it is on record, so that the key is not certified again.
    """
    if profile is not None and profile.short_term and wanted is not None and wanted not in LOST:
        raise Refused(
            "EN319411-1:REV-6.3.9-15",
            f"Certificates of the profile {profile.name} end within hours and are never revoked. Record what "
            "is wrong: `trustworks revocation report`.",
        )


@implements("TRUSTWORKS:ISSUANCE-REVOCATION-DATES")
def check_invalidity_date(given: datetime | None, now: datetime, *, proven: bool) -> None:
    """Refuse a loss of the key before there were certificates, or in the future of trusted time (`proven`).

    Any other clock may stand anywhere, and a date that it calls wrong keeps no key from being revoked. The
    key may be older than its certificate, and than the authority too if it was certified by another one, and
    so may its loss be; the floor only finds the mistyped year. Source: RFC 5280, 5.3.2.
    """
    if given is not None and given < FIRST_CERTIFICATES:
        raise Rejected(
            "issuance.date",
            f"The invalidity date {given.isoformat()} lies before {FIRST_CERTIFICATES:%Y}, when there were "
            "no certificates yet; correct the year, or give none.",
        )
    if proven and given is not None and given > now:
        raise Rejected(
            "issuance.date",
            f"The invalidity date {given:%Y-%m-%d %H:%M:%SZ} lies in the future; give an earlier one "
            "or none.",
        )


@implements("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK", disabled=False)
def needs_no_trusted_time(wanted: RevocationReason | None) -> bool:
    """Whether a change is recorded without trusted time, too: every revocation and every hold.

    Lifting a hold (`wanted` None) makes a certificate good again, and that can wait.
    """
    return wanted is not None


@implements("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK", disabled=lambda moment, _: moment)
def moment_of_change(moment: datetime, known: Iterable[datetime | None]) -> datetime:
    """The moment of a change of status: the clock's, if what is known allows it.

    `known` are moments that have passed for certain: the certificate's first, the newest list's. A moment
    before one of them was taken before the change had its turn, or is from a system clock that was set back;
    the change is then of the latest of these moments, and not refused.
    """
    return max([moment, *(one for one in known if one is not None)])


@implements("TRUSTWORKS:STATUS-REVOKED-BY-NOW", disabled=lambda recorded, _: recorded)
def date_told(recorded: Moment, now: Moment) -> Moment:
    """The revocation date that a list or an answer of `now` tells: never one that lies after itself.

    A system clock that was ahead may have dated a revocation. Clients that compare the date with the time
    take a certificate whose revocation lies ahead for good.
    """
    return min(recorded, now)


@implements("TRUSTWORKS:STATUS-REVOKED-BY-NOW", disabled=lambda recorded, _: recorded)
def invalidity_date_told(recorded: Moment | None, now: Moment) -> Moment | None:
    """The invalidity date that a list or an answer of `now` tells, or None: never one after itself.

    Without trusted time any date is taken. One that lies ahead would say that the key is not lost yet; it is
    left out until it has come. Source: RFC 5280, 5.3.2.
    """
    return None if recorded is None or recorded > now else recorded
