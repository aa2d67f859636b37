"""Revocation is for good, a hold is not, and dates make sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.model import CertificateStatus, Revocation, RevocationReason, State
from trustworks.issuance.rules.revocation import (
    check_dates,
    check_not_reinstated,
    check_revocable,
    date_told,
    needs_no_trusted_time,
    unproven_moment,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLD = RevocationReason.certificateHold


def revoked(reason: RevocationReason) -> Revocation:
    return Revocation(revoked_at=NOW, reason=reason, recorded_at=NOW)


def status(state: State = "issued", revocation: Revocation | None = None) -> CertificateStatus:
    return CertificateStatus(
        serial="00", authority="issuing", state=state, not_after=NOW, revocation=revocation
    )


@pytest.mark.req("EN319411-1:REV-6.3.9-04")
@pytest.mark.parametrize("first", [reason for reason in RevocationReason if reason is not HOLD])
@pytest.mark.parametrize("then", [None, HOLD, RevocationReason.superseded])
def test_a_revocation_is_never_changed(first: RevocationReason, then: RevocationReason | None) -> None:
    with pytest.raises(Refused, match="for good"):
        check_not_reinstated(revoked(first), then)


@pytest.mark.parametrize("then", [None, *RevocationReason])
def test_a_hold_and_a_good_certificate_may_become_anything(then: RevocationReason | None) -> None:
    check_not_reinstated(None, then)
    check_not_reinstated(revoked(HOLD), then)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOCABLE")
@pytest.mark.parametrize("found", [None, status("issuing"), status("abandoned")])
def test_only_issued_certificates_are_revoked(found: CertificateStatus | None) -> None:
    with pytest.raises(Rejected, match="No certificate"):
        check_revocable(found, RevocationReason.superseded)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOCABLE")
def test_holds_are_not_doubled_and_not_lifted_twice() -> None:
    check_revocable(status(), HOLD)
    check_revocable(status(revocation=revoked(HOLD)), None)
    check_revocable(status(revocation=revoked(HOLD)), RevocationReason.keyCompromise)
    with pytest.raises(Rejected, match="held already"):
        check_revocable(status(revocation=revoked(HOLD)), HOLD)
    with pytest.raises(Rejected, match="not held"):
        check_revocable(status(), None)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOCATION-DATES")
@pytest.mark.parametrize(
    ("revoked_at", "invalidity", "word"),
    [
        (NOW + timedelta(seconds=1), None, "future"),
        (NOW, NOW + timedelta(days=1), "future"),
        (NOW - timedelta(days=11), None, "before"),
    ],
)
def test_dates_lie_between_issuance_and_now(
    revoked_at: datetime, invalidity: datetime | None, word: str
) -> None:
    first = NOW - timedelta(days=10)
    with pytest.raises(Rejected, match=word):
        check_dates(revoked_at=revoked_at, invalidity_date=invalidity, not_before=first, now=NOW)
    check_dates(revoked_at=first, invalidity_date=None, not_before=first, now=NOW)


def test_a_key_may_have_been_lost_before_it_was_certified() -> None:
    lost = NOW - timedelta(days=11)
    check_dates(revoked_at=NOW, invalidity_date=lost, not_before=NOW - timedelta(days=10), now=NOW)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_what_takes_trust_away_needs_no_trusted_time() -> None:
    assert all(needs_no_trusted_time(reason) for reason in RevocationReason)
    assert not needs_no_trusted_time(None)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_a_moment_without_trusted_time_is_not_before_what_has_passed() -> None:
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert unproven_moment(NOW, [None, before]) == NOW
    assert unproven_moment(NOW, [before, after, None]) == after


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_no_date_is_told_that_lies_ahead() -> None:
    assert date_told(NOW - timedelta(days=1), NOW) == NOW - timedelta(days=1)
    assert date_told(NOW + timedelta(days=1), NOW) == NOW
