"""EN 319 412-2, 4.2.3.1, as amended by Regulation (EU) 2025/1943.

The issuer's registration number, where one exists, is in its name, and is not the name itself.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.2.3.1-3")
def check(candidate: Candidate) -> str | None:
    """The issuer's registration number, where one exists, is in its name, and is not the name itself."""
    known = candidate.around.settings.organization_identifier
    found = candidate.issuer_values(NameOID.ORGANIZATION_IDENTIFIER)
    if known is not None and found != [known]:
        return f"The issuer's registration number {known} is not in its name."
    if set(found) & set(candidate.issuer_values(NameOID.ORGANIZATION_NAME)):
        return "The issuer's organizationIdentifier is only its name again."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.2.3.1-3",
    clause="EN 319 412-2, 4.2.3.1, as amended by Regulation (EU) 2025/1943",
    words="The issuer's registration number, where one exists, is in its name, and is not the name itself.",
    applies=is_person,
    check=check,
)
