"""RFC 5280, 4.2.1.9: an authority says so in critical basic constraints, and nobody else does."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.9")
def check(candidate: Candidate) -> str | None:
    """An authority says so in critical basic constraints, and nobody else does."""
    found = candidate.extension(x509.BasicConstraints)
    claims = found is not None and found.value.ca
    if claims != candidate.profile.ca:
        return "The basic constraints do not say what the profile says about being an authority."
    if claims and found is not None and not found.critical:
        return "An authority's basic constraints are not critical."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.9",
    clause="RFC 5280, 4.2.1.9",
    words="An authority says so in critical basic constraints, and nobody else does.",
    applies=always,
    check=check,
)
