"""What qualified certificates state, as typed data: qcStatements, and the policies' identifiers.

Data without behaviour (RFC 3739, 3.2.6; EN 319 412-1, 5.1; EN 319 412-5, 4; TS 119 495, 5; EN 319 411-2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE, tlv
from trustworks.core.der.values import expect, only
from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass

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
QC_IDENT_METHOD: Final = "0.4.0.1862.1.8"
QC_QSCD_LEGISLATION: Final = "0.4.0.1862.1.9"
QC_PSD2: Final = "0.4.0.19495.2"  # TS 119 495, 5.1

QC_TYPE_ESIGN: Final = "0.4.0.1862.1.6.1"
QC_TYPE_ESEAL: Final = "0.4.0.1862.1.6.2"
QC_TYPE_WEB: Final = "0.4.0.1862.1.6.3"

# The methods of Article 24 of Regulation (EU) No 910/2014, before and after Regulation (EU) 2024/1183.
IDENTIFICATION_METHODS: Final = {
    "eIDAS1-ab": "0.4.0.1862.1.8.1",
    "eIDAS1-cd": "0.4.0.1862.1.8.2",
    "eIDAS2-acd": "0.4.0.1862.1.8.3",
    "eIDAS2-b": "0.4.0.1862.1.8.4",
}

# The roles of payment service providers (TS 119 495 V1.7.1, 5.2.2).
PSP_ROLES: Final = {
    "Unspecified": "0.4.0.19495.1.0",
    "PSP_AS": "0.4.0.19495.1.1",
    "PSP_PI": "0.4.0.19495.1.2",
    "PSP_AI": "0.4.0.19495.1.3",
    "PSP_IC": "0.4.0.19495.1.4",
}

SEMANTICS_NATURAL: Final = "0.4.0.194121.1.1"
SEMANTICS_LEGAL: Final = "0.4.0.194121.1.2"
SEMANTICS_EIDAS_NATURAL: Final = "0.4.0.194121.1.3"
SEMANTICS_EIDAS_LEGAL: Final = "0.4.0.194121.1.4"

# Policy identifiers of qualified certificates (EN 319 411-2, 5.3).
QCP_N: Final = "0.4.0.194112.1.0"
QCP_L: Final = "0.4.0.194112.1.1"
QCP_N_QSCD: Final = "0.4.0.194112.1.2"
QCP_L_QSCD: Final = "0.4.0.194112.1.3"
QCP_W: Final = "0.4.0.194112.1.4"
QNCP_W: Final = "0.4.0.194112.1.5"
QNCP_W_GEN: Final = "0.4.0.194112.1.6"


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
class MethodStatement:
    """QcIdentMethod (EN 319 412-5, 4.3.5)."""

    statement_id: ObjectIdentifier
    statement_info: list[ObjectIdentifier]


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
    name_registration_authorities: list[Annotated[asn1.IA5String, asn1.Implicit(6)]] | None


@asn1.sequence
class _SemanticsAsRead:
    semantics_identifier: ObjectIdentifier | None
    name_registration_authorities: list[asn1.TLV] | None


@asn1.sequence
class RoleOfPsp:
    """A role of a payment service provider (TS 119 495, 5.1)."""

    role_of_psp_oid: ObjectIdentifier
    role_of_psp_name: str


@asn1.sequence
class Psd2QcType:
    """The roles of a payment service provider, and name and identifier of who authorised it."""

    roles_of_psp: list[RoleOfPsp]
    nca_name: str
    nca_id: str


@asn1.sequence
class Psd2Statement:
    """id-etsi-psd2-qcStatement."""

    statement_id: ObjectIdentifier
    statement_info: Psd2QcType


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
    | MethodStatement
    | SemanticsStatement
    | Psd2Statement
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


def semantics(dotted: str, authorities: Sequence[str] = ()) -> Statement:
    """By which scheme the subject's identifier is to be read, and the URLs of who registers such names."""
    return SemanticsStatement(
        statement_id=ObjectIdentifier(QC_SYNTAX_V2),
        statement_info=SemanticsInformation(
            semantics_identifier=ObjectIdentifier(dotted),
            name_registration_authorities=[asn1.IA5String(one) for one in authorities] or None,
        ),
    )


def limit(currency: str, amount: int, exponent: int) -> Statement:
    """That transactions are limited to amount * 10^exponent in an ISO 4217 currency."""
    return LimitStatement(
        statement_id=ObjectIdentifier(QC_LIMIT_VALUE),
        statement_info=MonetaryValue(
            currency=asn1.PrintableString(currency), amount=amount, exponent=exponent
        ),
    )


def retention(years: int) -> Statement:
    """That what belongs to the certificate is kept for so many years after it has ended."""
    return NumberStatement(statement_id=ObjectIdentifier(QC_RETENTION_PERIOD), statement_info=years)


