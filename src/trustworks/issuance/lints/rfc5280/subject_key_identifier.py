"""RFC 5280, 4.2.1.2: a certificate identifies its own key, not critically; web sites' do not."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import identifies_key
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("RFC5280:4.2.1.2")
def check(candidate: Candidate) -> str | None:
    """A certificate identifies its own key, not critically; web sites' do not."""
    found = candidate.extension(x509.SubjectKeyIdentifier)
    if found is None:
        return "The subject key identifier is absent."
    if found.critical:
        return "The subject key identifier is critical."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.2",
    clause="RFC 5280, 4.2.1.2",
    words="A certificate identifies its own key, not critically; web sites' do not.",
    applies=identifies_key,
    check=check,
)
