"""EN 319 411-1, 6.6.1 and 6.3.9.

The validity is assured only where a certificate ends before a revocation could take effect.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

VALIDITY_ASSURED: Final = "0.4.0.194121.2.1"
REVOCATION: Final = timedelta(hours=24)  # REV-6.2.4-03A: from the request to its effect, at most


@implements("EN319411-1:GEN-6.6.1-04", "EN319411-1:GEN-6.6.1-05")
def check(candidate: Candidate) -> str | None:
    """The validity is assured only where a certificate ends before a revocation could take effect."""
    if VALIDITY_ASSURED not in candidate.extensions:
        return None
    if not candidate.profile.short_term:
        return "The validity is assured, and certificates of this profile can be revoked."
    lifetime = candidate.not_after - candidate.not_before + timedelta(seconds=1)
    if lifetime >= REVOCATION:
        return (
            f"The validity of {lifetime} is assured, and a revocation would take effect within {REVOCATION}."
        )
    return None


LINT = Lint(
    id="EN319411-1:GEN-6.6.1-04",
    clause="EN 319 411-1, 6.6.1 and 6.3.9",
    words="The validity is assured only where a certificate ends before a revocation could take effect.",
    applies=always,
    check=check,
)
