"""Judges, fetches what would change the answer, and judges again, until nothing more is to be had.

What was fetched is an input of the last judgement like all else, so that it can be kept and judged again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.formats.cms.structure import read_signed_data
from trustworks.validation.model import NeedKind
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustworks.formats.evidence import Evidence, Token
    from trustworks.validation.gathering.fetching import Fetcher
    from trustworks.validation.model import Need, Outcome
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.surroundings import Known
    from trustworks.validation.trust import Trust

_ROUNDS: Final = 8
_AT_ONCE: Final = 6
_SHA1: Final = "1.3.14.3.2.26"
_CERTIFICATES_FOR: Final = timedelta(days=7)
_REVOCATION_FOR: Final = timedelta(minutes=5)
"""How long an answer is kept that does not say when the next one comes."""
_REVOCATION_AT_MOST: Final = timedelta(hours=1)
"""However late the next one comes: what is kept was not verified yet, and anybody may have sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a token (by its id) or a signature policy (by its identifier) came from, and when.

    `time` None: out of the cache, where it lay since an earlier validation.
    """

    id: str
    url: str
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The last outcome, the evidence from outside that it was judged by, and what could not be had."""

    outcome: Outcome
    extra: Extra
    troubles: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


def gather(
    evidence: Evidence,
    *,
    trust: Trust,
    policy: Policy,
    extra: Extra,
    fetcher: Fetcher | None,
    at: datetime | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0),
    known: Known | None = None,
) -> Gathered:
    """Judge `evidence` at `at` (None: the second of each round), with what `fetcher` finds; None: offline.

    `known` is handed to the process. Seconds are what reports tell of a time, and certificates know.
    """
    found = _Found(extra)

    def judged() -> Outcome:
        return validate(
            evidence,
            at=at or now(),
            trust=trust,
            policy=policy,
            extra=found.extra,
            present=at is None,
            known=known,
        )

    outcome = judged()
    if fetcher is None:
        return Gathered(outcome=outcome, extra=extra)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="evidence") as threads:
        for _ in range(_ROUNDS):
            questions = [
                one for one in _questions(outcome.needs, evidence, found, trust) if one.key not in found.asked
            ]
            questions = questions[: max(fetcher.limits.answers - len(found.asked), 0)]
            if not questions:
                break
            found.asked.update(one.key for one in questions)
            answers = threads.map(lambda one: _answer(one, fetcher), questions)
            if not found.take(answers):
                break
            outcome = judged()
    return Gathered(
        outcome=outcome,
        extra=found.extra,
        troubles=tuple(found.troubles),
        sources=tuple(found.sources.values()),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """One thing to fetch: where, with which message, and what it answers with."""

    url: str
    body: bytes
    kind: str
    fresher_than: datetime | None = None
    """What was kept and is no newer than this does not help."""

    @property
    def key(self) -> tuple[str, bytes]:
        return self.url, self.body


@dataclass(frozen=True, slots=True)
class _Answer:
    tokens: tuple[Token, ...] = ()
    policy: tuple[str, bytes] | None = None
    trouble: str | None = None
    url: str = ""
    time: datetime | None = None


@dataclass(slots=True)
class _Found:
    """What came from outside so far."""

    extra: Extra
    asked: set[tuple[str, bytes]] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)

    def take(self, answers: Iterable[_Answer]) -> bool:
        """Take answers; whether there was anything new in them."""
        certificates = {one.id: one for one in self.extra.certificates}
        revocation = {one.id: one for one in self.extra.revocation}
        policies = dict(self.extra.policies)
        before = len(certificates) + len(revocation) + len(policies)
        for answer in answers:
            for one in answer.tokens:
                kept = certificates if one.id.startswith("C-") else revocation
                if one.id not in kept:
                    kept[one.id] = one
                    self._note(one.id, answer)
            if answer.policy is not None and answer.policy[0] not in policies:
                policies.update([answer.policy])
                self._note(answer.policy[0], answer)
            if answer.trouble is not None:
                self.troubles.append(answer.trouble)
        self.extra = replace(
            self.extra,
            certificates=tuple(certificates.values()),
            revocation=tuple(revocation.values()),
            policies=policies,
        )
        return len(certificates) + len(revocation) + len(policies) > before

    def _note(self, identifier: str, answer: _Answer) -> None:
        self.sources[identifier] = Source(id=identifier, url=answer.url, time=answer.time)


def _questions(needs: Iterable[Need], evidence: Evidence, found: _Found, trust: Trust) -> Iterator[_Question]:
    tokens = dict(evidence.certificates) | {one.id: one for one in found.extra.certificates}

    def certificate(named: str | None) -> Certificate | None:
        token = tokens.get(named or "")
        try:
            return None if token is None else Certificate.read(token.der)
        except Malformed:
            return None

    for need in needs:
        about = certificate(need.about)
        if need.kind is NeedKind.POLICY:
            yield from (_Question(url, b"", f"policy {need.about}") for url in need.urls)
        elif about is None:
            continue
        elif need.kind is NeedKind.ISSUER:
            yield from (_Question(url, b"", "issuer") for url in about.ca_issuers_urls)
        else:
            issuer, newer = certificate(need.issuer) or _anchor_above(about, trust), need.fresher_than
            if issuer is not None:
                request = ocsp_request(about, issuer)
                yield from (_Question(url, request, "ocsp", newer) for url in about.ocsp_urls)
            yield from (_Question(url, b"", "crl", newer) for url in need.urls if url not in about.ocsp_urls)


def _anchor_above(certificate: Certificate, trust: Trust) -> Certificate | None:
    """The trust anchor that issued a certificate, which need not be in the file."""
    for anchor in trust.anchors.named(certificate.issuer):
        if anchor.certificate is not None and certificate.signed.check(anchor.key) == "ok":
            return anchor.certificate
    return None


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
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


def _answer(question: _Question, fetcher: Fetcher) -> _Answer:
    """Ask one question; a trouble is told and stops nothing."""
    octets = fetcher.cached(question.url, question.body)
    if octets is not None and not _is_newer(question, octets):
        octets = None
    fresh = octets is None
    try:
        if octets is None and question.kind == "ocsp":
            octets = fetcher.post(question.url, question.body, "application/ocsp-request")
        elif octets is None:
            octets = fetcher.get(question.url)
        answer, until = _read(question, octets)
    except (Malformed, Rejected, Unavailable) as error:
        return _Answer(trouble=str(error))
    if fresh:
        fetcher.keep(question.url, question.body, octets, until.timestamp())
    return replace(answer, url=question.url, time=datetime.now(UTC) if fresh else None)


def _is_newer(question: _Question, octets: bytes) -> bool:
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


def _read(question: _Question, octets: bytes) -> tuple[_Answer, datetime]:
    """What came, and until when it need not be asked for again. Raises `Malformed`."""
    now = datetime.now(UTC)
    if question.kind == "ocsp":
        answer = OcspAnswer.read(octets)
        following = [one.next_update for one in answer.responses if one.next_update]
        until = min(following, default=now + _REVOCATION_FOR)
        return _Answer((token("O", octets),)), min(until, now + _REVOCATION_AT_MOST)
    if question.kind == "crl":
        der = _der(octets)
        until = RevocationList.read(der).next_update or now + _REVOCATION_FOR
        return _Answer((token("R", der),)), min(until, now + _REVOCATION_AT_MOST)
    if question.kind == "issuer":
        found = certificates_in(octets)
        return _Answer(tuple(token("C", one) for one in found)), now + _CERTIFICATES_FOR
    return _Answer(policy=(question.kind.removeprefix("policy "), octets)), now + _CERTIFICATES_FOR


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
