"""Candidate paths from a certificate to trust anchors, best first, out of a pool of certificates.

Several anchors may be reached, by several ways: cross-certificates, renewed CAs, a CA that is an anchor below
another that is one. Who asks judges each path (`validation`) and takes the first that holds. The search is
bounded: in a heap of cross-certificates the number of paths grows without end (RFC 4158).
"""

from __future__ import annotations

import heapq
from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.names import DistinguishedName, read_distinguished_name
from trustworks.core.pki.public_keys import PublicKey, read_public_key
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from trustworks.core.pki.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingLimits:
    """How far the search goes.

    Certificates in a path, with the anchor's; issuers of one name that are looked at; steps; signatures that
    are verified; paths that are given.
    """

    length: int = 10
    issuers: int = 100
    steps: int = 2000
    signatures: int = 300
    paths: int = 100


BUILDING_LIMITS: Final = BuildingLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchor:
    """Who is trusted without a certificate above: a name with a key (RFC 5280, 6.1.1 (d)).

    `certificate` is there where the anchor came as one, be it a CA's or an end entity's. `label` is whatever
    the source of trust wants to have back, such as the service of a trusted list. The anchor is trusted from
    `since` and until its `sunset` date, where there are such (EN 319 102-1, 5.2.6).
    """

    subject: DistinguishedName
    key: PublicKey
    certificate: Certificate | None = None
    label: object = None
    since: datetime | None = None
    sunset: datetime | None = None

    def __str__(self) -> str:
        return f"the trust anchor {self.subject.text}"

    @staticmethod
    def of(
        certificate: Certificate,
        *,
        label: object = None,
        since: datetime | None = None,
        sunset: datetime | None = None,
    ) -> TrustAnchor:
        """The anchor that a certificate stands for."""
        return TrustAnchor(
            subject=certificate.subject,
            key=certificate.key,
            certificate=certificate,
            label=label,
            since=since,
            sunset=sunset,
        )

    @staticmethod
    def named(
        subject: bytes,
        key: bytes,
        *,
        label: object = None,
        since: datetime | None = None,
        sunset: datetime | None = None,
    ) -> TrustAnchor:
        """The anchor of a Name and a SubjectPublicKeyInfo in DER. Raises `Malformed`."""
        return TrustAnchor(
            subject=read_distinguished_name(subject),
            key=read_public_key(key),
            label=label,
            since=since,
            sunset=sunset,
        )


@dataclass(frozen=True, slots=True)
class Path:
    """A prospective path: the certificate in question first, then who issued each, and the trust anchor.

    The certificate of the anchor is not among `certificates`, except where the certificate in question is
    the anchor itself.
    """

    certificates: tuple[Certificate, ...]
    anchor: TrustAnchor

    @property
    def leaf(self) -> Certificate:
        """The certificate in question."""
        return self.certificates[0]

    @property
    def is_anchor_alone(self) -> bool:
        """Whether the certificate in question is the trust anchor."""
        return self.certificates[0] == self.anchor.certificate

    def issuer_of(self, number: int) -> Certificate | TrustAnchor:
        """Who issued a certificate of the path."""
        following = number + 1
        return self.certificates[following] if following < len(self.certificates) else self.anchor


class CertificatePool:
    """Certificates by the name of their subject. Immutable once made; to make one costs by their number."""

    def __init__(self, certificates: Iterable[Certificate] = ()) -> None:
        self.certificates: tuple[Certificate, ...] = tuple(dict.fromkeys(certificates))
        self._by_subject: dict[DistinguishedName, list[Certificate]] = {}
        self._by_key: dict[bytes, list[Certificate]] | None = None
        for one in self.certificates:
            self._by_subject.setdefault(one.subject, []).append(one)

    def named(self, subject: DistinguishedName) -> Sequence[Certificate]:
        """The certificates of a subject."""
        return self._by_subject.get(subject, ())

    def with_key(self, sha1: bytes) -> Sequence[Certificate]:
        """The certificates of a key, by the hash that OCSP names responders by (RFC 6960, 4.2.2.3)."""
        if self._by_key is None:
            by_key: dict[bytes, list[Certificate]] = {}
            for one in self.certificates:
                by_key.setdefault(one.key.sha1, []).append(one)
            self._by_key = by_key
        return self._by_key.get(sha1, ())

    def with_certificates(self, certificates: Iterable[Certificate]) -> CertificatePool:
        """A pool with more certificates."""
        return CertificatePool((*self.certificates, *certificates))


