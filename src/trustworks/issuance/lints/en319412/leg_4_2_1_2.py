"""EN 319 412-3, 4.2.1: a legal person has a country, a name, an identifier and a common name."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal

NEEDED = {
    "countryName": NameOID.COUNTRY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "commonName": NameOID.COMMON_NAME,
}


@implements("EN319412-3:LEG-4.2.1-2")
def check(candidate: Candidate) -> str | None:
    """A legal person has a country, a name, an identifier and a common name."""
    missing = [name for name, oid in NEEDED.items() if not candidate.values(oid)]
    if missing:
        return f"The subject lacks {', '.join(missing)}."
    return None


LINT = Lint(
    id="EN319412-3:LEG-4.2.1-2",
    clause="EN 319 412-3, 4.2.1",
    words="A legal person has a country, a name, an identifier and a common name.",
    applies=is_legal,
    check=check,
)
