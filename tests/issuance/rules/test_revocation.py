"""Revocation is for good, a hold is not, and dates make sense."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.model import LOST, CertificateStatus, Revocation, RevocationReason, State
from trustworks.issuance.rules.revocation import (
    FIRST_CERTIFICATES,
    check_invalidity_date,
    check_not_reinstated,
    check_revocable,
    date_told,
    following,
    invalidity_date_told,
    moment_of_change,
    needs_no_trusted_time,
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


@pytest.mark.req("EN319411-1:REV-6.3.9-04")
@pytest.mark.parametrize("first", [reason for reason in RevocationReason if reason is not HOLD])
@pytest.mark.parametrize("then", LOST)
def test_a_revocation_may_become_that_of_a_lost_key_once(
    first: RevocationReason, then: RevocationReason
) -> None:
    if first not in LOST:
        check_not_reinstated(revoked(first), then)
        return
    with pytest.raises(Refused, match="for good"):
        check_not_reinstated(revoked(first), then)


def test_dates_stay_when_a_revocation_follows_on_another() -> None:
    day = timedelta(days=1)
    new = Revocation(revoked_at=NOW, reason=LOST[0], recorded_at=NOW)
    told = replace(new, invalidity_date=NOW - 9 * day)
    assert following(None, new) == new
    for reason, ahead in ((HOLD, NOW), (RevocationReason.superseded, NOW + day)):
        before = Revocation(
            revoked_at=NOW - day, reason=reason, recorded_at=NOW - day, invalidity_date=NOW - 3 * day
        )
        assert following(before, new) == replace(
            new, revoked_at=before.revoked_at, invalidity_date=before.invalidity_date
        )
        assert following(before, told).invalidity_date == told.invalidity_date
        # A hold that is dated ahead is from a clock that was ahead; a revocation's date stays all the same.
        assert following(replace(before, revoked_at=NOW + day), new).revoked_at == ahead


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
def test_a_loss_does_not_lie_in_the_future_of_trusted_time() -> None:
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(Rejected, match="future"):
        check_invalidity_date(tomorrow, NOW, proven=True)
    check_invalidity_date(tomorrow, NOW, proven=False)
    for given in (None, NOW, NOW - timedelta(days=4000)):
        check_invalidity_date(given, NOW, proven=True)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOCATION-DATES")
@pytest.mark.parametrize("proven", [True, False])
def test_no_key_was_lost_before_there_were_certificates(*, proven: bool) -> None:
    for given in (datetime.min.replace(tzinfo=UTC), FIRST_CERTIFICATES - timedelta(microseconds=1)):
        with pytest.raises(Rejected, match="correct the year"):
            check_invalidity_date(given, NOW, proven=proven)
    check_invalidity_date(FIRST_CERTIFICATES, NOW, proven=proven)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_what_takes_trust_away_needs_no_trusted_time() -> None:
    assert all(needs_no_trusted_time(reason) for reason in RevocationReason)
    assert not needs_no_trusted_time(None)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_a_change_is_not_dated_before_what_has_passed() -> None:
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert moment_of_change(NOW, [None, before]) == NOW
    assert moment_of_change(NOW, [before, after, None]) == after


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_no_date_is_told_that_lies_ahead() -> None:
    assert date_told(NOW - timedelta(days=1), NOW) == NOW - timedelta(days=1)
    assert date_told(NOW + timedelta(days=1), NOW) == NOW


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_no_invalidity_date_is_told_that_lies_ahead() -> None:
    assert invalidity_date_told(None, NOW) is None
    assert invalidity_date_told(NOW, NOW) == NOW
    assert invalidity_date_told(NOW + timedelta(seconds=1), NOW) is None
