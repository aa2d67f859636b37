"""What a signature is under Regulation (EU) No 910/2014: by its validation and its certificate.

TS 119 172-4 has the rules, and (EU) 2025/1945 says which certificates and verdicts make a signature
qualified, or one that is based on a qualified certificate. The levels are those that validators of the field
show.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from trustworks.core.trace import implements
from trustworks.validation.qualification.model import Device, Indication, Status

if TYPE_CHECKING:
    from trustworks.validation.qualification.model import CertificateQualification, DeviceQualification


class Validity(StrEnum):
    """The main indication of EN 319 102-1 for the signature as an AdES signature."""

    PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "TOTAL-FAILED"


class SignatureQualification(StrEnum):
    """The level of a signature or seal."""

    QESIG = "QESig"
    QESEAL = "QESeal"
    UNKNOWN_QC_QSCD = "QES?"
    ADESIG_QC = "AdESig-QC"
    ADESEAL_QC = "AdESeal-QC"
    UNKNOWN_QC = "AdES?-QC"
    ADES = "AdES"
    INDETERMINATE_QESIG = "Indeterminate QESig"
    INDETERMINATE_QESEAL = "Indeterminate QESeal"
    INDETERMINATE_UNKNOWN_QC_QSCD = "Indeterminate QES?"
    INDETERMINATE_ADESIG_QC = "Indeterminate AdESig-QC"
    INDETERMINATE_ADESEAL_QC = "Indeterminate AdESeal-QC"
    INDETERMINATE_UNKNOWN_QC = "Indeterminate AdES?-QC"
    INDETERMINATE_ADES = "Indeterminate AdES"
    NOT_ADES_QC_QSCD = "Not AdES but QC with QSCD"
    NOT_ADES_QC = "Not AdES but QC"
    NOT_ADES = "Not AdES"
    NOT_APPLICABLE = "N/A"


_LEVELS = {
    (Validity.PASSED, Indication.FOR_ESIG, True): SignatureQualification.QESIG,
    (Validity.PASSED, Indication.FOR_ESEAL, True): SignatureQualification.QESEAL,
    (Validity.PASSED, Indication.FOR_ESIG, False): SignatureQualification.ADESIG_QC,
    (Validity.PASSED, Indication.FOR_ESEAL, False): SignatureQualification.ADESEAL_QC,
    (Validity.INDETERMINATE, Indication.FOR_ESIG, True): SignatureQualification.INDETERMINATE_QESIG,
    (Validity.INDETERMINATE, Indication.FOR_ESEAL, True): SignatureQualification.INDETERMINATE_QESEAL,
    (Validity.INDETERMINATE, Indication.FOR_ESIG, False): SignatureQualification.INDETERMINATE_ADESIG_QC,
    (Validity.INDETERMINATE, Indication.FOR_ESEAL, False): SignatureQualification.INDETERMINATE_ADESEAL_QC,
}
_UNSURE = {
    (Validity.PASSED, True): SignatureQualification.UNKNOWN_QC_QSCD,
    (Validity.PASSED, False): SignatureQualification.UNKNOWN_QC,
    (Validity.INDETERMINATE, True): SignatureQualification.INDETERMINATE_UNKNOWN_QC_QSCD,
    (Validity.INDETERMINATE, False): SignatureQualification.INDETERMINATE_UNKNOWN_QC,
}
_PLAIN = {
    Validity.PASSED: SignatureQualification.ADES,
    Validity.INDETERMINATE: SignatureQualification.INDETERMINATE_ADES,
    Validity.FAILED: SignatureQualification.NOT_ADES,
}


@implements(
    "TS119172-4:level",
    "TS119172-4:REQ-4.4.2-03",
    "TS119172-4:REQ-4.4.2-06",
    "TS119441:VPR-B-02",
    disabled=SignatureQualification.QESIG,
)
def signature_qualification(
    validity: Validity, certificate: CertificateQualification, device: DeviceQualification
) -> SignatureQualification:
    """The level of a signature, from its validity and what its certificate is at the best signature time.

    A certificate whose qualification failed or is for nothing makes no more of a signature than an advanced
    one. A certificate for web sites alone is none for signatures.
    """
    purposes = certificate.qualified_for & {Indication.FOR_ESIG, Indication.FOR_ESEAL}
    if not purposes:
        return _PLAIN[validity]
    in_device = device.status is not Status.FAILED and device.result is Device.YES
    if validity is Validity.FAILED:
        return SignatureQualification.NOT_ADES_QC_QSCD if in_device else SignatureQualification.NOT_ADES_QC
    if len(purposes) > 1:
        return _UNSURE[validity, in_device]
    return _LEVELS[validity, next(iter(purposes)), in_device]