class TrustAnchors:
    """Trust anchors by name, and by certificate. Immutable once made."""

    def __init__(self, anchors: Iterable[TrustAnchor] = ()) -> None:
        self.anchors: tuple[TrustAnchor, ...] = tuple(anchors)
        self._by_subject: dict[DistinguishedName, list[TrustAnchor]] = {}
        self._by_digest: dict[bytes, list[TrustAnchor]] = {}
        for one in self.anchors:
            self._by_subject.setdefault(one.subject, []).append(one)
            if one.certificate is not None:
                self._by_digest.setdefault(one.certificate.sha256, []).append(one)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.anchors)

    def named(self, subject: DistinguishedName) -> Sequence[TrustAnchor]:
        """The anchors of that name."""
        return self._by_subject.get(subject, ())

    def being(self, certificate: Certificate) -> Sequence[TrustAnchor]:
        """The anchors that the certificate itself is: by its octets, or by its name and key."""
        known = self._by_digest.get(certificate.sha256, ())
        bare = (one for one in self.named(certificate.subject) if one.certificate is None)
        return (*known, *(one for one in bare if one.key == certificate.key))


@dataclass(slots=True)
class _Search:
    pool: CertificatePool
    anchors: TrustAnchors
    at: datetime | None
    limits: BuildingLimits
    verify: bool
    leading: frozenset[DistinguishedName] = frozenset()
    """The names from which an anchor can be reached, by names alone."""
    steps: int = 0
    checked: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)
    scores: dict[tuple[bytes, bytes], int | None] = field(default_factory=dict)
    _entities: dict[bytes, int] = field(default_factory=dict)
    _numbers: dict[tuple[DistinguishedName, bytes], int] = field(default_factory=dict)
    _likely: dict[bytes, Sequence[Certificate]] = field(default_factory=dict)

    def paths(self, leaf: Certificate) -> Iterator[Path]:
        number = 0
        # The heap's order: the cost, then who came first, so that nothing else is ever compared.
        heap: list[tuple[int, int, tuple[Certificate, ...], TrustAnchor | None]] = []
        for known in self.anchors.being(leaf):
            yield Path((leaf,), known)
        if leaf.issuer not in self.leading:
            return
        heapq.heappush(heap, (0, 0, (leaf,), None))
        while heap and self.steps < self.limits.steps:
            self.steps += 1
            cost, _, chain, reached = heapq.heappop(heap)
            if reached is not None:
                yield Path(chain, reached)
                continue
            for more, longer, anchor in self._above(chain):
                number += 1
                heapq.heappush(heap, (cost + more, number, longer, anchor))

    def _above(
        self, chain: tuple[Certificate, ...]
    ) -> Iterator[tuple[int, tuple[Certificate, ...], TrustAnchor | None]]:
        issued = chain[-1]
        for anchor in self.anchors.named(issued.issuer):
            if anchor.certificate is not None and (
                anchor.certificate in chain or not _may_issue(anchor.certificate)
            ):
                continue
            if self._has_signed(anchor.key, issued):
                yield 1, chain, anchor
        if len(chain) >= self.limits.length - 1:
            return
        above = {self._entity(one) for one in chain}
        for issuer in self._issuers(issued):
            if self._entity(issuer) in above:
                continue
            score = self._score(issuer, issued)
            if score is not None:
                yield score, (*chain, issuer), None

    def _entity(self, certificate: Certificate) -> int:
        """A number for a name with a key: no path comes by both twice (RFC 4158, 5.2)."""
        number = self._entities.get(certificate.sha256)
        if number is None:
            named = (certificate.subject, certificate.key.der)
            number = self._entities[certificate.sha256] = self._numbers.setdefault(named, len(self._numbers))
        return number

    def _issuers(self, issued: Certificate) -> Sequence[Certificate]:
        """The likeliest of those that have the issuer's name, before any signature is verified.

        Those from which no anchor can be reached are left out.
        """
        known = self._likely.get(issued.sha256)
        if known is None:
            found = [one for one in self.pool.named(issued.issuer) if one.issuer in self.leading]
            found.sort(key=lambda one: _cost(one, issued, self.at))
            known = self._likely[issued.sha256] = found[: self.limits.issuers]
        return known

    def _score(self, issuer: Certificate, issued: Certificate) -> int | None:
        """What a step costs; None: the issuer did not sign."""
        key = issuer.sha256, issued.sha256
        if key not in self.scores:
            signed = self._has_signed(issuer.key, issued)
            self.scores[key] = _cost(issuer, issued, self.at) if signed else None
        return self.scores[key]

    def _has_signed(self, key: PublicKey, issued: Certificate) -> bool:
        """Whether a key signed, as far as that can be said: a key without its parameters may have."""
        if not self.verify or key.parameters_missing:
            return True
        pair = key.der, issued.sha256
        if pair not in self.checked:
            if len(self.checked) >= self.limits.signatures:
                return False
            self.checked[pair] = issued.signed.check(key) == "ok"
        return self.checked[pair]


