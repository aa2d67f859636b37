"""Issuers of tokens of trust services: time-stamps, reports, evidence (TS 119 615, 4.6 to 4.13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from listed_services import (
    AT,
    CA,
    CERTIFICATE,
    PATH,
    REGULATED,
    GreekList,
    a_provider,
    a_service,
    a_state,
    lists,
    purpose,
)

from trustworks.core.pki.trusted_lists.uris import (
    ARCHIVING_Q,
    ATTESTATION_Q,
    DELIVERY_Q,
    FOR_SEALS,
    FOR_SIGNATURES,
    LEDGER_Q,
    MAIL_DELIVERY_Q,
    PRESERVATION_Q,
    TSA_QTST,
    VALIDATION_Q,
    WITHDRAWN,
)
from trustworks.validation.qualification import issuers
from trustworks.validation.qualification import trust_services as clauses
from trustworks.validation.qualification.directive import REGULATION
from trustworks.validation.qualification.model import (
    Issuer,
    IssuerQualification,
    Purpose,
    Status,
)

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import Service

QUALIFIED = IssuerQualification(status=Status.PASSED, results=(Issuer.QUALIFIED,))
NOT_QUALIFIED = IssuerQualification(status=Status.PASSED, results=(Issuer.NOT_QUALIFIED,))
FAILED = IssuerQualification(status=Status.FAILED, results=(Issuer.INDETERMINATE,), sub_status=("x",))


def of_type(service_type: str, *uris: str, **about: str) -> Service:
    return a_service(a_state(*purpose(*(uris or ("other",))), service_type=service_type, **about))  # type: ignore[arg-type]


def issuer(*services: Service, at: datetime = AT) -> IssuerQualification:
    return issuers.issuer_qualification(CERTIFICATE, PATH, TSA_QTST, at, lists=lists(*services))


@pytest.mark.req("TS119615:PRO-4.6.4-09")
def test_a_granted_service_makes_its_issuer_qualified() -> None:
    found = issuer(of_type(TSA_QTST))
    assert (found.status, found.results, found.country) == (Status.PASSED, (Issuer.QUALIFIED,), "EL")
    withdrawn = issuer(of_type(TSA_QTST, status=WITHDRAWN))
    assert (withdrawn.status, withdrawn.results) == (Status.PASSED, (Issuer.NOT_QUALIFIED,))
    assert issuers.granted(found.services)
    assert not issuers.granted(withdrawn.services)
    assert issuer().results == (Issuer.NOT_QUALIFIED,)
    assert issuer(of_type(VALIDATION_Q)).results == (Issuer.NOT_QUALIFIED,)


@pytest.mark.req("TS119615:PRO-4.6.4-01")
def test_before_the_regulation_nobody_was_qualified() -> None:
    assert issuer(of_type(TSA_QTST), at=REGULATION - timedelta(seconds=1)).results == (Issuer.NOT_QUALIFIED,)
    assert not issuers.services_existed(REGULATION - timedelta(seconds=1))
    assert issuers.services_existed(REGULATION)


def test_a_list_that_is_not_there_leaves_it_indeterminate() -> None:
    elsewhere = replace(CERTIFICATE, subject_countries=("FR",))
    found = issuers.issuer_qualification(elsewhere, PATH, TSA_QTST, AT, lists=lists())
    assert (found.status, found.results) == (Status.FAILED, (Issuer.INDETERMINATE,))
    assert found.sub_status[0] == "PROCESS_FAILED"


@pytest.mark.req("TS119615:PRO-4.6.4-06", "TS119615:PRO-4.6.4-07")
def test_services_that_differ_in_status_or_key() -> None:
    conflict = issuer(of_type(TSA_QTST), of_type(TSA_QTST, status=WITHDRAWN))
    assert (conflict.status, conflict.sub_status) == (Status.FAILED, (issuers.STATUS_CONFLICT,))
    assert issuers.status_conflict(conflict.services) == (issuers.STATUS_CONFLICT,)
    own = a_service(a_state(*purpose("other"), service_type=TSA_QTST, member=PATH[0]))
    twice = issuer(of_type(TSA_QTST), own)
    assert (twice.results, twice.sub_status) == ((Issuer.QUALIFIED,), (issuers.DUPLICATION,))
    assert issuers.several_keys(twice.services) == (issuers.DUPLICATION,)
    assert issuers.several_keys(twice.services[:1]) == ()


@pytest.mark.req("TS119615:PRO-4.6.4-08")
def test_the_signer_is_the_provider() -> None:
    stranger = replace(CERTIFICATE, subject_organizations=("Another",))
    found = issuers.issuer_qualification(stranger, PATH, TSA_QTST, AT, lists=lists(of_type(TSA_QTST)))
    assert (found.status, found.results) == (Status.FAILED, (Issuer.INDETERMINATE,))
    assert found.sub_status == (issuers.TSP_NAME,)
    assert not issuers.names_signer(stranger, found.services)
    assert issuers.names_signer(replace(stranger, subject_organizations=("trading",)), found.services)
    assert not issuers.names_signer(replace(stranger, subject_organizations=()), found.services)


@pytest.mark.req("TS119615:PRO-4.7.4-05", "TS119615:PRO-4.7.4-06")
def test_a_time_stamp_is_what_it_was_when_it_was_made() -> None:
    ended = a_service(
        a_state(*purpose("other"), service_type=TSA_QTST, status=WITHDRAWN, since=AT),
        a_state(*purpose("other"), service_type=TSA_QTST, since=REGULATED),
    )

    def stamped(at: datetime, made: datetime) -> IssuerQualification:
        return clauses.time_stamp_qualification(CERTIFICATE, PATH, at, made=made, lists=lists(ended))

    before, long_before = AT - timedelta(days=1), AT - timedelta(days=2)
    assert stamped(before, long_before).results == (Issuer.QUALIFIED,)
    later = stamped(AT, before)
    assert (later.status, later.sub_status) == (Status.FAILED, ("ERROR_When_Made_Qualified",))
    assert clauses.as_when_made(QUALIFIED, FAILED).sub_status == ("PROCESS_FAILED", "x")
    assert clauses.as_when_made(QUALIFIED, FAILED).status is Status.FAILED
    assert clauses.as_when_made(QUALIFIED, QUALIFIED) == QUALIFIED


@pytest.mark.req(
    "TS119615:PRO-4.8.4-03",
    "TS119615:PRO-4.8.4-04",
    "TS119615:PRO-4.8.4-05",
    "TS119615:PRO-4.9.4-03",
    "TS119615:PRO-4.9.4-04",
    "TS119615:PRO-4.9.4-05",
)
@pytest.mark.parametrize(
    ("service_type", "determine"),
    [
        (VALIDATION_Q, clauses.validation_qualification),
        (PRESERVATION_Q, clauses.preservation_qualification),
    ],
)
def test_validation_and_preservation_are_qualified_for_purposes(service_type: str, determine: object) -> None:
    assert callable(determine)
    for uris, expected in (
        ((FOR_SIGNATURES,), (Purpose.ESIG, Purpose.NOT_ESEAL)),
        ((FOR_SEALS,), (Purpose.NOT_ESIG, Purpose.ESEAL)),
        ((FOR_SIGNATURES, FOR_SEALS), (Purpose.ESIG, Purpose.ESEAL)),
        (("other",), (Purpose.NOT_ESIG, Purpose.NOT_ESEAL)),
    ):
        found = determine(CERTIFICATE, PATH, AT, lists=lists(of_type(service_type, *uris)))
        assert (found.status, found.results) == (Status.PASSED, expected)
    assert determine(CERTIFICATE, PATH, AT, lists=lists()).results == (Purpose.NOT_ESIG, Purpose.NOT_ESEAL)
    assert clauses.purposes(NOT_QUALIFIED).results == (Purpose.NOT_ESIG, Purpose.NOT_ESEAL)
    assert clauses.purposes(FAILED).results == (Purpose.INDETERMINATE,)
    assert clauses.purposes(FAILED).status is Status.FAILED


@pytest.mark.req(
    "TS119615:PRO-4.10.4-05",
    "TS119615:PRO-4.10.4-06",
    "TS119615:PRO-4.10.4-07",
    "TS119615:PRO-4.10.4-08",
)
def test_delivery_is_qualified_by_either_type() -> None:
    def delivered(listed: GreekList) -> IssuerQualification:
        return clauses.delivery_qualification(CERTIFICATE, PATH, AT, lists=listed)

    for service_type in (DELIVERY_Q, MAIL_DELIVERY_Q):
        assert delivered(lists(of_type(service_type))).results == (Issuer.QUALIFIED,)
    assert delivered(lists()).results == (Issuer.NOT_QUALIFIED,)
    one, other = (a_provider(of_type(kind), name="Provider") for kind in (DELIVERY_Q, MAIL_DELIVERY_Q))
    elsewhere = replace(other, names=one.trade_names, trade_names=one.names)
    conflict = delivered(GreekList((one, elsewhere)))
    assert (conflict.status, conflict.results) == (Status.FAILED, (Issuer.INDETERMINATE,))
    assert conflict.sub_status == ("ERROR_TSP_CONFLICT",)
    assert clauses.either(NOT_QUALIFIED, QUALIFIED).results == (Issuer.QUALIFIED,)
    failed = clauses.either(QUALIFIED, FAILED)
    assert (failed.status, failed.results) == (Status.FAILED, (Issuer.QUALIFIED, Issuer.INDETERMINATE))


@pytest.mark.req("TS119615:PRO-4.12.4-03")
def test_the_other_services() -> None:
    for service_type, determine in (
        (ARCHIVING_Q, clauses.archiving_qualification),
        (LEDGER_Q, clauses.ledger_qualification),
    ):
        found = determine(CERTIFICATE, PATH, AT, lists=lists(of_type(service_type)))
        assert found.results == (Issuer.QUALIFIED,)
        assert determine(CERTIFICATE, PATH, AT, lists=lists()).results == (Issuer.NOT_QUALIFIED,)
    listed = lists(of_type(ATTESTATION_Q))
    named = b'{"vct": "urn:etsi:eaa:eu:qualified"}'
    for attestation, status in ((named, Status.PASSED), (b"{}", Status.FAILED)):
        found = clauses.attestation_qualification(
            CERTIFICATE, PATH, AT, attestation=attestation, lists=listed
        )
        assert found.status is status
        assert clauses.claims_qualified(attestation) is (status is Status.PASSED)
    assert CA.key == listed.providers[0].services[0].current.identity.certificates[0].key
