"""EN 319 412-4, 4.1.2 and 4.1.4.

The registration number of a web site certificate's issuer, where one exists, is in its name.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-4:WEB-4.1.2-3")
def check(candidate: Candidate) -> str | None:
    """The registration number of a web site certificate's issuer, where one exists, is in its name."""
    known = candidate.around.settings.organization_identifier
    found = candidate.issuer_values(NameOID.ORGANIZATION_IDENTIFIER)
    if known is not None and found != [known]:
        return f"The issuer's registration number {known} is not in its name."
    return None


LINT = Lint(
    id="EN319412-4:WEB-4.1.2-3",
    clause="EN 319 412-4, 4.1.2 and 4.1.4",
    words="The registration number of a web site certificate's issuer, where one exists, is in its name.",
    applies=is_web_by_forum,
    check=check,
)
