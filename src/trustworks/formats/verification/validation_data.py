"""Whether a signature brings what its validation needs long after: certificates, and their status.

Levels of signatures say that such data is there, not that it is good: paths are followed by names, and no
signature is verified. A path ends where somebody is trusted, so that the level of a file depends on the
trust anchors that it is read with, or else at the first certificate that issued itself: nobody is above
that one who could tell of its status. Where a trust anchor has that name, and another key, it may have
issued the certificate for a new key of its own: then signatures say who is below whom.

Source: EN 319 122-1, 6.3 (and the like for the other formats), level LT: certificates and revocation data for
the signer, for time-stamps, and for those who answer about revocation, each up to a trust anchor.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from trustworks.core.der import ber
from trustworks.core.der.encode import INTEGER
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.building import CertificatePool, TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.names import read_distinguished_name
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.remembered import remembered
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.verification.candidates import candidates_among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from trustworks.core.pki.names import DistinguishedName
    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Signature, TimeStamp

    _About: TypeAlias = tuple[DistinguishedName, int]
    """An issuer and a number: what an answer is about."""

_LONGEST_PATH: Final = 32


def certificate_end(der: bytes) -> datetime | None:
    """The end of a certificate's validity; None where it cannot be read."""
    one = _certificate(der)
    return None if one is None else one.not_after


def certificate_begin(der: bytes) -> datetime | None:
    """The beginning of a certificate's validity; None where it cannot be read."""
    one = _certificate(der)
    return None if one is None else one.not_before


def is_self_issued(der: bytes) -> bool:
    """Whether issuer and subject of a certificate are the same name; False for what cannot be read."""
    one = _certificate(der)
    return one is not None and one.is_self_issued


def signer_of(signature: Signature, collector: Collector) -> str | None:
    """The id of the certificate that a signature names as its own, if it was found; no key is tried."""
    for reference in signature.signing_certificate[:1]:
        named = collector.token_by_digest("C", reference.digest_algorithm, reference.digest)
        if named is not None:
            return named
    certificates = collector.certificates()
    own = {named: certificates[named] for named in signature.certificates if named in certificates}
    for one in candidates_among(signature, own or certificates):
        if (one.reference is not None and one.reference.digest) or one.identified:
            return one.id
    return None


def without_last_archive(stamps: Iterable[TimeStamp]) -> list[TimeStamp]:
    """Time-stamps without the newest archive time-stamp: nothing is there for that one yet."""
    found = list(stamps)
    archive = [one for one in found if one.kind is TimeStampKind.ARCHIVE]
    if archive:
        found.remove(max(archive, key=lambda one: one.time))
    return found


def is_complete(
    signature: Signature,
    provided: Iterable[Signature],
    collector: Collector,
    *,
    certificates: Iterable[str],
    revocation: Iterable[str],
) -> bool:
    """Whether there is status data for the signer, and for the signers of time-stamps.

    `provided` are the signatures of the time-stamps. `certificates` and `revocation` are the ids of what came
    with the signature. A signer whose certificate is not there is passed over. False where there is no
    revocation data at all.
    """
    listed = frozenset(revocation)
    if not listed:
        return False
    named = (signer_of(one, collector) for one in (signature, *provided))
    signers = [one for one in dict.fromkeys(named) if one is not None]
    at_hand = _at_hand(frozenset((*certificates, *signers)), listed, collector)
    return at_hand.are_complete(_octets(signers, collector))


def _at_hand(certificates: frozenset[str], revocation: frozenset[str], collector: Collector) -> AtHand:
    """What came with a signature; kept for the next one, with which the same comes more often than not."""
    named, kept = (certificates, revocation), collector.at_hand
    if kept is not None and kept[0] == named and isinstance(kept[1], AtHand):
        return kept[1]
    found = AtHand(
        certificates=_octets(certificates, collector),
        lists=_octets((one for one in revocation if one.startswith("R")), collector),
        answers=_octets((one for one in revocation if one.startswith("O")), collector),
        anchors=collector.anchors,
    )
    collector.at_hand = (named, found)
    return found


