"""Signed data of the Cryptographic Message Syntax, as far as time-stamp tokens use it, strict DER.

What a signature covers is kept as it came: `SignerInfo.signed_attributes` and elements of type `asn1.TLV`
encode to the very bytes they were decoded from. Source: RFC 5652, RFC 5035.
"""

from __future__ import annotations

from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.encode import SEQUENCE, tlv

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"


def any_element(der: bytes) -> asn1.TLV:
    """One element of any type, from its DER. Raises ValueError."""
    element: asn1.TLV = asn1.decode_der(asn1.TLV, der)
    return element


@asn1.sequence
class IssuerAndSerialNumber:
    """Who signed: the issuer's name and the serial number of the certificate (RFC 5652, 10.2.4)."""

    issuer: asn1.TLV
    serial_number: int


@asn1.sequence
class Attribute:
    """An attribute with its values (RFC 5652, 5.3)."""

    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class SignerInfo:
    """One signer (RFC 5652, 5.3). `signed_attributes` is the element [0], which is required here."""

    version: int
    sid: IssuerAndSerialNumber | Annotated[bytes, asn1.Implicit(0)]
    digest_algorithm: asn1.TLV
    signed_attributes: asn1.TLV
    signature_algorithm: asn1.TLV
    signature: bytes
    unsigned_attributes: Annotated[list[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class EncapsulatedContent:
    """What is signed, inside the structure (RFC 5652, 5.2)."""

    content_type: ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """Signed data (RFC 5652, 5.1). `certificates` and `crls` are read in any order and written as given."""

    version: int
    digest_algorithms: asn1.SetOf[asn1.TLV]
    encapsulated: EncapsulatedContent
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.SetOf[SignerInfo]


@asn1.sequence
class SignedDataInfo:
    """A ContentInfo that holds signed data (RFC 5652, 3)."""

    content_type: ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


@asn1.sequence
class _Attributes:
    attributes: asn1.SetOf[Attribute]


def attributes_of(signer: SignerInfo) -> list[Attribute]:
    """The signed attributes. Raises ValueError when the element is none, or not in DER's order."""
    if signer.signed_attributes.tag_bytes != b"\xa0":
        raise ValueError("the signer has no signed attributes")
    return attributes_in(signed_bytes(signer))


def attributes_in(octets: bytes) -> list[Attribute]:
    """The attributes of a SET, as a signature is over it. Raises ValueError where it is none in DER."""
    return asn1.decode_der(_Attributes, tlv(SEQUENCE, octets)).attributes.as_list()


def signed_bytes(signer: SignerInfo) -> bytes:
    """What the signature is over: the attributes as they came, tagged as a SET (RFC 5652, 5.4)."""
    return b"\x31" + asn1.encode_der(signer.signed_attributes)[1:]


@asn1.sequence
class IssuerSerial:
    """The issuer's names and the serial number (RFC 5035, 5)."""

    issuer: list[asn1.TLV]
    serial_number: int


@asn1.sequence
class HashAlgorithm:
    """The AlgorithmIdentifier of a hash function inside ESSCertIDv2."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class EssCertIdV2:
    """A reference to a certificate by its hash (RFC 5035, 4); without `hash_algorithm` that is SHA-256."""

    hash_algorithm: HashAlgorithm | None
    cert_hash: bytes
    issuer_serial: IssuerSerial | None


@asn1.sequence
class SigningCertificateV2:
    """The signer's certificate, and what else the signature is to be verified with (RFC 5035, 3)."""

    certs: list[EssCertIdV2]
    policies: list[asn1.TLV] | None


@asn1.sequence
class EssCertId:
    """A reference to a certificate by its SHA-1 hash (RFC 2634, 5.4.1): read, never written."""

    cert_hash: bytes
    issuer_serial: IssuerSerial | None


@asn1.sequence
class SigningCertificate:
    """The older attribute (RFC 2634, 5.4): read, never written."""

    certs: list[EssCertId]
    policies: list[asn1.TLV] | None
