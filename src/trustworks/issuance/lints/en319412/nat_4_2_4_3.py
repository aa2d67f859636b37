"""EN 319 412-2, 4.2.4.

A natural person's country and common name occur once; so do, here, all its attributes.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_natural


@implements("EN319412-2:NAT-4.2.4-3")
def check(candidate: Candidate) -> str | None:
    """A natural person's country and common name occur once; so do, here, all its attributes."""
    ids = [oid for oid, _ in candidate.subject]
    twice = {oid for oid in ids if ids.count(oid) > 1}
    if twice:
        return f"The subject has the attribute {', '.join(sorted(twice))} more than once."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.2.4-3",
    clause="EN 319 412-2, 4.2.4",
    words="A natural person's country and common name occur once; so do, here, all its attributes.",
    applies=is_natural,
    check=check,
)
