"""EN 319 412-2, 4.2.3.1: a legal person as issuer is named by country, organisation and common name."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person

NEEDED = {
    "countryName": NameOID.COUNTRY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "commonName": NameOID.COMMON_NAME,
}


@implements("EN319412-2:GEN-4.2.3.1-2")
def check(candidate: Candidate) -> str | None:
    """A legal person as issuer is named by country, organisation and common name."""
    missing = [name for name, oid in NEEDED.items() if not candidate.issuer_values(oid)]
    if missing:
        return f"The issuer's name lacks {', '.join(missing)}."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.2.3.1-2",
    clause="EN 319 412-2, 4.2.3.1",
    words="A legal person as issuer is named by country, organisation and common name.",
    applies=is_person,
    check=check,
)
