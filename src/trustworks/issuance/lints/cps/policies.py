"""the provider's practice statement.

The certificate policies are exactly the profile's, the provider's own among them.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("TRUSTWORKS:ISSUANCE-POLICIES")
def check(candidate: Candidate) -> str | None:
    """The certificate policies are exactly the profile's, the provider's own among them."""
    profile, settings = candidate.profile, candidate.around.settings
    if candidate.policies != profile.policy_identifiers(settings.policy_arc):
        return f"The policies ({', '.join(candidate.policies)}) are not the profile's."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-POLICIES",
    clause="the provider's practice statement",
    words="The certificate policies are exactly the profile's, the provider's own among them.",
    applies=always,
    check=check,
)
