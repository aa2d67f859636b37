"""the provider's practice statement: no certificate is valid longer than its profile allows."""

from __future__ import annotations

from datetime import timedelta

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT")
def check(candidate: Candidate) -> str | None:
    """No certificate is valid longer than its profile allows."""
    lifetime = candidate.not_after - candidate.not_before
    if lifetime >= timedelta(days=candidate.profile.max_days):
        return (
            f"The validity of {lifetime.days} days is more than the profile's {candidate.profile.max_days}."
        )
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-VALIDITY-LIMIT",
    clause="the provider's practice statement",
    words="No certificate is valid longer than its profile allows.",
    applies=always,
    check=check,
)
