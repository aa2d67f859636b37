"""What a revocation list says about a certificate (RFC 5280, 6.3.3 (b) to (l))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.der.crl import REMOVE_FROM_CRL
from trustworks.core.errors import Malformed
from trustworks.core.pki.building import likeliest
from trustworks.core.pki.crl_scope import covered_reasons
from trustworks.core.pki.revocation_facts import Refusal, RefusalCode, RevocationFact, capital
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.pki.building import CertificatePool
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.path_verdict import Issuer
    from trustworks.core.pki.revocation_list import RevocationList, RevokedCertificate


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
        authority="issuer" if None in signers else "by-path",
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
    named = newest.authority_key_identifier
    for one in likeliest(pool.named(newest.issuer), None if named is None else named.key_identifier):
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
