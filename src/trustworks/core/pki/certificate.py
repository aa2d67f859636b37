"""A certificate as validation sees it: read tolerantly, once for its octets, everything kept that was read.

`core.pki.certificates` reads what we issue and rely on ourselves, strictly. Here come the certificates of
others, with faults in an extension that nobody needs: each extension is read when it is asked for, and one
that cannot be is listed in `faults`, for `validation` to judge.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from trustworks.core.der.encode import BIT_STRING, INTEGER, SEQUENCE
from trustworks.core.der.foreign_algorithms import read_foreign_signature
from trustworks.core.der.times import read_time
from trustworks.core.der.values import expect, first, only, read_bits, tagged
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki import extensions as ext
from trustworks.core.pki.names import DistinguishedName, GeneralName, read_distinguished_name
from trustworks.core.pki.public_keys import PublicKey, read_public_key
from trustworks.core.pki.signatures import is_signed_by
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.der.algorithms import SignatureAlgorithm
    from trustworks.core.der.ber import Element

T = TypeVar("T")

SignatureCheck = Literal["ok", "wrong", "key-unusable", "algorithm-unknown"]
"""Whether a signature verifies, and if that cannot be said, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a token may be: octets, extensions, and entries of lists that are walked one by one."""

    certificate_octets: int = 1 << 20
    list_octets: int = 1 << 28
    answer_octets: int = 1 << 20
    extensions: int = 1000
    responses: int = 1000
    certificates: int = 100


LIMITS: Final = Limits()

_INTERNED_OCTETS: Final = 8192
_INTERNED: Final = 8192
_MOST_CHECKED: Final = 64


@dataclass(frozen=True, slots=True)
class Signed:
    """The signed octets of a token, their signature, and the AlgorithmIdentifier beside it."""

    octets: memoryview
    algorithm: bytes
    signature: bytes
    _checked: dict[bytes, SignatureCheck] = field(default_factory=dict, repr=False, compare=False)

    def check(self, key: PublicKey) -> SignatureCheck:
        """Whether the signature is the key's; what was found is kept for each key."""
        found = self._checked.get(key.der)
        if found is None:
            if len(self._checked) >= _MOST_CHECKED:
                self._checked.clear()
            found = self._checked[key.der] = check_signature(self.octets, self.algorithm, self.signature, key)
        return found


def check_signature(
    octets: bytes | memoryview, algorithm: bytes, signature: bytes, key: PublicKey
) -> SignatureCheck:
    """Whether a signature over some octets is a key's, by an AlgorithmIdentifier in DER."""
    loaded = key.loaded
    if isinstance(loaded, str):
        return "key-unusable"
    try:
        how = read_foreign_signature(algorithm)
        return "ok" if is_signed_by(loaded, signature, bytes(octets), how) else "wrong"
    except (Malformed, Rejected):
        return "algorithm-unknown"


