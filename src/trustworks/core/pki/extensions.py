"""The extensions of certificates and revocation lists that validation reads, each from its value in DER.

Every reader takes the content of an extension's OCTET STRING and raises `Malformed` for what is of another
shape. Defaults that are written out, and bits too many, are understood (RFC 5280, 4.2 and 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import (
    BIT_STRING,
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    tlv,
)
from trustworks.core.der.times import implicit_time
from trustworks.core.der.values import (
    expect,
    first,
    following,
    only,
    read_boolean,
    read_flags,
    tagged,
)
from trustworks.core.errors import Malformed
from trustworks.core.pki.names import DistinguishedName, GeneralName, read_general_name, read_general_names
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.der.ber import Element

SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
PRIVATE_KEY_USAGE_PERIOD: Final = "2.5.29.16"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
ISSUER_ALT_NAME: Final = "2.5.29.18"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_MAPPINGS: Final = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
FRESHEST_CRL: Final = "2.5.29.46"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"
NO_REV_AVAIL: Final = "2.5.29.56"  # RFC 9608
AUTHORITY_INFO_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"
OCSP_NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"
VALIDITY_ASSURED_SHORT_TERM: Final = "0.4.0.194121.2.1"  # EN 319 412-1, 5.2

ANY_POLICY: Final = "2.5.29.32.0"
USER_NOTICE: Final = "1.3.6.1.5.5.7.2.2"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
ANY_EXTENDED_KEY_USAGE: Final = "2.5.29.37.0"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"

MOST_SKIPPED: Final = 1 << 31
"""The largest number of certificates that a constraint may skip; a larger one means as much."""


# The numbers of the bits of KeyUsage (RFC 5280, 4.2.1.3).
KEY_USAGE_BITS: Final = {
    "digitalSignature": 0,
    "nonRepudiation": 1,
    "keyEncipherment": 2,
    "dataEncipherment": 3,
    "keyAgreement": 4,
    "keyCertSign": 5,
    "cRLSign": 6,
    "encipherOnly": 7,
    "decipherOnly": 8,
}
_KEY_USAGE_NAMES: Final = {bit: name for name, bit in KEY_USAGE_BITS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicConstraints:
    """Whether the subject is a CA, and how many CAs may be below it (RFC 5280, 4.2.1.9)."""

    ca: bool
    path_length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInformation:
    """A certificate policy; `qualifiers` are PolicyQualifierInfos in DER (RFC 5280, 4.2.1.4)."""

    oid: str
    qualifiers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConstraints:
    """After how many certificates policies are required, mappings inhibited (RFC 5280, 4.2.1.11)."""

    require_explicit_policy: int | None
    inhibit_policy_mapping: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralSubtree:
    """A subtree of names. `base.value` of an IP address has the mask behind it (RFC 5280, 4.2.1.10).

    `bounded` where a minimum other than 0, or a maximum, is given, which the profile forbids.
    """

    base: GeneralName
    bounded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NameConstraints:
    """The subtrees that names below a CA are in, and those that they are not in (RFC 5280, 4.2.1.10)."""

    permitted: tuple[GeneralSubtree, ...]
    excluded: tuple[GeneralSubtree, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityKeyIdentifier:
    """Which key signed: its identifier, or issuer and serial number of its certificate."""

    key_identifier: bytes | None
    issuer: tuple[GeneralName, ...]
    serial: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPointName:
    """Where a list is: full names, or the last part of a name below that of its issuer."""

    full: tuple[GeneralName, ...] = ()
    relative: bytes | None = None
    """The RelativeDistinguishedName, a SET in DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPoint:
    """A place that lists revocations (RFC 5280, 4.2.1.13); `reasons` None: all."""

    name: DistributionPointName | None
    reasons: frozenset[int] | None
    crl_issuer: tuple[GeneralName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingDistributionPoint:
    """What a revocation list is about (RFC 5280, 5.2.5); `only_some_reasons` None: all."""

    name: DistributionPointName | None
    only_user_certificates: bool
    only_ca_certificates: bool
    only_attribute_certificates: bool
    only_some_reasons: frozenset[int] | None
    indirect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityInformationAccess:
    """Where the issuer answers about status, and where its certificates are (RFC 5280, 4.2.2.1)."""

    ocsp: tuple[str, ...]
    ca_issuers: tuple[str, ...]


def read_extensions(holder: Element) -> tuple[tuple[str, bool, bytes], ...]:
    """Extensions: identifier, criticality, value of each. Raises `Malformed`."""
    read: list[tuple[str, bool, bytes]] = []
    for one in holder.children():
        expect(one, SEQUENCE)
        oid = expect(first(one), OBJECT_IDENTIFIER)
        content = following(oid, one)
        critical = content.tag == BOOLEAN and read_boolean(content)
        if content.tag == BOOLEAN:
            content = following(content, one)
        read.append((oid.oid(), critical, expect(content, OCTET_STRING).value))
    return tuple(read)


def read_basic_constraints(der: bytes) -> BasicConstraints:
    """BasicConstraints. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    ca = bool(parts) and parts[0].tag == BOOLEAN and read_boolean(parts[0])
    length = tagged(parts, INTEGER)
    return BasicConstraints(ca=ca, path_length=None if length is None else _skipped(length))


def _skipped(found: Element) -> int:
    number = found.integer()
    if number < 0:
        raise Malformed("A number of certificates is below zero.")
    return min(number, MOST_SKIPPED)


def read_key_usage(der: bytes) -> frozenset[str]:
    """KeyUsage, by the standard's names of the bits. Raises `Malformed`."""
    flags = read_flags(only(der, BIT_STRING))
    return frozenset(_KEY_USAGE_NAMES[bit] for bit in flags if bit in _KEY_USAGE_NAMES)


def read_oids(der: bytes) -> tuple[str, ...]:
    """A SEQUENCE of identifiers, as ExtendedKeyUsage is. Raises `Malformed`."""
    return tuple([expect(one, OBJECT_IDENTIFIER).oid() for one in only(der, SEQUENCE).children()])


def read_policies(der: bytes) -> tuple[PolicyInformation, ...]:
    """CertificatePolicies; a policy that is there twice counts once, with the qualifiers of both.

    Qualifiers are not looked into. Raises `Malformed`.
    """
    read: dict[str, tuple[bytes, ...]] = {}
    for one in only(der, SEQUENCE).children():
        oid, *rest = expect(one, SEQUENCE).children() or (None,)
        found = expect(oid, OBJECT_IDENTIFIER).oid()
        qualifiers = rest[0].children() if rest else []
        read[found] = (*read.get(found, ()), *[one.octets for one in qualifiers])
    return tuple([PolicyInformation(oid=oid, qualifiers=found) for oid, found in read.items()])


def read_policy_mappings(der: bytes) -> tuple[tuple[str, str], ...]:
    """PolicyMappings: issuer's and subject's policy of each. Raises `Malformed`."""
    read: list[tuple[str, str]] = []
    for one in only(der, SEQUENCE).children():
        pair = expect(one, SEQUENCE).children()
        if len(pair) != 2:
            raise Malformed("A policy mapping is of two policies (RFC 5280, 4.2.1.5).")
        issuers, subjects = (expect(policy, OBJECT_IDENTIFIER).oid() for policy in pair)
        read.append((issuers, subjects))
    return tuple(read)


def read_policy_constraints(der: bytes) -> PolicyConstraints:
    """PolicyConstraints. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    explicit, mapping = tagged(parts, 0x80), tagged(parts, 0x81)
    return PolicyConstraints(
        require_explicit_policy=None if explicit is None else _skipped(explicit),
        inhibit_policy_mapping=None if mapping is None else _skipped(mapping),
    )


def read_inhibit_any_policy(der: bytes) -> int:
    """InhibitAnyPolicy. Raises `Malformed`."""
    return _skipped(only(der, INTEGER))


def read_name_constraints(der: bytes) -> NameConstraints:
    """NameConstraints. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    return NameConstraints(permitted=_subtrees(tagged(parts, 0xA0)), excluded=_subtrees(tagged(parts, 0xA1)))


def _subtrees(holder: Element | None) -> tuple[GeneralSubtree, ...]:
    if holder is None:
        return ()
    read: list[GeneralSubtree] = []
    for one in holder.children():
        parts = expect(one, SEQUENCE).children()
        minimum, maximum = tagged(parts[1:], 0x80), tagged(parts[1:], 0x81)
        bounded = maximum is not None or (minimum is not None and minimum.integer() != 0)
        if not parts:
            raise Malformed("A subtree of names has no base (RFC 5280, 4.2.1.10).")
        read.append(GeneralSubtree(base=read_general_name(parts[0]), bounded=bounded))
    return tuple(read)


def read_alt_names(der: bytes) -> tuple[GeneralName, ...]:
    """SubjectAltName or IssuerAltName. Raises `Malformed`."""
    return read_general_names(only(der, SEQUENCE))


def read_key_identifier(der: bytes) -> bytes:
    """SubjectKeyIdentifier. Raises `Malformed`."""
    return only(der, OCTET_STRING).value


def read_authority_key_identifier(der: bytes) -> AuthorityKeyIdentifier:
    """AuthorityKeyIdentifier. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    key, issuer, serial = tagged(parts, 0x80), tagged(parts, 0xA1), tagged(parts, 0x82)
    return AuthorityKeyIdentifier(
        key_identifier=None if key is None else key.value,
        issuer=() if issuer is None else read_general_names(issuer),
        serial=None if serial is None else serial.integer(),
    )


def read_distribution_points(der: bytes) -> tuple[DistributionPoint, ...]:
    """CRLDistributionPoints or FreshestCRL. Raises `Malformed`."""
    read: list[DistributionPoint] = []
    for one in only(der, SEQUENCE).children():
        parts = expect(one, SEQUENCE).children()
        name, reasons, issuer = tagged(parts, 0xA0), tagged(parts, 0x81), tagged(parts, 0xA2)
        read.append(
            DistributionPoint(
                name=None if name is None else _point_name(name),
                reasons=None if reasons is None else read_flags(reasons),
                crl_issuer=() if issuer is None else read_general_names(issuer),
            )
        )
    return tuple(read)


def _point_name(holder: Element) -> DistributionPointName:
    choice = first(holder)
    if choice.tag == 0xA0:
        return DistributionPointName(full=read_general_names(choice))
    if choice.tag == 0xA1:
        return DistributionPointName(relative=tlv(SET, choice.value))
    raise Malformed("A distribution point has a full name or a relative one (RFC 5280, 4.2.1.13).")


def read_issuing_distribution_point(der: bytes) -> IssuingDistributionPoint:
    """IssuingDistributionPoint. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    name, reasons = tagged(parts, 0xA0), tagged(parts, 0x83)

    def said(tag: int) -> bool:
        found = tagged(parts, tag)
        return found is not None and read_boolean(found)

    return IssuingDistributionPoint(
        name=None if name is None else _point_name(name),
        only_user_certificates=said(0x81),
        only_ca_certificates=said(0x82),
        only_some_reasons=None if reasons is None else read_flags(reasons),
        indirect=said(0x84),
        only_attribute_certificates=said(0x85),
    )


def read_authority_information_access(der: bytes) -> AuthorityInformationAccess:
    """AuthorityInfoAccess, the URIs alone. Raises `Malformed`."""
    ocsp: list[str] = []
    issuers: list[str] = []
    for one in only(der, SEQUENCE).children():
        method, *rest = expect(one, SEQUENCE).children() or (None,)
        name = read_general_name(rest[0]) if rest else None
        if name is None or name.form != "uri" or not isinstance(name.value, str):
            continue
        match expect(method, OBJECT_IDENTIFIER).oid():
            case oid if oid == _OCSP:
                ocsp.append(name.value)
            case oid if oid == _CA_ISSUERS:
                issuers.append(name.value)
    return AuthorityInformationAccess(ocsp=tuple(ocsp), ca_issuers=tuple(issuers))


def read_private_key_usage_period(der: bytes) -> tuple[datetime | None, datetime | None]:
    """PrivateKeyUsagePeriod: from when and until when the key signed. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    begin, end = tagged(parts, 0x80), tagged(parts, 0x81)
    return (
        None if begin is None else implicit_time(begin, GENERALIZED_TIME),
        None if end is None else implicit_time(end, GENERALIZED_TIME),
    )


def read_integer_value(der: bytes) -> int:
    """An INTEGER alone, as CRLNumber and DeltaCRLIndicator are. Raises `Malformed`."""
    return only(der, INTEGER).integer()


def read_user_notice(qualifier: bytes) -> str | None:
    """The explicit text of a PolicyQualifierInfo that is a user notice; None for others.

    Raises `Malformed`.
    """
    oid, *rest = only(qualifier, SEQUENCE).children() or (None,)
    if expect(oid, OBJECT_IDENTIFIER).oid() != USER_NOTICE or not rest:
        return None
    for part in expect(rest[0], SEQUENCE).children():
        if part.tag != SEQUENCE:
            codec = {0x1E: "utf-16-be", 0x1A: "latin-1"}.get(part.tag, "utf-8")
            return part.value.decode(codec, "replace")
    return None


def relative_to(issuer: DistinguishedName, relative: bytes) -> bytes:
    """The Name that a nameRelativeToCRLIssuer stands for, in DER (RFC 5280, 4.2.1.13)."""
    names = issuer.der[only(issuer.der, SEQUENCE).content : only(issuer.der, SEQUENCE).end]
    return tlv(SEQUENCE, names, relative)
