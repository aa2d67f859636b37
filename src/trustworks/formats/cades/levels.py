"""The level of a CAdES signature: the highest whose attributes are all there.

Source: EN 319 122-1, 6.3 (baseline: B, T, LT, LTA); EN 319 122-2, 5 (extended: BES, EPES, T to ERS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.cms import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from trustworks.core.trace import implements
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cms import attributes as signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.cms.attributes import SignedAttributes
    from trustworks.formats.cms.structure import CmsAttribute

_DATA: Final = "1.2.840.113549.1.7.1"
NOT_ETSI: Final = "CMS-NOT-ETSI"

# Signed attributes that may be there once (EN 319 122-2, table 1).
_AT_MOST_ONE: Final = (
    SIGNING_TIME,
    signed.COMMITMENT_TYPE,
    signed.CONTENT_HINTS,
    signed.MIME_TYPE,
    signed.SIGNER_LOCATION,
    signed.SIGNATURE_POLICY,
    signed.CONTENT_REFERENCE,
    signed.CONTENT_IDENTIFIER,
)
# Unsigned ones (EN 319 122-2, table 1).
_UNSIGNED_AT_MOST_ONE: Final = (
    ids.SIGNATURE_POLICY_STORE,
    ids.COMPLETE_CERTIFICATE_REFERENCES,
    ids.COMPLETE_REVOCATION_REFERENCES,
    ids.ATTRIBUTE_CERTIFICATE_REFERENCES,
    ids.ATTRIBUTE_REVOCATION_REFERENCES,
    ids.CERTIFICATE_VALUES,
    ids.REVOCATION_VALUES,
)
# What a baseline signature of level LT must not have (EN 319 122-1, table 1).
_NOT_IN_BASELINE_LT: Final = (
    ids.COMPLETE_CERTIFICATE_REFERENCES,
    ids.COMPLETE_REVOCATION_REFERENCES,
    ids.CERTIFICATE_VALUES,
    ids.REVOCATION_VALUES,
    ids.CERTS_CRLS_TIME_STAMP,
)


def level_of(  # noqa: PLR0911 - one for each level, and what each asks for
    attributes: SignedAttributes,
    unsigned: Mapping[str, Sequence[CmsAttribute]],
    *,
    counter: bool,
    certificate_inside: bool,
    in_time: bool,
    validation_data: bool,
    ers: bool,
) -> str:
    """The level by its name.

    `certificate_inside`: the signing certificate is among those of the structure. `in_time`: there is a
    signature time-stamp, and none is from after the end of the signing certificate. `validation_data`: status
    data is at hand for all certificates. `ers`: the structure has an evidence record in the right attribute.
    """
    if not has_bes(attributes, unsigned, counter=counter):
        return NOT_ETSI
    baseline = has_baseline_b(attributes, unsigned, certificate_inside=certificate_inside)
    if not in_time:
        if baseline:
            return "CAdES-BASELINE-B"
        return "CAdES-EPES" if attributes.by_type.get(signed.SIGNATURE_POLICY) else "CAdES-BES"
    if ers:
        return "CAdES-ERS"
    archived = any(kind in unsigned for kind in ids.ARCHIVE_TIME_STAMPS)
    if baseline and validation_data and is_baseline_lt(unsigned):
        return "CAdES-BASELINE-LTA" if ids.ARCHIVE_TIME_STAMP_V3 in unsigned else "CAdES-BASELINE-LT"
    if has_complete_references(unsigned):
        return _extended(unsigned, validation_data=validation_data, archived=archived)
    return "CAdES-BASELINE-T" if baseline else "CAdES-T"


def _extended(
    unsigned: Mapping[str, Sequence[CmsAttribute]], *, validation_data: bool, archived: bool
) -> str:
    if validation_data:
        return "CAdES-A" if archived else "CAdES-XL"
    stamps = len(unsigned.get(ids.ESC_TIME_STAMP, ())) + len(unsigned.get(ids.CERTS_CRLS_TIME_STAMP, ()))
    return "CAdES-X" if stamps == 1 else "CAdES-C"


def _values(attributes: SignedAttributes, kind: str) -> int:
    return sum(len(one.values) for one in attributes.by_type.get(kind, ()))


@implements("EN319122-2:5-BES", disabled=True)
def has_bes(
    attributes: SignedAttributes, unsigned: Mapping[str, Sequence[CmsAttribute]], *, counter: bool
) -> bool:
    """Whether a signature has what every CAdES signature has, and nothing twice that may be there once."""
    types = _values(attributes, CONTENT_TYPE)
    roles = len(attributes.by_type.get(signed.SIGNER_ATTRIBUTES, ())) + len(
        attributes.by_type.get(signed.SIGNER_ATTRIBUTES_V2, ())
    )
    return (
        (types == 1 or (counter and types == 0))
        and _values(attributes, MESSAGE_DIGEST) == 1
        and has_one_signing_certificate(attributes)
        and roles <= 1
        and all(len(attributes.by_type.get(kind, ())) <= 1 for kind in _AT_MOST_ONE)
        and all(len(unsigned.get(kind, ())) <= 1 for kind in _UNSIGNED_AT_MOST_ONE)
    )


@implements("EN319122-1:6.3-SIGNING-CERTIFICATE", disabled=True)
def has_one_signing_certificate(attributes: SignedAttributes) -> bool:
    """Whether one attribute refers to the signing certificate: the older one by SHA-1, the newer one else."""
    older, newer = _values(attributes, SIGNING_CERTIFICATE), _values(attributes, SIGNING_CERTIFICATE_V2)
    if older + newer != 1 or not attributes.signing_certificate:
        return False
    return (attributes.signing_certificate[0].digest_algorithm == "sha1") == bool(older)


@implements("EN319122-1:6.3-B", disabled=True)
def has_baseline_b(
    attributes: SignedAttributes,
    unsigned: Mapping[str, Sequence[CmsAttribute]],
    *,
    certificate_inside: bool,
) -> bool:
    """Whether a signature that is CAdES-BES is of the baseline, too."""
    policy = attributes.shared.policy
    return (
        certificate_inside
        and _values(attributes, SIGNING_TIME) == 1
        and attributes.content_type in {None, _DATA}
        and (ids.SIGNATURE_POLICY_STORE not in unsigned or (policy is not None and policy.digest is not None))
    )


@implements("EN319122-1:6.3-LT", disabled=True)
def is_baseline_lt(unsigned: Mapping[str, Sequence[CmsAttribute]]) -> bool:
    """Whether no attribute is there whose data has to be in the structure itself at level LT."""
    return not any(kind in unsigned for kind in _NOT_IN_BASELINE_LT)


@implements("EN319122-2:5-C", disabled=True)
def has_complete_references(unsigned: Mapping[str, Sequence[CmsAttribute]]) -> bool:
    """Whether there is one attribute of references to certificates, and one to revocation data."""
    return (
        len(unsigned.get(ids.COMPLETE_CERTIFICATE_REFERENCES, ())) == 1
        and len(unsigned.get(ids.COMPLETE_REVOCATION_REFERENCES, ())) == 1
    )
