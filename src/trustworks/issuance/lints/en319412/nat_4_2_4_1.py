"""EN 319 412-2, 4.2.4: a natural person has a country, a common name, and a name or a pseudonym."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_natural


@implements("EN319412-2:NAT-4.2.4-1")
def check(candidate: Candidate) -> str | None:
    """A natural person has a country, a common name, and a name or a pseudonym."""
    if not candidate.values(NameOID.COUNTRY_NAME) or not candidate.values(NameOID.COMMON_NAME):
        return "The subject lacks countryName or commonName."
    if not any(candidate.values(oid) for oid in (NameOID.GIVEN_NAME, NameOID.SURNAME, NameOID.PSEUDONYM)):
        return "The subject has neither a given name or surname nor a pseudonym."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.2.4-1",
    clause="EN 319 412-2, 4.2.4",
    words="A natural person has a country, a common name, and a name or a pseudonym.",
    applies=is_natural,
    check=check,
)
