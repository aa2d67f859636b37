"""EN 319 411-1, 6.6.3: an OCSP signer's certificate points to no OCSP responder."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, of_kind


@implements("EN319411-1:CSS-6.6.3-01B")
def check(candidate: Candidate) -> str | None:
    """An OCSP signer's certificate points to no OCSP responder."""
    if candidate.access(AuthorityInformationAccessOID.OCSP):
        return "The OCSP signer's certificate sends clients to OCSP, which would go on for ever."
    return None


LINT = Lint(
    id="EN319411-1:CSS-6.6.3-01B",
    clause="EN 319 411-1, 6.6.3",
    words="An OCSP signer's certificate points to no OCSP responder.",
    applies=of_kind("ocsp-signer"),
    check=check,
)
