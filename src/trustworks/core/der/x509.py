"""Certificates as typed data where `cryptography.x509` stops: TBSCertificate, names as they were written.

Data without behaviour (RFC 5280, 4.1).
"""

from __future__ import annotations

import warnings
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import Name, NameAttribute, ObjectIdentifier, RelativeDistinguishedName
from cryptography.x509.oid import NameOID

from trustworks.core.der.encode import BIT_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed
from trustworks.core.printable import printable


@asn1.sequence
class Validity:
    """Validity, with the two forms of Time kept apart (RFC 5280, 4.1.2.5)."""

    not_before: asn1.UTCTime | asn1.GeneralizedTime
    not_after: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class Extension:
    """Extension; `value` is the content of its OCTET STRING."""

    oid: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]  # noqa: FBT003 - the annotation's name says what it is
    value: bytes


@asn1.sequence
class TbsCertificate:
    """TBSCertificate; what `cryptography.x509` reads well is left as it is."""

    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    serial_number: int
    signature: asn1.TLV
    issuer: asn1.TLV
    validity: Validity
    subject: asn1.TLV
    subject_public_key_info: asn1.TLV
    issuer_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(3)]


@asn1.sequence
class Certificate:
    """Certificate (RFC 5280, 4.1)."""

    tbs_certificate: TbsCertificate
    signature_algorithm: asn1.TLV
    signature: asn1.BitString


def read_certificate(der: bytes) -> Certificate:
    """The fields of a certificate. Raises `Malformed`."""
    try:
        return asn1.decode_der(Certificate, der)
    except ValueError as error:
        raise Malformed("This is not the DER of a certificate.") from error


def public_key_info(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo, octet for octet as it stands in a certificate. Raises `Malformed`."""
    return tlv(SEQUENCE, bytes(read_certificate(certificate).tbs_certificate.subject_public_key_info.data))


def assemble_certificate(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """A Certificate from its three parts, each in DER, the signature as the octets of its value."""
    return tlv(SEQUENCE, tbs, algorithm, tlv(BIT_STRING, b"\0", signature))


# The attributes that RFC 4514 has no short name for, by their names in X.520.
_ATTRIBUTES: Final = {
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.TITLE: "title",
    NameOID.GIVEN_NAME: "givenName",
    NameOID.SURNAME: "surname",
    NameOID.PSEUDONYM: "pseudonym",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.POSTAL_CODE: "postalCode",
    NameOID.BUSINESS_CATEGORY: "businessCategory",
    NameOID.JURISDICTION_COUNTRY_NAME: "jurisdictionCountryName",
    NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME: "jurisdictionStateOrProvinceName",
    NameOID.JURISDICTION_LOCALITY_NAME: "jurisdictionLocalityName",
}


@asn1.sequence
class _NameAttribute:
    type: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Names:
    items: list[asn1.SetOf[_NameAttribute]]


# How the kinds of DirectoryString and their like write text, by their tags. T61String is taken for Latin-1,
# as OpenSSL and most who wrote one do; the four after UTF8String are parts of ASCII.
_CODECS: Final = {
    12: "utf-8",
    18: "utf-8",
    19: "utf-8",
    22: "utf-8",
    26: "utf-8",
    20: "latin-1",
    28: "utf-32-be",
    30: "utf-16-be",
}


def read_name(der: bytes) -> Name:
    """A name outside of a certificate, to be shown: a length or a letter that is not allowed is no objection.

    Raises `Malformed`. Source: RFC 5280, 4.1.2.4.
    """
    try:
        relative = asn1.decode_der(_Names, tlv(SEQUENCE, der)).items
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of a length
            return Name(
                RelativeDistinguishedName(
                    NameAttribute(one.type, _text(one.value), _validate=False) for one in part.as_list()
                )
                for part in relative
            )
    except ValueError as error:
        raise Malformed("This is not the DER of a name.") from error


def _text(value: asn1.TLV) -> str:
    codec = _CODECS.get(value.tag_bytes[0])
    if codec is None:
        raise ValueError("It is no text.")
    return bytes(value.data).decode(codec)


def name_in_words(name: Name) -> str:
    """A name as people read it (RFC 4514), with the attributes' names in place of numbers, on one line."""
    return printable(name.rfc4514_string(_ATTRIBUTES))