@dataclass(frozen=True, eq=False)
class Certificate:
    """A certificate. Two are equal when their octets are.

    `extensions` are identifier, criticality and value of each, in order; the properties below read them.
    Everything else is as RFC 5280, 4.1 names it. Get one by `Certificate.read`.
    """

    der: bytes
    sha256: bytes
    version: int
    serial: int
    subject: DistinguishedName
    issuer: DistinguishedName
    not_before: datetime
    not_after: datetime
    extensions: tuple[tuple[str, bool, bytes], ...]
    signed: Signed = field(repr=False)
    _key: bytes = field(repr=False)
    inner_algorithm: bytes = field(repr=False)

    @staticmethod
    def read(der: bytes, limits: Limits = LIMITS) -> Certificate:
        """The certificate of these octets, the same object for the same octets while it is remembered.

        Raises `Malformed`.
        """
        if len(der) <= _INTERNED_OCTETS:
            return _interned(der, limits)
        return _read(der, limits)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Certificate) and self.sha256 == other.sha256)

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __str__(self) -> str:
        return self.subject.text or f"the certificate {self.serial:x}"

    # What is outside of the extensions

    @cached_property
    def key(self) -> PublicKey:
        """The public key; one that cannot be read at all has a `fault` that says so."""
        try:
            return read_public_key(self._key)
        except Malformed as error:
            return PublicKey(self._key, "", "other", 0, fault=f"The public key cannot be read: {error}")

    @cached_property
    def signature_algorithm(self) -> SignatureAlgorithm | None:
        """How the certificate was signed; None for an algorithm that is not known."""
        try:
            return read_foreign_signature(self.signed.algorithm)
        except (Malformed, Rejected):
            return None

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer have the same name (RFC 5280, 6.1)."""
        return self.subject == self.issuer

    @cached_property
    def is_self_signed(self) -> bool:
        """Whether the certificate's own key signed it."""
        return self.is_self_issued and self.signed.check(self.key) == "ok"

    # Extensions

    def has(self, oid: str) -> bool:
        """Whether there is such an extension."""
        return oid in self._by_oid

    def is_critical(self, oid: str) -> bool:
        """Whether there is such an extension, and it is critical."""
        return any(critical for one, critical, _ in self.extensions if one == oid)

    def value(self, oid: str) -> bytes | None:
        """The value of an extension, as the content of its OCTET STRING; None where there is none."""
        return self._by_oid.get(oid)

    @cached_property
    def _by_oid(self) -> dict[str, bytes]:
        return {oid: content for oid, _, content in reversed(self.extensions)}

    @cached_property
    def faults(self) -> dict[str, str]:
        """Extensions that cannot be read as what they should be, or are there twice, and why."""
        found: dict[str, str] = {}
        for oid, reader in _READERS.items():
            content = self._by_oid.get(oid)
            if content is not None:
                try:
                    reader(content)
                except Malformed as error:
                    found[oid] = str(error)
        if len(self._by_oid) < len(self.extensions):
            seen: set[str] = set()
            for oid, _, _ in self.extensions:
                if oid in seen:
                    found[oid] = f"The extension {oid} is there twice (RFC 5280, 4.2)."
                seen.add(oid)
        return found

    def _parsed(self, oid: str, reader: Callable[[bytes], T]) -> T | None:
        content = self._by_oid.get(oid)
        if content is None:
            return None
        try:
            return reader(content)
        except Malformed:
            return None

    @cached_property
    def basic_constraints(self) -> ext.BasicConstraints | None:
        """Basic constraints (RFC 5280, 4.2.1.9)."""
        return self._parsed(ext.BASIC_CONSTRAINTS, ext.read_basic_constraints)

    @property
    def is_ca(self) -> bool:
        """Whether basic constraints say that the subject is a CA."""
        return self.basic_constraints is not None and self.basic_constraints.ca

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """Key usage by the standard's names (RFC 5280, 4.2.1.3); None: no restriction."""
        return self._parsed(ext.KEY_USAGE, ext.read_key_usage)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """Purposes by object identifier (RFC 5280, 4.2.1.12); None: no restriction."""
        return self._parsed(ext.EXTENDED_KEY_USAGE, ext.read_oids)

    @cached_property
    def policies(self) -> tuple[ext.PolicyInformation, ...] | None:
        """Certificate policies (RFC 5280, 4.2.1.4)."""
        return self._parsed(ext.CERTIFICATE_POLICIES, ext.read_policies)

    @cached_property
    def policy_mappings(self) -> tuple[tuple[str, str], ...]:
        """Policies of the issuer and those of the subject that are equal (RFC 5280, 4.2.1.5)."""
        return self._parsed(ext.POLICY_MAPPINGS, ext.read_policy_mappings) or ()

    @cached_property
    def policy_constraints(self) -> ext.PolicyConstraints | None:
        """Policy constraints (RFC 5280, 4.2.1.11)."""
        return self._parsed(ext.POLICY_CONSTRAINTS, ext.read_policy_constraints)

    @cached_property
    def inhibit_any_policy(self) -> int | None:
        """After how many certificates anyPolicy stands for none (RFC 5280, 4.2.1.14)."""
        return self._parsed(ext.INHIBIT_ANY_POLICY, ext.read_inhibit_any_policy)

    @cached_property
    def name_constraints(self) -> ext.NameConstraints | None:
        """Name constraints (RFC 5280, 4.2.1.10)."""
        return self._parsed(ext.NAME_CONSTRAINTS, ext.read_name_constraints)

    @cached_property
    def subject_alt_names(self) -> tuple[GeneralName, ...]:
        """Alternative names of the subject (RFC 5280, 4.2.1.6)."""
        return self._parsed(ext.SUBJECT_ALT_NAME, ext.read_alt_names) or ()

    @cached_property
    def subject_key_identifier(self) -> bytes | None:
        """The identifier of the subject's key (RFC 5280, 4.2.1.2)."""
        return self._parsed(ext.SUBJECT_KEY_IDENTIFIER, ext.read_key_identifier)

    @cached_property
    def authority_key_identifier(self) -> ext.AuthorityKeyIdentifier | None:
        """Which key of the issuer signed (RFC 5280, 4.2.1.1)."""
        return self._parsed(ext.AUTHORITY_KEY_IDENTIFIER, ext.read_authority_key_identifier)

    @cached_property
    def crl_distribution_points(self) -> tuple[ext.DistributionPoint, ...]:
        """Where revocations are listed (RFC 5280, 4.2.1.13)."""
        return self._parsed(ext.CRL_DISTRIBUTION_POINTS, ext.read_distribution_points) or ()

    @cached_property
    def freshest_crl(self) -> tuple[ext.DistributionPoint, ...]:
        """Where delta lists are (RFC 5280, 4.2.1.15)."""
        return self._parsed(ext.FRESHEST_CRL, ext.read_distribution_points) or ()

    @cached_property
    def _authority_information_access(self) -> ext.AuthorityInformationAccess | None:
        return self._parsed(ext.AUTHORITY_INFO_ACCESS, ext.read_authority_information_access)

    @property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Where the issuer answers about status (RFC 5280, 4.2.2.1)."""
        return () if self._authority_information_access is None else self._authority_information_access.ocsp

    @property
    def ca_issuers_urls(self) -> tuple[str, ...]:
        """Where the certificates of the issuer are (RFC 5280, 4.2.2.1)."""
        access = self._authority_information_access
        return () if access is None else access.ca_issuers

    @cached_property
    def private_key_usage_period(self) -> tuple[datetime | None, datetime | None]:
        """From when and until when the key signed."""
        reader = ext.read_private_key_usage_period
        return self._parsed(ext.PRIVATE_KEY_USAGE_PERIOD, reader) or (None, None)

    @property
    def qc_statements(self) -> bytes | None:
        """QCStatements in DER, for `core.der.qc_statements` (RFC 3739, 3.2.6)."""
        return self._by_oid.get(ext.QC_STATEMENTS)

    @property
    def has_ocsp_no_check(self) -> bool:
        """Whether a responder's certificate is good for its life (RFC 6960, 4.2.2.2.1)."""
        return ext.OCSP_NO_CHECK in self._by_oid

    @property
    def has_no_rev_avail(self) -> bool:
        """Whether the issuer never tells of revocation (RFC 9608, 2)."""
        return ext.NO_REV_AVAIL in self._by_oid

    @property
    def is_validity_assured_short_term(self) -> bool:
        """Whether the certificate lives so short that no revocation is told (EN 319 412-1, 5.2)."""
        return ext.VALIDITY_ASSURED_SHORT_TERM in self._by_oid


