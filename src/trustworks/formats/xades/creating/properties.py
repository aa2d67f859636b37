"""Signed properties, written: of version 1.3.2, and of older ones as far as they have them.

Source: EN 319 132-1, 5.2; TS 101 903 V1.1.1 and V1.2.2, 7.2, by their schemas.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from lxml import etree

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import EXCLUSIVE
from trustworks.formats.claims import NO_CLAIMS, Claims, in_utc
from trustworks.formats.xades import names
from trustworks.formats.xades.creating.elements import (
    base64_of,
    child,
    date_time,
    digest,
    digest_of,
    identifier,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.evidence import PolicyReference
    from trustworks.formats.xades.creating.packaging import SignedData

_PLACE: Final[Mapping[str, str]] = {
    "city": "City",
    "street": "StreetAddress",
    "state": "StateOrProvince",
    "postal-code": "PostalCode",
    "country": "CountryName",
}
"""The parts of a place, in the order of the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTimeStamp:
    """Tokens over the signed data, made before it is signed (EN 319 132-1, 5.2.8).

    `of` are the Ids of references as `packaging` has them, for IndividualDataObjectsTimeStamp; none: of all.
    """

    tokens: tuple[bytes, ...]
    of: Sequence[str] = ()
    canonicalisation: str = EXCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedProperties:
    """What is written into the signed properties.

    `certificates` are in DER, that of the signer first, to which alone is referred, by `hash_name`.
    `version` is the namespace of the qualifying properties.
    """

    certificates: Sequence[bytes]
    claims: Claims = NO_CLAIMS
    time_stamps: Sequence[ContentTimeStamp] = field(default_factory=tuple)
    hash_name: str = "sha256"
    version: str = names.XADES_132

    def __post_init__(self) -> None:
        """Raises `Rejected` for a version that is not written, and without the signer's certificate."""
        if self.version not in names.VERSIONS:
            raise Rejected(
                "xades.version",
                f"Qualifying properties of the version {self.version[:80]!r} are not written. Use "
                f"{names.XADES_132}, to which {names.XADES_141} only adds unsigned properties.",
            )
        if not self.certificates:
            raise Rejected("xades.certificate", "The signer's certificate is not given; it has to be signed.")


def signed_properties(
    qualifying: etree._Element, properties: SignedProperties, data: Sequence[SignedData], own_id: str
) -> None:
    """Appends SignedProperties with that Id to QualifyingProperties.

    Raises `Rejected` for what the version of the properties has no element for.
    """
    claims = properties.claims
    holder = child(qualifying, "SignedProperties", Id=own_id)
    about = child(holder, "SignedSignatureProperties")
    if claims.signing_time is not None:
        child(about, "SigningTime", date_time(in_utc(claims.signing_time)))
    _certificate(about, properties)
    _policy(about, claims.policy)
    if claims.location:
        _place(about, claims.location)
    if claims.claimed_roles or claims.certified_roles:
        _roles(about, claims)
    if any(one.format_ for one in data) or claims.commitments or properties.time_stamps:
        _of_data(child(holder, "SignedDataObjectProperties"), properties, data)


@implements(
    "EN319132-1:6.3-GEN-FORMAT", "TS119101:SCP-5", "TS119101:SCP-20", "TS119101:SCP-22", "TS119101:SCP-38"
)
def _of_data(holder: etree._Element, properties: SignedProperties, data: Sequence[SignedData]) -> None:
    for one in data:
        if one.format_ is None:
            continue
        about = child(holder, "DataObjectFormat", ObjectReference=f"#{one.id}")
        if one.format_.description is not None:
            child(about, "Description", one.format_.description)
        if one.format_.identifier is not None:
            identifier(about, "ObjectIdentifier", one.format_.identifier)
        child(about, "MimeType", one.format_.mime_type)
        if one.format_.encoding is not None:
            child(about, "Encoding", one.format_.encoding)
    for commitment in properties.claims.commitments:
        indication = child(holder, "CommitmentTypeIndication")
        identifier(indication, "CommitmentTypeId", commitment)
        child(indication, "AllSignedDataObjects")
    # The order of the schema: all of the one kind, then all of the other.
    for stamp in sorted(properties.time_stamps, key=lambda one: bool(one.of)):
        time_stamp(holder, stamp)


def time_stamp(holder: etree._Element, stamp: ContentTimeStamp) -> etree._Element:
    """Appends AllDataObjectsTimeStamp or IndividualDataObjectsTimeStamp.

    Raises `Rejected` (xades.version) for version 1.1.1, which lists everything, and every token by itself.
    """
    if etree.QName(holder).namespace != names.XADES_132:
        raise _absent(holder, "time-stamps of all the data without a list")
    element = child(holder, "IndividualDataObjectsTimeStamp" if stamp.of else "AllDataObjectsTimeStamp")
    for one in stamp.of:
        child(element, "Include", URI=f"#{one}", referencedData="true")
    child(element, "CanonicalizationMethod", namespace=names.DS, Algorithm=stamp.canonicalisation)
    for token in stamp.tokens:
        child(element, "EncapsulatedTimeStamp", base64_of(token))
    return element


