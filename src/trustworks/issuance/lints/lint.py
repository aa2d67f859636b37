"""What a lint is, and the certificate that it looks at."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der.elements import enter
from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE, SET, tlv
from trustworks.core.der.qc_statements import QC_STATEMENTS, QcStatements, read_qc_statements
from trustworks.core.der.x509 import TbsCertificate, read_certificate
from trustworks.core.errors import Malformed
from trustworks.core.pki.certificates import FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import Profile

T = TypeVar("T", bound=x509.ExtensionType)
K = TypeVar("K")
KEY_USAGE: Final = "2.5.29.15"
CERTIFICATE_POLICIES: Final = "2.5.29.32"


@dataclass(frozen=True, kw_only=True)  # without slots: what is asked of the issuer is found once
class Surroundings:
    """What a certificate is judged against: its profile, its issuer (None: self-signed), the settings."""

    profile: Profile
    issuer: x509.Certificate | None
    settings: IssuanceSettings
    public_url: str
    lab: bool

    @cached_property
    def issuer_subject(self) -> bytes | None:
        """The content of the issuer's subject as it stands there; `cryptography` would write it anew."""
        if self.issuer is None:
            return None
        fields = read_certificate(self.issuer.public_bytes(Encoding.DER))
        return bytes(fields.tbs_certificate.subject.data)

    @cached_property
    def issuer_key_identifier(self) -> bytes | None:
        """The identifier of the issuer's key."""
        return None if self.issuer is None else key_identifier(self.issuer)

    @cached_property
    def issuer_validity(self) -> tuple[datetime, datetime] | None:
        """The first and last second of the issuer's certificate."""
        issuer = self.issuer
        return None if issuer is None else (issuer.not_valid_before_utc, issuer.not_valid_after_utc)


