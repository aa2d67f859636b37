"""RFC 5280, A.1 (upper bounds); EN 319 412-3, LEG-4.2.1-9.

A name's attributes keep to their upper bounds; those of a legal person's names may be longer.
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
}
LEGAL_NAMES = frozenset(
    {
        NameOID.ORGANIZATION_NAME.dotted_string,
        NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string,
        NameOID.COMMON_NAME.dotted_string,
    }
)


@implements("RFC5280:A.1")
def check(candidate: Candidate) -> str | None:
    """A name's attributes keep to their upper bounds; those of a legal person's names may be longer."""
    longer_allowed = LEGAL_NAMES if candidate.profile.kind == "legal" else frozenset()
    for oid, value in candidate.subject:
        bound = BOUNDS.get(oid)
        if not value.strip():
            return f"The attribute {oid} of the subject is empty."
        if bound is not None and len(value) > bound and oid not in longer_allowed:
            return f"The attribute {oid} of the subject has {len(value)} characters, more than {bound}."
    return None


LINT = Lint(
    id="RFC5280:A.1",
    clause="RFC 5280, A.1 (upper bounds); EN 319 412-3, LEG-4.2.1-9",
    words="A name's attributes keep to their upper bounds; those of a legal person's names may be longer.",
    applies=always,
    check=check,
)
