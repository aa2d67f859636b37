"""Whether a signature brings what its validation needs long after: certificates, and their status.

Levels of signatures say that such data is there, not that it is good: no signature is verified here, and
paths are followed by names. A path ends where somebody is trusted, so that the level of a file depends on the
trust anchors that it is read with; without any, at the first certificate that issued itself.

Source: EN 319 122-1, 6.3 (and the like for the other formats), level LT: certificates and revocation data for
the signer, for time-stamps, and for those who answer about revocation, each up to a trust anchor.
"""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import INTEGER
from trustworks.core.errors import Malformed
from trustworks.core.pki.building import CertificatePool, TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.names import read_distinguished_name
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.pki.revocation import RevocationData
from trustworks.core.values import dataclass
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.verification.candidates import candidates_among

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.names import DistinguishedName
    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Signature, TimeStamp

_LONGEST_PATH: Final = 32


def certificate_end(der: bytes) -> datetime | None:
    """The end of a certificate's validity; None where it cannot be read."""
    one = _certificate(der)
    return None if one is None else one.not_after


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
    listed = dict.fromkeys(revocation)
    if not listed:
        return False
    at_hand = AtHand(
        certificates=_octets(certificates, collector),
        lists=_octets((one for one in listed if one.startswith("R")), collector),
        answers=_octets((one for one in listed if one.startswith("O")), collector),
        anchors=collector.anchors,
    )
    signers = (signer_of(one, collector) for one in (signature, *provided))
    return at_hand.are_complete(_octets((one for one in signers if one is not None), collector))


def _octets(named: Iterable[str], collector: Collector) -> list[bytes]:
    return [found for one in dict.fromkeys(named) if (found := collector.token(one)) is not None]


@dataclass
class AtHand:
    """Certificates and revocation data in DER, to be asked whether they are enough."""

    certificates: Sequence[bytes]
    lists: Sequence[bytes]
    answers: Sequence[bytes]
    anchors: TrustAnchors = field(default_factory=TrustAnchors)
    _known: dict[Certificate, bool] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._listed = frozenset(map(_list_issuer, self.lists))
        answers = [one for one in map(_answer, self.answers) if one is not None]
        sent = [one for answer in answers for one in answer.certificates]
        read = [one for one in map(_certificate, self.certificates) if one is not None]
        self._pool = CertificatePool((*read, *sent))
        self._answered = RevocationData(answers=answers)

    def are_complete(self, signers: Iterable[bytes]) -> bool:
        """Whether the status of each certificate on the paths from these, up to trust anchors, is told."""
        return all(one is None or self._is_followed(one, _LONGEST_PATH) for one in map(_certificate, signers))

    def _is_followed(self, one: Certificate, left: int) -> bool:
        found = self._known.get(one)
        if found is None:
            # A responder that answers about itself is asked about once.
            self._known[one] = True
            found = self._known[one] = left > 0 and self._is_told(one, left)
        return found

    def _is_told(self, one: Certificate, left: int) -> bool:
        if one.is_self_issued or self.anchors.being(one):
            return True
        without = has_no_status(one)
        if not (without or one.issuer in self._listed or self._is_answered(one, left)):
            return False
        if self.anchors.named(one.issuer):
            return True
        above = self._pool.named(one.issuer)
        if not above:
            return without  # what is said of a certificate cannot be verified without its issuer
        return any(self._is_followed(issuer, left - 1) for issuer in above)

    def _is_answered(self, one: Certificate, left: int) -> bool:
        """Whether an answer about a certificate is there, with who gave it, and the status of that one."""
        issuers: tuple[Certificate | TrustAnchor, ...] = (
            *self._pool.named(one.issuer),
            *self.anchors.named(one.issuer),
        )
        for answer in self._answered.answers_about(one.serial):
            about = any(
                single.is_about(one, name.der, issuer.key.hashed)
                for single in answer.responses
                for issuer in issuers
                for name in (one.issuer, issuer.subject)
            )
            if about and self._is_by_somebody(answer, left):
                return True
        return False

    def _is_by_somebody(self, answer: OcspAnswer, left: int) -> bool:
        """Whether who gave an answer is known, and trusted or with a status of its own."""
        if answer.responder_name is not None:
            if self.anchors.named(answer.responder_name):
                return True
            found = self._pool.named(answer.responder_name)
        else:
            found = self._pool.with_key(answer.responder_key_hash or b"")
            if not found:
                return any(one.key.sha1 == answer.responder_key_hash for one in self.anchors.anchors)
        return any(self._is_followed(one, left - 1) for one in found)


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


@lru_cache(maxsize=512)
def _list_issuer(der: bytes) -> DistinguishedName | None:
    """The issuer of a revocation list (RFC 5280, 5.1.2.3); its entries, which may be many, are not read."""
    try:
        fields = ber.read(der).children()[0].children()
        return read_distinguished_name(fields[2 if fields[0].tag == INTEGER else 1].octets)
    except (Malformed, IndexError):
        return None
