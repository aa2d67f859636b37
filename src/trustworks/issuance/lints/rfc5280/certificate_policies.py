"""RFC 5280, 4.2.1.4: no policy is named twice."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.4")
def check(candidate: Candidate) -> str | None:
    """No policy is named twice."""
    policies = candidate.policies
    if len(set(policies)) != len(policies):
        return "A certificate policy is named more than once."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.4",
    clause="RFC 5280, 4.2.1.4",
    words="No policy is named twice.",
    applies=always,
    check=check,
)