def key_identifier(certificate: x509.Certificate) -> bytes:
    """The identifier of a certificate's key: the SHA-1 hash of its bits (RFC 5280, 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


class Scope(NamedTuple):
    """What decides whether a lint applies: nothing in the certificate, so that it is asked once for many."""

    profile: Profile
    self_signed: bool


class Candidate:
    """A certificate, taken apart once for all lints; its signature may be a placeholder.

    What most lints ask for is there from the beginning, the rest when the first asks for it.
    """

    def __init__(
        self,
        around: Surroundings,
        certificate: x509.Certificate,
        tbs: TbsCertificate,
        outer_algorithm: bytes,
    ) -> None:
        """Raises ValueError for what cannot be read."""
        self.around = around
        self.profile = around.profile
        self.certificate = certificate
        self.tbs = tbs
        self.outer_algorithm = outer_algorithm
        self.extension_ids = tuple([_name_of(one.oid) for one in tbs.extensions or ()])
        # Those that occur twice are left to the lint about that; `cryptography` gives none of them then.
        once = len(set(self.extension_ids)) == len(self.extension_ids)
        found: list[x509.Extension[Any]] = list(certificate.extensions) if once else []
        self.extensions = dict(zip(self.extension_ids, found, strict=False))
        self._by_kind = {type(one.value): one for one in found}
        self.subject_strings = _strings(bytes(tbs.subject.data))
        self.subject = _texts(self.subject_strings) or _name(certificate.subject)
        self._subject_values = _by_attribute(self.subject)
        self.issuer, self._issuer_values = _issuer(certificate, bytes(tbs.issuer.data))
        self.not_before = certificate.not_valid_before_utc
        self.not_after = certificate.not_valid_after_utc
        octets = {_name_of(one.oid): one.value for one in tbs.extensions or ()} if once else {}
        self.key_usages = _kept(_usages_kept, octets.get(KEY_USAGE), self._key_usages)
        self.policies = _kept(_policies_kept, octets.get(CERTIFICATE_POLICIES), self._policies)
        statements = self.extensions.get(QC_STATEMENTS)
        self.qc = QcStatements() if statements is None else _qc_statements(statements.value.value)

    def _key_usages(self) -> frozenset[str]:
        return _key_usages(self.extension(x509.KeyUsage))

    def _policies(self) -> tuple[str, ...]:
        return _policies(self.extension(x509.CertificatePolicies))

    def signed(self, certificate: x509.Certificate, der: bytes) -> Candidate:
        """The candidate of a certificate that has the same signed octets, which the caller has seen.

        What stands outside of them is read anew; all else is kept.
        """
        found = copy(self)
        found.certificate = certificate
        found.outer_algorithm = bytes(read_certificate(der).signature_algorithm.data)
        return found

    def extension(self, kind: type[T]) -> x509.Extension[T] | None:
        """The extension of that class, or None."""
        return self._by_kind.get(kind)

    def values(self, attribute: x509.ObjectIdentifier) -> list[str]:
        """The subject's values of an attribute."""
        return self._subject_values.get(_name_of(attribute), [])

    def issuer_values(self, attribute: x509.ObjectIdentifier) -> list[str]:
        """The issuer's values of an attribute."""
        return self._issuer_values.get(_name_of(attribute), [])

    def access(self, method: x509.ObjectIdentifier) -> list[str]:
        """The URLs of an access method in the authority information access."""
        return self._access.get(method, [])

    @cached_property
    def _access(self) -> dict[x509.ObjectIdentifier, list[str]]:
        found = self.extension(x509.AuthorityInformationAccess)
        urls: dict[x509.ObjectIdentifier, list[str]] = {}
        for one in () if found is None else found.value:
            if type(one.access_location) is x509.UniformResourceIdentifier:
                urls.setdefault(one.access_method, []).append(one.access_location.value)
        return urls

    def distribution_points(self) -> list[str]:
        """The URLs of the revocation list."""
        return self._distribution_points

    @cached_property
    def _distribution_points(self) -> list[str]:
        found = self.extension(x509.CRLDistributionPoints)
        return [
            name.value
            for point in (() if found is None else found.value)
            for name in point.full_name or ()
            if type(name) is x509.UniformResourceIdentifier
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
    tells whether the rule is about such certificates, `check` answers a sentence when one breaks the rule.
    `outside`: it looks at what stands outside of the signed octets (`Candidate.outer_algorithm`, the
    signature), so that it is asked again when the signature is there.
    """

    id: str
    clause: str
    words: str
    applies: Callable[[Scope], bool]
    check: Callable[[Candidate], str | None]
    outside: bool = False


def read(der: bytes, around: Surroundings) -> Candidate:
    """Take a certificate apart. Raises `Malformed`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        fields = read_certificate(der)
        return Candidate(around, certificate, fields.tbs_certificate, bytes(fields.signature_algorithm.data))
    except FAILURES as error:
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
    return tuple([(attribute.oid.dotted_string, str(attribute.value)) for attribute in name])


@lru_cache(256)
def _name_of(attribute: x509.ObjectIdentifier) -> str:
    return attribute.dotted_string


class NameString(NamedTuple):
    """An attribute of a name as it is encoded: dotted identifier, tag and octets of the value."""

    oid: str
    tag: int
    octets: bytes


def _strings(name: bytes) -> tuple[NameString, ...]:
    """The attributes of the content of a Name, whose structure `cryptography` has read already."""
    found = []
    place = 0
    while place < len(name):
        one, place = enter(name, place, SET)
        while one < place:
            first, one = enter(name, one, SEQUENCE)
            start, end = enter(name, first, OBJECT_IDENTIFIER)
            value, after = enter(name, end, name[end])
            found.append(NameString(_dotted(name[start:end]), name[end], name[value:after]))
    return tuple(found)


@lru_cache(256)
def _dotted(octets: bytes) -> str:
    return asn1.decode_der(x509.ObjectIdentifier, tlv(OBJECT_IDENTIFIER, octets)).dotted_string


_CODECS = {0x0C: "utf-8", 0x13: "ascii"}  # UTF8String, PrintableString: what we write


def _texts(strings: tuple[NameString, ...]) -> tuple[tuple[str, str], ...] | None:
    """Identifiers and texts; None where one is in a string that we do not write."""
    try:
        return tuple([(oid, octets.decode(_CODECS[tag])) for oid, tag, octets in strings])
    except (KeyError, UnicodeError):
        return None


# What many certificates have in common, octet for octet, is taken apart once.
_MOST_KEPT = 256
_Issuer: TypeAlias = tuple[tuple[tuple[str, str], ...], dict[str, list[str]]]
_issuers: dict[bytes, _Issuer] = {}


_usages_kept: dict[bytes, frozenset[str]] = {}
_policies_kept: dict[bytes, tuple[str, ...]] = {}


def _kept(kept: dict[bytes, K], octets: bytes | None, make: Callable[[], K]) -> K:
    """What `make` takes from an extension, once for all extensions of the same octets."""
    if octets is None:
        return make()
    found = kept.get(octets)
    if found is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        found = kept[octets] = make()
    return found


def _by_attribute(name: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for oid, value in name:
        found.setdefault(oid, []).append(value)
    return found


def _issuer(certificate: x509.Certificate, octets: bytes) -> _Issuer:
    found = _issuers.get(octets)
    if found is None:
        if len(_issuers) >= _MOST_KEPT:
            _issuers.clear()
        name = _name(certificate.issuer)
        found = _issuers[octets] = name, _by_attribute(name)
    return found


_qc_statements = lru_cache(_MOST_KEPT)(read_qc_statements)


# When a lint applies


def always(scope: Scope) -> bool:
    """Every certificate."""
    del scope
    return True


def is_authority(scope: Scope) -> bool:
    """The certificates of authorities."""
    return scope.profile.ca


def is_end_entity(scope: Scope) -> bool:
    """All certificates but those of authorities."""
    return not scope.profile.ca


def is_issued(scope: Scope) -> bool:
    """All certificates but the self-signed."""
    return not scope.self_signed


def is_natural(scope: Scope) -> bool:
    """The certificates of natural persons."""
    return scope.profile.kind == "natural"


def is_legal(scope: Scope) -> bool:
    """The certificates of legal persons."""
    return scope.profile.kind == "legal"


def is_person(scope: Scope) -> bool:
    """The certificates of natural and legal persons, which EN 319 412-2 and -3 are about."""
    return scope.profile.kind in {"natural", "legal"}


def is_qualified(scope: Scope) -> bool:
    """The certificates that are issued as qualified ones."""
    return scope.profile.qc_type is not None


def of_kind(kind: str) -> Callable[[Scope], bool]:
    """The certificates of one kind of profile."""

    def applies(scope: Scope) -> bool:
        return scope.profile.kind == kind

    return applies
