"""Which revocation data says something about a certificate, and what.

A list or an answer is looked at by itself: is it about this certificate, did someone sign it who may, what
does it say? What comes of that is a fact. Whether its signer is trusted, whether it is fresh enough, and what
several facts say together, is asked afterwards: EN 319 102-1 asks it at other times than RFC 5280 does.
Lists follow RFC 5280, 6.3 (`crl_scope` has the rules of scope), answers RFC 6960, 3.2 and 4.2.2.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.der.crl import REMOVE_FROM_CRL
from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.errors import Malformed
from trustworks.core.pki.crl_scope import ALL_REASONS, covered_reasons, goes_with, points_of
from trustworks.core.pki.extensions import OCSP_SIGNING
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from trustworks.core.pki.building import CertificatePool, TrustAnchors
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.names import DistinguishedName
    from trustworks.core.pki.ocsp_answer import OcspAnswer, SingleAnswer
    from trustworks.core.pki.revocation_list import RevocationList, RevokedCertificate
    from trustworks.core.pki.validation import Issuer

CERTIFICATE_HOLD: Final = 6


class RefusalCode(enum.StrEnum):
    """Why revocation data says nothing about a certificate."""

    UNREADABLE = "unreadable"
    NOT_ABOUT = "not-about"  # another issuer, another certificate, another scope
    UNKNOWN_CRITICAL = "unknown-critical"
    NO_BASE = "no-base"  # a delta list without its complete list
    SIGNATURE = "signature"  # nobody who may have signed did
    NOT_AUTHORISED = "not-authorised"  # who signed may not
    NO_STATUS = "no-status"  # the responder does not know, or gave no answer
    CERT_HASH = "cert-hash"  # the responder knows another certificate by that number


@dataclass(frozen=True, slots=True)
class Refusal:
    """A list or an answer that is not accepted, and why."""

    token: RevocationList | OcspAnswer
    code: RefusalCode
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationFact:
    """What a list (with a delta list) or an answer says about a certificate.

    `status` is ``revoked`` whatever the time of revocation is. `signers` are certificates of the key that
    signed, None among them for the certificate's own issuer; whether one of them is trusted is not said.
    `reasons` are those that the data is about, by their bits. `keeps_expired_since`: certificates that
    expired since then are still told of. `knows_certificate`: the responder gave the certificate's hash.
    """

    tokens: tuple[RevocationList | OcspAnswer, ...]
    signers: tuple[Certificate | None, ...]
    status: Literal["good", "revoked"]
    this_update: datetime
    next_update: datetime | None
    produced_at: datetime
    revoked_at: datetime | None = None
    reason: int | None = None
    invalidity_date: datetime | None = None
    reasons: frozenset[int] = ALL_REASONS
    keeps_expired_since: datetime | None = None
    knows_certificate: bool = False

    @property
    def is_on_hold(self) -> bool:
        """Whether the certificate is suspended, not revoked for good."""
        return self.status == "revoked" and self.reason == CERTIFICATE_HOLD

    def is_revoked_at(self, time: datetime) -> bool:
        """Whether the data says that the certificate was revoked or suspended by then."""
        return self.status == "revoked" and (self.revoked_at is None or self.revoked_at <= time)

    def is_current(self, at: datetime) -> bool:
        """Whether the data was issued by then, and the next was not yet due (RFC 5280, 6.3.3 (a))."""
        return self.this_update <= at and (self.next_update is None or at <= self.next_update)

    @implements("EN319102-1:5.2.5-FRESH", disabled=lambda *_: True)
    def is_fresh(self, at: datetime, limit: timedelta | None = None) -> bool:
        """Whether the data is not older at a time than the limit (EN 319 102-1, 5.2.5).

        Without a limit it may be as old as the time between this update and the next; without a next, it is
        not fresh.
        """
        if limit is None:
            if self.next_update is None:
                return False
            limit = self.next_update - self.this_update
        return self.this_update >= at - limit

    def tells_of_expired(self, certificate: Certificate) -> bool:
        """Whether the data would tell of a revocation, though the certificate expired before it was issued.

        Source: EN 319 102-1, 5.2.6; X.509, 9.5.2.8; RFC 6960, 4.4.4.
        """
        if self.this_update <= certificate.not_after or self.knows_certificate:
            return True
        return self.keeps_expired_since is not None and self.keeps_expired_since <= certificate.not_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The facts about a certificate, the newest first, and what was refused."""

    facts: tuple[RevocationFact, ...]
    refusals: tuple[Refusal, ...]


