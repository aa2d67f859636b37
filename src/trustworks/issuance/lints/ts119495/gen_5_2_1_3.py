"""TS 119 495, 5.2.1.

A payment service's identifier is its authorization number, behind the authority's letters.
"""

from __future__ import annotations

import re

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_payment_service
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("TS119495:GEN-5.2.1-3")
def check(candidate: Candidate) -> str | None:
    """A payment service's identifier is its authorization number, behind the authority's letters."""
    values = candidate.values(NameOID.ORGANIZATION_IDENTIFIER)
    for _, _, authority in candidate.qc.psd2:
        country, _, letters = authority.partition("-")
        if not any(re.fullmatch(rf"PSD{country}-{re.escape(letters)}-.+", value) for value in values):
            return (
                f"The identifier {', '.join(values)} is not such as PSD{authority}-12345, by this authority."
            )
    return None


LINT = Lint(
    id="TS119495:GEN-5.2.1-3",
    clause="TS 119 495, 5.2.1",
    words="A payment service's identifier is its authorization number, behind the authority's letters.",
    applies=is_payment_service,
    check=check,
)