@implements("EN319132-1:6.3-GEN-REFERENCE")
def _certificate(about: etree._Element, properties: SignedProperties) -> None:
    newer = properties.version == names.XADES_132
    holder = child(about, "SigningCertificateV2" if newer else "SigningCertificate")
    # Of further certificates each validator would have to find a path through all that are named.
    certificate = properties.certificates[0]
    cert = child(holder, "Cert")
    digest(cert, "CertDigest", properties.hash_name, digest_of(properties.hash_name, certificate))
    if not newer:
        issuer_serial(cert, certificate)


def issuer_serial(cert: etree._Element, certificate: bytes) -> None:
    """The issuer as a string and the serial number, which the older versions ask for."""
    try:
        read = x509.load_der_x509_certificate(certificate)
        issuer, serial = read.issuer.rfc4514_string(), read.serial_number
    except ValueError as error:
        raise Malformed(f"The certificate cannot be read: {error}") from error
    holder = child(cert, "IssuerSerial")
    child(holder, "X509IssuerName", issuer, namespace=names.DS)
    child(holder, "X509SerialNumber", str(serial), namespace=names.DS)


@implements("EN319132-1:6.3-GEN-POLICY")
def _policy(about: etree._Element, policy: PolicyReference | None) -> None:
    """SignaturePolicyIdentifier (EN 319 132-1, 5.2.9); version 1.1.1 has one always: the implied policy."""
    if policy is None:
        if etree.QName(about).namespace == names.XADES_111:
            child(child(about, "SignaturePolicyIdentifier"), "SignaturePolicyImplied")
        return
    holder = child(about, "SignaturePolicyIdentifier")
    if policy.identifier is None:
        child(holder, "SignaturePolicyImplied")
        return
    if policy.digest is None or policy.digest_algorithm is None:
        raise Rejected("xades.policy", "Of the signature policy no digest is given; XAdES asks for one.")
    named = child(holder, "SignaturePolicyId")
    identifier(named, "SigPolicyId", policy.identifier, policy.description)
    if policy.transforms:
        transforms = child(named, "Transforms", namespace=names.DS)
        for one in policy.transforms:
            child(transforms, "Transform", namespace=names.DS, Algorithm=one)
    digest(named, "SigPolicyHash", policy.digest_algorithm, policy.digest)
    if policy.uri is not None or policy.user_notice is not None or policy.specification is not None:
        _qualifiers(child(named, "SigPolicyQualifiers"), policy)


def _qualifiers(qualifiers: etree._Element, policy: PolicyReference) -> None:
    if policy.uri is not None:
        child(child(qualifiers, "SigPolicyQualifier"), "SPURI", policy.uri)
    if policy.user_notice is not None:
        notice = child(child(qualifiers, "SigPolicyQualifier"), "SPUserNotice")
        child(notice, "ExplicitText", policy.user_notice)
    if policy.specification is not None:
        if etree.QName(qualifiers).namespace != names.XADES_132:
            raise _absent(qualifiers, "the specification of a policy's document")
        qualifier = child(qualifiers, "SigPolicyQualifier")
        identifier(
            qualifier,
            "SPDocSpecification",
            policy.specification,
            namespace=names.XADES_141,
            inside=names.XADES_132,
        )


@implements("EN319132-1:6.3-GEN-PLACE")
def _place(about: etree._Element, location: Mapping[str, str]) -> None:
    """SignatureProductionPlace (EN 319 132-1, 5.2.5)."""
    unknown = sorted(set(location) - set(_PLACE))
    if unknown:
        raise Rejected(
            "xades.location", f"A place has no part {unknown[0]!r}. Use some of {', '.join(_PLACE)}."
        )
    newer = etree.QName(about).namespace == names.XADES_132
    if not newer and "street" in location:
        raise _absent(about, "the street of a place")
    holder = child(about, "SignatureProductionPlaceV2" if newer else "SignatureProductionPlace")
    for key, name in _PLACE.items():
        if key in location:
            child(holder, name, location[key])


@implements("EN319132-1:6.3-GEN-ROLES")
def _roles(about: etree._Element, claims: Claims) -> None:
    """SignerRole (EN 319 132-1, 5.2.6)."""
    version = etree.QName(about).namespace
    if claims.claimed_roles and version == names.XADES_111:
        raise _absent(about, "claimed roles in words")
    newer = version == names.XADES_132
    holder = child(about, "SignerRoleV2" if newer else "SignerRole")
    if claims.claimed_roles:
        claimed = child(holder, "ClaimedRoles")
        for role in claims.claimed_roles:
            child(claimed, "ClaimedRole", role)
    if claims.certified_roles:
        certified = child(holder, "CertifiedRolesV2" if newer else "CertifiedRoles")
        for certificate in claims.certified_roles:
            if newer:
                child(child(certified, "CertifiedRole"), "X509AttributeCertificate", base64_of(certificate))
            else:
                child(certified, "CertifiedRole", base64_of(certificate))


def _absent(element: etree._Element, what: str) -> Rejected:
    return Rejected(
        "xades.version",
        f"Version {etree.QName(element).namespace} of XAdES has no place for {what}. Use {names.XADES_132}.",
    )
