"""EN 319 412-3, 4.2.1: a legal person's identifier is something else than its name."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal


@implements("EN319412-3:LEG-4.2.1-6")
def check(candidate: Candidate) -> str | None:
    """A legal person's identifier is something else than its name."""
    if set(candidate.values(NameOID.ORGANIZATION_IDENTIFIER)) & set(
        candidate.values(NameOID.ORGANIZATION_NAME)
    ):
        return "The subject's organizationIdentifier is only its name again."
    return None


LINT = Lint(
    id="EN319412-3:LEG-4.2.1-6",
    clause="EN 319 412-3, 4.2.1",
    words="A legal person's identifier is something else than its name.",
    applies=is_legal,
    check=check,
)