class RevocationData:
    """Lists by issuer and answers by serial number. Immutable once made."""

    def __init__(self, lists: Iterable[RevocationList] = (), answers: Iterable[OcspAnswer] = ()) -> None:
        self.lists: tuple[RevocationList, ...] = tuple(dict.fromkeys(lists))
        self.answers: tuple[OcspAnswer, ...] = tuple(dict.fromkeys(answers))
        self._by_issuer: dict[DistinguishedName, list[RevocationList]] = {}
        self._by_serial: dict[int, list[OcspAnswer]] = {}
        for one in self.lists:
            self._by_issuer.setdefault(one.issuer, []).append(one)
        for answer in self.answers:
            for serial in {single.serial for single in answer.responses}:
                self._by_serial.setdefault(serial, []).append(answer)

    def lists_of(self, issuer: DistinguishedName) -> Sequence[RevocationList]:
        """The lists of an issuer."""
        return self._by_issuer.get(issuer, ())

    def answers_about(self, serial: int) -> Sequence[OcspAnswer]:
        """The answers about a certificate with that number, whoever issued it."""
        return self._by_serial.get(serial, ())


def find_facts(
    certificate: Certificate,
    issuer: Issuer,
    data: RevocationData,
    *,
    pool: CertificatePool,
    anchors: TrustAnchors | None = None,
) -> Findings:
    """What all data at hand says about a certificate.

    `pool` has certificates of signers of lists and answers; `anchors` may be responders that are trusted for
    themselves.
    """
    facts: list[RevocationFact] = []
    refusals: list[Refusal] = []
    names = {certificate.issuer, *(name for point in points_of(certificate) for name in point.issuers)}
    lists = [one for name in names for one in data.lists_of(name)]
    for found in (
        *_facts_of_lists(certificate, issuer, lists, pool),
        *(
            fact_of_answer(certificate, issuer, answer, pool=pool, anchors=anchors)
            for answer in data.answers_about(certificate.serial)
        ),
    ):
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            facts.append(found)
    facts.sort(key=lambda one: (one.this_update, one.produced_at), reverse=True)
    return Findings(facts=tuple(facts), refusals=tuple(refusals))


def _facts_of_lists(
    certificate: Certificate, issuer: Issuer, lists: Sequence[RevocationList], pool: CertificatePool
) -> Iterator[RevocationFact | Refusal]:
    complete = [one for one in lists if not one.is_delta]
    deltas = [one for one in lists if one.is_delta]
    used: set[RevocationList] = set()
    for one in complete:
        fact = fact_of_list(certificate, issuer, one, pool=pool)
        yield fact
        if isinstance(fact, Refusal):
            continue
        for delta in deltas:
            if goes_with(delta, one):
                used.add(delta)
                yield fact_of_list(certificate, issuer, one, delta, pool=pool)
    for delta in deltas:
        if delta not in used:
            words = "has changes to a complete list that is not there, or may not be used"
            yield Refusal(delta, RefusalCode.NO_BASE, f"{capital(delta)} {words}.")


def fact_of_list(
    certificate: Certificate,
    issuer: Issuer,
    revocation_list: RevocationList,
    delta: RevocationList | None = None,
    *,
    pool: CertificatePool,
) -> RevocationFact | Refusal:
    """What a complete list, with a delta list to it, says about a certificate (RFC 5280, 6.3.3 (b) to (l)).

    That the delta list goes with the complete one is for the caller to know (`crl_scope.goes_with`).
    """
    tokens = (revocation_list,) if delta is None else (revocation_list, delta)
    try:
        reasons = covered_reasons(certificate, revocation_list)
        if not reasons:
            words = f"is not about {certificate}: it has another scope"
            return Refusal(revocation_list, RefusalCode.NOT_ABOUT, f"{capital(revocation_list)} {words}.")
        signers = _check_list_signer(issuer, tokens, pool)
        if isinstance(signers, Refusal):
            return signers
        # Entries are looked at once somebody has answered for them: to read all of a long list takes time.
        for one in tokens:
            refusal = _check_list_extensions(one)
            if refusal is not None:
                return refusal
        entry = revocation_list.find(certificate.serial, certificate.issuer)
        changed = None if delta is None else delta.find(certificate.serial, certificate.issuer)
    except Malformed as error:
        return Refusal(
            revocation_list, RefusalCode.UNREADABLE, f"{capital(revocation_list)} cannot be read: {error}"
        )
    if changed is not None:
        entry = None if changed.reason == REMOVE_FROM_CRL else changed
    return _list_fact(tokens, signers, reasons, entry)


