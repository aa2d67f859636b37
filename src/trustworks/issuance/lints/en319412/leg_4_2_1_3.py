"""EN 319 412-3, 4.2.1: a legal person's country, name, identifier and common name occur once."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal

ONCE = {
    "countryName": NameOID.COUNTRY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "commonName": NameOID.COMMON_NAME,
}


@implements("EN319412-3:LEG-4.2.1-3")
def check(candidate: Candidate) -> str | None:
    """A legal person's country, name, identifier and common name occur once."""
    twice = [name for name, oid in ONCE.items() if len(candidate.values(oid)) > 1]
    if twice:
        return f"The subject has more than one {', '.join(twice)}."
    return None


LINT = Lint(
    id="EN319412-3:LEG-4.2.1-3",
    clause="EN 319 412-3, 4.2.1",
    words="A legal person's country, name, identifier and common name occur once.",
    applies=is_legal,
    check=check,
)
