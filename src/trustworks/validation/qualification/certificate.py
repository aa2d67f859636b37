"""What of a certificate decides on its qualification: statements, policies, usages, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.qc_statements import (
    QC_COMPLIANCE,
    QC_SSCD,
    QC_TYPE_ESEAL,
    QC_TYPE_ESIGN,
    QC_TYPE_WEB,
    read_statement_ids,
)
from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor
from trustworks.core.values import dataclass
from trustworks.validation.qualification.model import PathMember

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.core.pki.certificate import Certificate

QCP_PUBLIC: Final = "0.4.0.1456.1.2"
QCP_PUBLIC_WITH_SSCD: Final = "0.4.0.1456.1.1"

_TYPES: Final = {QC_TYPE_ESIGN: 1, QC_TYPE_ESEAL: 2, QC_TYPE_WEB: 3}

_COUNTRY: Final = "2.5.4.6"
_ORGANIZATION: Final = "2.5.4.10"
_COMMON_NAME: Final = "2.5.4.3"


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


def path_member(member: Certificate | TrustAnchor) -> PathMember:
    """A certificate of a path, or the trust anchor at its end."""
    if isinstance(member, TrustAnchor):
        return PathMember(subject=member.subject.der, key=member.key.der)
    return PathMember(
        subject=member.subject.der,
        key=member.key.der,
        not_before=member.not_before,
        not_after=member.not_after,
    )


def path_members(path: Path) -> tuple[PathMember, ...]:
    """A path of the path engine with its anchor, as the procedures take it."""
    members = tuple(path_member(one) for one in path.certificates)
    return members if path.is_anchor_alone else (*members, path_member(path.anchor))


def qualified_content(certificate: Certificate) -> QualifiedContent:
    """What decides on a certificate's qualification.

    What cannot be read of it says nothing: a certificate with an unreadable extension is none that states to
    be qualified, or that criteria identify by it.
    """
    statements, types = _statements(certificate)
    usage, purposes = certificate.key_usage, certificate.extended_key_usage
    return QualifiedContent(
        subject=certificate.subject.der,
        key=certificate.key.der,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        issuer_countries=certificate.issuer.values(_COUNTRY),
        issuer_organizations=certificate.issuer.values(_ORGANIZATION),
        issuer_common_names=certificate.issuer.values(_COMMON_NAME),
        issuer=certificate.issuer.der,
        subject_countries=certificate.subject.values(_COUNTRY),
        subject_organizations=certificate.subject.values(_ORGANIZATION),
        subject_attributes=frozenset(oid for oid, _ in certificate.subject.attributes),
        compliance=QC_COMPLIANCE in statements,
        types=frozenset(_TYPES[one] for one in types if one in _TYPES),
        sscd=QC_SSCD in statements,
        policies=frozenset(one.oid for one in certificate.policies or ()),
        key_usage=None if usage is None else frozenset(one.lower() for one in usage),
        purposes=None if purposes is None else frozenset(purposes),
    )


def _statements(certificate: Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if certificate.qc_statements is None:
        return (), ()
    try:
        return read_statement_ids(certificate.qc_statements)
    except Malformed:
        return (), ()
