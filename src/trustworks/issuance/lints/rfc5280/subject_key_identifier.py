"""RFC 5280, 4.2.1.2: every certificate identifies its own key, not critically."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.2")
def check(candidate: Candidate) -> str | None:
    """Every certificate identifies its own key, not critically."""
    found = candidate.extension(x509.SubjectKeyIdentifier)
    if found is None:
        return "The subject key identifier is absent."
    if found.critical:
        return "The subject key identifier is critical."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.2",
    clause="RFC 5280, 4.2.1.2",
    words="Every certificate identifies its own key, not critically.",
    applies=always,
    check=check,
)
