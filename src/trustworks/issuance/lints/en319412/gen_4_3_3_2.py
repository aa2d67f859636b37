"""EN 319 412-2, 4.3.3: at least one certificate policy is named."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.3-2")
def check(candidate: Candidate) -> str | None:
    """At least one certificate policy is named."""
    if not candidate.policies:
        return "No certificate policy is named."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.3-2",
    clause="EN 319 412-2, 4.3.3",
    words="At least one certificate policy is named.",
    applies=is_person,
    check=check,
)
