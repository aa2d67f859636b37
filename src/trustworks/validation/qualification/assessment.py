"""All that trusted lists say of a signature's certificate, at issuance and at the best signature time.

TS 119 172-4 asks for these procedures of TS 119 615; its text is not at hand, so that it is second-hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.validation.qualification.certificate import path_members, qualified_content
from trustworks.validation.qualification.certificates import certificate_qualification
from trustworks.validation.qualification.devices import device_qualification
from trustworks.validation.qualification.signatures import signature_qualification
from trustworks.validation.qualification.trust_services import time_stamp_qualification

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.validation.qualification.model import (
        CertificateQualification,
        DeviceQualification,
        IssuerQualification,
        Lists,
    )
    from trustworks.validation.qualification.signatures import SignatureQualification, Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureAssessment:
    """The level of a signature, and what it follows from."""

    level: SignatureQualification
    at_issuance: CertificateQualification
    at_signing: CertificateQualification
    device: DeviceQualification


def assess_signature(path: Path, validity: Validity, at: datetime, *, lists: Lists) -> SignatureAssessment:
    """What a signature is by its certificate's path, its validity, and the time by which it existed.

    The path is to have been validated. `at` is the best signature time: the earliest that is proven.
    """
    certificate, members = qualified_content(path.leaf), path_members(path)
    at_signing = certificate_qualification(certificate, members, at, lists=lists)
    device = device_qualification(certificate, at, at_signing)
    return SignatureAssessment(
        level=signature_qualification(validity, at_signing, device),
        at_issuance=certificate_qualification(certificate, members, certificate.not_before, lists=lists),
        at_signing=at_signing,
        device=device,
    )


def assess_time_stamp(path: Path, made: datetime, at: datetime, *, lists: Lists) -> IssuerQualification:
    """Whether a time-stamp is a qualified one at a time (4.7), by its unit's path and when it was made."""
    return time_stamp_qualification(
        qualified_content(path.leaf), path_members(path), at, made=made, lists=lists
    )
