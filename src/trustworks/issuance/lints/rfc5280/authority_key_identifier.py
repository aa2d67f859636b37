"""RFC 5280, 4.2.1.1: every certificate names its issuer's key, not critically."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always, key_identifier


@implements("RFC5280:4.2.1.1")
def check(candidate: Candidate) -> str | None:
    """Every certificate names its issuer's key, not critically; ours do so even when self-signed."""
    found = candidate.extension(x509.AuthorityKeyIdentifier)
    if found is None:
        return "The issuer's key is not named by an authority key identifier."
    if found.critical:
        return "The authority key identifier is critical."
    around = candidate.around
    named = around.issuer_key_identifier or key_identifier(candidate.certificate)
    if found.value.key_identifier != named:
        return "The authority key identifier does not name the key of the certificate that issues."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.1",
    clause="RFC 5280, 4.2.1.1",
    words="Every certificate names its issuer's key, not critically; ours do so even when self-signed.",
    applies=always,
    check=check,
)
