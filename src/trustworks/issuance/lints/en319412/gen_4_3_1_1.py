"""EN 319 412-2, 4.3.1: the authority key identifier is there."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.1-1")
def check(candidate: Candidate) -> str | None:
    """The authority key identifier is there."""
    if candidate.extension(x509.AuthorityKeyIdentifier) is None:
        return "The authority key identifier is absent."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.1-1",
    clause="EN 319 412-2, 4.3.1",
    words="The authority key identifier is there.",
    applies=is_person,
    check=check,
)
