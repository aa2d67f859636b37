"""What of a certificate decides on its qualification: statements, policies, usages, names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from trustworks.core.der.qc_statements import (
    QC_COMPLIANCE,
    QC_SSCD,
    QC_STATEMENTS,
    QC_TYPE_ESEAL,
    QC_TYPE_ESIGN,
    QC_TYPE_WEB,
    read_statement_ids,
)
from trustworks.core.errors import Malformed
from trustworks.core.pki.certificates import load
from trustworks.core.pki.trusted_lists.identities import listed_certificate
from trustworks.validation.qualification.model import PathMember

if TYPE_CHECKING:
    from datetime import datetime

QCP_PUBLIC: Final = "0.4.0.1456.1.2"
QCP_PUBLIC_WITH_SSCD: Final = "0.4.0.1456.1.1"

_TYPES: Final = {QC_TYPE_ESIGN: 1, QC_TYPE_ESEAL: 2, QC_TYPE_WEB: 3}

# TS 119 612 writes the bits of key usage as X.509 does; only the case of some letters differs among lists.
_BITS: Final = {
    "digitalsignature": "digital_signature",
    "nonrepudiation": "content_commitment",
    "keyencipherment": "key_encipherment",
    "dataencipherment": "data_encipherment",
    "keyagreement": "key_agreement",
    "keycertsign": "key_cert_sign",
    "crlsign": "crl_sign",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualifiedContent:
    """A certificate as TS 119 615 looks at it.

    `types` are the numbers of its QcTypes (1 signature, 2 seal, 3 web site). `key_usage` are the names of the
    bits that are set, in small letters; it and `purposes` are None where the extension is missing.
    """

    subject: bytes
    key: bytes
    not_before: datetime
    not_after: datetime
    issuer_countries: tuple[str, ...] = ()
    issuer_organizations: tuple[str, ...] = ()
    issuer_common_names: tuple[str, ...] = ()
    issuer: bytes = b""
    subject_countries: tuple[str, ...] = ()
    subject_organizations: tuple[str, ...] = ()
    subject_attributes: frozenset[str] = frozenset()
    compliance: bool = False
    types: frozenset[int] = frozenset()
    sscd: bool = False
    policies: frozenset[str] = frozenset()
    key_usage: frozenset[str] | None = None
    purposes: frozenset[str] | None = None

    @property
    def member(self) -> PathMember:
        """The certificate as the first of a path."""
        return PathMember(
            subject=self.subject, key=self.key, not_before=self.not_before, not_after=self.not_after
        )


def path_member(der: bytes) -> PathMember:
    """A certificate of a path. Raises `Malformed`."""
    certificate = load(der)
    listed = listed_certificate(der)
    return PathMember(
        subject=listed.subject,
        key=listed.key,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def qualified_content(der: bytes) -> QualifiedContent:
    """What decides on a certificate's qualification. Raises `Malformed`."""
    certificate = load(der)
    statements, types = _statements(certificate)
    return QualifiedContent(
        subject=certificate.subject.public_bytes(),
        key=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        issuer_countries=_attributes(certificate.issuer, NameOID.COUNTRY_NAME),
        issuer_organizations=_attributes(certificate.issuer, NameOID.ORGANIZATION_NAME),
        issuer_common_names=_attributes(certificate.issuer, NameOID.COMMON_NAME),
        issuer=certificate.issuer.public_bytes(),
        subject_countries=_attributes(certificate.subject, NameOID.COUNTRY_NAME),
        subject_organizations=_attributes(certificate.subject, NameOID.ORGANIZATION_NAME),
        subject_attributes=frozenset(one.oid.dotted_string for one in certificate.subject),
        compliance=QC_COMPLIANCE in statements,
        types=frozenset(_TYPES[one] for one in types if one in _TYPES),
        sscd=QC_SSCD in statements,
        policies=_policies(certificate),
        key_usage=_key_usage(certificate),
        purposes=_purposes(certificate),
    )


def _attributes(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    found = (one.value for one in name.get_attributes_for_oid(oid))
    return tuple(one if isinstance(one, str) else one.decode("utf-8", "replace") for one in found)


def _statements(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(QC_STATEMENTS)).value
    except x509.ExtensionNotFound:
        return (), ()
    if not isinstance(found, x509.UnrecognizedExtension):
        raise Malformed("The certificate's qcStatements are read as something else.")
    return read_statement_ids(found.value)


def _policies(certificate: x509.Certificate) -> frozenset[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(one.policy_identifier.dotted_string for one in found)


def _key_usage(certificate: x509.Certificate) -> frozenset[str] | None:
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
    except x509.ExtensionNotFound:
        return None
    if not isinstance(found, x509.KeyUsage):
        return None
    bits = {name for name, attribute in _BITS.items() if getattr(found, attribute)}
    if found.key_agreement:
        bits |= {"encipheronly"} if found.encipher_only else set()
        bits |= {"decipheronly"} if found.decipher_only else set()
    return frozenset(bits)


def _purposes(certificate: x509.Certificate) -> frozenset[str] | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return frozenset(one.dotted_string for one in found)
