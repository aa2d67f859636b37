"""What is asked for where evidence is missing, and how what comes is read."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.values import dataclass
from trustworks.formats.cms.structure import read_signed_data
from trustworks.validation.model import NeedKind
from trustworks.validation.rules.inputs import token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trustworks.core.pki.building import TrustAnchor
    from trustworks.formats.evidence import Token
    from trustworks.validation.model import Need
    from trustworks.validation.trust import Trust

_SHA1: Final = "1.3.14.3.2.26"
_CERTIFICATES_FOR: Final = timedelta(days=7)
_REVOCATION_FOR: Final = timedelta(minutes=5)
"""How long an answer is kept that does not say when the next one comes."""
_REVOCATION_AT_MOST: Final = timedelta(hours=1)
"""However late the next one comes: a certificate may be revoked long before."""


STATUS_KINDS: Final = frozenset({"ocsp", "crl"})
"""The kinds of questions whose answers tell whether a certificate is revoked."""
_ADDRESSES: Final = 4
"""Of the addresses that a certificate, or a signature, names for one thing: how many are asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to fetch: where, with which message, and what it answers with."""

    url: str
    body: bytes
    kind: str
    fresher_than: datetime | None = None
    """What was kept and is no newer than this does not help."""
    left_out: int = 0
    """How many further addresses there are for the same thing, which are not asked."""
    instead_of: tuple[tuple[str, str, bytes], ...] = ()
    """Of a list: the keys of the questions by OCSP that the same is asked with."""

    @property
    def key(self) -> tuple[str, str, bytes]:
        """What it is kept by.

        The kind is a part of it. Who signs a file names the address of a policy, and may name that of a
        revocation list: what comes then is kept as a policy is, and is never taken for a list.
        """
        return self.kind, self.url, self.body

    @property
    def lasts(self) -> bool:
        """Whether what comes is kept for other validations.

        The document of a signature policy is not: whoever made the file names its address and its digest, so
        that whatever there is helps, and would take the place of evidence.
        """
        return not self.kind.startswith("policy ")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: tokens, or the document of a policy with its identifier; else what the trouble was."""

    tokens: tuple[Token, ...] = ()
    policy: tuple[str, bytes] | None = None
    trouble: str | None = None


def questions(needs: Iterable[Need], tokens: Mapping[str, Token], trust: Trust) -> Iterator[Question]:
    """What to ask where, for what is missing. `tokens` are the certificates at hand, by id."""

    def certificate(named: str | None) -> Certificate | None:
        token = tokens.get(named or "")
        try:
            return None if token is None else Certificate.read(token.der)
        except Malformed:
            return None

    for need in needs:
        about = certificate(need.about)
        if need.kind is NeedKind.POLICY:
            yield from _few(need.urls, b"", f"policy {need.about}")
        elif about is None:
            continue
        elif need.kind is NeedKind.ISSUER:
            yield from _few(about.ca_issuers_urls, b"", "issuer")
        else:
            issuer, newer = certificate(need.issuer) or _anchor_above(about, trust), need.fresher_than
            direct: list[Question] = []
            if issuer is not None:
                direct.extend(_few(about.ocsp_urls, ocsp_request(about, issuer), "ocsp", newer))
                yield from direct
            lists = [url for url in need.urls if url not in about.ocsp_urls]
            instead = tuple(one.key for one in direct)
            yield from (replace(one, instead_of=instead) for one in _few(lists, b"", "crl", newer))


def _few(urls: Iterable[str], body: bytes, kind: str, newer: datetime | None = None) -> Iterator[Question]:
    """The same question at the first addresses of several, those that can be asked at all before others."""
    each = sorted(dict.fromkeys(urls), key=lambda url: not url.lower().startswith(("http://", "https://")))
    left_out = max(len(each) - _ADDRESSES, 0)
    for place, url in enumerate(each[:_ADDRESSES]):
        yield Question(url, body, kind, newer, 0 if place else left_out)


def _anchor_above(certificate: Certificate, trust: Trust) -> TrustAnchor | None:
    """The trust anchor that issued a certificate, which need not be in the file, nor have a certificate."""
    for anchor in trust.anchors.named(certificate.issuer):
        if certificate.signed.check(anchor.key) == "ok":
            return anchor
    return None


def ocsp_request(certificate: Certificate, issuer: Certificate | TrustAnchor) -> bytes:
    """An OCSPRequest about one certificate, by SHA-1 of its issuer's name and key: what all responders know.

    Source: RFC 6960, 4.1.1; RFC 5019, 2.1.1.
    """
    cert_id = tlv(
        SEQUENCE,
        tlv(SEQUENCE, oid(_SHA1), tlv(NULL)),
        tlv(OCTET_STRING, hashlib.sha1(certificate.issuer.der, usedforsecurity=False).digest()),
        tlv(OCTET_STRING, issuer.key.sha1),
        integer(certificate.serial),
    )
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, cert_id))))


def is_newer(question: Question, octets: bytes) -> bool:
    """Whether kept revocation data is newer than what is at hand already."""
    if question.fresher_than is None:
        return True
    try:
        if question.kind == "ocsp":
            times = [one.this_update for one in OcspAnswer.read(octets).responses]
        else:
            times = [RevocationList.read(_der(octets)).this_update]
    except Malformed:
        return False
    return any(time > question.fresher_than for time in times)


def read(question: Question, octets: bytes) -> tuple[Answer, datetime]:
    """What came, and until when it need not be asked for again. Raises `Malformed`."""
    now = datetime.now(UTC)
    if question.kind == "ocsp":
        answer = OcspAnswer.read(octets)
        following = [one.next_update for one in answer.responses if one.next_update]
        until = min(following, default=now + _REVOCATION_FOR)
        return Answer((token("O", octets),)), min(until, now + _REVOCATION_AT_MOST)
    if question.kind == "crl":
        der = _der(octets)
        until = RevocationList.read(der).next_update or now + _REVOCATION_FOR
        return Answer((token("R", der),)), min(until, now + _REVOCATION_AT_MOST)
    if question.kind == "issuer":
        found = certificates_in(octets)
        return Answer(tuple(token("C", one) for one in found)), now + _CERTIFICATES_FOR
    return Answer(policy=(question.kind.removeprefix("policy "), octets)), now + _CERTIFICATES_FOR


def certificates_in(octets: bytes) -> list[bytes]:
    """The certificates (DER) at a place that caIssuers names: one, or those of a CMS without signers.

    Source: RFC 5280, 4.2.2.1. PEM is taken too, for some authorities put it there. Raises `Malformed`.
    """
    der = _der(octets)
    try:
        Certificate.read(der)
    except Malformed:
        return [one.octets for one in read_signed_data(der).certificates]
    return [der]


def _der(octets: bytes) -> bytes:
    """DER, out of PEM where that came. Raises `Malformed`."""
    begin = octets.find(b"-----BEGIN ")
    if begin < 0:
        return octets
    _, _, body = octets[begin:].partition(b"\n")
    try:
        return base64.b64decode(b"".join(body.partition(b"-----END ")[0].split()), validate=True)
    except binascii.Error as error:
        raise Malformed("What came is PEM that cannot be decoded.") from error