def _octets(named: Iterable[str], collector: Collector) -> list[bytes]:
    return [found for one in named if (found := collector.token(one)) is not None]


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a path lacks, and the subject of the certificate that it is about.

    `issuer`: the certificate of who issued it; `status`: revocation data about it; `responder`: there is an
    answer about it, and not the path of who gave that.
    """

    what: Literal["issuer", "status", "responder"]
    of: str


class AtHand:
    """Certificates and revocation data in DER, to be asked whether they are enough.

    To make one costs by how much there is, and so does the first question; every further one costs next to
    nothing.
    """

    def __init__(
        self,
        certificates: Iterable[bytes],
        lists: Iterable[bytes],
        answers: Iterable[bytes],
        anchors: TrustAnchors | None = None,
    ) -> None:
        self._anchors = TrustAnchors() if anchors is None else anchors
        self._listed = frozenset(map(_list_issuer, lists))
        self._answers = [one for one in map(_answer, answers) if one is not None]
        sent = (one for answer in self._answers for one in answer.certificates)
        read = (one for one in map(_certificate, certificates) if one is not None)
        self._pool = CertificatePool((*read, *sent))

    def are_complete(self, signers: Iterable[bytes]) -> bool:
        """Whether the status of each certificate on the paths from these, up to trust anchors, is told.

        They are among the certificates at hand. One that cannot be read is passed over.
        """
        return all(one is None or one in self._complete for one in map(_certificate, signers))

    def lacking(self, signers: Iterable[bytes]) -> tuple[Lack, ...]:
        """What is not there of the paths from these: for who has to say what is missing, and of whom.

        None where `are_complete` holds. Of a ring of responders that vouch for each other each is named.
        """
        names = frozenset(one.subject for one in self._complete)
        told = self._told_by(names, frozenset(one.key.sha1 for one in self._complete))
        left = [one for one in map(_certificate, signers) if one is not None]
        seen: set[Certificate] = set()
        found: dict[Lack, None] = {}
        while left:
            one = left.pop(0)
            if one in self._complete or one in seen or len(seen) > _LONGEST_PATH:
                continue
            seen.add(one)
            about = (one.issuer, one.serial)
            if not (has_no_status(one) or one.issuer in self._listed or about in told):
                answered = about in self._responders
                found[Lack(what="responder" if answered else "status", of=str(one))] = None
            if one.issuer not in names and not self._anchors.named(one.issuer):
                above = self._pool.named(one.issuer)
                if not above:
                    found[Lack(what="issuer", of=str(one))] = None
                left += above
        return tuple(found)

    @cached_property
    def _complete(self) -> frozenset[Certificate]:
        """The certificates with the status of everybody up to the end of a path.

        From the ends of paths downwards, a step for all at once, so that the order in which certificates come
        says nothing, and those that vouch for each other in a ring are not among them.
        """
        found: set[Certificate] = set()
        left = list(self._pool.certificates)
        for _ in range(_LONGEST_PATH):
            names = frozenset(one.subject for one in found)
            keys = frozenset(one.key.sha1 for one in found)
            asked = self._told_by(names, keys)
            more = [one for one in left if self._holds(one, names, asked) and self._is_below(one, found)]
            if not more:
                break
            found.update(more)
            left = [one for one in left if one not in found]
        return frozenset(found)

    def _holds(self, one: Certificate, names: frozenset[DistinguishedName], told: frozenset[_About]) -> bool:
        """Whether a path from a certificate is complete, where those above it and who answers are named."""
        if self._ends(one):
            return True
        without = has_no_status(one)
        about = (one.issuer, one.serial)
        if not (without or one.issuer in self._listed or about in told):
            # A responder that answers about itself is asked about once.
            own = self._responders.get(about)
            if not own or (one.subject not in own and one.key.sha1 not in own):
                return False
        if one.issuer in names or self._anchors.named(one.issuer):
            return True
        # What is said of a certificate cannot be verified without its issuer.
        return without and not self._pool.named(one.issuer)

    @cached_property
    def _renewed(self) -> frozenset[Certificate]:
        """Certificates that a trust anchor may have issued for another key of its own: not by that key."""
        return frozenset(
            one
            for one in self._pool.certificates
            if one.is_self_issued
            and self._anchors.named(one.issuer)
            and not self._anchors.being(one)
            and not one.is_self_signed
        )

    @cached_property
    def _names_of_renewed(self) -> frozenset[DistinguishedName]:
        return frozenset(one.subject for one in self._renewed)

    def _is_below(self, one: Certificate, found: Collection[Certificate]) -> bool:
        """Whether a certificate whose issuer has several keys is signed with one that leads on."""
        if one.issuer not in self._names_of_renewed or self._ends(one):
            return True
        above: tuple[Certificate | TrustAnchor, ...] = (
            *self._anchors.named(one.issuer),
            *(each for each in self._pool.named(one.issuer) if each in found),
        )
        return any(one.signed.check(each.key) == "ok" for each in above)

    def _ends(self, one: Certificate) -> bool:
        """Whether a path ends at a certificate, for who is above it is trusted, or nobody."""
        return bool(self._anchors.being(one)) or (one.is_self_issued and one not in self._renewed)

    def _told_by(self, names: frozenset[DistinguishedName], keys: frozenset[bytes]) -> frozenset[_About]:
        """Whom answers are about that were given by somebody of these names or keys, or by a trust anchor."""
        return frozenset(
            about
            for about, responders in self._responders.items()
            if any(
                one in keys or one in self._anchor_keys
                if isinstance(one, bytes)
                else one in names or self._anchors.named(one)
                for one in responders
            )
        )

    @cached_property
    def _anchor_keys(self) -> frozenset[bytes]:
        return frozenset(one.key.sha1 for one in self._anchors.anchors)

    @cached_property
    def _responders(self) -> dict[_About, set[DistinguishedName | bytes]]:
        """Who answered about the certificates of an issuer with a number: names, or hashes of keys."""
        encodings = {name.der: name for one in self._pool.certificates for name in (one.issuer, one.subject)}
        for name in list(encodings.values()):
            encodings |= {one.subject.der: name for one in self._anchors.named(name)}
        named: dict[str, dict[bytes, DistinguishedName]] = {}
        keys: dict[tuple[str, DistinguishedName], frozenset[bytes]] = {}
        found: dict[_About, set[DistinguishedName | bytes]] = {}
        for answer in self._answers:
            by = answer.responder_name
            for single in answer.responses:
                function = single.hash_name
                if function is None:
                    continue
                if function not in named:
                    named[function] = _by_digest(function, encodings)
                issuer = named[function].get(single.issuer_name_hash)
                if issuer is None:
                    continue
                if (function, issuer) not in keys:
                    issuers: tuple[Certificate | TrustAnchor, ...] = (
                        *self._pool.named(issuer),
                        *self._anchors.named(issuer),
                    )
                    keys[function, issuer] = frozenset(one.key.hashed(function) for one in issuers)
                if single.issuer_key_hash in keys[function, issuer]:
                    whose = answer.responder_key_hash or b"" if by is None else by
                    found.setdefault((issuer, single.serial), set()).add(whose)
        return found


def _by_digest(
    hash_name: str, encodings: Mapping[bytes, DistinguishedName]
) -> dict[bytes, DistinguishedName]:
    try:
        return {Octets(der).digest(hash_name): name for der, name in encodings.items()}
    except Rejected:  # a hash function that cannot be computed here
        return {}


def has_no_status(certificate: Certificate) -> bool:
    """Whether an extension says that nobody tells of revocation.

    id-pkix-ocsp-nocheck (RFC 6960, 4.2.2.2.1), noRevAvail (RFC 9608), validity assured for a short term
    (EN 319 412-1, 5.2).
    """
    return (
        certificate.has_ocsp_no_check
        or certificate.has_no_rev_avail
        or certificate.is_validity_assured_short_term
    )


def _certificate(der: bytes) -> Certificate | None:
    try:
        return Certificate.read(der)
    except Malformed:
        return None


def _answer(der: bytes) -> OcspAnswer | None:
    try:
        return OcspAnswer.read(der)
    except Malformed:
        return None


@remembered(512)
def _list_issuer(der: bytes) -> DistinguishedName | None:
    """The issuer of a revocation list (RFC 5280, 5.1.2.3); its entries, which may be many, are not read."""
    try:
        fields = ber.read(der).children()[0].children()
        return read_distinguished_name(fields[2 if fields[0].tag == INTEGER else 1].octets)
    except (Malformed, IndexError):
        return None
