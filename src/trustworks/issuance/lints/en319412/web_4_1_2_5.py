"""EN 319 412-4, 4.1.2 and 4.1.4.

The identifier of a web site's organisation is something else than its name; so is the issuer's.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-4:WEB-4.1.2-5")
def check(candidate: Candidate) -> str | None:
    """The identifier of a web site's organisation is something else than its name; so is the issuer's."""
    for values in (candidate.values, candidate.issuer_values):
        if set(values(NameOID.ORGANIZATION_IDENTIFIER)) & set(values(NameOID.ORGANIZATION_NAME)):
            return "An organizationIdentifier is only the name again."
    return None


LINT = Lint(
    id="EN319412-4:WEB-4.1.2-5",
    clause="EN 319 412-4, 4.1.2 and 4.1.4",
    words="The identifier of a web site's organisation is something else than its name; so is the issuer's.",
    applies=is_web_by_forum,
    check=check,
)
