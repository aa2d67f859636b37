"""What an OCSP answer says about a certificate (RFC 6960, 3.2 and 4.2.2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.pki.building import likeliest
from trustworks.core.pki.extensions import OCSP_SIGNING
from trustworks.core.pki.revocation_facts import Authority, Refusal, RefusalCode, RevocationFact, capital
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.building import CertificatePool, TrustAnchors
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.names import DistinguishedName
    from trustworks.core.pki.ocsp_answer import OcspAnswer, SingleAnswer
    from trustworks.core.pki.path_verdict import Issuer


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
    if single.status == "unknown":
        words = f"says that the responder does not know {certificate}"
        return Refusal(answer, RefusalCode.NO_STATUS, f"{capital(answer)} {words}.")
    return _answer_fact(answer, answer.produced_at, single, signers, _authority(issuer, signers, anchors))


def _authority(
    issuer: Issuer, signers: tuple[Certificate | None, ...], anchors: TrustAnchors | None
) -> Authority:
    if None in signers:
        return "issuer"
    known = [one for one in signers if one is not None and _is_delegated(one, issuer, anchors)]
    return "delegated" if known else "by-path"


def _is_delegated(responder: Certificate, issuer: Issuer, anchors: TrustAnchors | None) -> bool:
    """Whether the issuer's own key certified a responder, or it is trusted for itself."""
    if anchors is not None and anchors.being(responder):
        return True
    return responder.issuer == issuer.subject and responder.signed.check(issuer.key) == "ok"


def _answer_fact(
    answer: OcspAnswer,
    produced_at: datetime,
    single: SingleAnswer,
    signers: tuple[Certificate | None, ...],
    authority: Authority,
) -> RevocationFact:
    status: Literal["good", "revoked"] = "revoked" if single.status == "revoked" else "good"
    return RevocationFact(
        tokens=(answer,),
        signers=signers,
        status=status,
        this_update=single.this_update,
        next_update=single.next_update,
        produced_at=produced_at,
        revoked_at=single.revoked_at,
        reason=single.reason,
        invalidity_date=single.invalidity_date,
        keeps_expired_since=single.archive_cutoff,
        knows_certificate=single.cert_hash is not None,
        authority=authority,
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
    """Who signed: the issuer, or one with a certificate for OCSP, or who is trusted for it.

    Those whom the issuer itself authorised stand alone where there are such.
    """
    signed = answer.signed
    if signed is None:
        return Refusal(answer, RefusalCode.SIGNATURE, f"{capital(answer)} is not signed.")
    if _is_named(answer, issuer.subject, issuer.key.sha1) and signed.check(issuer.key) == "ok":
        return (None,)
    candidates = dict.fromkeys(
        (*answer.certificates, *likeliest(_named_in(pool, answer), answer.responder_key_hash))
    )
    found = [
        one
        for one in candidates
        if _is_named(answer, one.subject, one.key.sha1) and signed.check(one.key) == "ok"
    ]
    for_ocsp = [
        one
        for one in found
        if OCSP_SIGNING in (one.extended_key_usage or ()) or (anchors is not None and anchors.being(one))
    ]
    delegated = [one for one in for_ocsp if _is_delegated(one, issuer, anchors)]
    if delegated or for_ocsp:
        return tuple(delegated or for_ocsp)
    if found:
        words = "is signed by a responder whose certificate is not for OCSP"
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
