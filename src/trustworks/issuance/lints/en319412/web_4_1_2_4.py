"""EN 319 412-4, 4.1.2.

The subject of an extended validation certificate has its registration number as an identifier.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_ev
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-4:WEB-4.1.2-4")
def check(candidate: Candidate) -> str | None:
    """The subject of an extended validation certificate has its registration number as an identifier."""
    if not candidate.values(NameOID.ORGANIZATION_IDENTIFIER):
        return "The subject has no organizationIdentifier."
    return None


LINT = Lint(
    id="EN319412-4:WEB-4.1.2-4",
    clause="EN 319 412-4, 4.1.2",
    words="The subject of an extended validation certificate has its registration number as an identifier.",
    applies=is_ev,
    check=check,
)
