"""RFC 5280, 4.1.2.8: the unique identifiers of issuer and subject are not used."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.8")
def check(candidate: Candidate) -> str | None:
    """The unique identifiers of issuer and subject are not used."""
    if candidate.tbs.issuer_unique_id is not None or candidate.tbs.subject_unique_id is not None:
        return "The certificate carries a unique identifier of issuer or subject; nobody may write those."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.8",
    clause="RFC 5280, 4.1.2.8",
    words="The unique identifiers of issuer and subject are not used.",
    applies=always,
    check=check,
)
