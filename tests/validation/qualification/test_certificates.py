"""Whether certificates are qualified, and for what (TS 119 615, 4.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from listed_services import (
    AT,
    CA,
    CERTIFICATE,
    DIRECTIVE,
    PATH,
    REGULATED,
    GreekList,
    a_provider,
    a_service,
    a_state,
    lists,
    purpose,
    qualifiers,
)

from trustworks.core.pki.trusted_lists.model import PolicySet, UnknownCriterion, UnknownExtension
from trustworks.core.pki.trusted_lists.uris import (
    ACCREDITED,
    FOR_SEALS,
    FOR_SIGNATURES,
    FOR_WEB,
    NOT_QUALIFIED,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_FOR_LEGAL_PERSON,
    QC_FOR_WSA,
    QC_STATEMENT,
    QC_WITH_QSCD,
    SUPERVISION_CEASED,
    UNDER_SUPERVISION,
    WITHDRAWN,
)
from trustworks.validation.qualification import certificates as clause
from trustworks.validation.qualification import directive
from trustworks.validation.qualification.certificate import QCP_PUBLIC, QCP_PUBLIC_WITH_SSCD
from trustworks.validation.qualification.listed_services import matching
from trustworks.validation.qualification.model import CertificateQualification, Indication, Status
from trustworks.validation.qualification.names import country_code, same_text
from trustworks.validation.qualification.qualifiers import (
    CRITERIA_UNKNOWN,
    CRITICAL_UNKNOWN,
    applying,
    inconsistent,
    not_understood,
)
from trustworks.validation.qualification.tables import column, pair, purpose_of, under_directive

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.model import Extension, Service
    from trustworks.validation.qualification.certificate import QualifiedContent

NONE_OF_THEM = frozenset({Indication.NOT_FOR_ESIG, Indication.NOT_FOR_ESEAL, Indication.NOT_QWAC})
FOR_ESIG = frozenset({Indication.FOR_ESIG, Indication.NOT_FOR_ESEAL, Indication.NOT_QWAC})
OF_2012 = replace(CERTIFICATE, not_before=datetime(2012, 1, 1, tzinfo=UTC))
IN_2013 = datetime(2013, 1, 1, tzinfo=UTC)


def judged(
    *services: Service, certificate: QualifiedContent = CERTIFICATE, at: datetime = AT
) -> CertificateQualification:
    path = (certificate.member, CA)
    return clause.certificate_qualification(certificate, path, at, lists=lists(*services))


def with_extensions(*extensions: Extension, **about: str) -> Service:
    return a_service(a_state(*extensions, **about))  # type: ignore[arg-type]  # a status at most


def test_a_certificate_of_a_granted_service_is_qualified() -> None:
    found = judged(a_service(a_state()))
    assert (found.status, found.sub_status, found.results) == (Status.PASSED, (), FOR_ESIG)
    assert found.qualified_for == {Indication.FOR_ESIG}
    assert found.country == "EL"


def test_each_purpose_has_its_type() -> None:
    service = with_extensions(*purpose(FOR_SIGNATURES, FOR_SEALS, FOR_WEB))
    for kind, indication in ((1, Indication.FOR_ESIG), (2, Indication.FOR_ESEAL), (3, Indication.QWAC)):
        found = judged(service, certificate=replace(CERTIFICATE, types=frozenset({kind})))
        assert found.qualified_for == {indication}


def test_a_certificate_of_nobody_is_not_qualified() -> None:
    found = judged()
    assert (found.status, found.results) == (Status.PASSED, frozenset({Indication.NOT_QUALIFIED}))
    assert found.sub_status == ("No_confirmation_found_in_EUMSTL_EL",)
    assert found.qualified_for == frozenset()


@pytest.mark.req("TS119615:PRO-4.4.4-01", "TS119615:PRO-4.6.4-02")
def test_the_country_of_the_list_is_that_of_the_name() -> None:
    assert [country_code([one]) for one in ("gr", "GB", "Fr")] == ["EL", "UK", "FR"]
    assert country_code([]) == ""
    found = judged(certificate=replace(CERTIFICATE, issuer_countries=("US",)))
    assert (found.status, found.country) == (Status.FAILED, "US")


@pytest.mark.req("TS119615:PRO-4.4.4-06")
def test_the_issuer_is_the_provider_that_the_list_names() -> None:
    other = replace(CERTIFICATE, issuer_organizations=("Another",))
    found = judged(a_service(a_state()), certificate=other)
    assert (found.status, found.results) == (Status.FAILED, frozenset({Indication.INDETERMINATE}))
    assert found.sub_status == (clause.TSP_NAME,)
    assert found.qualified_for == frozenset()
    listed = found.services
    for certificate, named in (
        (replace(CERTIFICATE, issuer_organizations=("  PROVIDER ",)), True),
        (replace(CERTIFICATE, issuer_organizations=("Trading",)), True),
        (other, False),
        (replace(CERTIFICATE, issuer_organizations=(), issuer_common_names=("Provider",)), True),
        (replace(CERTIFICATE, issuer_organizations=(), issuer_common_names=()), True),  # by its whole name
        (replace(CERTIFICATE, issuer_organizations=(), issuer_common_names=(), issuer=b"other"), False),
    ):
        assert clause.names_provider(certificate, listed) is named
    assert same_text("Société  Générale", "SOCIÉTÉ GÉNÉRALE")
    assert not same_text("One", "Two")


@pytest.mark.req(
    "TS119615:PRO-4.4.4-09",
    "TS119615:PRO-4.4.4-17",
    "TS119615:PRO-4.4.4-25",
    "TS119615:PRO-4.4.4-10",
    "TS119615:PRO-4.4.4-18",
    "TS119615:PRO-4.4.4-26",
    "TS119615:PRO-4.4.4-10A",
    "TS119615:PRO-4.4.4-18A",
    "TS119615:PRO-4.4.4-26A",
)
@pytest.mark.parametrize(
    ("kind", "uri", "unclear", "not_for"),
    [
        (1, FOR_SIGNATURES, Indication.INDETERMINATE_FOR_ESIG, Indication.NOT_FOR_ESIG),
        (2, FOR_SEALS, Indication.INDETERMINATE_FOR_ESEAL, Indication.NOT_FOR_ESEAL),
        (3, FOR_WEB, Indication.INDETERMINATE_QWAC, Indication.NOT_QWAC),
    ],
)
def test_services_that_are_withdrawn_wrong_or_in_conflict(
    kind: int, uri: str, unclear: Indication, not_for: Indication
) -> None:
    certificate = replace(CERTIFICATE, types=frozenset({kind}))
    granted = with_extensions(*purpose(uri))
    withdrawn = with_extensions(*purpose(uri), status=WITHDRAWN)
    wrong = with_extensions(*purpose(uri), status=ACCREDITED)
    conflict = judged(granted, withdrawn, certificate=certificate)
    assert unclear in conflict.results
    assert conflict.status is Status.PASSED_WITH_WARNING
    assert clause.duplicated(kind, conflict.sub_status)
    assert not clause.duplicated(kind % 3 + 1, conflict.sub_status)
    assert judged(withdrawn, certificate=certificate).results == NONE_OF_THEM
    assert not_for in judged(with_extensions(*purpose("other")), certificate=certificate).results
    assert not clause.approved(judged(withdrawn, certificate=certificate).services)
    assert not clause.approved([])
    found = judged(wrong, certificate=certificate)
    assert unclear in found.results
    assert clause.SERVICE_STATUS in found.sub_status
    assert clause.status_compliance(found.services) == (clause.SERVICE_STATUS,)
    assert clause.status_compliance(judged(granted, certificate=certificate).services) == ()


@pytest.mark.req(
    "TS119615:PRO-4.4.4-11",
    "TS119615:PRO-4.4.4-19",
    "TS119615:PRO-4.4.4-27",
)
def test_only_qualifiers_whose_criteria_identify_the_certificate_apply() -> None:
    states = (
        a_state(qualifiers(QC_FOR_ESIG)),
        a_state(qualifiers(NOT_QUALIFIED, criterion=PolicySet(("9.9",)))),
        a_state(qualifiers(QC_STATEMENT, criterion=UnknownCriterion("x"), critical=False)),
    )
    elements, warnings = applying(states, CERTIFICATE)
    assert [element.qualifiers for element, critical in elements if critical] == [(QC_FOR_ESIG,)]
    assert len(elements) == 1
    assert warnings == (CRITERIA_UNKNOWN,)
    found = judged(
        with_extensions(*purpose(FOR_SIGNATURES), qualifiers(NOT_QUALIFIED, criterion=PolicySet(("9.9",))))
    )
    assert found.results == FOR_ESIG
    assert (
        judged(with_extensions(*purpose(FOR_SIGNATURES), qualifiers(NOT_QUALIFIED))).results == NONE_OF_THEM
    )


@pytest.mark.req("TS119612:5.5.9.2.0")
def test_a_critical_extension_must_be_understood() -> None:
    unknown = UnknownExtension(critical=True, name="x")
    criterion = qualifiers(QC_FOR_ESIG, criterion=UnknownCriterion("x"))
    for extension in (unknown, criterion):
        found = judged(with_extensions(*purpose(FOR_SIGNATURES), extension))
        assert (found.status, found.sub_status) == (Status.FAILED, (CRITICAL_UNKNOWN,))
        assert not_understood([a_state(extension)], CERTIFICATE) == (CRITICAL_UNKNOWN,)
    for extension in (replace(unknown, critical=False), replace(criterion, critical=False)):
        assert judged(with_extensions(*purpose(FOR_SIGNATURES), extension)).results == FOR_ESIG


@pytest.mark.req(
    "TS119615:PRO-4.4.4-12",
    "TS119615:PRO-4.4.4-20",
    "TS119615:PRO-4.4.4-28",
)
def test_qualifiers_that_contradict_each_other_or_the_purpose() -> None:
    wrong = {
        1: (QC_FOR_ESEAL, QC_FOR_WSA, QC_FOR_LEGAL_PERSON),
        2: (QC_FOR_ESIG, QC_FOR_WSA),
        3: (QC_FOR_ESIG, QC_FOR_ESEAL),
    }
    for kind, several in wrong.items():
        code = (f"WARNING_T{kind}_TL_Inconsistency_in_applying_qualifiers",)
        for one in several:
            assert inconsistent(kind, {one}) == code
        assert inconsistent(kind, {NOT_QUALIFIED, QC_STATEMENT}) == code
        assert inconsistent(kind, {NOT_QUALIFIED}) == inconsistent(kind, {QC_STATEMENT, QC_WITH_QSCD}) == ()
    assert inconsistent(2, {QC_FOR_LEGAL_PERSON}) == ()
    found = judged(with_extensions(*purpose(FOR_SIGNATURES), qualifiers(QC_FOR_ESEAL)))
    assert Indication.INDETERMINATE_FOR_ESIG in found.results
    assert found.status is Status.PASSED_WITH_WARNING
    assert "WARNING_T1_TL_Inconsistency_in_applying_qualifiers" in found.sub_status


@pytest.mark.req(
    "TS119615:PRO-4.4.4-14",
    "TS119615:PRO-4.4.4-22",
    "TS119615:PRO-4.4.4-30",
)
def test_several_types_in_a_certificate_are_a_warning() -> None:
    several = replace(CERTIFICATE, types=frozenset({2, 3}))
    assert clause.several_types(several) == (clause.SEVERAL_TYPES,)
    assert clause.several_types(CERTIFICATE) == ()
    assert clause.SEVERAL_TYPES in judged(a_service(a_state()), certificate=several).sub_status


def expected(kind: int, types: frozenset[int], *, compliance: bool, place: int) -> str:
    """Tables 1 to 3 in other words: what a list says goes first, then what the certificate is for."""
    if place == 1:
        return "no"
    if place == 4:
        return "yes"
    if place == 3:
        return "yes" if compliance else "no"
    if not compliance and place == 0:
        return "no"
    if not types:
        return "unclear" if not compliance else "yes" if kind == 1 else "no"
    return "no" if kind not in types else "yes" if types == {kind} else "unclear"


@pytest.mark.req(
    "TS119615:PRO-4.4.4-15",
    "TS119615:PRO-4.4.4-23",
    "TS119615:PRO-4.4.4-31",
)
def test_every_cell_of_tables_1_to_3() -> None:
    words = {"Not": "no", "QC_": "yes", "QWA": "yes", "IND": "unclear"}
    subsets = [frozenset(one for one in (1, 2, 3) if number >> one & 1) for number in range(0, 16, 2)]
    for kind in (1, 2, 3):
        for compliance in (True, False):
            for types in subsets:
                for place in range(5):
                    found, warning = purpose_of(kind, place, compliance=compliance, types=types)
                    assert words[found[:3]] == expected(kind, types, compliance=compliance, place=place)
                    row8 = not compliance and not types and place == 2
                    assert bool(warning) is row8
    assert purpose_of(2, 2, compliance=False, types=frozenset()) == (
        Indication.INDETERMINATE_FOR_ESEAL,
        ("WARNING_T2_Not_Enough_Info_on_QC_Type",),
    )
    places = [
        column(not_qualified=False, statement=False, purpose=False),
        column(not_qualified=True, statement=False, purpose=True),
        column(not_qualified=False, statement=True, purpose=False),
        column(not_qualified=False, statement=False, purpose=True),
        column(not_qualified=False, statement=True, purpose=True),
    ]
    assert places == [0, 1, 2, 3, 4]


@pytest.mark.req("TS119615:PRO-4.4.4-32")
def test_two_purposes_are_an_error_and_an_unclear_one_a_warning() -> None:
    assert pair(Indication.FOR_ESIG, Indication.FOR_ESEAL) == "ERROR_QC_For_eSig_and_QC_For_eSeal"
    assert pair(Indication.FOR_ESIG, Indication.NOT_FOR_ESEAL) == ""
    assert pair(Indication.NOT_FOR_ESIG, Indication.INDETERMINATE_QWAC).startswith("WARNING")
    service_for_seals = with_extensions(*purpose(FOR_SEALS), qualifiers(QC_FOR_ESEAL))
    found = judged(a_service(a_state()), service_for_seals)
    assert (found.status, found.sub_status) == (Status.FAILED, ("ERROR_QC_For_eSig_and_QC_For_eSeal",))
    assert found.qualified_for == frozenset()


@pytest.mark.req("TS119615:PRO-4.4.4-35", "TS119615:PRO-4.4.4-36")
def test_a_certificate_must_be_what_it_was_when_it_was_issued() -> None:
    withdrawn = a_service(a_state(status=WITHDRAWN, since=AT - timedelta(days=1)), a_state(since=REGULATED))
    found = judged(withdrawn)
    assert found.status is Status.FAILED
    assert "ERROR_At_Issuance_Differs_QC_For_eSig" in found.sub_status
    before = judged(withdrawn, at=AT - timedelta(days=2))
    assert (before.status, before.results) == (Status.PASSED, FOR_ESIG)
    failed = CertificateQualification(status=Status.FAILED, sub_status=("x",))
    good = CertificateQualification(status=Status.PASSED, results=FOR_ESIG)
    assert clause.compared(good, good) == good
    assert clause.compared(good, failed).sub_status == ("PROCESS_FAILED", "x")
    warned = clause.compared(good, replace(good, sub_status=("WARNING_y",)))
    assert (warned.status, warned.sub_status) == (
        Status.PASSED_WITH_WARNING,
        ("PROCESS_PASSED", "WARNING_y"),
    )
    not_yet = judged(a_service(a_state(since=CERTIFICATE.not_before + timedelta(days=1))))
    assert not_yet.status is Status.FAILED


@pytest.mark.req("TS119615:PRO-4.4.4-07")
def test_the_directive_decides_on_its_own_time_and_on_its_certificates() -> None:
    moment = directive.REGULATION
    second = timedelta(seconds=1)
    assert clause.before_regulation(moment - second, moment)
    assert clause.before_regulation(moment, moment - second)
    assert not clause.before_regulation(moment, moment)


MIGRATED = a_service(a_state(since=REGULATED), a_state(status=UNDER_SUPERVISION, since=DIRECTIVE))


def test_certificates_of_the_directive_then_and_now() -> None:
    for at in (IN_2013, AT):
        found = judged(MIGRATED, certificate=OF_2012, at=at)
        assert (found.status, found.results) == (Status.PASSED, FOR_ESIG)


@pytest.mark.req("TS119615:PRO-4.4.4-33-f")
def test_a_service_that_had_ended_makes_no_certificate_qualified() -> None:
    ceased = a_service(
        a_state(status=WITHDRAWN, since=REGULATED),
        a_state(status=SUPERVISION_CEASED, since=IN_2013 - timedelta(days=1)),
        a_state(status=UNDER_SUPERVISION, since=DIRECTIVE),
    )
    found = judged(ceased, certificate=OF_2012, at=IN_2013)
    assert (found.status, found.results) == (Status.PASSED, NONE_OF_THEM)
    assert judged(ceased, certificate=OF_2012, at=AT).results == NONE_OF_THEM
    path = (OF_2012.member, CA)
    services = clause.certificate_qualification(OF_2012, path, IN_2013, lists=lists(ceased)).services
    assert directive.ended(services, IN_2013)
    assert directive.ended(judged(a_service(a_state(*purpose(FOR_SEALS)))).services, AT)
    assert not directive.ended(judged(a_service(a_state())).services, AT)


@pytest.mark.req("TS119615:PRO-4.4.4-33-c", "TS119615:PRO-4.4.4-33-d")
def test_several_services_under_the_directive() -> None:
    same = judged(MIGRATED, MIGRATED, certificate=OF_2012, at=IN_2013)
    assert directive.DUPLICATION in same.sub_status
    assert same.qualified_for == {Indication.FOR_ESIG}
    other = a_service(a_state(status=ACCREDITED, since=DIRECTIVE))
    found = judged(MIGRATED, other, certificate=OF_2012, at=IN_2013)
    assert found.status is Status.FAILED
    assert directive.STATUS_CONFLICT in found.sub_status
    assert directive.entry_duplications(found.services) == (directive.STATUS_CONFLICT,)


@pytest.mark.req("TS119615:PRO-4.4.4-33-h")
def test_qualifiers_that_the_directive_does_not_know_are_an_error() -> None:
    service = a_service(a_state(qualifiers(QC_FOR_ESEAL), since=DIRECTIVE, status=UNDER_SUPERVISION))
    found = judged(service, certificate=OF_2012, at=IN_2013)
    assert (found.status, found.sub_status) == (Status.FAILED, (directive.INCONSISTENT,))
    assert directive.contradictory({QC_FOR_WSA})
    assert directive.contradictory({NOT_QUALIFIED, QC_STATEMENT})
    assert not directive.contradictory({NOT_QUALIFIED, QC_FOR_ESIG})


@pytest.mark.req("TS119615:PRO-4.4.4-33-j")
def test_every_cell_of_table_5() -> None:
    for marked in (True, False):
        for statement in (True, False):
            assert (
                under_directive(marked=marked, not_qualified=True, statement=statement)
                is Indication.NOT_FOR_ESIG
            )
            found = under_directive(marked=marked, not_qualified=False, statement=statement)
            assert (found is Indication.FOR_ESIG) is (marked or statement)
    plain = replace(OF_2012, compliance=False)
    assert judged(MIGRATED, certificate=plain, at=IN_2013).qualified_for == frozenset()
    for policy in (QCP_PUBLIC, QCP_PUBLIC_WITH_SSCD):
        certificate = replace(plain, policies=frozenset({policy}))
        assert judged(MIGRATED, certificate=certificate, at=IN_2013).results == FOR_ESIG


def test_services_of_different_providers_fail_the_determination() -> None:
    listed = GreekList(
        (a_provider(a_service(a_state())), a_provider(a_service(a_state(*purpose(FOR_SEALS))), name="B"))
    )
    found = clause.certificate_qualification(CERTIFICATE, PATH, AT, lists=listed)
    assert (found.status, found.sub_status) == (Status.FAILED, ("PROCESS_FAILED", "ERROR_TSP_CONFLICT"))
    trusted = listed.authenticated("EL").list
    assert trusted is not None
    assert len(matching(trusted, PATH, a_state().type, AT)) == 2
