"""RFC 5280, 4.2.1.3.

Key usage is critical and says something; only authorities sign certificates, and all of them do.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.3")
def check(candidate: Candidate) -> str | None:
    """Key usage is critical and says something; only authorities sign certificates, and all of them do."""
    found = candidate.extension(x509.KeyUsage)
    usages = candidate.key_usages
    if found is None or not usages:
        return "No key usage is set."
    if not found.critical:
        return "The key usage is not critical."
    if ("key_cert_sign" in usages) != candidate.profile.ca:
        return "Key usage keyCertSign is for authorities, and for all of them."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.3",
    clause="RFC 5280, 4.2.1.3",
    words="Key usage is critical and says something; only authorities sign certificates, and all of them do.",
    applies=always,
    check=check,
)
