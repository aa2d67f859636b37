"""the provider's practice statement.

In a lab what names the subject carries the word TEST, and its country is nobody's.
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

# ISO 3166-1, 8.1.3: the codes that are left to users and will never be a country's.
FICTIONAL = re.compile("AA|Q[M-Z]|X[A-Z]|ZZ")
COUNTRIES = (NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME)
NAMES = (NameOID.ORGANIZATION_NAME, NameOID.GIVEN_NAME, NameOID.SURNAME, NameOID.PSEUDONYM)


@implements("TRUSTWORKS:ISSUANCE-LAB-NAMES")
def check(candidate: Candidate) -> str | None:
    """In a lab what names the subject carries the word TEST, and its country is nobody's."""
    if not candidate.around.lab:
        return None
    if not any("TEST" in name for name in _names(candidate)):
        return "This is a lab: the common name, or else the name itself, must carry the word TEST."
    countries = [value for oid in COUNTRIES for value in candidate.values(oid)]
    if any(not FICTIONAL.fullmatch(country) for country in countries):
        return "This is a lab: the country must be a code that ISO assigns to nobody, such as XX."
    return None


def _names(candidate: Candidate) -> list[str]:
    """What names the subject: the common name unless it is an address, else the names, else the issuer's."""
    found = candidate.extension(x509.SubjectAlternativeName)
    addresses = {str(name.value).lower() for name in (() if found is None else found.value)}
    common = [name for name in candidate.values(NameOID.COMMON_NAME) if name.lower() not in addresses]
    return (
        common
        or [name for oid in NAMES for name in candidate.values(oid)]
        or candidate.issuer_values(NameOID.COMMON_NAME)
    )


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-LAB-NAMES",
    clause="the provider's practice statement",
    words="In a lab what names the subject carries the word TEST, and its country is nobody's.",
    applies=always,
    check=check,
)