_READERS: Final[dict[str, Callable[[bytes], object]]] = {
    ext.BASIC_CONSTRAINTS: ext.read_basic_constraints,
    ext.KEY_USAGE: ext.read_key_usage,
    ext.EXTENDED_KEY_USAGE: ext.read_oids,
    ext.CERTIFICATE_POLICIES: ext.read_policies,
    ext.POLICY_MAPPINGS: ext.read_policy_mappings,
    ext.POLICY_CONSTRAINTS: ext.read_policy_constraints,
    ext.INHIBIT_ANY_POLICY: ext.read_inhibit_any_policy,
    ext.NAME_CONSTRAINTS: ext.read_name_constraints,
    ext.SUBJECT_ALT_NAME: ext.read_alt_names,
    ext.SUBJECT_KEY_IDENTIFIER: ext.read_key_identifier,
    ext.AUTHORITY_KEY_IDENTIFIER: ext.read_authority_key_identifier,
    ext.CRL_DISTRIBUTION_POINTS: ext.read_distribution_points,
    ext.FRESHEST_CRL: ext.read_distribution_points,
    ext.AUTHORITY_INFO_ACCESS: ext.read_authority_information_access,
    ext.PRIVATE_KEY_USAGE_PERIOD: ext.read_private_key_usage_period,
}


def _read(der: bytes, limits: Limits) -> Certificate:
    if len(der) > limits.certificate_octets:
        raise Malformed(
            f"The certificate has {len(der)} octets, more than the {limits.certificate_octets} that are read."
        )
    signed, tbs = read_signed(der)
    parts = tbs.children()
    version = 1
    if parts and parts[0].tag == 0xA0:
        version = expect(first(parts[0]), INTEGER).integer() + 1
        parts = parts[1:]
    if len(parts) < 6:
        raise Malformed("The certificate has fewer fields than RFC 5280, 4.1 asks for.")
    serial, algorithm, issuer, validity, subject, key = parts[:6]
    times = expect(validity, SEQUENCE).children()
    if len(times) != 2:
        raise Malformed("The validity of the certificate has not two times (RFC 5280, 4.1.2.5).")
    return Certificate(
        der=der,
        sha256=hashlib.sha256(der).digest(),
        version=version,
        serial=expect(serial, INTEGER).integer(),
        subject=read_distinguished_name(expect(subject, SEQUENCE).octets),
        issuer=read_distinguished_name(expect(issuer, SEQUENCE).octets),
        not_before=read_time(times[0]),
        not_after=read_time(times[1]),
        extensions=_extensions(tagged(parts[6:], 0xA3), limits),
        signed=signed,
        _key=expect(key, SEQUENCE).octets,
        inner_algorithm=expect(algorithm, SEQUENCE).octets,
    )


_interned: Final = lru_cache(maxsize=_INTERNED)(_read)


def _extensions(holder: Element | None, limits: Limits) -> tuple[tuple[str, bool, bytes], ...]:
    if holder is None:
        return ()
    read = ext.read_extensions(expect(first(holder), SEQUENCE))
    if len(read) > limits.extensions:
        raise Malformed(f"There are {len(read)} extensions, more than the {limits.extensions} that are read.")
    return read


def read_signed(der: bytes) -> tuple[Signed, Element]:
    """The three parts of a certificate or list, and where the signed one stands. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    if len(parts) != 3:
        raise Malformed("What is signed like a certificate has three parts: that, algorithm and signature.")
    tbs, algorithm, signature = parts
    signed = Signed(
        octets=memoryview(der)[expect(tbs, SEQUENCE).start : tbs.after],
        algorithm=expect(algorithm, SEQUENCE).octets,
        signature=read_bits(expect(signature, BIT_STRING))[0],
    )
    return signed, tbs
