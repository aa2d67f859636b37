"""Lock-out, the state of accounts, the life of sessions; nobody's own request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from operators_testbed import BOTH, NOW, Authenticator, credential_of, new_key, operator_of

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles import Factor
from trustworks.core.roles.model import OperatorState, Person, Session
from trustworks.core.roles.rules.access import (
    COPIED,
    UNVERIFIED,
    Failures,
    after_failure,
    check_active,
    check_not_copied,
    check_not_locked_out,
    check_verified,
    counts,
    session_lasts,
)
from trustworks.core.roles.rules.separation import check_not_subject, person_of

HALF_AN_HOUR = timedelta(minutes=30)


def fail(times: int) -> Failures:
    found = Failures(0, None)
    for _ in range(times):
        found = after_failure(found.in_a_row, NOW, limit=5, lock_for=HALF_AN_HOUR)
    return found


@pytest.mark.req("CENTS419261:IA2.1")
def test_the_fifth_failure_in_a_row_locks_out_for_the_time_that_is_set() -> None:
    assert fail(4) == Failures(4, None)
    assert fail(5) == Failures(5, NOW + HALF_AN_HOUR)
    assert fail(6) == Failures(6, NOW + HALF_AN_HOUR)


@pytest.mark.req("CENTS419261:IA2.1")
def test_who_is_locked_out_waits_until_the_time_has_passed() -> None:
    anna = credential_of(new_key(), "anna", failures=5, locked_until=NOW + HALF_AN_HOUR)
    for moment in (NOW, NOW + HALF_AN_HOUR - timedelta(microseconds=1)):
        with pytest.raises(Refused, match="locked out until 2026-03-01 12:30:00 UTC after 5") as caught:
            check_not_locked_out(anna, moment)
        assert caught.value.requirement == "CENTS419261:IA2.1"
    check_not_locked_out(anna, NOW + HALF_AN_HOUR)
    check_not_locked_out(credential_of(new_key(), "ben"), NOW)


@pytest.mark.req("TRUSTWORKS:ROLES-LOCK-OUT")
def test_only_what_the_credential_signed_itself_counts_against_it() -> None:
    assert counts(UNVERIFIED, proven=True)
    assert counts(COPIED, proven=True)
    for rule, proven in ((UNVERIFIED, False), ("roles.signature", True), ("CENTS419261:IA1.1", True)):
        assert not counts(rule, proven=proven)


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_a_passkey_verifies_its_user_and_counts_on() -> None:
    passkey = replace(Authenticator().credential("anna"), sign_count=7)
    check_verified(passkey, BOTH)
    check_not_copied(passkey, 8)
    check_not_copied(replace(passkey, sign_count=0), 0)  # of authenticators that do not count
    with pytest.raises(Rejected):
        check_verified(passkey, {Factor.POSSESSION})
    with pytest.raises(Rejected):
        check_not_copied(passkey, 7)
    check_verified(credential_of(new_key(), "anna"), {Factor.POSSESSION})  # duties.check_factors judges it


@pytest.mark.req("CENTS419261:IA1.1")
@pytest.mark.parametrize("state", ["locked", "retired"])
def test_a_locked_or_retired_account_does_nothing(state: OperatorState) -> None:
    with pytest.raises(Refused, match=f"is {state}") as caught:
        check_active(operator_of("anna", state=state))
    assert caught.value.requirement == "CENTS419261:IA1.1"
    check_active(operator_of("anna"))


@pytest.mark.req("CENTS419261:IA1.2")
def test_a_session_ends_when_it_is_left_alone_and_after_its_hours() -> None:
    def lasts(used: datetime, now: datetime) -> bool:
        session = Session(
            operator="anna",
            key_id="0" * 64,
            factors=BOTH,
            opened_at=NOW,
            used_at=used,
            ends_at=NOW + timedelta(hours=8),
        )
        return session_lasts(session, now, idle=timedelta(minutes=15))

    assert lasts(NOW, NOW + timedelta(minutes=14))
    assert not lasts(NOW, NOW + timedelta(minutes=15))
    almost = NOW + timedelta(hours=7, minutes=59)
    assert lasts(almost, almost + timedelta(seconds=59))
    assert not lasts(almost, NOW + timedelta(hours=8))


OFFICER = Person(
    names=frozenset({"anna muster"}), identifiers=frozenset({"anna@tsp.example"}), key_ids=frozenset({"k"})
)


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
@pytest.mark.parametrize(
    "attributes",
    [
        {"givenName": "Anna", "surname": "Muster", "commonName": "A. M."},
        {"commonName": "  ANNA\u00a0  Muster "},
        {"commonName": "\uff21nna Muster"},
        {"commonName": "Somebody", "emailAddress": "Anna@TSP.example"},
        {"commonName": "Somebody", "serialNumber": "anna@tsp.example"},
    ],
)
def test_an_officer_does_not_handle_what_concerns_himself(attributes: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        check_not_subject(OFFICER, [person_of({"commonName": "Another"}), person_of(attributes)])
    assert caught.value.requirement == "EN319411-1:REG-6.2.2-26"


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_an_officers_own_key_is_his_and_others_are_not() -> None:
    with pytest.raises(Refused):
        check_not_subject(OFFICER, [person_of({"commonName": "Pseudo"}, key_ids=["k"])])
    check_not_subject(OFFICER, [person_of({"givenName": "Anna", "surname": "Beispiel"}, key_ids=["other"])])
    check_not_subject(OFFICER, [person_of({"commonName": " ", "organizationName": "Muster"})])
    check_not_subject(Person(), [Person()])