def likeliest(
    certificates: Sequence[Certificate], key_identifier: bytes | None, most: int = BUILDING_LIMITS.issuers
) -> Sequence[Certificate]:
    """So many of the certificates, those of the key that is named first."""
    if len(certificates) <= most:
        return certificates
    return sorted(certificates, key=lambda one: one.subject_key_identifier != key_identifier)[:most]


def _may_issue(anchor: Certificate) -> bool:
    """Whether an anchor's certificate is not plainly another's than a CA's.

    Of an anchor only name and key are used (RFC 5280, 6.1.1), so that one without extensions will do. But
    trusted lists have anchors that are end entities, such as time-stamping units: they issue nothing.
    """
    usage, constraints = anchor.key_usage, anchor.basic_constraints
    return (usage is None or "keyCertSign" in usage) and (constraints is None or constraints.ca)


def _is_same_entity(one: Certificate, other: Certificate) -> bool:
    """Whether a path would come by the same name and key twice (RFC 4158, 5.2)."""
    return one == other or (one.subject == other.subject and one.key == other.key)


def _cost(issuer: Certificate, issued: Certificate, at: datetime | None) -> int:
    """The likelier a step is to hold, the less it costs (RFC 4158, 3.5)."""
    cost = 2
    named = issued.authority_key_identifier
    if named is not None and named.key_identifier is not None:
        own = issuer.subject_key_identifier
        cost += 1 if own is None else 0 if own == named.key_identifier else 6
    if named is not None and named.serial is not None and named.serial != issuer.serial:
        cost += 2
    if at is not None and not issuer.not_before <= at <= issuer.not_after:
        cost += 8
    if not issuer.is_ca:
        cost += 4
    if issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        cost += 4
    return cost


def _leading(leaf: Certificate, anchors: TrustAnchors, pool: CertificatePool) -> frozenset[DistinguishedName]:
    """The names of issuers, above a certificate, from which an anchor can be reached: each is looked at once.

    In a heap of cross-certificates there is no end of ways that lead nowhere; that they do shows by names.
    """
    below: dict[DistinguishedName, set[DistinguishedName]] = {leaf.issuer: set()}
    waiting = [leaf.issuer]
    leading: list[DistinguishedName] = []
    while waiting:
        name = waiting.pop()
        if anchors.named(name):
            leading.append(name)
        for issuer in {one.issuer for one in pool.named(name)}:
            if issuer not in below:
                below[issuer] = set()
                waiting.append(issuer)
            below[issuer].add(name)
    found = set(leading)
    while leading:
        for name in below[leading.pop()] - found:
            found.add(name)
            leading.append(name)
    return frozenset(found)


def build_paths(
    certificate: Certificate,
    *,
    anchors: TrustAnchors,
    pool: CertificatePool,
    at: datetime | None = None,
    limits: BuildingLimits = BUILDING_LIMITS,
    by_name: bool = True,
) -> Iterator[Path]:
    """The prospective paths of a certificate, best first; `at` prefers those that are valid then.

    In each, every certificate was signed by the one above it. Where there is no such path, those are given
    in which the names alone fit (`by_name`), so that what is wrong can be said. Nothing is given where no
    anchor is reached, nor for what is beyond the limits.
    """
    number = 0
    leading = _leading(certificate, anchors, pool)
    for verify in (True, False) if by_name else (True,):
        search = _Search(pool, anchors, at, limits, verify, leading)
        for path in search.paths(certificate):
            yield path
            number += 1
            if number >= limits.paths:
                return
        if number:
            return


def partial_path(certificate: Certificate, pool: CertificatePool) -> tuple[Certificate, ...]:
    """The certificate and who issued it, as far up as the pool has them: to be shown where no anchor is."""
    chain = [certificate]
    while len(chain) < BUILDING_LIMITS.length:
        issued = chain[-1]
        likely = sorted(
            (
                one
                for one in pool.named(issued.issuer)
                if not any(_is_same_entity(one, other) for other in chain)
            ),
            key=lambda one: _cost(one, issued, None),
        )[: BUILDING_LIMITS.issuers]
        issuer = next((one for one in likely if issued.signed.check(one.key) == "ok"), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain)
