"""What a lint is, and the certificate that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509

from trustworks.core.der.x509 import (
    QC_STATEMENTS,
    QcStatements,
    TbsCertificate,
    read_certificate,
    read_qc_statements,
)
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import Profile

T = TypeVar("T", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a certificate is judged against: its profile, its issuer (None: self-signed), the settings."""

    profile: Profile
    issuer: x509.Certificate | None
    settings: IssuanceSettings
    public_url: str
    lab: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A certificate, taken apart once for all lints; its signature may be by a throw-away key."""

    around: Surroundings
    certificate: x509.Certificate
    tbs: TbsCertificate
    outer_algorithm: bytes
    extension_ids: tuple[str, ...]
    extensions: dict[str, x509.Extension[Any]]
    subject: tuple[tuple[str, str], ...]
    issuer: tuple[tuple[str, str], ...]
    qc: QcStatements
    key_usages: frozenset[str]
    policies: tuple[str, ...]

    @property
    def profile(self) -> Profile:
        """The profile that the certificate is to follow."""
        return self.around.profile

    def extension(self, kind: type[T]) -> x509.Extension[T] | None:
        """The extension of that class, or None."""
        return self.extensions.get(kind.oid.dotted_string)

    def values(self, attribute: x509.ObjectIdentifier) -> list[str]:
        """The subject's values of an attribute."""
        return [value for oid, value in self.subject if oid == attribute.dotted_string]

    def issuer_values(self, attribute: x509.ObjectIdentifier) -> list[str]:
        """The issuer's values of an attribute."""
        return [value for oid, value in self.issuer if oid == attribute.dotted_string]

    def access(self, method: x509.ObjectIdentifier) -> list[str]:
        """The URLs of an access method in the authority information access."""
        found = self.extension(x509.AuthorityInformationAccess)
        if found is None:
            return []
        return [
            one.access_location.value
            for one in found.value
            if one.access_method == method and isinstance(one.access_location, x509.UniformResourceIdentifier)
        ]

    def distribution_points(self) -> list[str]:
        """The URLs of the revocation list."""
        found = self.extension(x509.CRLDistributionPoints)
        if found is None:
            return []
        return [
            name.value
            for point in found.value
            for name in point.full_name or ()
            if isinstance(name, x509.UniformResourceIdentifier)
        ]


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    """One rule on a certificate's bytes.

    `id` is the requirement's, `clause` where it is written, `words` what it says in our words. `applies`
    tells whether the rule is about this certificate, `check` answers a sentence when it breaks the rule.
    """

    id: str
    clause: str
    words: str
    applies: Callable[[Candidate], bool]
    check: Callable[[Candidate], str | None]


def read(der: bytes, around: Surroundings) -> Candidate:
    """Take a certificate apart. Raises `Malformed`.

    Extensions that occur twice are left to the lint about that; `cryptography` gives none of them then.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        fields = read_certificate(der)
        tbs = fields.tbs_certificate
        ids = tuple(one.oid.dotted_string for one in tbs.extensions or ())
        extensions = (
            {one.oid.dotted_string: one for one in certificate.extensions}
            if len(set(ids)) == len(ids)
            else {}
        )
        statements = extensions.get(QC_STATEMENTS)
        return Candidate(
            around=around,
            certificate=certificate,
            tbs=tbs,
            outer_algorithm=bytes(fields.signature_algorithm.data),
            extension_ids=ids,
            extensions=extensions,
            subject=_name(certificate.subject),
            issuer=_name(certificate.issuer),
            qc=QcStatements() if statements is None else read_qc_statements(statements.value.value),
            key_usages=_key_usages(extensions.get(x509.KeyUsage.oid.dotted_string)),
            policies=_policies(extensions.get(x509.CertificatePolicies.oid.dotted_string)),
        )
    except ValueError as error:
        raise Malformed(f"This is not a certificate that can be read: {error}.") from error


def _key_usages(found: x509.Extension[Any] | None) -> frozenset[str]:
    """The key usages that are set."""
    if found is None:
        return frozenset()
    usage = found.value
    names = [name for name in KEY_USAGES if getattr(usage, name)]
    if usage.key_agreement:
        names += [name for name in ("encipher_only", "decipher_only") if getattr(usage, name)]
    return frozenset(names)


def _policies(found: x509.Extension[Any] | None) -> tuple[str, ...]:
    """The identifiers of the certificate policies, in order."""
    return () if found is None else tuple(one.policy_identifier.dotted_string for one in found.value)


def _name(name: x509.Name) -> tuple[tuple[str, str], ...]:
    return tuple((attribute.oid.dotted_string, str(attribute.value)) for attribute in name)


# When a lint applies


def always(candidate: Candidate) -> bool:
    """Every certificate."""
    del candidate
    return True


def is_authority(candidate: Candidate) -> bool:
    """The certificates of authorities."""
    return candidate.profile.ca


def is_end_entity(candidate: Candidate) -> bool:
    """All certificates but those of authorities."""
    return not candidate.profile.ca


def is_issued(candidate: Candidate) -> bool:
    """All certificates but the self-signed."""
    return candidate.around.issuer is not None


def is_natural(candidate: Candidate) -> bool:
    """The certificates of natural persons."""
    return candidate.profile.kind == "natural"


def is_legal(candidate: Candidate) -> bool:
    """The certificates of legal persons."""
    return candidate.profile.kind == "legal"


def is_person(candidate: Candidate) -> bool:
    """The certificates of natural and legal persons, which EN 319 412-2 and -3 are about."""
    return candidate.profile.kind in {"natural", "legal"}


def is_qualified(candidate: Candidate) -> bool:
    """The certificates that are issued as qualified ones."""
    return candidate.profile.qc_type is not None


def of_kind(kind: str) -> Callable[[Candidate], bool]:
    """The certificates of one kind of profile."""

    def applies(candidate: Candidate) -> bool:
        return candidate.profile.kind == kind

    return applies
