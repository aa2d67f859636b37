"""EN 319 411-2, 6.6.1, as amended by Regulation (EU) 2025/1943.

A qualified certificate names the standard's policy or the provider's own that enhances it.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319411-2:GEN-6.6.1-05")
def check(candidate: Candidate) -> str | None:
    """A qualified certificate names the standard's policy or the provider's own that enhances it."""
    own = f"{candidate.around.settings.policy_arc}.{candidate.profile.own_policy}"
    if not set(candidate.policies) & {own, *candidate.profile.policies}:
        return "None of the policy identifiers of the profile is named."
    return None


LINT = Lint(
    id="EN319411-2:GEN-6.6.1-05",
    clause="EN 319 411-2, 6.6.1, as amended by Regulation (EU) 2025/1943",
    words="A qualified certificate names the standard's policy or the provider's own that enhances it.",
    applies=is_qualified,
    check=check,
)