def _list_fact(
    tokens: tuple[RevocationList, ...],
    signers: tuple[Certificate | None, ...],
    reasons: frozenset[int],
    entry: RevokedCertificate | None,
) -> RevocationFact:
    newest = tokens[-1]
    return RevocationFact(
        tokens=tokens,
        signers=signers,
        status="good" if entry is None else "revoked",
        this_update=newest.this_update,
        next_update=newest.next_update,
        produced_at=newest.this_update,
        revoked_at=None if entry is None else entry.revoked_at,
        reason=None if entry is None else entry.reason,
        invalidity_date=None if entry is None else entry.invalidity_date,
        reasons=reasons,
        keeps_expired_since=tokens[0].keeps_expired_since,
    )


@implements("RFC5280:5.2-CRITICAL")
def _check_list_extensions(revocation_list: RevocationList) -> Refusal | None:
    """No critical extension that is not processed, in list or entry, and none that cannot be read."""
    unknown = revocation_list.unknown_critical
    if unknown:
        words = f"has the critical extension {unknown[0]}, which is not processed"
        return Refusal(revocation_list, RefusalCode.UNKNOWN_CRITICAL, f"{capital(revocation_list)} {words}.")
    for oid, why in revocation_list.faults.items():
        words = f"has the extension {oid}, which cannot be read: {why}"
        return Refusal(revocation_list, RefusalCode.UNREADABLE, f"{capital(revocation_list)} {words}")
    return None


@implements("RFC5280:6.3.3-SIGNER", disabled=lambda *_: (None,))
def _check_list_signer(
    issuer: Issuer, tokens: tuple[RevocationList, ...], pool: CertificatePool
) -> tuple[Certificate | None, ...] | Refusal:
    """Whose key signed: one of the list's issuer that may sign lists, the same for all (6.3.3 (f) to (h))."""
    newest = tokens[-1]
    signers: list[Certificate | None] = []
    refused = RefusalCode.SIGNATURE
    if newest.issuer == issuer.subject and all(one.signed.check(issuer.key) == "ok" for one in tokens):
        if issuer.certificate is None or _may_sign_lists(issuer.certificate):
            signers.append(None)
        else:
            refused = RefusalCode.NOT_AUTHORISED
    for one in pool.named(newest.issuer):
        if one == issuer.certificate or not all(token.signed.check(one.key) == "ok" for token in tokens):
            continue
        if _may_sign_lists(one):
            signers.append(one)
        else:
            refused = RefusalCode.NOT_AUTHORISED
    if signers:
        return tuple(signers)
    words = (
        "is signed by a key that may not sign lists, by its key usage"
        if refused is RefusalCode.NOT_AUTHORISED
        else "is signed by no certificate at hand of its issuer"
    )
    return Refusal(newest, refused, f"{capital(newest)} {words}.")


def _may_sign_lists(certificate: Certificate) -> bool:
    return certificate.key_usage is None or "cRLSign" in certificate.key_usage


def fact_of_answer(
    certificate: Certificate,
    issuer: Issuer,
    answer: OcspAnswer,
    *,
    pool: CertificatePool,
    anchors: TrustAnchors | None = None,
) -> RevocationFact | Refusal:
    """What an OCSP answer says about a certificate (RFC 6960, 3.2 and 4.2.2)."""
    if answer.status is not ResponseStatus.successful or answer.produced_at is None:
        words = f"The OCSP responder gave no answer, and said {answer.status.name}."
        return Refusal(answer, RefusalCode.NO_STATUS, words)
    singles = [one for one in answer.responses if _is_about(one, certificate, issuer)]
    if not singles:
        return Refusal(answer, RefusalCode.NOT_ABOUT, f"{capital(answer)} is not about {certificate}.")
    single = max(singles, key=lambda one: one.this_update)
    refusal = _check_answer_extensions(answer, single) or _check_cert_hash(certificate, answer, single)
    if refusal is not None:
        return refusal
    signers = _check_responder(issuer, answer, pool, anchors)
    if isinstance(signers, Refusal):
        return signers
    return _answer_fact(certificate, answer, answer.produced_at, single, signers)


