"""EN 319 412-5, 4.3.3: records are kept for a number of years that is one at least."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:4.3.3")
def check(candidate: Candidate) -> str | None:
    """Records are kept for a number of years that is one at least."""
    if any(years < 1 for years in candidate.qc.retention):
        return f"Records are kept for {candidate.qc.retention[0]} years, which is no time."
    return None


LINT = Lint(
    id="EN319412-5:4.3.3",
    clause="EN 319 412-5, 4.3.3",
    words="Records are kept for a number of years that is one at least.",
    applies=is_qualified,
    check=check,
)
