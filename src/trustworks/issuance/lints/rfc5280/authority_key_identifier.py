"""RFC 5280, 4.2.1.1: every certificate names its issuer's key, not critically."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@lru_cache(64)
def key_identifier(certificate: x509.Certificate) -> bytes:
    """The identifier of a certificate's key: the SHA-1 hash of its bits (RFC 5280, 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


@implements("RFC5280:4.2.1.1")
def check(candidate: Candidate) -> str | None:
    """Every certificate names its issuer's key, not critically; ours do so even when self-signed."""
    found = candidate.extension(x509.AuthorityKeyIdentifier)
    issuer = candidate.around.issuer or candidate.certificate
    if found is None:
        return "The issuer's key is not named by an authority key identifier."
    if found.critical:
        return "The authority key identifier is critical."
    if found.value.key_identifier != key_identifier(issuer):
        return "The authority key identifier does not name the key of the certificate that issues."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.1",
    clause="RFC 5280, 4.2.1.1",
    words="Every certificate names its issuer's key, not critically; ours do so even when self-signed.",
    applies=always,
    check=check,
)
