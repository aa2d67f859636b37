"""RFC 5280, A.1 (upper bounds); EN 319 412-2, NAT-4.2.4-18; EN 319 412-3, LEG-4.2.1-9.

A name's attributes keep to their upper bounds; those of a person's names may be longer.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

BOUNDS = {
    NameOID.COUNTRY_NAME.dotted_string: 2,
    NameOID.STATE_OR_PROVINCE_NAME.dotted_string: 128,
    NameOID.LOCALITY_NAME.dotted_string: 128,
    NameOID.ORGANIZATION_NAME.dotted_string: 64,
    NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string: 64,
    NameOID.TITLE.dotted_string: 64,
    NameOID.PSEUDONYM.dotted_string: 128,
    NameOID.SERIAL_NUMBER.dotted_string: 64,
    NameOID.COMMON_NAME.dotted_string: 64,
    NameOID.POSTAL_CODE.dotted_string: 40,
    NameOID.STREET_ADDRESS.dotted_string: 128,
    NameOID.BUSINESS_CATEGORY.dotted_string: 128,
    NameOID.JURISDICTION_COUNTRY_NAME.dotted_string: 2,
    NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME.dotted_string: 128,
    NameOID.JURISDICTION_LOCALITY_NAME.dotted_string: 128,
}
LEGAL_NAMES = frozenset(
    {
        NameOID.ORGANIZATION_NAME.dotted_string,
        NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string,
        NameOID.COMMON_NAME.dotted_string,
    }
)
NATURAL_NAMES = LEGAL_NAMES | {NameOID.PSEUDONYM.dotted_string}
LONGER = {"legal": LEGAL_NAMES, "natural": NATURAL_NAMES}


@implements("RFC5280:A.1")
def check(candidate: Candidate) -> str | None:
    """A name's attributes keep to their upper bounds; those of a person's names may be longer."""
    longer_allowed = LONGER.get(candidate.profile.kind, frozenset())
    for oid, value in candidate.subject:
        bound = BOUNDS.get(oid)
        if not value.strip():
            return f"The attribute {oid} of the subject is empty."
        if bound is not None and len(value) > bound and oid not in longer_allowed:
            return f"The attribute {oid} of the subject has {len(value)} characters, more than {bound}."
    return None


LINT = Lint(
    id="RFC5280:A.1",
    clause="RFC 5280, A.1 (upper bounds); EN 319 412-2, NAT-4.2.4-18; EN 319 412-3, LEG-4.2.1-9",
    words="A name's attributes keep to their upper bounds; those of a person's names may be longer.",
    applies=always,
    check=check,
)
