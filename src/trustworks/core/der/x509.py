"""Certificates as typed data where `cryptography.x509` stops: TBSCertificate, qcStatements.

Data without behaviour (RFC 5280, 4.1; RFC 3739, 3.2.6; EN 319 412-1, 5.1; EN 319 412-5, 4).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import Name, NameAttribute, ObjectIdentifier, RelativeDistinguishedName
from cryptography.x509.oid import NameOID

from trustworks.core.der.encode import BIT_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"

QC_SYNTAX_V2: Final = "1.3.6.1.5.5.7.11.2"
QC_COMPLIANCE: Final = "0.4.0.1862.1.1"
QC_LIMIT_VALUE: Final = "0.4.0.1862.1.2"
QC_RETENTION_PERIOD: Final = "0.4.0.1862.1.3"
QC_SSCD: Final = "0.4.0.1862.1.4"
QC_PDS: Final = "0.4.0.1862.1.5"
QC_TYPE: Final = "0.4.0.1862.1.6"
QC_CC_LEGISLATION: Final = "0.4.0.1862.1.7"

QC_TYPE_ESIGN: Final = "0.4.0.1862.1.6.1"
QC_TYPE_ESEAL: Final = "0.4.0.1862.1.6.2"
QC_TYPE_WEB: Final = "0.4.0.1862.1.6.3"

SEMANTICS_NATURAL: Final = "0.4.0.194121.1.1"
SEMANTICS_LEGAL: Final = "0.4.0.194121.1.2"

# Policy identifiers of qualified certificates (EN 319 411-2, 5.3).
QCP_N: Final = "0.4.0.194112.1.0"
QCP_L: Final = "0.4.0.194112.1.1"
QCP_N_QSCD: Final = "0.4.0.194112.1.2"
QCP_L_QSCD: Final = "0.4.0.194112.1.3"
QCP_W: Final = "0.4.0.194112.1.4"


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


# qcStatements


@asn1.sequence
class QcStatement:
    """One QCStatement as read; `statement_info` is left as it is."""

    statement_id: ObjectIdentifier
    statement_info: asn1.Null | asn1.TLV | None


@asn1.sequence
class BareStatement:
    """A QCStatement without information: QcCompliance, QcSSCD."""

    statement_id: ObjectIdentifier


@asn1.sequence
class PdsLocation:
    """Where a PKI disclosure statement is, and in which language (EN 319 412-5, 4.3.4)."""

    url: asn1.IA5String
    language: asn1.PrintableString


@asn1.sequence
class PdsStatement:
    """QcPDS."""

    statement_id: ObjectIdentifier
    statement_info: list[PdsLocation]


@asn1.sequence
class TypeStatement:
    """QcType (EN 319 412-5, 4.2.3)."""

    statement_id: ObjectIdentifier
    statement_info: list[ObjectIdentifier]


@asn1.sequence
class CountryStatement:
    """QcCClegislation (EN 319 412-5, 4.2.4)."""

    statement_id: ObjectIdentifier
    statement_info: list[asn1.PrintableString]


@asn1.sequence
class NumberStatement:
    """QcRetentionPeriod, in years (EN 319 412-5, 4.3.3)."""

    statement_id: ObjectIdentifier
    statement_info: int


@asn1.sequence
class MonetaryValue:
    """amount * 10^exponent in an ISO 4217 currency (EN 319 412-5, 4.3.2)."""

    currency: asn1.PrintableString
    amount: int
    exponent: int


@asn1.sequence
class LimitStatement:
    """QcLimitValue."""

    statement_id: ObjectIdentifier
    statement_info: MonetaryValue


@asn1.sequence
class SemanticsInformation:
    """What serialNumber or organizationIdentifier means (RFC 3739, 3.2.6.1; EN 319 412-1, 5.1)."""

    semantics_identifier: ObjectIdentifier | None
    name_registration_authorities: list[asn1.TLV] | None


@asn1.sequence
class SemanticsStatement:
    """id-qcs-pkixQCSyntax-v2."""

    statement_id: ObjectIdentifier
    statement_info: SemanticsInformation


Statement = (
    BareStatement
    | PdsStatement
    | TypeStatement
    | CountryStatement
    | NumberStatement
    | LimitStatement
    | SemanticsStatement
)


def compliance() -> Statement:
    """That the certificate is issued as a qualified one under Union law."""
    return BareStatement(statement_id=ObjectIdentifier(QC_COMPLIANCE))


def sscd() -> Statement:
    """That the private key is in a qualified signature or seal creation device."""
    return BareStatement(statement_id=ObjectIdentifier(QC_SSCD))


def qc_type(dotted: str) -> Statement:
    """The one purpose: electronic signature, electronic seal or web site authentication."""
    return TypeStatement(statement_id=ObjectIdentifier(QC_TYPE), statement_info=[ObjectIdentifier(dotted)])


def pds(locations: Sequence[tuple[str, str]]) -> Statement:
    """Where the disclosure statements are, as pairs of language and URL."""
    return PdsStatement(
        statement_id=ObjectIdentifier(QC_PDS),
        statement_info=[
            PdsLocation(url=asn1.IA5String(url), language=asn1.PrintableString(language))
            for language, url in locations
        ],
    )


def semantics(dotted: str) -> Statement:
    """By which scheme the subject's identifier is to be read."""
    return SemanticsStatement(
        statement_id=ObjectIdentifier(QC_SYNTAX_V2),
        statement_info=SemanticsInformation(
            semantics_identifier=ObjectIdentifier(dotted), name_registration_authorities=None
        ),
    )


def write_qc_statements(statements: Sequence[Statement]) -> bytes:
    """The value of the qcStatements extension."""
    return tlv(SEQUENCE, *(asn1.encode_der(statement) for statement in statements))


@asn1.sequence
class _Statements:
    items: list[QcStatement]


@asn1.sequence
class _Locations:
    items: list[PdsLocation]


@asn1.sequence
class _Types:
    items: list[ObjectIdentifier]


@dataclass(frozen=True, slots=True, kw_only=True)
class QcStatements:
    """The statements of a certificate as read: all identifiers in order, and what the known ones say.

    `pds` are pairs of language and URL.
    """

    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pds: tuple[tuple[str, str], ...] = ()
    semantics: tuple[str, ...] = ()


def read_qc_statements(der: bytes) -> QcStatements:
    """The value of the qcStatements extension. Raises `Malformed`, also for a known one of a wrong form."""
    try:
        found = asn1.decode_der(_Statements, tlv(SEQUENCE, der)).items
        ids = tuple(statement.statement_id.dotted_string for statement in found)
        infos = [
            (name, tlv(statement.statement_info.tag_bytes[0], bytes(statement.statement_info.data)))
            for name, statement in zip(ids, found, strict=True)
            if isinstance(statement.statement_info, asn1.TLV)
        ]
        return QcStatements(
            ids=ids,
            types=tuple(
                one.dotted_string
                for name, info in infos
                if name == QC_TYPE
                for one in asn1.decode_der(_Types, tlv(SEQUENCE, info)).items
            ),
            pds=tuple(
                (one.language.as_str(), one.url.as_str())
                for name, info in infos
                if name == QC_PDS
                for one in asn1.decode_der(_Locations, tlv(SEQUENCE, info)).items
            ),
            semantics=tuple(
                one.dotted_string
                for name, info in infos
                if name == QC_SYNTAX_V2
                and (one := asn1.decode_der(SemanticsInformation, info).semantics_identifier) is not None
            ),
        )
    except ValueError as error:
        raise Malformed("This is not the DER of qcStatements.") from error
