"""Whether private keys are in qualified devices (TS 119 615, 4.5), and levels of signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import pytest
from listed_services import AT, CERTIFICATE, qualifiers

from trustworks.core.pki.trusted_lists.uris import (
    QC_FOR_ESIG,
    QC_NO_QSCD,
    QC_NO_SSCD,
    QC_QSCD_AS_IN_CERT,
    QC_QSCD_ON_BEHALF,
    QC_SSCD_AS_IN_CERT,
    QC_WITH_QSCD,
    QC_WITH_SSCD,
)
from trustworks.validation.qualification import devices as clause
from trustworks.validation.qualification.certificate import QCP_PUBLIC_WITH_SSCD
from trustworks.validation.qualification.model import (
    CertificateQualification,
    Device,
    DeviceQualification,
    Indication,
    Status,
)
from trustworks.validation.qualification.signatures import (
    SignatureQualification,
    Validity,
    signature_qualification,
)
from trustworks.validation.qualification.tables import device

IN_2013 = datetime(2013, 1, 1, tzinfo=UTC)
STATED = replace(CERTIFICATE, sscd=True)


def qualified(*uris: str, critical: bool = False, seal: bool = False) -> CertificateQualification:
    elements = tuple((one, critical) for one in qualifiers(*uris).elements)
    return CertificateQualification(
        status=Status.PASSED,
        results=frozenset({Indication.FOR_ESEAL if seal else Indication.FOR_ESIG}),
        for_esig=() if seal else elements,
        for_eseal=elements if seal else (),
    )


@pytest.mark.req("TS119615:PRO-4.5.4-03", "TS119615:PRO-4.5.4-04")
def test_every_cell_of_tables_6_and_7() -> None:
    for stated in (True, False):
        assert device(stated=stated, with_device=True, no_device=False) is Device.YES
        assert device(stated=stated, with_device=False, no_device=True) is Device.NO
        found = device(stated=stated, with_device=False, no_device=False)
        assert found is (Device.YES if stated else Device.NO)


@pytest.mark.parametrize("seal", [False, True])
@pytest.mark.parametrize(
    ("uris", "stated", "unstated"),
    [
        ((), Device.YES, Device.NO),
        ((QC_QSCD_AS_IN_CERT,), Device.YES, Device.NO),
        ((QC_WITH_QSCD,), Device.YES, Device.YES),
        ((QC_WITH_QSCD, QC_WITH_SSCD), Device.YES, Device.YES),
        ((QC_QSCD_ON_BEHALF,), Device.YES, Device.YES),
        ((QC_NO_QSCD,), Device.NO, Device.NO),
    ],
)
def test_the_list_goes_before_the_certificate(
    uris: tuple[str, ...], stated: Device, unstated: Device, seal: bool
) -> None:
    for certificate, expected in ((STATED, stated), (CERTIFICATE, unstated)):
        found = clause.device_qualification(certificate, AT, qualified(*uris, seal=seal))
        assert (found.status, found.result) == (Status.PASSED, expected)


@pytest.mark.req("TS119615:PRO-4.5.4-04-c")
@pytest.mark.parametrize(
    "uris",
    [
        (QC_WITH_SSCD,),
        (QC_NO_SSCD,),
        (QC_WITH_QSCD, QC_NO_QSCD),
        (QC_QSCD_ON_BEHALF, QC_NO_QSCD),
        (QC_QSCD_AS_IN_CERT, QC_WITH_QSCD),
        (QC_QSCD_AS_IN_CERT, QC_NO_QSCD),
        (QC_QSCD_AS_IN_CERT, QC_QSCD_ON_BEHALF),
    ],
)
def test_contradictions_leave_it_undetermined(uris: tuple[str, ...]) -> None:
    assert clause.qscd_contradiction(set(uris))
    found = clause.device_qualification(STATED, AT, qualified(*uris))
    assert (found.status, found.result) == (Status.PASSED_WITH_WARNING, Device.INDETERMINATE)
    assert found.sub_status == (clause.QSCD_INCONSISTENT,)


def test_what_goes_together_is_no_contradiction() -> None:
    for uris in ((QC_WITH_QSCD, QC_QSCD_ON_BEHALF), (QC_WITH_SSCD, QC_WITH_QSCD), (QC_QSCD_AS_IN_CERT,)):
        assert not clause.qscd_contradiction(set(uris))


@pytest.mark.req("TS119615:PRO-4.5.4-04-b")
def test_unknown_qualifiers_are_a_warning_or_an_error() -> None:
    warned = clause.device_qualification(STATED, AT, qualified(QC_FOR_ESIG, "https://x.example"))
    assert (warned.status, warned.result, warned.sub_status) == (
        Status.PASSED,
        Device.YES,
        (clause.UNKNOWN,),
    )
    failed = clause.device_qualification(STATED, AT, qualified("https://x.example", critical=True))
    assert (failed.status, failed.result) == (Status.FAILED, None)
    assert failed.sub_status == (clause.UNKNOWN_CRITICAL,)
    assert clause.unknown_qualifiers(qualified(QC_FOR_ESIG, critical=True).for_esig) == ()


@pytest.mark.req("TS119615:PRO-4.5.4-03-a-2")
def test_under_the_directive_there_were_other_qualifiers() -> None:
    for pair in combinations((QC_WITH_SSCD, QC_NO_SSCD, QC_SSCD_AS_IN_CERT), 2):
        assert clause.sscd_contradiction(set(pair))
        found = clause.device_qualification(STATED, IN_2013, qualified(*pair))
        assert (found.result, found.sub_status) == (Device.INDETERMINATE, (clause.SSCD_INCONSISTENT,))
    by_policy = replace(CERTIFICATE, policies=frozenset({QCP_PUBLIC_WITH_SSCD}))
    for certificate, uris, expected in (
        (STATED, (), Device.YES),
        (by_policy, (QC_SSCD_AS_IN_CERT,), Device.YES),
        (CERTIFICATE, (), Device.NO),
        (CERTIFICATE, (QC_WITH_SSCD,), Device.YES),
        (STATED, (QC_NO_SSCD,), Device.NO),
    ):
        assert clause.device_qualification(certificate, IN_2013, qualified(*uris)).result is expected
    # A policy says it no more under the Regulation.
    assert clause.device_qualification(by_policy, AT, qualified()).result is Device.NO


def test_only_certificates_for_signatures_and_seals_have_devices() -> None:
    web = CertificateQualification(status=Status.PASSED, results=frozenset({Indication.QWAC}))
    for at in (AT, IN_2013):
        found = clause.device_qualification(STATED, at, web)
        assert (found.status, found.result) == (Status.PASSED, Device.INDETERMINATE)
    failed = clause.device_qualification(
        STATED, AT, CertificateQualification(status=Status.FAILED, sub_status=("x",))
    )
    assert (failed.status, failed.sub_status) == (Status.FAILED, ("PROCESS_FAILED", "x"))


@pytest.mark.req("TS119172-4:level")
def test_levels_of_signatures() -> None:
    yes = DeviceQualification(status=Status.PASSED, result=Device.YES)
    no = DeviceQualification(status=Status.PASSED, result=Device.NO)
    failed = DeviceQualification(status=Status.FAILED)
    plain = CertificateQualification(status=Status.PASSED, results=frozenset({Indication.NOT_FOR_ESIG}))
    uncertain = replace(qualified(), status=Status.FAILED)
    both = replace(qualified(), results=frozenset({Indication.FOR_ESIG, Indication.FOR_ESEAL}))
    level = SignatureQualification
    for validity, certificate, key, expected in (
        (Validity.PASSED, qualified(), yes, level.QESIG),
        (Validity.PASSED, qualified(seal=True), yes, level.QESEAL),
        (Validity.PASSED, qualified(), no, level.ADESIG_QC),
        (Validity.PASSED, qualified(), failed, level.ADESIG_QC),
        (Validity.PASSED, qualified(seal=True), no, level.ADESEAL_QC),
        (Validity.PASSED, both, yes, level.UNKNOWN_QC_QSCD),
        (Validity.PASSED, both, no, level.UNKNOWN_QC),
        (Validity.PASSED, plain, yes, level.ADES),
        (Validity.PASSED, uncertain, yes, level.ADES),
        (Validity.INDETERMINATE, qualified(), yes, level.INDETERMINATE_QESIG),
        (Validity.INDETERMINATE, qualified(seal=True), yes, level.INDETERMINATE_QESEAL),
        (Validity.INDETERMINATE, qualified(), no, level.INDETERMINATE_ADESIG_QC),
        (Validity.INDETERMINATE, qualified(seal=True), no, level.INDETERMINATE_ADESEAL_QC),
        (Validity.INDETERMINATE, both, yes, level.INDETERMINATE_UNKNOWN_QC_QSCD),
        (Validity.INDETERMINATE, both, no, level.INDETERMINATE_UNKNOWN_QC),
        (Validity.INDETERMINATE, plain, no, level.INDETERMINATE_ADES),
        (Validity.FAILED, qualified(), yes, level.NOT_ADES_QC_QSCD),
        (Validity.FAILED, qualified(), no, level.NOT_ADES_QC),
        (Validity.FAILED, plain, no, level.NOT_ADES),
    ):
        assert signature_qualification(validity, certificate, key) is expected
