"""EV Guidelines, 7.1.4.2.

An extended validation subject tells its kind, its number and where it is registered.
"""

from __future__ import annotations

from typing import Final

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_ev
from trustworks.issuance.lints.lint import Candidate, Lint

NEEDED: Final = {
    "organizationName": NameOID.ORGANIZATION_NAME,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionCountryName": NameOID.JURISDICTION_COUNTRY_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
}
CATEGORIES: Final = ("Private Organization", "Government Entity", "Business Entity", "Non-Commercial Entity")


@implements("CABF-EVG:7.1.4.2")
def check(candidate: Candidate) -> str | None:
    """An extended validation subject tells its kind, its number and where it is registered."""
    missing = [name for name, oid in NEEDED.items() if not candidate.values(oid)]
    if missing:
        return f"The subject lacks {', '.join(missing)}."
    if candidate.values(NameOID.BUSINESS_CATEGORY)[0] not in CATEGORIES:
        return f"The businessCategory is none of {', '.join(CATEGORIES)}."
    if candidate.values(NameOID.JURISDICTION_LOCALITY_NAME) and not candidate.values(
        NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME
    ):
        return "The locality of the jurisdiction stands there without its state or province."
    return None


LINT = Lint(
    id="CABF-EVG:7.1.4.2",
    clause="EV Guidelines, 7.1.4.2",
    words="An extended validation subject tells its kind, its number and where it is registered.",
    applies=is_ev,
    check=check,
)
