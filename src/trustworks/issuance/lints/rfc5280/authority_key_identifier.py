"""RFC 5280, 4.2.1.1: every certificate that is not self-signed names its issuer's key, not critically."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_issued


@implements("RFC5280:4.2.1.1")
def check(candidate: Candidate) -> str | None:
    """Every certificate that is not self-signed names its issuer's key, not critically."""
    found = candidate.extension(x509.AuthorityKeyIdentifier)
    issuer = candidate.around.issuer
    if found is None or issuer is None:
        return "The issuer's key is not named by an authority key identifier."
    if found.critical:
        return "The authority key identifier is critical."
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    if found.value.key_identifier != identifier.digest:
        return "The authority key identifier does not name the key of the certificate that issues."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.1",
    clause="RFC 5280, 4.2.1.1",
    words="Every certificate that is not self-signed names its issuer's key, not critically.",
    applies=is_issued,
    check=check,
)