def _answer_fact(
    certificate: Certificate,
    answer: OcspAnswer,
    produced_at: datetime,
    single: SingleAnswer,
    signers: tuple[Certificate | None, ...],
) -> RevocationFact | Refusal:
    if single.status == "unknown":
        words = f"says that the responder does not know {certificate}"
        return Refusal(answer, RefusalCode.NO_STATUS, f"{capital(answer)} {words}.")
    return RevocationFact(
        tokens=(answer,),
        signers=signers,
        status=single.status,
        this_update=single.this_update,
        next_update=single.next_update,
        produced_at=produced_at,
        revoked_at=single.revoked_at,
        reason=single.reason,
        invalidity_date=single.invalidity_date,
        keeps_expired_since=single.archive_cutoff,
        knows_certificate=single.cert_hash is not None,
    )


@implements("RFC6960:4.4-CRITICAL")
def _check_answer_extensions(answer: OcspAnswer, single: SingleAnswer) -> Refusal | None:
    """No critical extension that is not processed, of the answer or about the certificate."""
    unknown = (*answer.unknown_critical, *single.critical)
    if not unknown:
        return None
    words = f"has the critical extension {unknown[0]}, which is not processed"
    return Refusal(answer, RefusalCode.UNKNOWN_CRITICAL, f"{capital(answer)} {words}.")


def _is_about(single: SingleAnswer, certificate: Certificate, issuer: Issuer) -> bool:
    """By the issuer's name as either certificate writes it: clients hash the one that they have."""
    return any(
        single.is_about(certificate, name.der, issuer.key.hashed)
        for name in (certificate.issuer, issuer.subject)
    )


@implements("COMMONPKI:CERT-HASH")
def _check_cert_hash(certificate: Certificate, answer: OcspAnswer, single: SingleAnswer) -> Refusal | None:
    """Where the responder tells the certificate's hash, it is that of this one."""
    if single.cert_hash is None:
        return None
    name, digest = single.cert_hash
    try:
        known = (
            name is not None and hashlib.new(name, certificate.der, usedforsecurity=False).digest() == digest
        )
    except ValueError:
        known = False
    if known:
        return None
    words = f"has the hash of another certificate than {certificate}"
    return Refusal(answer, RefusalCode.CERT_HASH, f"{capital(answer)} {words}.")


@implements("RFC6960:4.2.2.2-AUTHORISED", disabled=lambda *_: (None,))
def _check_responder(
    issuer: Issuer, answer: OcspAnswer, pool: CertificatePool, anchors: TrustAnchors | None
) -> tuple[Certificate | None, ...] | Refusal:
    """Who signed: the issuer, who it authorised by a certificate for that, or one who is trusted for it."""
    signed = answer.signed
    if signed is None:
        return Refusal(answer, RefusalCode.SIGNATURE, f"{capital(answer)} is not signed.")
    if _is_named(answer, issuer.subject, issuer.key.sha1) and signed.check(issuer.key) == "ok":
        return (None,)
    found = False
    signers: list[Certificate | None] = []
    for one in dict.fromkeys((*answer.certificates, *_named_in(pool, answer))):
        if not _is_named(answer, one.subject, one.key.sha1) or signed.check(one.key) != "ok":
            continue
        found = True
        if (anchors is not None and anchors.being(one)) or (
            one.issuer == issuer.subject
            and one.signed.check(issuer.key) == "ok"
            and OCSP_SIGNING in (one.extended_key_usage or ())
        ):
            signers.append(one)
    if signers:
        return tuple(signers)
    if found:
        words = "is signed by a responder that the certificate's issuer did not authorise"
        return Refusal(answer, RefusalCode.NOT_AUTHORISED, f"{capital(answer)} {words}.")
    words = "is signed by no certificate at hand of its responder"
    return Refusal(answer, RefusalCode.SIGNATURE, f"{capital(answer)} {words}.")


def _is_named(answer: OcspAnswer, subject: DistinguishedName, key_hash: bytes) -> bool:
    if answer.responder_name is not None:
        return answer.responder_name == subject
    return answer.responder_key_hash == key_hash


def _named_in(pool: CertificatePool, answer: OcspAnswer) -> Sequence[Certificate]:
    if answer.responder_name is not None:
        return pool.named(answer.responder_name)
    return pool.with_key(answer.responder_key_hash or b"")


def capital(token: RevocationList | OcspAnswer) -> str:
    """What the token is called at the beginning of a sentence."""
    text = str(token)
    return text[:1].upper() + text[1:]
