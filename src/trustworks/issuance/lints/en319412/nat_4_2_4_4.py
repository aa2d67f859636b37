"""EN 319 412-2, 4.2.4: a pseudonym stands instead of the names, never beside them."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_natural


@implements("EN319412-2:NAT-4.2.4-4")
def check(candidate: Candidate) -> str | None:
    """A pseudonym stands instead of the names, never beside them."""
    if candidate.values(NameOID.PSEUDONYM) and (
        candidate.values(NameOID.GIVEN_NAME) or candidate.values(NameOID.SURNAME)
    ):
        return "The subject has a pseudonym and the name that it hides."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.2.4-4",
    clause="EN 319 412-2, 4.2.4",
    words="A pseudonym stands instead of the names, never beside them.",
    applies=is_natural,
    check=check,
)