def identification(dotted: str) -> Statement:
    """By which of Article 24's methods the subject was identified."""
    return MethodStatement(
        statement_id=ObjectIdentifier(QC_IDENT_METHOD), statement_info=[ObjectIdentifier(dotted)]
    )


def psd2(roles: Sequence[tuple[str, str]], authority_name: str, authority: str) -> Statement:
    """The payment service provider's roles, as pairs of identifier and name, and who authorised it."""
    return Psd2Statement(
        statement_id=ObjectIdentifier(QC_PSD2),
        statement_info=Psd2QcType(
            roles_of_psp=[
                RoleOfPsp(role_of_psp_oid=ObjectIdentifier(dotted), role_of_psp_name=name)
                for dotted, name in roles
            ],
            nca_name=authority_name,
            nca_id=authority,
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


_URI: Final = 0x86  # uniformResourceIdentifier of a GeneralName


@asn1.sequence
class _Types:
    items: list[ObjectIdentifier]


@dataclass(frozen=True, slots=True, kw_only=True)
class QcStatements:
    """The statements of a certificate as read: all identifiers in order, and what the known ones say.

    `pds` are pairs of language and URL, `limits` are (currency, amount, exponent), `psd2` is (roles, name and
    identifier of the authority) with the roles as pairs of identifier and name. `registrars` are the URLs
    among the name registration authorities of the semantics.
    """

    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pds: tuple[tuple[str, str], ...] = ()
    semantics: tuple[str, ...] = ()
    registrars: tuple[str, ...] = ()
    limits: tuple[tuple[str, int, int], ...] = ()
    retention: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    psd2: tuple[tuple[tuple[tuple[str, str], ...], str, str], ...] = ()


def read_qc_statements(der: bytes) -> QcStatements:
    """The value of the qcStatements extension. Raises `Malformed`, also for a known one of a wrong form."""
    try:
        found = asn1.decode_der(_Statements, tlv(SEQUENCE, der)).items
        ids = tuple(statement.statement_id.dotted_string for statement in found)
        infos: dict[str, list[bytes]] = {}
        for name, statement in zip(ids, found, strict=True):
            info = statement.statement_info
            if isinstance(info, asn1.TLV):
                infos.setdefault(name, []).append(tlv(info.tag_bytes[0], bytes(info.data)))
        semantics_found = [asn1.decode_der(_SemanticsAsRead, one) for one in infos.get(QC_SYNTAX_V2, ())]
        return QcStatements(
            ids=ids,
            types=_identifiers(infos.get(QC_TYPE, ())),
            pds=tuple(
                (one.language.as_str(), one.url.as_str())
                for info in infos.get(QC_PDS, ())
                for one in asn1.decode_der(_Locations, tlv(SEQUENCE, info)).items
            ),
            semantics=tuple(
                one.semantics_identifier.dotted_string
                for one in semantics_found
                if one.semantics_identifier is not None
            ),
            registrars=tuple(
                bytes(name.data).decode("ascii")
                for one in semantics_found
                for name in one.name_registration_authorities or ()
                if name.tag_bytes[0] == _URI
            ),
            limits=tuple(
                (one.currency.as_str(), one.amount, one.exponent)
                for one in (asn1.decode_der(MonetaryValue, info) for info in infos.get(QC_LIMIT_VALUE, ()))
            ),
            retention=tuple(asn1.decode_der(int, info) for info in infos.get(QC_RETENTION_PERIOD, ())),
            methods=_identifiers(infos.get(QC_IDENT_METHOD, ())),
            psd2=tuple(
                (
                    tuple(
                        (role.role_of_psp_oid.dotted_string, role.role_of_psp_name)
                        for role in one.roles_of_psp
                    ),
                    one.nca_name,
                    one.nca_id,
                )
                for one in (asn1.decode_der(Psd2QcType, info) for info in infos.get(QC_PSD2, ()))
            ),
        )
    except ValueError as error:
        raise Malformed("This is not the DER of qcStatements.") from error


def _identifiers(infos: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(
        one.dotted_string for info in infos for one in asn1.decode_der(_Types, tlv(SEQUENCE, info)).items
    )


def read_statement_ids(der: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The identifiers of all statements, and those in QcType, of the value of the qcStatements extension.

    Unlike `read_qc_statements` it does not mind what the other statements say, which in certificates of
    others is not always of the right form. Raises `Malformed`.
    """
    ids, types = [], []
    for one in only(der, SEQUENCE).children():
        oid, *info = expect(one, SEQUENCE).children() or (None,)
        ids.append(expect(oid, OBJECT_IDENTIFIER).oid())
        if ids[-1] == QC_TYPE and info:
            types += [
                expect(inner, OBJECT_IDENTIFIER).oid() for inner in expect(info[0], SEQUENCE).children()
            ]
    return tuple(ids), tuple(types)
