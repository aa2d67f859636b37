"""RFC 5280, 4.2.1.13.

A distribution point says where the list is; our authorities sign their lists themselves.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.13")
def check(candidate: Candidate) -> str | None:
    """A distribution point says where the list is; our authorities sign their lists themselves."""
    found = candidate.extension(x509.CRLDistributionPoints)
    if found is None:
        return None
    if found.critical:
        return "The distribution points are critical."
    if any(not point.full_name or point.crl_issuer for point in found.value):
        return "A distribution point does not say where the list is, or names another issuer of it."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.13",
    clause="RFC 5280, 4.2.1.13",
    words="A distribution point says where the list is; our authorities sign their lists themselves.",
    applies=always,
    check=check,
)
