"""EN 319 412-5, 4.1 (V2.6.1): no statement is made twice."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.1-02A")
def check(candidate: Candidate) -> str | None:
    """No statement is made twice."""
    twice = {oid for oid in candidate.qc.ids if candidate.qc.ids.count(oid) > 1}
    if twice:
        return f"The statement {', '.join(sorted(twice))} is made more than once."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.1-02A",
    clause="EN 319 412-5, 4.1 (V2.6.1)",
    words="No statement is made twice.",
    applies=is_qualified,
    check=check,
)
