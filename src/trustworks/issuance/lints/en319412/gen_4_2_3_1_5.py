"""EN 319 412-2, 4.2.3.1: country, organisation, identifier and common name of the issuer occur once."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person

ONCE = {
    "countryName": NameOID.COUNTRY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "commonName": NameOID.COMMON_NAME,
}


@implements("EN319412-2:GEN-4.2.3.1-5")
def check(candidate: Candidate) -> str | None:
    """Country, organisation, identifier and common name of the issuer occur once."""
    twice = [name for name, oid in ONCE.items() if len(candidate.issuer_values(oid)) > 1]
    if twice:
        return f"The issuer's name has more than one {', '.join(twice)}."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.2.3.1-5",
    clause="EN 319 412-2, 4.2.3.1",
    words="Country, organisation, identifier and common name of the issuer occur once.",
    applies=is_person,
    check=check,
)
