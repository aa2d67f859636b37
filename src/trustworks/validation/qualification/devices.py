"""Whether the private key of a qualified certificate is in a qualified creation device (TS 119 615, 4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.uris import (
    QC_NO_QSCD,
    QC_NO_SSCD,
    QC_QSCD_AS_IN_CERT,
    QC_QSCD_ON_BEHALF,
    QC_SSCD_AS_IN_CERT,
    QC_WITH_QSCD,
    QC_WITH_SSCD,
    QUALIFIERS,
)
from trustworks.core.trace import implements
from trustworks.validation.qualification.certificate import QCP_PUBLIC_WITH_SSCD
from trustworks.validation.qualification.directive import REGULATION
from trustworks.validation.qualification.model import (
    Device,
    DeviceQualification,
    Indication,
    Status,
    together,
)
from trustworks.validation.qualification.qualifiers import qualifiers_of
from trustworks.validation.qualification.tables import device

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from trustworks.validation.qualification.certificate import QualifiedContent
    from trustworks.validation.qualification.model import CertificateQualification
    from trustworks.validation.qualification.qualifiers import Applying

SSCD_INCONSISTENT: Final = "WARNING_Inconsistency_in_applying_qualifiers_for_SSCD_status"
QSCD_INCONSISTENT: Final = "WARNING_Inconsistency_in_applying_qualifiers_for_QSCD_status"
UNKNOWN: Final = "WARNING_Unknown_qualifiers_for_QSCD_status"
UNKNOWN_CRITICAL: Final = "ERROR_Unknown_critical_qualifiers_for_QSCD_status"

_OF_DEVICES: Final = frozenset({QC_WITH_QSCD, QC_NO_QSCD, QC_QSCD_AS_IN_CERT, QC_QSCD_ON_BEHALF})


def device_qualification(
    certificate: QualifiedContent, at: datetime, qualification: CertificateQualification
) -> DeviceQualification:
    """Where the private key was at a time, from what `certificate_qualification` found for it (4.5)."""
    if qualification.status is Status.FAILED:
        return DeviceQualification(
            status=Status.FAILED,
            sub_status=together(qualification.status.value, qualification.sub_status),
        )
    if at < REGULATION:
        return _under_directive(certificate, qualification)
    if Indication.FOR_ESIG in qualification.results:
        return _under_regulation(certificate, qualification.for_esig)
    if Indication.FOR_ESEAL in qualification.results:
        return _under_regulation(certificate, qualification.for_eseal)
    return DeviceQualification(status=Status.PASSED, result=Device.INDETERMINATE)


def _under_directive(
    certificate: QualifiedContent, qualification: CertificateQualification
) -> DeviceQualification:
    if Indication.FOR_ESIG not in qualification.results:
        return DeviceQualification(status=Status.PASSED, result=Device.INDETERMINATE)
    qualifiers = qualifiers_of(qualification.for_esig)
    if sscd_contradiction(qualifiers):
        return DeviceQualification(
            status=Status.PASSED_WITH_WARNING,
            sub_status=(SSCD_INCONSISTENT,),
            result=Device.INDETERMINATE,
        )
    stated = certificate.sscd or QCP_PUBLIC_WITH_SSCD in certificate.policies
    return DeviceQualification(
        status=Status.PASSED,
        result=device(
            stated=stated,
            with_device=QC_WITH_SSCD in qualifiers,
            no_device=QC_NO_SSCD in qualifiers,
        ),
    )


def _under_regulation(certificate: QualifiedContent, elements: Applying) -> DeviceQualification:
    unknown = unknown_qualifiers(elements)
    if UNKNOWN_CRITICAL in unknown:
        return DeviceQualification(status=Status.FAILED, sub_status=unknown)
    qualifiers = qualifiers_of(elements)
    if qscd_contradiction(qualifiers):
        return DeviceQualification(
            status=Status.PASSED_WITH_WARNING,
            sub_status=together(unknown, QSCD_INCONSISTENT),
            result=Device.INDETERMINATE,
        )
    return DeviceQualification(
        status=Status.PASSED,
        sub_status=unknown,
        result=device(
            stated=certificate.sscd,
            with_device=bool(qualifiers & {QC_WITH_QSCD, QC_QSCD_ON_BEHALF}),
            no_device=QC_NO_QSCD in qualifiers,
        ),
    )


@implements("TS119615:PRO-4.5.4-03-a-2", disabled=False)
def sscd_contradiction(qualifiers: AbstractSet[str]) -> bool:
    """Whether two of the Directive's three qualifiers of devices apply (PRO-4.5.4-03, a, 2)."""
    return len(qualifiers & {QC_WITH_SSCD, QC_NO_SSCD, QC_SSCD_AS_IN_CERT}) > 1


@implements("TS119615:PRO-4.5.4-04-b")
def unknown_qualifiers(elements: Applying) -> tuple[str, ...]:
    """The warning of qualifiers that are not known here, or the error where their extension is critical."""
    critical = {
        extension_critical
        for element, extension_critical in elements
        if not QUALIFIERS.issuperset(element.qualifiers)
    }
    return (UNKNOWN_CRITICAL,) if True in critical else (UNKNOWN,) if critical else ()


@implements("TS119615:PRO-4.5.4-04-c", disabled=False)
def qscd_contradiction(qualifiers: AbstractSet[str]) -> bool:
    """Whether qualifiers of devices contradict each other, or were not brought over from the Directive's."""
    return (
        (QC_WITH_SSCD in qualifiers and QC_WITH_QSCD not in qualifiers)
        or (QC_NO_SSCD in qualifiers and QC_NO_QSCD not in qualifiers)
        or {QC_WITH_QSCD, QC_NO_QSCD} <= qualifiers
        or {QC_QSCD_ON_BEHALF, QC_NO_QSCD} <= qualifiers
        or (QC_QSCD_AS_IN_CERT in qualifiers and len(qualifiers & _OF_DEVICES) > 1)
    )
