"""EN 319 412-2, 4.4.1: the authority information access is there."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.4.1-2")
def check(candidate: Candidate) -> str | None:
    """The authority information access is there."""
    if candidate.extension(x509.AuthorityInformationAccess) is None:
        return "The authority information access is absent."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.4.1-2",
    clause="EN 319 412-2, 4.4.1",
    words="The authority information access is there.",
    applies=is_person,
    check=check,
)
