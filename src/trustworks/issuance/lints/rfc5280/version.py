"""RFC 5280, 4.1.2.1: a certificate with extensions is of version 3."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.1")
def check(candidate: Candidate) -> str | None:
    """A certificate with extensions is of version 3."""
    if candidate.tbs.version != 2:
        return f"The certificate is of version {candidate.tbs.version + 1}; with extensions it must be 3."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.1",
    clause="RFC 5280, 4.1.2.1",
    words="A certificate with extensions is of version 3.",
    applies=always,
    check=check,
)
