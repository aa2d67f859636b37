"""the provider's practice statement.

In a lab every subject's common name carries the word TEST, and its country is nobody's.
"""

from __future__ import annotations

import re

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

# ISO 3166-1, 8.1.3: the codes that are left to users and will never be a country's.
FICTIONAL = re.compile("AA|Q[M-Z]|X[A-Z]|ZZ")


@implements("TRUSTWORKS:ISSUANCE-LAB-NAMES")
def check(candidate: Candidate) -> str | None:
    """In a lab every subject's common name carries the word TEST, and its country is nobody's."""
    if not candidate.around.lab:
        return None
    if not any("TEST" in name for name in candidate.values(NameOID.COMMON_NAME)):
        return "This is a lab: the common name must carry the word TEST."
    if any(not FICTIONAL.fullmatch(country) for country in candidate.values(NameOID.COUNTRY_NAME)):
        return "This is a lab: the country must be a code that ISO assigns to nobody, such as XX."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-LAB-NAMES",
    clause="the provider's practice statement",
    words="In a lab every subject's common name carries the word TEST, and its country is nobody's.",
    applies=always,
    check=check,
)
