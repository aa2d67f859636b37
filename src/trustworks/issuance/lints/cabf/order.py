"""Baseline Requirements, 7.1.4.2.

The attributes of a web site's subject stand in the order that is prescribed, each once.
"""

from __future__ import annotations

from typing import Final

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint

ORDER: Final = tuple(
    oid.dotted_string
    for oid in (
        NameOID.COUNTRY_NAME,
        NameOID.STATE_OR_PROVINCE_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.POSTAL_CODE,
        NameOID.STREET_ADDRESS,
        NameOID.ORGANIZATION_NAME,
        NameOID.SURNAME,
        NameOID.GIVEN_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        NameOID.COMMON_NAME,
    )
)


@implements("CABF-BR:7.1.4.2")
def check(candidate: Candidate) -> str | None:
    """The attributes of a web site's subject stand in the order that is prescribed, each once."""
    found = [oid for oid, _ in candidate.subject]
    places = [ORDER.index(oid) for oid in found if oid in ORDER]
    if places != sorted(places):
        return "The subject's attributes are not in the order of the Baseline Requirements."
    twice = sorted({oid for oid in found if found.count(oid) > 1})
    if twice:
        return f"The subject has the attribute {', '.join(twice)} more than once."
    return None


LINT = Lint(
    id="CABF-BR:7.1.4.2",
    clause="Baseline Requirements, 7.1.4.2",
    words="The attributes of a web site's subject stand in the order that is prescribed, each once.",
    applies=is_web_by_forum,
    check=check,
)
