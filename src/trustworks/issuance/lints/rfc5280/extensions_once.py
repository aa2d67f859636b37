"""RFC 5280, 4.2: no extension occurs twice."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2")
def check(candidate: Candidate) -> str | None:
    """No extension occurs twice."""
    ids = candidate.extension_ids
    if len(set(ids)) == len(ids):
        return None
    twice = {oid for oid in ids if ids.count(oid) > 1}
    return f"The extension {', '.join(sorted(twice))} occurs more than once."


LINT = Lint(
    id="RFC5280:4.2",
    clause="RFC 5280, 4.2",
    words="No extension occurs twice.",
    applies=always,
    check=check,
)
