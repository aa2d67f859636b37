"""Scenarios about what is revoked, how fresh one knows that, and what has expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cryptography import x509
from evidence_graphs import DAY, NOW, YEAR, ocsp_answer
from judged_making import (
    BEFORE,
    BETWEEN,
    ENDED,
    EVERY,
    HOLD,
    RESPONDER,
    SIGNER,
    SOME,
    STAMPED,
    Change,
    Maker,
    Told,
    authority,
    certified,
    lists,
    of_signer,
    root,
    scenario,
    signer,
    stamp,
)

# --- passed


@scenario("passed", "B", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists())


@scenario("passed", "B, by OCSP")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=(ocsp_answer(SIGNER, RESPONDER), *lists()[1:]))


@scenario("passed", "T", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists())


@scenario("passed", "LT", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.kept())


@scenario("passed", "LTA", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.archived(make.kept()), revocation=lists())


@scenario("passed", "the authority is the anchor", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(), trust=(authority(),))


@scenario("passed", "the signer is the anchor")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=(), trust=(SIGNER,))


# --- revocation


@scenario("revocation", "signer revoked, no time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists((SIGNER, BETWEEN)))


@scenario("revocation", "signer revoked by OCSP")
def _(make: Maker) -> Told:
    answer = ocsp_answer(SIGNER, RESPONDER, revoked=BETWEEN, reason=x509.ReasonFlags.key_compromise)
    return Told(octets=make.signed(), revocation=(answer, *lists()[1:]))


@scenario("revocation", "signer revoked after the time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((SIGNER, BETWEEN)))


@scenario("revocation", "signer revoked before the time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((SIGNER, BEFORE)))


@scenario("revocation", "signer revoked at the second of the time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((SIGNER, STAMPED)))


@scenario("revocation", "signer revoked before a content time-stamp", "CAdES", "JAdES")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(content_stamps=(stamp(),)), revocation=lists((SIGNER, BEFORE)))


@scenario("revocation", "signer revoked after LT was put together", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.kept(), revocation=lists((SIGNER, BETWEEN)))


@scenario("revocation", "signer on hold")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists((SIGNER, BETWEEN, HOLD)))


@scenario("revocation", "signer on hold after the time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((SIGNER, BETWEEN, HOLD)))


@scenario("revocation", "signer on hold before the time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((SIGNER, BEFORE, HOLD)))


@scenario("revocation", "authority revoked, no time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists((authority(), BETWEEN)))


@scenario("revocation", "authority revoked after the time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((authority(), BETWEEN)))


@scenario("revocation", "authority revoked before the time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((authority(), BEFORE)))


@scenario("revocation", "authority revoked after LT was archived", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.archived(make.kept()), revocation=lists((authority(), NOW - 5 * DAY)))


@scenario("revocation", "no revocation data", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed())


@scenario("revocation", "no list of the root")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists()[:1])


@scenario("revocation", "list older than the signature, its next update has passed")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(at=NOW - 40 * DAY))


STALE: Final = (of_signer("RevocationFreshness", Unit="DAYS", Value="1"),)


@scenario("freshness", "a day asked, list of an hour")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(), policy=STALE)


@scenario("freshness", "a day asked, list of three days", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(at=NOW - 3 * DAY, lasts=9 * DAY), policy=STALE)


@scenario("freshness", "a day asked, list of three days, time-stamp before it")
def _(make: Maker) -> Told:
    return Told(
        octets=make.signed(SIGNER, stamp()),
        revocation=lists(at=NOW - 3 * DAY, lasts=9 * DAY),
        policy=STALE,
    )


@scenario("freshness", "a day asked, list a day before the time-stamp")
def _(make: Maker) -> Told:
    return Told(
        octets=make.signed(SIGNER, stamp()),
        revocation=lists(at=STAMPED - timedelta(hours=30), lasts=40 * DAY),
        policy=STALE,
    )


def by_next_update(freshness: str, **attributes: str) -> tuple[Change, ...]:
    """Beside a freshness of that level, which EU DSS asks first; none: it is not there."""
    wanted = of_signer("RevocationFreshness+RevocationFreshnessNextUpdate")
    if freshness:
        return of_signer("RevocationFreshness", freshness, **attributes), wanted
    return wanted, (f"{wanted[0].partition('+')[0]}-", {}, None)


def _passed(title: str, policy: tuple[Change, ...]) -> None:
    @scenario("freshness", f"next update has passed, {title}")
    def _(make: Maker) -> Told:
        return Told(octets=make.signed(), revocation=lists(at=NOW - 3 * DAY), policy=policy)


_passed("which is asked", by_next_update(""))
_passed("beside a freshness that is ignored", by_next_update("IGNORE", Unit="DAYS", Value="1"))
_passed("beside a freshness that is kept", by_next_update("FAIL", Unit="DAYS", Value="9"))


@scenario("freshness", "next update is to come")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(), policy=by_next_update(""))


# --- validity


@scenario("validity", "signer expired, no time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(ENDED), revocation=lists())


@scenario("validity", "signer expired, known not to be revoked")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(ENDED), revocation=lists(expired_since=NOW - YEAR))


@scenario("validity", "signer expired after the time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(ENDED, stamp()), revocation=lists(expired_since=NOW - YEAR))


@scenario("validity", "signer expired before the time-stamp", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(ENDED, stamp(NOW - 2 * DAY)), revocation=lists(expired_since=NOW - YEAR))


@scenario("validity", "signer expired before a content time-stamp", "CAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.signed(ENDED, content_stamps=(stamp(NOW - 2 * DAY),))
    return Told(octets=octets, revocation=lists(expired_since=NOW - YEAR))


@scenario("validity", "signer expired, LT", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.kept(ENDED))


@scenario("validity", "signer expired, LTA", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.archived(make.kept(ENDED)), revocation=lists()[1:])


@scenario("validity", "signer not yet valid, no time-stamp")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(signer(since=NOW + DAY), time=NOW + 2 * DAY), revocation=lists())


@scenario("validity", "signer not yet valid at the time-stamp", *EVERY)
def _(make: Maker) -> Told:
    by = signer(since=NOW - 10 * DAY, until=NOW - 5 * DAY)
    return Told(
        octets=make.signed(by, stamp(), time=NOW - 9 * DAY), revocation=lists(expired_since=NOW - YEAR)
    )


@scenario("validity", "authority expired")
def _(make: Maker) -> Told:
    by = certified("judged ca", root(), ca=True, until=NOW - 5 * DAY)
    return Told(octets=make.signed(signer(by), chain=(by,)), revocation=lists())


@scenario("validity", "anchor expired")
def _(make: Maker) -> Told:
    old = certified("judged root", ca=True, since=NOW - 20 * YEAR, until=NOW - 5 * DAY)
    return Told(octets=make.signed(), revocation=lists(), trust=(old,))


@scenario("validity", "claimed time outside of the certificate", *SOME)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(signer(since=NOW - 20 * DAY)), revocation=lists())
