"""Validation with time: what a time-stamp over the signature turns to PASSED, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import (
    DAY,
    FRESH,
    NOW,
    YEAR,
    Graph,
    at_hand,
    crl,
    entity,
    house,
    ocsp_answer,
    signed,
    suspended,
    verdict,
)

from trustworks.formats.evidence import Attributes, TimeStampKind
from trustworks.validation import Indication
from trustworks.validation.policies.policy import SHIPPED, shipped
from trustworks.validation.rules.building_blocks import acceptance
from trustworks.validation.rules.order import in_order

if TYPE_CHECKING:
    from evidence_graphs import Entity, House

    from trustworks.validation import Outcome

EXPIRED = house(until=NOW - YEAR, since=NOW - 3 * YEAR)


def stamped(of: House, when: timedelta, **changes: object) -> Outcome:
    """A signature with one time-stamp, everything at hand."""
    graph, _, signature = signed(of)
    graph.stamp(signature, NOW + when, of.tsa, **changes)  # type: ignore[arg-type]
    at_hand(graph, of)
    return graph.run(of.trust)


def expired(when: timedelta, *, kind: TimeStampKind = TimeStampKind.SIGNATURE) -> Outcome:
    """A signature whose certificate expired a year ago, and a list that still tells of it."""
    graph, of, signature = signed(EXPIRED)
    graph.certificates(of.ca, of.tsa)
    graph.lists(crl(of.ca, expired_since=NOW - 5 * YEAR), crl(of.root))
    graph.stamp(signature, NOW + when, of.tsa, kind=kind)
    return graph.run(of.trust)


@pytest.mark.req("EN319102-1:5.2.6.4-VALIDITY")
@pytest.mark.req("EN319102-1:5.5.4-4-EXPIRED")
def test_an_expired_certificate_needs_a_time_stamp_from_before() -> None:
    graph, of, _ = signed(EXPIRED)
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, expired_since=NOW - 5 * YEAR), crl(of.root))
    assert verdict(graph.run(of.trust)) == "OUT_OF_BOUNDS_NOT_REVOKED"
    before = expired(-2 * YEAR)
    assert verdict(before) == "TOTAL-PASSED"
    assert before.signatures[0].best_signature_time == NOW - 2 * YEAR
    assert verdict(expired(-DAY)) == "OUT_OF_BOUNDS_NOT_REVOKED"


@pytest.mark.parametrize("when", [timedelta(), timedelta(microseconds=735_000)])
def test_a_time_stamp_of_the_second_of_validation_is_not_from_after_it(when: timedelta) -> None:
    outcome = stamped(house(), when)
    (found,) = outcome.signatures
    assert verdict(outcome) == "TOTAL-PASSED"
    assert found.best_signature_time == NOW
    assert found.best_signature_time_by is not None
    (found,) = stamped(house(), timedelta(seconds=1)).signatures
    assert found.best_signature_time_by is None


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-TELLS")
def test_data_from_after_the_end_that_does_not_tell_of_it_is_not_acceptable() -> None:
    graph, of, _ = signed(EXPIRED)
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@pytest.mark.req("EN319102-1:5.2.6.4-VALIDITY")
def test_an_expired_certificate_of_whose_status_nothing_is_known_is_out_of_bounds_without_proof() -> None:
    graph, of, _ = signed(EXPIRED)
    graph.certificates(of.ca)
    policy = "\n".join(
        f'[signature.{one}]\nrevocation-data-available = "warn"'
        for one in ("signing-certificate", "ca-certificate")
    )
    assert verdict(graph.run(of.trust, policy=policy)) == "OUT_OF_BOUNDS_NO_POE"


@pytest.mark.req("EN319102-1:5.5.4-4-ISSUED")
def test_a_signature_older_than_its_certificate_failed() -> None:
    outcome = stamped(house(), -3 * YEAR)
    assert verdict(outcome) == "NOT_YET_VALID"
    assert outcome.signatures[0].indication is Indication.TOTAL_FAILED


@pytest.mark.req("EN319102-1:5.5.4-4-REVOKED")
@pytest.mark.parametrize(("when", "expected"), [(-DAY, "REVOKED_NO_POE"), (-1.5 * YEAR, "TOTAL-PASSED")])
def test_a_revocation_counts_unless_the_signature_was_there_before(when: timedelta, expected: str) -> None:
    graph, of, signature = signed()
    at_hand(graph, of, revoked=(of.signer,), when=-YEAR)
    graph.stamp(signature, NOW + when, of.tsa)
    assert verdict(graph.run(of.trust)) == expected


def test_what_a_revocation_hides_is_looked_at_once_it_is_forgiven() -> None:
    graph, of, signature = signed()
    graph.certificates(of.ca, of.tsa)
    graph.lists(
        crl(of.ca, revoked=[(of.signer, NOW - YEAR, None)]),
        crl(of.root, revoked=[(of.ca, NOW - 1.9 * YEAR, None)]),
    )
    graph.stamp(signature, NOW - 1.5 * YEAR, of.tsa)
    assert verdict(graph.run(of.trust)) == "REVOKED_CA_NO_POE"


@pytest.mark.req("EN319102-1:5.5.4-7")
@pytest.mark.parametrize(("when", "expected"), [(-DAY, "TRY_LATER"), (-20 * DAY, "TOTAL-PASSED")])
def test_a_suspension_counts_unless_the_signature_was_there_before(when: timedelta, expected: str) -> None:
    graph, of, signature = signed()
    suspended(graph, of, -10 * DAY)
    graph.stamp(signature, NOW + when, of.tsa)
    assert verdict(graph.run(of.trust)) == expected


def test_old_data_is_fresh_enough_for_a_signature_that_is_older() -> None:
    graph, of, signature = signed()
    graph.certificates(of.ca, of.tsa)
    graph.lists(crl(of.ca, NOW - 2 * DAY, lasts=5 * DAY), crl(of.root))
    graph.stamp(signature, NOW - 3 * DAY, of.tsa)
    assert verdict(graph.run(of.trust, policy=FRESH)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.5.4-3-A")
def test_a_time_stamp_over_something_else_does_not_count() -> None:
    outcome = stamped(house(), -DAY, intact=False)
    assert outcome.signatures[0].best_signature_time == NOW
    assert str(outcome.time_stamps[0].verdict.sub_indication) == "HASH_FAILURE"
    assert "with-time.imprint" in [one.id for one in outcome.signatures[0].with_time.warnings()]


@pytest.mark.req("EN319102-1:5.5.4-3-A")
def test_a_time_stamp_that_is_held_but_covers_something_else_does_not_count() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    stamp = graph.stamp(signature, NOW - DAY, of.tsa)
    graph.collector.time_stamp(replace(stamp, covers=frozenset({"D-something-else"})))
    (found,) = graph.run(of.trust).signatures
    assert found.best_signature_time == NOW
    assert "with-time.imprint" in [one.id for one in found.with_time.warnings()]


@pytest.mark.req("EN319102-1:5.5.4-2")
def test_time_does_not_help_against_what_is_broken() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    graph.collector.signature(replace(signature, value=b"0" + signature.value))
    graph.stamp(signature, NOW - DAY, of.tsa)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "SIG_CRYPTO_FAILURE"
    assert [one.id for one in outcome.signatures[0].with_time.checks] == ["with-time.basic"]


@pytest.mark.req("EN319102-1:5.5.4-4-E")
def test_time_stamps_in_the_wrong_order_fail_where_the_policy_says() -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    graph.stamp(signature, NOW - DAY, of.tsa, kind=TimeStampKind.CONTENT)
    graph.stamp(signature, NOW - 2 * DAY, of.tsa)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    assert verdict(graph.run(of.trust, policy='[time-stamp]\norder = "fail"')) == "TIMESTAMP_ORDER_FAILURE"


def test_times_within_their_accuracy_are_in_order() -> None:
    graph, of, signature = signed()
    content = graph.stamp(signature, NOW, of.tsa, kind=TimeStampKind.CONTENT, accuracy=1.0)
    near = graph.stamp(signature, NOW - timedelta(seconds=2), of.tsa, accuracy=1.0)
    far = graph.stamp(signature, NOW - timedelta(seconds=3), of.tsa, accuracy=1.0)
    over = graph.stamp(signature, NOW - DAY, of.tsa, kind=TimeStampKind.ARCHIVE, covers=(near.id,))
    assert in_order((content, near)) is None
    assert in_order((content, far)) is not None
    assert in_order((near, over)) is not None


DELAY = '[time-stamp]\ndelay = { level = "fail", at-most = "2d" }'


@pytest.mark.req("EN319102-1:5.5.4-5-B")
@pytest.mark.req("EN319102-1:5.5.4-5-A")
@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (NOW - 4 * DAY, "SIG_CONSTRAINTS_FAILURE"),
        (NOW - 2 * DAY, "TOTAL-PASSED"),
        (None, "SIG_CONSTRAINTS_FAILURE"),
    ],
)
def test_a_time_stamp_comes_soon_enough_after_the_claimed_time(claimed: object, expected: str) -> None:
    graph, of, signature = signed(
        attributes=Attributes(
            signing_time=claimed,  # type: ignore[arg-type]
            names=frozenset({"1.2.840.113549.1.9.4"}),
        )
    )
    at_hand(graph, of)
    graph.stamp(signature, NOW - DAY, of.tsa)
    policy = f'{DELAY}\n[signature.signed-attributes]\nsigning-time = "ignore"'
    assert verdict(graph.run(of.trust, policy=policy)) == expected


@pytest.mark.req("EN319102-1:5.3.4-4-REVOKED")
def test_data_that_was_time_stamped_after_the_revocation_was_signed_after_it() -> None:
    graph, of, signature = signed()
    at_hand(graph, of, revoked=(of.signer,), when=-YEAR)
    graph.stamp(signature, NOW - DAY, of.tsa, kind=TimeStampKind.CONTENT)
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "REVOKED"
    assert outcome.signatures[0].indication is Indication.TOTAL_FAILED


@pytest.mark.req("EN319102-1:5.3.4-4-EXPIRED")
def test_data_that_was_time_stamped_after_the_end_was_signed_after_it() -> None:
    outcome = expired(-DAY, kind=TimeStampKind.CONTENT)
    assert verdict(outcome) == "EXPIRED"
    assert outcome.signatures[0].indication is Indication.TOTAL_FAILED


@pytest.mark.req("EN319102-1:5.3.4-6-CRYPTO")
def test_data_that_was_time_stamped_after_the_end_of_an_algorithm_was_signed_after_it() -> None:
    graph, of, signature = signed(digest="sha1")
    at_hand(graph, of)
    assert verdict(graph.run(of.trust)) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    graph.stamp(signature, NOW - YEAR, of.tsa, kind=TimeStampKind.CONTENT)
    assert verdict(graph.run(of.trust)) == "CRYPTO_CONSTRAINTS_FAILURE"


def test_a_weak_signature_from_when_it_was_strong_is_acceptable_by_its_time_stamp() -> None:
    old = NOW.replace(year=2011)
    of = house(since=old - YEAR)
    graph, _, signature = signed(of, digest="sha1")
    at_hand(graph, of)
    early = entity(
        "early-tsa",
        of.root,
        since=old - YEAR,
        until=NOW + YEAR,
        usage=("digital_signature",),
        purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )
    graph.stamp(signature, old, early)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.6.4-REVOCATION-ISSUER")
def test_data_by_someone_whose_certificate_ended_needs_a_proof() -> None:
    graph, of, _ = signed()
    other = entity("old-ca", of.root, ca=True, until=NOW - 10 * DAY, subject_name="ca")
    graph.certificates(of.ca, other)
    graph.lists(crl(of.root), crl(of.root, NOW - 15 * DAY), crl(other, NOW - 20 * DAY))
    assert verdict(graph.run(of.trust)) == "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    policy = '[signature.signing-certificate]\nrevocation-issuer-not-expired = "warn"'
    assert verdict(graph.run(of.trust, policy=policy)) == "TOTAL-PASSED"


def responder(of: House, **changes: Any) -> Entity:
    settings = {
        "usage": ("digital_signature",),
        "purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,),
        "since": NOW - 10 * YEAR,
        "until": NOW + 10 * YEAR,
    }
    return entity("other responder", of.ca, **{**settings, **changes})


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-AUTHORISED")
def test_an_answer_from_after_the_end_of_its_responder_is_not_acceptable() -> None:
    graph, of, _ = signed()
    gone = responder(of, until=NOW - 5 * YEAR, extensions=(x509.OCSPNoCheck(),))
    graph.certificates(of.ca)
    graph.lists(crl(of.root))
    graph.answers(ocsp_answer(of.signer, gone))
    assert verdict(graph.run(of.trust)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-SIGNER")
@pytest.mark.req("EN319102-1:5.2.6.4-SKIP")
def test_of_a_responder_revocation_is_asked_for_unless_its_certificate_says_no() -> None:
    for extensions, lists, expected in (
        ((x509.OCSPNoCheck(),), False, "TOTAL-PASSED"),
        ((), False, "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
        ((), True, "TOTAL-PASSED"),
    ):
        graph, of, _ = signed()
        one = responder(of, extensions=extensions)
        graph.certificates(of.ca)
        graph.answers(ocsp_answer(of.signer, one))
        graph.lists(crl(of.root))
        if lists:
            # About the responder alone: that the list tells of the signer too makes no difference here.
            graph.lists(crl(of.ca, NOW - 20 * DAY, lasts=40 * DAY))
        outcome = graph.run(of.trust)
        assert verdict(outcome) == expected
        asked = [] if expected == "TOTAL-PASSED" else [one.id, of.signer.id]
        assert [need.about for need in outcome.needs] == asked


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-SIGNER")
def test_an_answer_by_a_responder_that_was_revoked_is_not_acceptable() -> None:
    graph, of, _ = signed()
    one = responder(of)
    graph.certificates(of.ca)
    graph.answers(ocsp_answer(of.signer, one))
    old = crl(of.ca, NOW - 20 * DAY, revoked=[(one, NOW - YEAR, None), (of.signer, NOW - YEAR, None)])
    graph.lists(crl(of.root), old)
    # The answer would say good, and be newer: it does not count, and the list does.
    assert verdict(graph.run(of.trust)) == "REVOKED_NO_POE"


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-TRUSTED")
def test_a_list_by_someone_who_leads_to_nobody_is_not_acceptable() -> None:
    graph, of, _ = signed()
    stranger = entity("stranger", ca=True, subject_name="ca")
    graph.certificates(of.ca, stranger)
    graph.lists(crl(of.root), crl(stranger))
    assert verdict(graph.run(of.trust)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@pytest.mark.req("EN319102-1:5.2.6.4-SKIP")
def test_a_certificate_of_short_life_needs_no_revocation_data() -> None:
    of, graph = house(), Graph()
    short = x509.UnrecognizedExtension(x509.ObjectIdentifier("0.4.0.194121.2.1"), b"\x05\x00")
    graph.sign(entity("short", of.ca, extensions=(short,)))
    graph.certificates(of.ca)
    graph.lists(crl(of.root))
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


@pytest.mark.parametrize("policy", SHIPPED)
@pytest.mark.parametrize("when", [timedelta(hours=-1), -DAY, -2 * YEAR])
def test_what_no_time_changes_is_asked_once_and_told_at_each_time(
    policy: str, when: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, of, signature = signed()
    graph.stamp(signature, NOW + when, of.tsa)
    at_hand(graph, of)
    asked: list[bool] = []
    accept = acceptance.accept_signature

    def anew(*given: Any, before: Any = None, **named: Any) -> Any:
        asked.append(before is not None)
        return accept(*given, **named)

    once = graph.run(of.trust, policy=shipped(policy))
    monkeypatch.setattr(acceptance, "accept_signature", anew)
    assert graph.run(of.trust, policy=shipped(policy)) == once
    # Where the policy asks for more, the process ends before.
    assert asked == ([False] if policy == "preservation" else [False, True])
